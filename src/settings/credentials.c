/* SPDX-License-Identifier: Apache-2.0 */
#include "settings/credentials.h"

#include <string.h>

#include "base/limits.h"
#include "base/text.h"
#include "egress/egress.h"
#include "os/home.h"
#include "os/path.h"

enum { NAME_MAX_BYTES = 64, SHOWN_MAX = 80 };
#define NAME_BYTES "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-"

const struct param credentials_secret_params[] = {
	{.name = "file",
		.type = PARAM_PATH,
		.file_is = "the file of a secret",
		.help = "the file that contains the secret; only its owner may have access to it"},
	{.name = "command",
		.type = PARAM_STRINGS,
		.not_empty = true,
		.is_command = true,
		.file_is = "the program of a secret",
		.help = "a program, with arguments, that writes the secret to standard output"},
	{.name = "env",
		.type = PARAM_STRING,
		.not_empty = true,
		.help = "the environment variable of ambient that contains the secret"},
	{.name = "projects",
		.type = PARAM_STRINGS,
		.required = true,
		.not_empty = true,
		.help = "the projects that may use the secret"},
	{.name = "actions",
		.type = PARAM_STRINGS,
		.required = true,
		.not_empty = true,
		.help = "the actions that may use the secret, of those that log in to servers"},
	{0},
};

const struct param credentials_listed_params[] = {
	{.name = "source",
		.type = PARAM_PATH,
		.required = true,
		.help = "the file that contains the secret"},
	{.name = "dest",
		.type = PARAM_PATH,
		.required = true,
		.help = "the name of the secret, after the last slash"},
	{0},
};

const struct param credentials_ssh_params[] = {
	{.name = "host",
		.type = PARAM_STRING,
		.required = true,
		.not_empty = true,
		.help = "the name of the host, as written in targets"},
	{.name = "user",
		.type = PARAM_STRING,
		.not_empty = true,
		.help = "use this entry only for targets with this user; default: for all targets"},
	{.name = "key",
		.type = PARAM_STRING,
		.required = true,
		.not_empty = true,
		.help = "the name of the secret that contains the private key"},
	{.name = "certificate",
		.type = PARAM_PATH,
		.file_is = "a certificate for ssh",
		.help = "a file with a user certificate for the key"},
	{.name = "known_hosts",
		.type = PARAM_PATH,
		.required = true,
		.file_is = "a file of known hosts",
		.help = "a file with the host keys of the host; any other key is rejected"},
	{.name = "ssh_agent",
		.type = PARAM_BOOL,
		.help = "keep the key on this host; an agent on the host signs the logins"},
	{0},
};

static void host_release(struct credential_host *h)
{
	free(h->host);
	free(h->user);
	free(h->key);
	free(h->certificate);
	free(h->known_hosts);
}

void credentials_release(struct credentials *c)
{
	for (size_t i = 0; i < c->count; i++) {
		free(c->secrets[i].name);
		free(c->secrets[i].file);
		strv_release(&c->secrets[i].command);
		free(c->secrets[i].variable);
		vault_free(&c->secrets[i].value);
		strv_release(&c->secrets[i].projects);
		strv_release(&c->secrets[i].actions);
	}
	for (size_t i = 0; i < c->host_count; i++)
		host_release(&c->hosts[i]);
	if (c->others)
		host_release(c->others);
	free(c->others);
	free(c->secrets);
	free(c->hosts);
	*c = (struct credentials){0};
}

/* ---- secrets ---- */

static char *text_of(const struct node *map, const char *key)
{
	const char *text = node_get_text(map, key, NULL);

	return text ? mem_strdup(text) : NULL;
}

/* The name is also used as a file name. */
static bool is_name(const char *s)
{
	size_t len = strlen(s);

	return len > 0 && len <= NAME_MAX_BYTES && strspn(s, NAME_BYTES) == len && s[0] != '.' &&
		s[0] != '-';
}

static void copy_variable(struct credential *s)
{
	const char *value = getenv(s->variable);

	if (!value)
		return;
	s->value_len = strlen(value);
	vault_alloc(&s->value, s->value_len + 1);
	memcpy(s->value.data, value, s->value_len);
}

/* Overwrite the bytes of the environment itself, because /proc shows them. */
static void wipe_variable(const char *name)
{
	char *value = getenv(name);

	if (value)
		explicit_bzero(value, strlen(value));
	(void)unsetenv(name);
}

/* Two passes, because two secrets may come from the same variable. */
static void take_variables(struct credentials *c)
{
	for (size_t i = 0; i < c->count; i++)
		if (c->secrets[i].variable)
			copy_variable(&c->secrets[i]);
	for (size_t i = 0; i < c->count; i++)
		if (c->secrets[i].variable)
			wipe_variable(c->secrets[i].variable);
}

static int load_secret(
	const struct node *item, const char *file, struct credential *s, struct err *e)
{
	*s = (struct credential){.name = mem_strdup(item->key),
		.file = text_of(item, "file"),
		.variable = text_of(item, "env"),
		/* In a mapping, the key is required. */
		.listed = !node_get(item, "projects")};
	node_to_strv(node_get(item, "command"), &s->command);
	node_to_strv(node_get(item, "projects"), &s->projects);
	node_to_strv(node_get(item, "actions"), &s->actions);
	if (!is_name(s->name)) {
		auto_free char *shown = text_safe(s->name, SHOWN_MAX);

		return node_err(item, file, e,
			"'%s' is not a valid name of a secret: letters, digits, '_', '-' and '.', "
			"at most %d of them, '.' and '-' not first",
			shown, NAME_MAX_BYTES);
	}
	if (!!s->file + !!s->variable + !!s->command.count != 1)
		return node_err(item, file, e,
			"secret %s needs one of 'file', 'command' and 'env', and only one",
			s->name);
	if (s->variable && !text_is_variable(s->variable)) {
		auto_free char *shown = text_safe(s->variable, SHOWN_MAX);

		return node_err(node_get(item, "env"), file, e,
			"'%s' is not the name of an environment variable: " TEXT_VARIABLE_RULE,
			shown);
	}
	return 0;
}

