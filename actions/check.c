/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "actions/table.h"
#include "base/limits.h"
#include "base/password.h"
#include "base/text.h"
#include "contract/user.h"

static int refuse(const struct node *item, const char *what, const char *file, struct err *e)
{
	auto_free char *shown = text_safe(item->key, LIMIT_NAME_BYTES);

	return node_key_err(item, file, e,
		"'%s' is not a valid name of an environment variable: %s", shown, what);
}

int actions_check_name(const struct node *item, const char *file, struct err *e)
{
	return text_is_variable(item->key) ? 0 : refuse(item, TEXT_VARIABLE_RULE, file, e);
}

int actions_check_key(const struct node *item, const char *file, struct err *e)
{
	if (!item->key[0] || strchr(item->key, '='))
		return refuse(item, "it is empty or has a '='", file, e);
	return 0;
}

int actions_check_value(const struct node *item, const char *prefix, const char *value,
	const char *file, struct err *e)
{
	size_t bytes = strlen(prefix) + strlen(item->key) + 1 + strlen(value);
	auto_free char *shown = NULL;

	if (bytes <= LIMIT_ARG_BYTES)
		return 0;
	shown = text_safe(item->key, LIMIT_NAME_BYTES);
	return node_err(item, file, e,
		"'%s' becomes the environment variable %s%s, whose name and value may have %llu "
		"bytes, not %zu; put it into a file of the source",
		shown, prefix, shown, (unsigned long long)LIMIT_ARG_BYTES, bytes);
}

int actions_check_user(const struct node *args, const char *file, struct err *e)
{
	const char *user = node_get_text(args, ACTIONS_USER_KEY, NULL);

	if (!user || user_is_valid(user))
		return 0;
	return node_err(node_get(args, ACTIONS_USER_KEY), file, e,
		"'" ACTIONS_USER_KEY "' must be " USER_RULE);
}

void actions_pass_user(const struct node *args, struct node *spawn)
{
	const char *user = node_get_text(args, ACTIONS_USER_KEY, NULL);

	if (user)
		node_set_string(spawn, ACTIONS_USER_KEY, user);
}

static bool has_credentials(const char *url)
{
	const char *start = password_skip_scheme(url);

	if (password_is_in(url))
		return true;
	return strncasecmp(url, "ssh:", 4) != 0 && memchr(start, '@', strcspn(start, "/?#\\"));
}

int actions_check_no_credentials(const struct node *url, const char *file, struct err *e)
{
	if (!has_credentials(url->text))
		return 0;
	return node_err(url, file, e,
		"the URL has credentials in it, which would be in logs and plans: take them out; "
		"for private repositories use ssh:// and `ssh` of the configuration");
}

int actions_reach_url(
	const struct entry *entry, const char *url, struct endpoints *ret_endpoints, struct err *e)
{
	struct err why = {0};

	if (endpoints_add_url(ret_endpoints, url, &why) == 0)
		return 0;
	return node_err(entry->node, entry->file, e, "%s", why.msg);
}

/* ".NAME.part" is the name of an incomplete file. */
static bool is_name_of_part(const char *name)
{
	size_t len = strlen(name), tail = strlen(".part");

	return name[0] == '.' && len > tail && strcmp(name + len - tail, ".part") == 0;
}

int actions_check_component(const struct node *name, const char *file, struct err *e)
{
	auto_free char *shown = text_safe(name->text, LIMIT_NAME_BYTES);

	if (!name->text[0] || strlen(name->text) > LIMIT_NAME_BYTES || strchr(name->text, '/') ||
		strcmp(name->text, ".") == 0 || strcmp(name->text, "..") == 0)
		return node_err(name, file, e,
			"'%s' is not a valid name of a file in one directory", shown);
	if (is_name_of_part(name->text))
		return node_err(name, file, e,
			"'%s' is the name of a file that is not whole yet: .NAME.part", shown);
	return 0;
}

const char *actions_artifacts(const struct node *settings)
{
	return node_get_text(settings, "artifacts_dir", GUEST_ARTIFACTS);
}

const char *actions_deps(const struct node *settings)
{
	return node_get_text(settings, "deps_dir", GUEST_DEPS);
}
