/* SPDX-License-Identifier: Apache-2.0 */
#include "actions/delivery/delivery.h"

#include <string.h>

#include "base/limits.h"
#include "base/password.h"
#include "base/text.h"

enum { SHOWN_MAX = 120 };

#define NAME_BYTES "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-"
#define SFTP "sftp://"

#define DIRECTORY(default_is)                                                                      \
	{                                                                                          \
		.name = "artifacts", .type = PARAM_PATH, .preset = (default_is),                   \
		.help = "a sub-directory of the artifacts"                                         \
	}

const struct param delivery_params[] = {DIRECTORY("."), {0}};
const struct param delivery_rsync_params[] = {DIRECTORY(ARTIFACTS_RSYNC), {0}};
const struct param delivery_debian_params[] = {DIRECTORY(ARTIFACTS_DEBIAN), {0}};

int delivery_check(const struct node *args, const char *file, struct err *e)
{
	const struct node *n = node_get(args, "artifacts");
	auto_free char *slashed = n ? mem_printf("/%s/", n->text) : NULL;
	auto_free char *shown = n ? text_safe(n->text, SHOWN_MAX) : NULL;

	if (n && (n->text[0] == '/' || strstr(slashed, "/../")))
		return node_err(n, file, e, "'%s' is not a sub-directory of the artifacts", shown);
	return 0;
}

struct target {
	char *login; /* "[USER@]HOST", or "http://HOST" */
	char *path;
	bool web;
};

static void target_release(struct target *t)
{
	free(t->login);
	free(t->path);
}

#define auto_target __attribute__((cleanup(target_release)))

static int refuse(const char *key, const char *text, const char *what, struct err *e)
{
	auto_free char *shown = text_safe(text, SHOWN_MAX);

	return err_set(e, ERR_INPUT, "%s '%s' %s", key, shown, what);
}

/*
 * True for USER:PASSWORD@HOST:PATH, but not for HOST:PATH with an '@' in PATH. The text contains a
 * password if a host and a colon follow the '@', or if there is no '/' before it.
 */
static bool is_login_with_password(const char *text)
{
	const char *colon = strchr(text, ':'), *at = strrchr(text, '@');
	size_t host;

	if (!colon || !at || at < colon)
		return false;
	host = strspn(at + 1, NAME_BYTES);
	return !memchr(colon, '/', (size_t)(at - colon)) || (host && at[1 + host] == ':');
}

static bool has_password(const char *text)
{
	return password_skip_scheme(text) != text ? password_is_in(text)
						  : is_login_with_password(text);
}

/* The message does not contain the target, so this check comes before all others. */
int delivery_check_password(const char *key, const char *text, struct err *e)
{
	if (!has_password(text))
		return 0;
	return err_set(e, ERR_INPUT,
		"%s has credentials in it, which would be in logs and plans: take them out; a "
		"login by ssh has its key under `ssh` of the configuration, and a PATH with '@' is "
		"written sftp://HOST/PATH",
		key);
}

/* Split a target into login and path. */
static bool split(const char *text, struct target *ret)
{
	bool url = strncmp(text, SFTP, strlen(SFTP)) == 0;
	const char *from = url ? text + strlen(SFTP) : text;
	const char *end = strchr(from, url ? '/' : ':');

	if (!end && !url)
		return false;
	ret->login = mem_strndup(from, end ? (size_t)(end - from) : strlen(from));
	ret->path = mem_strdup(!end ? "" : url ? end : end + 1);
	return true;
}

/* Reject logins that ssh or a shell could interpret as an option or as another word. */
static bool is_login(const char *login)
{
	const char *at = strchr(login, '@');
	const char *host = at ? at + 1 : login;
	size_t user = at ? (size_t)(at - login) : 0;

	if (at && (user == 0 || strspn(login, NAME_BYTES) != user || login[0] == '-'))
		return false;
	return host[0] && host[0] != '-' && strspn(host, NAME_BYTES) == strlen(host);
}

static int check_path(const char *key, const char *text, const char *path, struct err *e)
{
	for (; *path; path++)
		if ((unsigned char)*path < ' ' || *path == 0x7f)
			return refuse(key, text, "has control characters in it", e);
	return 0;
}

static bool is_web(const char *text)
{
	return strncmp(text, "http://", 7) == 0 || strncmp(text, "https://", 8) == 0;
}

