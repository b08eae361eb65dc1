/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Walks through whole trees of files: removing one, and adding up what it takes.
 *
 * A tree may be as deep and its names may be as odd as its maker liked. Everything is reached by
 * descriptors from the directory above, no link is followed, no other file system is entered, and
 * however deep the tree is, at most TREE_OPEN_DIRS directories are open. Nothing is written, so
 * that a full disk can be emptied; directories that their owner may not write are made writable
 * before they are emptied.
 */
#ifndef OS_TREE_H
#define OS_TREE_H

#include <stdint.h>

#include "base/err.h"

enum { TREE_OPEN_DIRS = 64 };

/*
 * Remove `name` of the directory `dir`, a file or a tree. Absent is fine. Ends at the first thing
 * that cannot be removed; `shown` is how messages call the directory. *ret_bytes (may be NULL) gets
 * the bytes of the disk that are free now, also when only a part could be removed.
 */
int tree_remove(
	int dir, const char *name, const char *shown, uint64_t *ret_bytes, struct err *e) NODISCARD;

/*
 * The bytes of the disk that `name` of the directory `dir` takes, of files with several names the
 * share of one. A directory that may not be read counts without what is in it. Absent is 0.
 */
int tree_measure(
	int dir, const char *name, const char *shown, uint64_t *ret_bytes, struct err *e) NODISCARD;

/* The same for a tar archive of it: a header for each name and content in blocks of 512 bytes. */
int tree_archive_size(
	int dir, const char *name, const char *shown, uint64_t *ret_bytes, struct err *e) NODISCARD;

#endif
