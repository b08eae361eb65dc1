/* SPDX-License-Identifier: Apache-2.0 */
/* Shared by repository.c, repository_walk.c and repository_config.c. */
#ifndef SOURCE_REPOSITORY_INTERNAL_H
#define SOURCE_REPOSITORY_INTERNAL_H

#include <sys/types.h>

#include "base/buf.h"
#include "source/repository.h"

enum { REPOSITORY_SHOWN_MAX = 300 };

struct repository_search {
	char *source; /* its real path */
	int root;
	uid_t owner;
	const struct strv *named; /* NULL: nothing outside of the tree may be used */
	const struct pack_avoid *avoid;
	size_t avoid_count;
	struct repository *found;
};

/* Set ERR_INPUT with the reason for unusable repositories. Always returns -1. */
int repository_refuse(struct err *e, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* The absolute path of `name` as written in a file in the directory `dir`. The caller frees. */
char *repository_resolve(const char *dir, const char *name);

/*
 * The path in the tree of an absolute path, "" for the tree itself. NULL when it is outside of the
 * tree.
 */
const char *repository_in_tree(const struct repository_search *s, const char *path);

bool repository_exists(int dir, const char *path, mode_t type);

/*
 * Resolve a path in the tree, following links that stay in it. The result is the path without
 * links, "" for the tree itself. flags: O_DIRECTORY or 0. NULL if it does not exist; then *ret_out
 * says whether the path leads out of the tree. The caller frees.
 */
char *repository_real(
	const struct repository_search *s, const char *path, int flags, bool *ret_out);

/*
 * Read a file of git beneath `dir`; `shown` is its name in messages. 1: read; 0: absent. Rejected
 * if it is a link or not a regular file, larger than `max`, unreadable, or contains a NUL. Such a
 * file does not count as absent, because git could find something in it that this program did not.
 */
int repository_read(int dir, const char *path, const char *shown, size_t max, struct buf *b,
	struct err *e) NODISCARD;

/*
 * Read the only line of a file, without `prefix` and the end of the line. *ret is owned by the
 * caller. It is NULL if the file is absent, empty, or does not begin with `prefix`. Rejected as by
 * repository_read, or if there are more lines.
 */
int repository_read_line(int dir, const char *path, const char *shown, const char *prefix,
	char **ret, struct err *e) NODISCARD;

/*
 * Read the paths in a file of alternates. Rejected as by repository_read, or if a path is in
 * quotes.
 */
int repository_read_alternates(
	int dir, const char *path, const char *shown, struct strv *ret, struct err *e) NODISCARD;

/* ---- repository_walk.c ---- */

/*
 * Check every repository in the tree, except the alternates of the one at found->place. Rejected if
 * one needs files outside of the tree. Files .git that need other contents in a machine are added
 * to found->pointers.
 */
int repository_walk(struct repository_search *s, struct err *e) NODISCARD;

/*
 * Rejected if a directory of objects in the tree, or one that it names in turn, takes objects from
 * outside of the tree.
 */
int repository_check_alternates(
	const struct repository_search *s, const char *objects, int depth, struct err *e) NODISCARD;

/*
 * Rejected if the directory `part`, which is packed at another path, contains a symbolic link that
 * leads out of it. names: check only these entries, terminated by NULL; NULL: all except
 * `worktrees`.
 */
int repository_check_links(
	const struct repository_part *part, const char *const *names, struct err *e) NODISCARD;

/*
 * Follow the file .git at `path`, which names a directory by `line`; `absolute` is the absolute
 * path of `line`. Rejected if the directory is in the tree, but git would not find it there when
 * the tree is at another path. If other contents of the file solve this, they are added to
 * found->pointers. *ret is the directory, owned by the caller, or NULL if there is none.
 */
int repository_follow(struct repository_search *s, const char *path, const char *line,
	const char *absolute, char **ret, struct err *e) NODISCARD;

/* ---- repository_config.c ---- */

/*
 * Does `line`, written in a file in the directory `dir` of the tree, lead to the same file wherever
 * the tree is? False if it leads out of the tree.
 */
bool repository_is_true_anywhere(
	const struct repository_search *s, const char *dir, const char *line);

/*
 * Check the configuration file `name` of the repository at `path` in the tree. Rejected if its
 * meaning differs in a machine: core.worktree, core.excludesFile or core.attributesFile name a path
 * outside of the tree, or it includes such a file, or includes a file depending on the path of the
 * repository. Included files are checked likewise. Also rejected if it cannot be read. top: the top
 * directory of the work tree.
 */
int repository_check_config(const struct repository_search *s, const char *path, const char *top,
	const char *name, struct err *e) NODISCARD;

/*
 * The same for a repository beneath `dir` that is packed at another path, where files that it
 * includes do not exist. path: its path outside of the tree.
 */
int repository_check_moved_config(const struct repository_search *s, int dir, const char *path,
	const char *name, bool may_have_worktree, struct err *e) NODISCARD;

#endif
