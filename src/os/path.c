/* SPDX-License-Identifier: Apache-2.0 */
#include "os/path.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/strv.h"
#include "os/fd.h"
#include "os/tree.h"

char *path_join(const char *dir, const char *name)
{
	size_t len = strlen(dir);

	if (name[0] == '/')
		return mem_strdup(name);
	while (len > 1 && dir[len - 1] == '/')
		len--;
	if (len == 1 && dir[0] == '/')
		return mem_printf("/%s", name);
	return mem_printf("%.*s/%s", (int)len, dir, name);
}

char *path_parent(const char *path)
{
	const char *slash = strrchr(path, '/');

	if (!slash)
		return mem_strdup(".");
	return slash == path ? mem_strdup("/") : mem_strndup(path, (size_t)(slash - path));
}

const char *path_base(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

static void drop_last(struct strv *parts)
{
	if (parts->count == 0)
		return;
	free(parts->items[--parts->count]);
	parts->items[parts->count] = NULL;
}

static char *join_parts(const struct strv *parts)
{
	char *whole = mem_strdup(parts->count ? "" : "/");

	strv_each (parts, part) {
		char *longer = mem_printf("%s/%s", whole, *part);

		free(whole);
		whole = longer;
	}
	return whole;
}

char *path_absolute(const char *path)
{
	auto_free char *cwd = path[0] == '/' ? NULL : getcwd(NULL, 0);
	auto_free char *whole = mem_printf("%s/%s", cwd ? cwd : "", path);
	auto_strv struct strv parts = {0};
	char *save = NULL;

	/*
	 * The current directory was removed, so there is no absolute path. Opening the path will
	 * report it.
	 */
	if (path[0] != '/' && !cwd)
		return mem_strdup(path);
	for (char *part = strtok_r(whole, "/", &save); part; part = strtok_r(NULL, "/", &save)) {
		if (strcmp(part, "..") == 0)
			drop_last(&parts);
		else if (strcmp(part, ".") != 0)
			strv_push(&parts, part);
	}
	return join_parts(&parts);
}

bool path_is_below(const char *path, const char *dir)
{
	size_t len = strlen(dir);

	if (len == 1 && dir[0] == '/')
		return path[0] == '/';
	return strncmp(path, dir, len) == 0 && (path[len] == '/' || path[len] == '\0');
}

int path_make_dirs(const char *path, mode_t mode, struct err *e)
{
	auto_free char *partial = mem_strdup(path);

	for (char *p = partial + 1; *partial; p++) {
		char c = *p;

		if (c != '/' && c != '\0')
			continue;
		*p = '\0';
		if (mkdir(partial, mode) < 0 && errno != EEXIST && errno != EISDIR)
			return err_sys(e, "make directory %s", partial);
		*p = c;
		if (c == '\0')
			break;
	}
	return 0;
}

int path_remove_tree(const char *path, struct err *e)
{
	auto_free char *parent = path_parent(path);
	auto_fd int dir = open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (dir < 0)
		return errno == ENOENT ? 0 : err_sys(e, "remove %s", path);
	return tree_remove(dir, path_base(path), parent, NULL, e);
}