static int load_secrets(
	const struct node *map, const char *file, struct credentials *c, struct err *e)
{
	const struct node *item;

	if (!map)
		return 0;
	if (map->count > LIMIT_SECRETS)
		return node_err(map, file, e, "more than %d secrets", LIMIT_SECRETS);
	c->secrets = mem_array(map->count, sizeof(*c->secrets));
	node_each (map, item)
		if (load_secret(item, file, &c->secrets[c->count++], e) < 0)
			return -1;
	take_variables(c);
	return 0;
}

/* ---- secrets as a list ---- */

static int name_listed(struct node *named, const struct node *item, struct err *e)
{
	const struct node *dest = node_get(item, "dest"), *source = node_get(item, "source");
	const char *name = path_base(dest->text);
	struct node *secret;

	if (node_get(named, name)) {
		auto_free char *shown = text_safe(name, SHOWN_MAX);

		return node_err(dest, NULL, e, "two secrets have the name '%s'", shown);
	}
	secret = node_set_map(named, name);
	secret->line = dest->line;
	secret->column = dest->column;
	secret->file = dest->file;
	node_set(secret, "file", node_copy(source));
	return 0;
}

int credentials_name_listed(struct node *config, struct err *e)
{
	const struct node *list = node_get(config, "secrets"), *item;
	auto_node struct node *named = node_map();

	if (!list || list->kind != NODE_LIST)
		return 0;
	node_each (list, item)
		if (name_listed(named, item, e) < 0)
			return -1;
	node_set(config, "secrets", steal_ptr(&named));
	return 0;
}

const struct credential *credentials_find(const struct credentials *c, const char *name)
{
	for (size_t i = 0; i < c->count; i++)
		if (strcmp(c->secrets[i].name, name) == 0)
			return &c->secrets[i];
	return NULL;
}

/* ---- hosts ---- */

static bool same_user(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}

static int check_host(const struct credentials *c, const struct credential_host *h,
	const struct node *item, const char *file, struct err *e)
{
	const struct node *key = node_get(item, "key");

	if (h->user && !is_name(h->user))
		return node_err(node_get(item, "user"), file, e, "this cannot be a user's name");
	if (!credentials_find(c, h->key)) {
		auto_free char *shown = text_safe(h->key, SHOWN_MAX);

		(void)node_err(key, file, e, "there is no secret '%s' under 'secrets'", shown);
		return err_because(e, "no_secret");
	}
	for (const struct credential_host *other = c->hosts; other < h; other++)
		if (strcmp(other->host, h->host) == 0 && same_user(other->user, h->user))
			return node_err(item, file, e, "host %s is there twice", h->host);
	return 0;
}

static int load_host(
	const struct node *item, const char *file, struct credentials *c, struct err *e)
{
	struct credential_host *h = &c->hosts[c->host_count++];
	char name[EGRESS_HOST_MAX + 1];
	struct err why = {0};

	*h = (struct credential_host){.user = text_of(item, "user"),
		.key = text_of(item, "key"),
		.certificate = text_of(item, "certificate"),
		.known_hosts = text_of(item, "known_hosts"),
		.ssh_agent = node_get_bool(item, "ssh_agent", false)};
	if (egress_host_name(node_get_text(item, "host", ""), name, &why) < 0)
		return node_err(node_get(item, "host"), file, e, "%s", why.msg);
	h->host = mem_strdup(name);
	return check_host(c, h, item, file, e);
}

const struct credential_host *credentials_host(
	const struct credentials *c, const char *user, const char *host)
{
	const struct credential_host *any = NULL;

	for (size_t i = 0; i < c->host_count; i++) {
		const struct credential_host *h = &c->hosts[i];

		if (strcmp(h->host, host) != 0)
			continue;
		if (!h->user)
			any = h;
		else if (user && strcmp(h->user, user) == 0)
			return h;
	}
	return any ? any : c->others;
}

/*
 * Ambient CI logs in to all hosts with this key, and takes the key of a host at first sight. Here, the
 * user's own ssh has to know the host.
 */
static void add_others(struct credentials *c)
{
	const struct credential *key = credentials_find(c, "ssh_key");
	const struct credential *certificate = credentials_find(c, "ssh_key-cert.pub");

	if (!key || !key->listed)
		return;
	c->others = mem_alloc(sizeof(*c->others));
	*c->others = (struct credential_host){.key = mem_strdup(key->name),
		.certificate =
			certificate && certificate->listed ? mem_strdup(certificate->file) : NULL,
		.known_hosts = home_expand("~/.ssh/known_hosts")};
}

int credentials_load(
	const struct node *effective, const char *file, struct credentials *ret, struct err *e)
{
	const struct node *list = node_get(effective, "ssh"), *item;
	auto_credentials struct credentials c = {0};

	if (load_secrets(node_get(effective, "secrets"), file, &c, e) < 0)
		return -1;
	c.hosts = mem_array(node_count(list), sizeof(*c.hosts));
	node_each (list, item)
		if (load_host(item, file, &c, e) < 0)
			return -1;
	add_others(&c);
	*ret = c;
	c = (struct credentials){0};
	return 0;
}
