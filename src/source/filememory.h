/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A cache of file digests between runs, so that an unchanged file is not read again. A file is
 * identified by file system, device, inode, size, mtime and ctime. Only files are cached whose
 * identity tells every later change (os/settled.h).
 *
 * The cache file is limited by LIMIT_FILEMEMORY_ENTRIES and replaced by one rename. A damaged file
 * and one of another version count as absent. The format is defined in filememory.c.
 */
#ifndef SOURCE_FILEMEMORY_H
#define SOURCE_FILEMEMORY_H

#include <stdbool.h>
#include <sys/stat.h>

#include "base/err.h"
#include "data/digest.h"
#include "source/limits.h"

struct filememory;

/* Open a cache file. Never fails. path NULL: an empty cache that is not saved. */
struct filememory *filememory_open(const char *path);
void filememory_free(struct filememory *m); /* accepts NULL */

/* Look up the digest of the open file fd. If it is found, it is kept for the next save. */
bool filememory_find(struct filememory *m, int fd, const struct stat *st, struct digest_text *ret);

/*
 * May the digest of the data that is read from now on be stored? st is the current state of the
 * file. If the file changes while it is read, it gets another ctime, so the stored digest is never
 * found. The call may write the file's pages to the disk.
 */
bool filememory_may_add(struct filememory *m, int fd, const struct stat *st);
void filememory_add(struct filememory *m, const struct stat *st, const struct digest_text *sum);

/*
 * Save the entries that were found or added since filememory_open, and no others, if they differ
 * from those in the file. The file is first written in the directory `work`, which is private to
 * this program and on the same file system.
 */
int filememory_save(const struct filememory *m, const char *work, struct err *e) NODISCARD;

#endif