/* Replace a name of dput_targets, which corresponds to a section of dput.cf, by its target. */
static const char *look_up(const struct delivery *d, const struct node *config, const char *text)
{
	const struct node *names = d->names ? node_get(config, d->names) : NULL;

	return names && !strpbrk(text, ":/") ? node_get_text(names, text, text) : text;
}

static int read_web(const char *key, const char *text, struct target *t, struct err *e)
{
	const char *host = strstr(text, "//") + 2;
	size_t len = strcspn(host, "/");
	auto_free char *name = mem_strndup(host, len);

	if (!is_login(name) || strchr(name, '@'))
		return refuse(key, text,
			"names no host: it is of letters, digits, '.', '_' and '-', without a user "
			"and without a port",
			e);
	if (strpbrk(host, "?#%\"\\ "))
		return refuse(key, text, "has characters in it that a directory cannot have", e);
	t->login = mem_strndup(text, (size_t)(host + len - text));
	t->path = mem_strdup(host + len);
	t->web = true;
	return check_path(key, text, t->path, e);
}

/* The valid forms of a target. `name`: a name of dput_targets is valid, too. */
static const char *forms_of(const struct delivery *d, bool name)
{
	if (!d->names)
		return "is neither [USER@]HOST:PATH nor " SFTP "[USER@]HOST/PATH";
	return name ? "is neither [USER@]HOST:PATH, nor " SFTP
		      "[USER@]HOST/PATH, nor http[s]://HOST/PATH, nor a name under dput_targets"
		    : "is neither [USER@]HOST:PATH, nor " SFTP
		      "[USER@]HOST/PATH, nor http[s]://HOST/PATH";
}

/* SCHEME://; an '@' before the colon is that of a user. */
static bool is_url(const char *text)
{
	const size_t len = strcspn(text, ":/@");

	return len > 0 && strncmp(text + len, "://", 3) == 0;
}

/* Otherwise ssh would get the name of the protocol as the name of a host. */
static int refuse_scheme(const struct delivery *d, const char *key, const char *text, struct err *e)
{
	return refuse(key, text,
		d->web ? "is a URL of another protocol: only " SFTP
			 "[USER@]HOST/PATH and http[s]://HOST/PATH can be used here"
		       : "is a URL of another protocol: only " SFTP
			 "[USER@]HOST/PATH can be used here",
		e);
}

static int read_login(const struct delivery *d, const char *key, const char *text,
	const char *forms, struct target *t, struct err *e)
{
	if (is_url(text) && strncmp(text, SFTP, strlen(SFTP)) != 0)
		return refuse_scheme(d, key, text, e);
	if (!split(text, t))
		return refuse(key, text, forms, e);
	if (t->path[0] == ':')
		return refuse(key, text,
			"names a module of an rsync daemon (HOST::MODULE), which has neither "
			"encryption nor a host key: write HOST:PATH, which goes through ssh",
			e);
	if (!is_login(t->login))
		return refuse(key, text,
			"names no host that can be logged in to: USER and HOST are of letters, "
			"digits, '.', '_' and '-', and the port is always 22",
			e);
	return check_path(key, text, t->path, e);
}

/* `key` is used in messages. */
static int parse_target(const struct delivery *d, const char *key, const char *text,
	const char *forms, struct target *ret, struct err *e)
{
	auto_target struct target t = {0};
	int result;

	if (delivery_check_password(key, text, e) < 0)
		return -1;
	result = d->web && is_web(text) ? read_web(key, text, &t, e)
					: read_login(d, key, text, forms, &t, e);
	if (result < 0)
		return -1;
	*ret = t;
	t = (struct target){0};
	return 0;
}

static int read_target(
	const struct delivery *d, const struct node *config, struct target *ret, struct err *e)
{
	const char *text = node_get_text(config, d->key, NULL);

	if (!text)
		return err_reason(e, ERR_INPUT, ERR_REASON_NO_TARGET,
			"there is no target: set %s in the configuration", d->key);
	return parse_target(d, d->key, look_up(d, config, text), forms_of(d, true), ret, e);
}

/* Actions without the parameter deliver all artifacts. */
static const char *directory_of(const struct entry *entry)
{
	const struct param *params = entry->action->params;

	return schema_find(params, "artifacts") ? schema_text(params, entry->args, "artifacts")
						: ".";
}

