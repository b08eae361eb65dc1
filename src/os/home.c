/* SPDX-License-Identifier: Apache-2.0 */
#include "os/home.h"

#include <pwd.h>
#include <unistd.h>

#include "os/path.h"

static char *home_directory(void)
{
	const char *home = getenv("HOME");
	const struct passwd *entry;

	if (home && home[0] == '/')
		return mem_strdup(home);
	entry = getpwuid(getuid());
	return mem_strdup(entry && entry->pw_dir ? entry->pw_dir : "/");
}

char *home_expand(const char *path)
{
	auto_free char *home = NULL;

	if (path[0] != '~' || (path[1] != '\0' && path[1] != '/'))
		return mem_strdup(path);
	home = home_directory();
	return path[1] == '\0' ? mem_strdup(home) : path_join(home, path + 2);
}

bool home_is_left(const char *path)
{
	return path[0] == '$' || (path[0] == '~' && path[1] != '\0' && path[1] != '/');
}

char *home_xdg(const char *variable, const char *fallback)
{
	const char *value = getenv(variable);
	auto_free char *home = NULL;

	if (value && value[0] == '/')
		return mem_strdup(value);
	home = home_directory();
	return path_join(home, fallback);
}
