/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The digests of files, remembered from one run to the next, so that a file that did not change is
 * not read again. A file is known again by device, inode, size, mtime and ctime; nobody but root
 * can set a ctime.
 *
 * A digest is not remembered when the file changed within FILEMEMORY_SETTLED_S of when it was read,
 * since another change in the same tick of its clock would not show; nor on file systems that are
 * not known to keep inodes and ctimes (FUSE, network and 9p file systems have servers that decide).
 *
 * The file is bounded by LIMIT_FILEMEMORY_ENTRIES and replaced by one rename. One that is damaged
 * or of another version is the same as none. Its format is defined in filememory.c.
 */
#ifndef SOURCE_FILEMEMORY_H
#define SOURCE_FILEMEMORY_H

#include <stdbool.h>
#include <sys/stat.h>

#include "base/err.h"
#include "data/digest.h"

enum { FILEMEMORY_SETTLED_S = 2 };

struct filememory;

/* Never fails; path NULL: an empty one that is saved nowhere. */
struct filememory *filememory_open(const char *path);
void filememory_free(struct filememory *m); /* NULL is fine */

/* The digest of this file, if it is known; fd is the file. A found one is remembered further on. */
bool filememory_find(struct filememory *m, int fd, const struct stat *st, struct digest_text *ret);

/*
 * May the digest of what is read from now on be remembered? st is what the file is now. When it
 * changes while it is read its ctime is another one, so what is remembered is never found.
 */
bool filememory_may_add(struct filememory *m, int fd, const struct stat *st);
void filememory_add(struct filememory *m, const struct stat *st, const struct digest_text *sum);

/*
 * Write what was found or added since it was opened, and nothing else, when that differs from what
 * the file has. It is made in the directory `work`, which is ours and on the same file system.
 */
int filememory_save(const struct filememory *m, const char *work, struct err *e) NODISCARD;

#endif
