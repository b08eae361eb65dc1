/* SPDX-License-Identifier: Apache-2.0 */
#include "store/scopes.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/text.h"
#include "os/fd.h"
#include "os/path.h"
#include "store/store.h"

enum { BLOCK = 512 };

struct scope {
	char *name;
	struct timespec made; /* the newest of its files */
	uint64_t bytes;
};

struct scopes {
	struct scope *items; /* newest first */
	size_t count;
};

static void scopes_free(struct scopes *s)
{
	for (size_t i = 0; i < s->count; i++)
		free(s->items[i].name);
	free(s->items);
}

#define auto_scopes __attribute__((cleanup(scopes_free)))

/* Returns the scope of a file as a new string; NULL: it belongs to the project itself. */
typedef char *(*scope_finder)(const char *file);

/* An archive of a generation: "cache@SCOPE". */
static char *scope_of_archive(const char *file)
{
	const char *at = strchr(file, '@');

	return at && at[1] ? mem_strdup(at + 1) : NULL;
}

/* The last success of a scope: the state file of the class "MODE@SCOPE". */
static char *scope_of_state(const char *file)
{
	auto_free char *class = store_class_of(file);

	return class ? scope_of_archive(class) : NULL;
}

/* ---- list of scopes ---- */

static struct scope *find(struct scopes *s, const char *name)
{
	for (size_t i = 0; i < s->count; i++)
		if (strcmp(s->items[i].name, name) == 0)
			return &s->items[i];
	s->items = mem_resize(s->items, s->count + 1, sizeof(*s->items));
	s->items[s->count] = (struct scope){.name = mem_strdup(name), .made.tv_sec = INT64_MIN};
	return &s->items[s->count++];
}

static void add(struct scopes *s, const char *name, const struct stat *st)
{
	struct scope *scope = find(s, name);

	scope->bytes += (uint64_t)st->st_blocks * BLOCK;
	if (clock_compare(&st->st_mtim, &scope->made) > 0)
		scope->made = st->st_mtim;
}

static int youngest_first(const void *a, const void *b)
{
	const struct scope *x = a, *y = b;

	int made = clock_compare(&y->made, &x->made);

	return made ? made : strcmp(x->name, y->name);
}

/* NULL without an error: there is no directory. */
static DIR *open_list(const char *path, struct err *e)
{
	DIR *dir = opendir(path);

	if (!dir && errno != ENOENT)
		err_ignore(err_sys(e, "list %s", path));
	return dir;
}

static int list(const char *path, scope_finder scope_of, struct scopes *ret, struct err *e)
{
	DIR *dir = open_list(path, e);
	struct stat st;

	if (!dir)
		return e->kind == ERR_NONE ? 0 : -1;
	for (struct dirent *entry; (entry = readdir(dir));) {
		auto_free char *scope = scope_of(entry->d_name);

		if (scope && fstatat(dirfd(dir), entry->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0)
			add(ret, scope, &st);
	}
	(void)closedir(dir);
	return 0;
}

/* State files count, too: a scope with a read-only cache has no archives. */
static int list_all(
	const char *project_dir, const char *generation, struct scopes *ret, struct err *e)
{
	if (list(generation, scope_of_archive, ret, e) < 0 ||
		list(project_dir, scope_of_state, ret, e) < 0)
		return -1;
	if (ret->count)
		qsort(ret->items, ret->count, sizeof(*ret->items), youngest_first);
	return 0;
}

/* ---- removing ---- */

static int remove_files(const char *path, const char *scope, scope_finder scope_of, struct err *e)
{
	DIR *dir = open_list(path, e);
	int result = dir || e->kind == ERR_NONE ? 0 : -1;

	for (struct dirent *entry; dir && result == 0 && (entry = readdir(dir));) {
		auto_free char *of = scope_of(entry->d_name);

		if (of && strcmp(of, scope) == 0 && unlinkat(dirfd(dir), entry->d_name, 0) < 0 &&
			errno != ENOENT)
			result = err_sys(e, "remove %s/%s", path, entry->d_name);
	}
	if (dir)
		(void)closedir(dir);
	return result;
}

/* State files first: without its archives, a run of the scope must not be skipped as unchanged. */
static int forget(const char *project_dir, const char *generation, const char *scope, struct err *e)
{
	if (remove_files(project_dir, scope, scope_of_state, e) < 0)
		return -1;
	return remove_files(generation, scope, scope_of_archive, e);
}

int scopes_forget(const char *state, const char *project, uint64_t keep, bool dry_run,
	scopes_told told, void *arg, struct err *e)
{
	auto_free char *dir = mem_printf("%s/%s", state, project);
	auto_free char *generation = path_join(dir, "current");
	auto_scopes struct scopes before = {0}, s = {0};
	auto_store struct store lock = STORE_NONE;
	bool taken;

	if (list_all(dir, generation, &before, e) < 0)
		return -1;
	if (before.count <= keep)
		return 0;
	if (store_try_lock(state, project, &lock, &taken, e) < 0)
		return -1;
	/* A run may have ended meanwhile and replaced `current`. */
	if (!taken || list_all(dir, generation, &s, e) < 0)
		return taken ? -1 : 0;
	for (size_t i = keep; i < s.count; i++) {
		if (!dry_run && forget(dir, generation, s.items[i].name, e) < 0)
			return -1;
		told(arg, s.items[i].name, s.items[i].bytes);
	}
	return 0;
}

int scopes_list(
	const char *state, const char *project, scopes_visitor visit, void *arg, struct err *e)
{
	auto_free char *dir = mem_printf("%s/%s", state, project);
	auto_free char *generation = path_join(dir, "current");
	auto_scopes struct scopes s = {0};

	if (list_all(dir, generation, &s, e) < 0)
		return -1;
	for (size_t i = 0; i < s.count; i++)
		visit(arg, s.items[i].name, &s.items[i].made);
	return 0;
}

int scopes_forget_one(const char *state, const char *project, const char *scope, bool dry_run,
	uint64_t *ret_bytes, bool *ret_taken, struct err *e)
{
	auto_free char *dir = mem_printf("%s/%s", state, project);
	auto_free char *generation = path_join(dir, "current");
	auto_scopes struct scopes s = {0};
	auto_store struct store lock = STORE_NONE;

	*ret_bytes = 0;
	if (store_try_lock(state, project, &lock, ret_taken, e) < 0)
		return -1;
	if (!*ret_taken)
		return 0;
	if (list_all(dir, generation, &s, e) < 0)
		return -1;
	for (size_t i = 0; i < s.count; i++)
		if (strcmp(s.items[i].name, scope) == 0)
			*ret_bytes = s.items[i].bytes;
	return dry_run ? 0 : forget(dir, generation, scope, e);
}
