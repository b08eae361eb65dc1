/* SPDX-License-Identifier: Apache-2.0 */
#include "base/path.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/strv.h"

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

static int remove_contents(int fd, const char *shown, struct err *e);

static int remove_entry(int dir, const char *name, const char *shown, struct err *e)
{
	auto_fd int sub = -1;

	if (unlinkat(dir, name, 0) == 0 || errno == ENOENT)
		return 0;
	if (errno != EISDIR && errno != EPERM)
		return err_sys(e, "remove %s/%s", shown, name);
	sub = openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (sub < 0 && errno == EACCES && fchmodat(dir, name, 0700, 0) == 0)
		sub = openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (sub < 0)
		return err_sys(e, "remove %s/%s", shown, name);
	/* A directory that its owner made unwritable is still ours to empty. */
	(void)fchmod(sub, 0700);
	if (remove_contents(sub, name, e) < 0)
		return -1;
	if (unlinkat(dir, name, AT_REMOVEDIR) < 0 && errno != ENOENT)
		return err_sys(e, "remove directory %s/%s", shown, name);
	return 0;
}

static int remove_contents(int fd, const char *shown, struct err *e)
{
	DIR *dir = fdopendir(dup(fd));
	int result = 0;

	if (!dir)
		return err_sys(e, "list %s", shown);
	for (struct dirent *entry; result == 0 && (entry = readdir(dir));) {
		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		result = remove_entry(fd, entry->d_name, shown, e);
	}
	(void)closedir(dir);
	return result;
}

int path_remove_tree(const char *path, struct err *e)
{
	auto_free char *parent = path_parent(path);
	auto_fd int dir = open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (dir < 0)
		return errno == ENOENT ? 0 : err_sys(e, "remove %s", path);
	return remove_entry(dir, path_base(path), parent, e);
}