int delivery_expand(
	const struct entry *entry, const struct node *settings, struct plan *out, struct err *e)
{
	const struct delivery *d = entry->action->kind;
	auto_target struct target t = {0};
	struct node *step;

	if (read_target(d, settings, &t, e) < 0)
		return -1;
	step = node_map();
	node_set_string(step, "method", t.web ? d->web : d->method);
	node_set_string(step, "artifacts", directory_of(entry));
	node_set_string(step, "login", t.login);
	node_set_string(step, "path", t.path);
	(void)plan_add(out, action_upload.name, step, &entry->origin);
	return 0;
}

int delivery_reach(const struct entry *entry, const struct node *settings,
	struct endpoints *ret_endpoints, struct err *e)
{
	const struct delivery *d = entry->action->kind;
	auto_target struct target t = {0};

	/* Without a target, a plan can be shown and checked, but not expanded. */
	if (!node_get(settings, d->key))
		return 0;
	if (read_target(d, settings, &t, e) < 0)
		return -1;
	if (t.web)
		return actions_reach_url(entry, t.login, ret_endpoints, e);
	endpoints_add_login(ret_endpoints, t.login);
	return 0;
}

/* ---- the configuration ---- */

static const struct target_key {
	const char *key;
	const struct action *action; /* determines the valid forms */
	const char *base;            /* if this key is there, the value is appended to it */
} target_keys[] = {
	{"rsync_target", &action_rsync, NULL},
	{"rsync_target_base", &action_rsync, NULL},
	{"rsync_target_map", &action_rsync, "rsync_target_base"},
	{"dput_target", &action_dput, NULL},
	{"sftp_target", &action_sftp_put, NULL},
	{"sftp_target_base", &action_sftp_put, NULL},
};

static int check_named(const struct node *item, const char *file, struct err *e)
{
	const struct delivery *d = action_dput.kind;
	auto_free char *shown = text_safe(item->key, SHOWN_MAX);
	auto_free char *key = mem_printf("dput_targets: %s:", shown);
	auto_target struct target t = {0};
	struct err why = {0};

	if (!item->key[0] || strpbrk(item->key, ":/"))
		return node_key_err(item, file, e,
			"'%s' is not a valid name of a target: a name has neither a colon nor a "
			"slash",
			shown);
	if (parse_target(d, key, node_text(item), forms_of(d, false), &t, &why) < 0)
		return node_err(item, file, e, "%s", why.msg);
	return 0;
}

/*
 * Targets for Ambient CI may have other forms, so a target that no action can use is only a
 * warning. Targets from the command line (line 0) are checked when they are used.
 */
static void warn_of_form(const struct delivery *d, const struct node *config,
	const struct node *item, const char *key, const char *file, struct strv *warnings)
{
	auto_target struct target t = {0};
	struct err why = {0}, placed = {0};

	if (item->line == 0 ||
		parse_target(d, key, look_up(d, config, item->text), forms_of(d, true), &t, &why) ==
			0)
		return;
	err_ignore(node_err(item, file, &placed, "%s; no action can use it", why.msg));
	strv_push(warnings, placed.msg);
}

static int check_value(const struct target_key *k, const struct node *config,
	const struct node *item, const char *file, struct strv *warnings, struct err *e)
{
	struct err why = {0};

	if (!item->text)
		return 0;
	if (delivery_check_password(k->key, item->text, &why) < 0)
		return node_err(item, file, e, "%s", why.msg);
	if (!k->base || !node_get_text(config, k->base, NULL))
		warn_of_form(k->action->kind, config, item, k->key, file, warnings);
	return 0;
}

/* The value of a key is one target, or a map with one for each project. */
static int check_key(const struct target_key *k, const struct node *config, const char *file,
	struct strv *warnings, struct err *e)
{
	const struct node *value = node_get(config, k->key), *item;

	if (!value)
		return 0;
	if (value->kind != NODE_MAP)
		return check_value(k, config, value, file, warnings, e);
	node_each (value, item)
		if (check_value(k, config, item, file, warnings, e) < 0)
			return -1;
	return 0;
}

int delivery_check_config(
	const struct node *config, const char *file, struct strv *warnings, struct err *e)
{
	const struct node *item;

	for (size_t i = 0; i < ARRAY_SIZE(target_keys); i++)
		if (check_key(&target_keys[i], config, file, warnings, e) < 0)
			return -1;
	node_each (node_get(config, "dput_targets"), item)
		if (check_named(item, file, e) < 0)
			return -1;
	return 0;
}
