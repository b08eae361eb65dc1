/* SPDX-License-Identifier: Apache-2.0 */
#include "settings/defaults.h"

#include <string.h>
#include <strings.h>

#include "base/limits.h"
#include "base/num.h"
#include "base/text.h"
#include "contract/user.h"
#include "settings/limits.h"

enum { SHOWN_MAX = 200 };

const struct param defaults_params[] = {
	{.name = "env", .type = PARAM_STRING_MAP, .help = "environment variables of a plan"},
	{.name = "directory", .type = PARAM_STRING, .help = "the container's working directory"},
	{.name = "user", .type = PARAM_STRING, .help = "the user that runs the actions of a plan"},
	{0},
};

void defaults_release(struct image_defaults *d)
{
	strv_release(&d->env);
	free(d->directory);
	free(d->user);
	*d = (struct image_defaults){0};
}

/* ---- what is allowed ---- */

static const char *const steering_starts[] = {
	"LD_", "GIT_", "SSL_CERT_", "BASH_FUNC_", "GCONV_", "GLIBC_", "DYLD_", NULL};

static const char *const steering_names[] = {"BASH_ENV", "BASHOPTS", "CDPATH", "CURL_CA_BUNDLE",
	"CURL_HOME", "ENV", "GLOBIGNORE", "GNUMAKEFLAGS", "HOSTALIASES", "IFS", "JAVA_TOOL_OPTIONS",
	"JDK_JAVA_OPTIONS", "LOCALDOMAIN", "LOCPATH", "MAKEFILES", "MAKEFLAGS", "MFLAGS", "NETRC",
	"NLSPATH", "NODE_EXTRA_CA_CERTS", "NODE_OPTIONS", "OPENSSL_CONF", "OPENSSL_ENGINES",
	"OPENSSL_MODULES", "PERL5DB", "PERL5OPT", "PROMPT_COMMAND", "PS4", "PYTHONINSPECT",
	"PYTHONSTARTUP", "REQUESTS_CA_BUNDLE", "RES_OPTIONS", "RUBYOPT", "SHELLOPTS", "SSH_ASKPASS",
	"SSH_AUTH_SOCK", "SSLKEYLOGFILE", "SUDO_ASKPASS", "WGETRC", "ZDOTDIR", "_JAVA_OPTIONS",
	NULL};

static bool steers(const char *name)
{
	static const char proxy[] = "_proxy";
	size_t len = strlen(name);

	for (const char *const *start = steering_starts; *start; start++)
		if (strncmp(name, *start, strlen(*start)) == 0)
			return true;
	for (const char *const *known = steering_names; *known; known++)
		if (strcmp(name, *known) == 0)
			return true;
	return len >= strlen(proxy) && strcasecmp(name + len - strlen(proxy), proxy) == 0;
}

static bool variable_is_allowed(const char *name, const char *value)
{
	return text_is_variable(name) && !steers(name) &&
		strlen(name) + 1 + strlen(value) <= LIMIT_ARG_BYTES;
}

static bool directory_is_allowed(const char *path)
{
	auto_free char *safe = text_safe(path, LIMIT_DEFAULTS_PATH);

	return path[0] == '/' && strcmp(safe, path) == 0;
}

static int check_size(const struct strv *env, struct err *e)
{
	size_t bytes = 0;

	strv_each (env, item)
		bytes += strlen(*item) + 1;
	if (env->count > LIMIT_DEFAULTS_VARIABLES || bytes > LIMIT_DEFAULTS_BYTES)
		return err_set(e, ERR_INPUT,
			"the image has %zu variables of %zu bytes; the limits are %d and %s",
			env->count, bytes, LIMIT_DEFAULTS_VARIABLES,
			num_show_size(LIMIT_DEFAULTS_BYTES).s);
	return 0;
}

/* ---- from a container image ---- */

static void take_variable(const char *text, struct image_defaults *d, struct buf *left_out)
{
	const char *equals = strchr(text, '=');
	auto_free char *name = mem_strndup(text, equals ? (size_t)(equals - text) : strlen(text));
	auto_free char *shown = text_safe(name, SHOWN_MAX);

	if (equals && variable_is_allowed(name, equals + 1))
		strv_setenv(&d->env, name, equals + 1);
	else if (left_out->len < SHOWN_MAX)
		buf_addf(left_out, "%s%s", left_out->len ? ", " : "", shown);
	else if (left_out->data[left_out->len - 1] != '.')
		buf_adds(left_out, ", ...");
}

static void take_env(const struct node *list, struct image_defaults *d, struct strv *warnings)
{
	auto_buf struct buf left_out = {0};
	const struct node *item;

	buf_init(&left_out, 4 * SHOWN_MAX);
	node_each (list, item) {
		/* One too many is enough to be refused. */
		if (d->env.count > LIMIT_DEFAULTS_VARIABLES)
			break;
		take_variable(node_text(item) ? node_text(item) : "", d, &left_out);
	}
	if (left_out.len)
		strv_pushf(warnings,
			"variables of the image were left out, because they would steer a loader, "
			"a "
			"shell or a client, or are no variables: %s",
			left_out.data);
}

