/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Walks through directory trees: removing one, giving it to a user, and adding up its size.
 *
 * A tree is untrusted: it may have any depth and any names. Each entry is reached by the descriptor
 * of its parent directory, no link is followed, and no other file system is entered. At most
 * TREE_OPEN_DIRS directories are open, whatever the depth. No data is written, so that a full disk
 * can be emptied. Directories that their owner may not write to are made writable before they are
 * emptied.
 */
#ifndef OS_TREE_H
#define OS_TREE_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"
#include "base/strv.h"

enum { TREE_OPEN_DIRS = 64 };

/*
 * Remove `name` in the directory `dir`, a file or a tree. A missing name is no error. The removal
 * stops at the first entry that cannot be removed. `shown` is the name of the directory in
 * messages. *ret_bytes (may be NULL) is the disk space that was freed, in bytes, also after a
 * partial removal.
 */
int tree_remove(
	int dir, const char *name, const char *shown, uint64_t *ret_bytes, struct err *e) NODISCARD;

/* The same for everything in the directory `dir` but the names in `kept`. */
int tree_remove_others(
	int dir, const struct strv *kept, const char *shown, struct err *e) NODISCARD;

/*
 * The disk space of `name` in the directory `dir`, in bytes. A file with several names counts with
 * the share of one name. An unreadable directory counts without its contents. A missing name is 0.
 */
int tree_measure(
	int dir, const char *name, const char *shown, uint64_t *ret_bytes, struct err *e) NODISCARD;

/*
 * Several trees as one sum, in which a file with several names counts once, whole, wherever its other
 * names are: the first time that it is met. `seen` is {0} for the first tree. *ret_bytes is the share
 * of this tree; UINT64_MAX if it would be more. Otherwise as tree_measure.
 */
struct tree_seen {
	struct tree_file *files; /* hashed; inode 0: a free place */
	size_t count, room;
};

int tree_measure_once(int dir, const char *name, const char *shown, struct tree_seen *seen,
	uint64_t *ret_bytes, struct err *e) NODISCARD;
void tree_seen_release(struct tree_seen *s);
#define auto_tree_seen __attribute__((cleanup(tree_seen_release)))

/*
 * What tree_remove would free, for a tree that has no hard links within: files with other names count
 * nothing.
 */
int tree_measure_freed(
	int dir, const char *name, const char *shown, uint64_t *ret_bytes, struct err *e) NODISCARD;

/*
 * Give all files of `name` in the directory `dir` to this user and group: links themselves, not what
 * they lead to. `tick` is called every few hundred files; -1, with *e set, ends the walk.
 */
struct tree_owner {
	uid_t uid;
	gid_t gid;
	int (*tick)(void *arg, struct err *e);
	void *arg;
};

int tree_give(int dir, const char *name, const char *shown, const struct tree_owner *owner,
	struct err *e) NODISCARD;

/* The size of a tar archive of it: a header for each name, and contents in blocks of 512 bytes. */
int tree_archive_size(
	int dir, const char *name, const char *shown, uint64_t *ret_bytes, struct err *e) NODISCARD;

#endif
