/* SPDX-License-Identifier: Apache-2.0 */
/* What repository.c and repository_walk.c share. */
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
	const struct strv *named; /* NULL: nothing outside may be used */
	const struct pack_avoid *avoid;
	size_t avoid_count;
	struct repository *found;
};

/* ERR_INPUT, with the reason that a source's repository has. -1. */
int repository_refuse(struct err *e, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* The absolute path of what a file in the directory `dir` names. The caller frees. */
char *repository_resolve(const char *dir, const char *name);

/* The path in the tree of an absolute path, "" for the tree itself; NULL when it is outside. */
const char *repository_in_tree(const struct repository_search *s, const char *path);

bool repository_exists(int dir, const char *path, mode_t type);

/*
 * What is at a path of the tree, links followed that stay in it: its path without them, "" for the
 * tree itself. flags: O_DIRECTORY or 0. NULL when there is none; *ret_out: because the path leads
 * out of the tree. The caller frees.
 */
char *repository_real(
	const struct repository_search *s, const char *path, int flags, bool *ret_out);

/*
 * A file that git reads, beneath `dir`; `shown` is how messages call it. 1, or 0 when it is absent.
 * Refused when it is a link or no regular file, larger than `max`, cannot be read, or has a NUL:
 * that is not the same as absent, and git could find in it what we did not.
 */
int repository_read(int dir, const char *path, const char *shown, size_t max, struct buf *b,
	struct err *e) NODISCARD;

/*
 * The one line of a file, without `prefix` in front and its end. *ret is the caller's, NULL when
 * the file is absent, empty, or does not begin so. Refused as above, or when there are more lines.
 */
int repository_read_line(int dir, const char *path, const char *shown, const char *prefix,
	char **ret, struct err *e) NODISCARD;

/* The paths in a file of alternates. Refused as above, or when one is in quotes. */
int repository_read_alternates(
	int dir, const char *path, const char *shown, struct strv *ret, struct err *e) NODISCARD;

/* ---- repository_walk.c ---- */

/*
 * Look at every repository in the tree but at the alternates of the one at found->place: refused
 * when one needs what is outside. Files .git that must be others elsewhere go to found->pointers.
 */
int repository_walk(struct repository_search *s, struct err *e) NODISCARD;

/*
 * Refused when a directory of objects in the tree, or one that it names in turn, takes objects from
 * elsewhere.
 */
int repository_check_alternates(
	const struct repository_search *s, const char *objects, int depth, struct err *e) NODISCARD;

/*
 * Refused when something in the directory `part`, which is packed in another place, is a symbolic
 * link that leads out of it. names: only these of its entries, ended by NULL; NULL: all but
 * `worktrees`.
 */
int repository_check_links(
	const struct repository_part *part, const char *const *names, struct err *e) NODISCARD;

/*
 * The file .git at `path` names a directory: `line`, as it stands there. Refused when that is in
 * the tree, but git would not find it there elsewhere; what can be mended goes to found->pointers.
 * *ret is the directory, which is the caller's, NULL when there is none. `absolute` is that of
 * line.
 */
int repository_follow(struct repository_search *s, const char *path, const char *line,
	const char *absolute, char **ret, struct err *e) NODISCARD;

/* ---- repository_config.c ---- */

/*
 * Does what a file in the directory `dir` of the tree names lead to the same wherever the tree is?
 * Not when it leads out of it.
 */
bool repository_is_true_anywhere(
	const struct repository_search *s, const char *dir, const char *line);

/*
 * Refused when the configuration file `name` of the repository at `path` in the tree says something
 * else in a machine: core.worktree, core.excludesFile or core.attributesFile name what is outside of
 * the tree, or it includes such a file, or one by the place of the repository. Files that it
 * includes are looked at likewise. Refused, too, when it cannot be read. top: of its work tree.
 */
int repository_check_config(const struct repository_search *s, const char *path, const char *top,
	const char *name, struct err *e) NODISCARD;

/*
 * The same for a repository beneath `dir` that is packed in another place, where no file that it
 * includes is. path: its path outside of the tree.
 */
int repository_check_moved_config(const struct repository_search *s, int dir, const char *path,
	const char *name, bool may_have_worktree, struct err *e) NODISCARD;

#endif
