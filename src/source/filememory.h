/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The digests of files, remembered from one run to the next, so that a file that did not change is
 * not read again. A file is known again by file system, device, inode, size, mtime and ctime; nobody
 * but root can set a ctime. The file system has an identity of its own (statfs, f_fsid), for another
 * one may be mounted from the same device, with the same inodes.
 *
 * Two kinds of changes have no ctime of their own:
 *
 * - A second one in the same tick of the clock.
 * - One through a shared mapping (mmap) to a page that is dirty already. The kernel sets the times
 *   when a page becomes writable; after that it sees no write until it has written the page to the
 *   disk and made it read-only again.
 *
 * So a digest is remembered only after the file's pages were written (sync_file_range), before they
 * are read. This costs nothing where the kernel has done so: it does within half a minute, and
 * files that changed within FILEMEMORY_SETTLED_S are not remembered yet. Nor are files whose ctime
 * is a whole second, which a program has made that writes file systems (mke2fs), or a file system
 * with coarse times; nor files on file systems that do not work so: tmpfs writes no pages, overlayfs has those of another file, ZFS sets
 * the times when it writes; FUSE, network and 9p file systems have servers that decide.
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

/* More than the 30 s after which Linux writes dirty pages (vm.dirty_expire_centisecs), and 5 s. */
enum { FILEMEMORY_SETTLED_S = 40 };

struct filememory;

/* Never fails; path NULL: an empty one that is saved nowhere. */
struct filememory *filememory_open(const char *path);
void filememory_free(struct filememory *m); /* NULL is fine */

/* The digest of this file, if it is known; fd is the file. A found one is remembered further on. */
bool filememory_find(struct filememory *m, int fd, const struct stat *st, struct digest_text *ret);

/*
 * May the digest of what is read from now on be remembered? st is what the file is now. When it
 * changes while it is read its ctime is another one, so what is remembered is never found. May
 * write the pages of the file to the disk.
 */
bool filememory_may_add(struct filememory *m, int fd, const struct stat *st);
void filememory_add(struct filememory *m, const struct stat *st, const struct digest_text *sum);

/*
 * Write what was found or added since it was opened, and nothing else, when that differs from what
 * the file has. It is made in the directory `work`, which is ours and on the same file system.
 */
int filememory_save(const struct filememory *m, const char *work, struct err *e) NODISCARD;

#endif