/* An empty directory means that there is none. */
static void take_directory(
	const struct node *config, struct image_defaults *d, struct strv *warnings)
{
	const char *path = node_get_text(config, "WorkingDir", "");
	auto_free char *shown = text_safe(path, SHOWN_MAX);

	if (*path && directory_is_allowed(path))
		d->directory = mem_strdup(path);
	else if (*path)
		strv_pushf(warnings, "WorkingDir of the image was left out: '%s'", shown);
}

/* Without its user, the actions would run as root, which the image does not want. */
static int take_user(const struct node *config, struct image_defaults *d, struct err *e)
{
	const char *user = node_get_text(config, "User", "");
	auto_free char *shown = text_safe(user, SHOWN_MAX);

	if (!*user)
		return 0;
	if (!user_is_valid(user))
		return err_set(e, ERR_INPUT,
			"the configuration of the image has the user '%s', which is not " USER_RULE
			"; a number is at most %llu",
			shown, USER_ID_MAX);
	d->user = mem_strdup(user);
	return 0;
}

static bool is_a(const struct node *value, enum node_kind kind)
{
	return value->kind == kind && (kind != NODE_SCALAR || value->quoted);
}

/* Null is as good as nothing. */
static int check_kinds(const struct node *config, struct err *e)
{
	static const struct {
		const char *key;
		enum node_kind kind;
		const char *words;
	} known[] = {{"Env", NODE_LIST, "an array"}, {"WorkingDir", NODE_SCALAR, "a string"},
		{"User", NODE_SCALAR, "a string"}};

	if (config && !is_a(config, NODE_MAP))
		return err_set(e, ERR_INPUT,
			"'config' in the configuration of the image is not a JSON object");
	for (size_t i = 0; i < ARRAY_SIZE(known); i++) {
		const struct node *value = node_get(config, known[i].key);

		if (value && !is_a(value, known[i].kind))
			return err_set(e, ERR_INPUT,
				"%s in the configuration of the image is not %s", known[i].key,
				known[i].words);
	}
	return 0;
}

int defaults_from_container(
	const struct node *config, struct image_defaults *ret, struct strv *warnings, struct err *e)
{
	if (check_kinds(config, e) < 0)
		return -1;
	take_env(node_get(config, "Env"), ret, warnings);
	take_directory(config, ret, warnings);
	if (take_user(config, ret, e) < 0)
		return -1;
	return check_size(&ret->env, e);
}

/* ---- image.yaml ---- */

struct node *defaults_to_node(const struct image_defaults *d)
{
	auto_node struct node *map = node_map();
	struct node *env = d->env.count ? node_set_map(map, "env") : NULL;

	strv_each (&d->env, item) {
		const char *equals = strchr(*item, '=');
		auto_free char *name = mem_strndup(*item, (size_t)(equals - *item));

		node_set_string(env, name, equals + 1);
	}
	if (d->directory)
		node_set_string(map, "directory", d->directory);
	if (d->user)
		node_set_string(map, "user", d->user);
	return map->count ? steal_ptr(&map) : NULL;
}

static int refuse(const struct node *item, const char *file, struct err *e)
{
	return node_err(
		item, file, e, "'defaults': '%s' has a value that is not allowed here", item->key);
}

static int read_text(const struct node *map, const char *key, bool (*is_allowed)(const char *),
	const char *file, char **ret, struct err *e)
{
	const struct node *item = node_get(map, key);

	if (!item)
		return 0;
	if (!node_text(item) || !is_allowed(node_text(item)))
		return refuse(item, file, e);
	*ret = mem_strdup(node_text(item));
	return 0;
}

static int read_env(const struct node *env, const char *file, struct strv *ret, struct err *e)
{
	const struct node *item;

	node_each (env, item) {
		const char *value = node_text(item) ? node_text(item) : "";

		if (!variable_is_allowed(item->key, value)) {
			auto_free char *shown = text_safe(item->key, SHOWN_MAX);

			return node_key_err(item, file, e,
				"'defaults': the variable '%s' is not allowed here", shown);
		}
		strv_pushf(ret, "%s=%s", item->key, value);
	}
	return check_size(ret, e);
}

int defaults_from_node(
	const struct node *map, const char *file, struct image_defaults *ret, struct err *e)
{
	if (read_env(node_get(map, "env"), file, &ret->env, e) < 0 ||
		read_text(map, "directory", directory_is_allowed, file, &ret->directory, e) < 0)
		return -1;
	return read_text(map, "user", user_is_valid, file, &ret->user, e);
}
