/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A commit of another repository. The full hash of the commit covers all its contents, so neither
 * the server nor the network can change what the dependencies get.
 */
#include <string.h>

#include "actions/table.h"
#include "base/limits.h"
#include "base/text.h"

#define SSH "ssh://"

static const struct param params[] = {
	{.name = "url",
		.type = PARAM_STRING,
		.required = true,
		.help = "the URL of the repository, https://, http:// or " SSH
			"[USER@]HOST/PATH; a host of " SSH
			" must be listed under `ssh` in the configuration"},
	{.name = "commit",
		.type = PARAM_STRING,
		.required = true,
		.help = "the full hash of the commit, 40 or 64 hexadecimal digits"},
	{.name = "name",
		.type = PARAM_STRING,
		.required = true,
		.help = "the directory for the files, below " GUEST_DEPS},
	{0},
};

static int refuse(const struct node *n, const char *what, const char *file, struct err *e)
{
	auto_free char *shown = text_safe(n->text, LIMIT_NAME_BYTES);

	return node_err(n, file, e, "'%s' %s", shown, what);
}

static bool starts(const char *text, const char *head)
{
	return strncmp(text, head, strlen(head)) == 0;
}

/* The part of a URL after its scheme, [USER@]HOST and path; NULL: an unsupported scheme. */
static const char *behind_scheme(const char *url)
{
	static const char *const schemes[] = {"https://", "http://", SSH};

	for (size_t i = 0; i < ARRAY_SIZE(schemes); i++)
		if (starts(url, schemes[i]))
			return url + strlen(schemes[i]);
	return NULL;
}

/*
 * Only printable characters, and none that begins a query or fragment: a path is appended to the
 * URL.
 */
static bool is_plain(const char *url)
{
	for (; *url; url++)
		if (*url <= ' ' || *url >= 0x7f || strchr("?#\\\"", *url))
			return false;
	return true;
}

static bool is_login(const char *login, size_t len)
{
	static const char known[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-@";

	/* ssh would interpret a leading hyphen as an option. */
	return len > 0 && login[0] != '-' && login[0] != '@' && strspn(login, known) >= len &&
		!memmem(login, len, "@-", 2);
}

static int check_url(const struct node *url, const char *file, struct err *e)
{
	const char *authority = behind_scheme(url->text);

	if (actions_check_no_credentials(url, file, e) < 0)
		return -1;
	if (!authority)
		return refuse(url,
			"is not a URL that starts with https://, http:// or " SSH
			": git gets commits by no other protocol here",
			file, e);
	if (!is_plain(url->text))
		return refuse(
			url, "has characters that cannot be in the URL of a repository", file, e);
	if (starts(url->text, SSH) && !is_login(authority, strcspn(authority, "/")))
		return refuse(url,
			"is not " SSH "[USER@]HOST/PATH, of letters, digits, '.', '_' and '-'; the "
			"port is always 22",
			file, e);
	return 0;
}

static int check_commit(const struct node *commit, const char *file, struct err *e)
{
	size_t len = strlen(commit->text);

	if ((len != 40 && len != 64) || strspn(commit->text, "0123456789abcdefABCDEF") != len)
		return refuse(commit,
			"is not the whole name of a commit, 40 or 64 hexadecimal digits: branches, "
			"tags and shortened names may lead elsewhere tomorrow",
			file, e);
	return 0;
}

static int check(const struct node *args, const char *file, struct err *e)
{
	if (check_url(node_get(args, "url"), file, e) < 0 ||
		check_commit(node_get(args, "commit"), file, e) < 0)
		return -1;
	return actions_check_component(node_get(args, "name"), file, e);
}

static int reach(const struct entry *entry, const struct node *settings,
	struct endpoints *ret_endpoints, struct err *e)
{
	const char *url = node_get_text(entry->args, "url", "");
	auto_free char *login = NULL;

	(void)settings;
	if (!starts(url, SSH))
		return actions_reach_url(entry, url, ret_endpoints, e);
	url += strlen(SSH);
	login = mem_strndup(url, strcspn(url, "/"));
	endpoints_add_login(ret_endpoints, login);
	return 0;
}

static int expand(
	const struct entry *entry, const struct node *settings, struct plan *out, struct err *e)
{
	(void)settings;
	(void)e;
	action_net_add(entry, starts(node_get_text(entry->args, "url", ""), SSH), out);
	return 0;
}

const struct action action_git_get = {
	.name = "git_get",
	.summary = "Fetch a commit of another repository into the dependencies. No code of "
		   "the repository runs.",
	.where = IN_PRE,
	.logs_in = true,
	.determined = true,
	.params = params,
	.check = check,
	.expand = expand,
	.reach = reach,
	.lint = {.file = "name"},
};
