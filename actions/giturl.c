/* SPDX-License-Identifier: Apache-2.0 */
/* URLs of repositories, for the actions that fetch them. */
#include <string.h>

#include "actions/table.h"
#include "base/limits.h"
#include "base/text.h"

#define SSH "ssh://"

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

int actions_check_git_url(const struct node *url, const char *file, struct err *e)
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

int actions_check_git_login(const struct node *n, size_t len, const char *file, struct err *e)
{
	if (is_login(n->text, len))
		return 0;
	return refuse(n,
		"is not [USER@]HOST, of letters, digits, '.', '_' and '-'; the port is always 22",
		file, e);
}

bool actions_git_logs_in(const char *url)
{
	return starts(url, SSH);
}

int actions_reach_git(
	const struct entry *entry, const char *url, struct endpoints *ret_endpoints, struct err *e)
{
	auto_free char *login = NULL;

	if (!starts(url, SSH))
		return actions_reach_url(entry, url, ret_endpoints, e);
	url += strlen(SSH);
	login = mem_strndup(url, strcspn(url, "/"));
	endpoints_add_login(ret_endpoints, login);
	return 0;
}
