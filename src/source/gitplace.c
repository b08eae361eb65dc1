/* SPDX-License-Identifier: Apache-2.0 */
#include "source/gitplace.h"

#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#include "os/home.h"
#include "os/path.h"

/* The next component, "" at the end; *at is advanced. The caller frees the result. */
static char *take(const char **at)
{
	size_t len;

	*at += strspn(*at, "/");
	len = strcspn(*at, "/");
	*at += len;
	return mem_strndup(*at - len, len);
}

/* Compare by components; "**" matches any number of them. */
static bool matches(const char *pattern, const char *path, int flags)
{
	auto_free char *wanted = take(&pattern);
	const char *rest = path;
	auto_free char *component = take(&rest);

	if (!*wanted)
		return !*component;
	if (strcmp(wanted, "**") == 0)
		return matches(pattern, path, flags) ||
			(*component && matches(pattern - strlen(wanted), rest, flags));
	return *component && fnmatch(wanted, component, flags) == 0 &&
		matches(pattern, rest, flags);
}

/* Expand the pattern as git does. The caller frees the result. */
static char *whole(const char *pattern, const char *file)
{
	auto_free char *home = home_expand(pattern);
	auto_free char *real = realpath(file, NULL), *dir = path_parent(real ? real : file);
	const char *all = pattern[0] && pattern[strlen(pattern) - 1] == '/' ? "**" : "";

	if (strncmp(pattern, "./", 2) == 0)
		return mem_printf("%s/%s%s", dir, pattern + 2, all);
	return mem_printf("%s%s%s", home[0] == '/' ? "" : "/**/", home, all);
}

bool gitplace_holds(const char *condition, const char *file, const char *git_dir)
{
	static const char exact[] = "gitdir:", any_case[] = "gitdir/i:";
	auto_free char *real = realpath(git_dir, NULL), *pattern = NULL;
	int flags = 0;

	if (strncmp(condition, exact, strlen(exact)) == 0) {
		condition += strlen(exact);
	} else if (strncmp(condition, any_case, strlen(any_case)) == 0) {
		condition += strlen(any_case);
		flags = FNM_CASEFOLD;
	} else {
		return false;
	}
	pattern = whole(condition, file);
	return matches(pattern, real ? real : git_dir, flags) || matches(pattern, git_dir, flags);
}
