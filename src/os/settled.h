/* SPDX-License-Identifier: Apache-2.0 */
/*
 * May a digest of a file be remembered under its identity: file system, device, inode, size, mtime
 * and ctime? Only root can set a ctime, but two kinds of changes do not change it:
 *
 * - a second change in the same tick of the clock;
 * - a change through a shared mapping (mmap) to a page that is dirty already. The kernel sets the
 *   times when a page becomes writable. After that it does not notice writes until it has written
 *   the page to the disk and made it read-only again.
 *
 * So a digest is stored only if the file's pages were written to the disk (sync_file_range) before
 * they were read. This costs nothing if the kernel has written them already, which it does within
 * half a minute.
 */
#ifndef OS_SETTLED_H
#define OS_SETTLED_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

/* 5 s and more than the 30 s after which Linux writes dirty pages (vm.dirty_expire_centisecs). */
enum { SETTLED_S = 40 };

/*
 * The id of the file system of fd (statfs, f_fsid), because another one with the same inodes may be
 * mounted from the same device. 0: the rules above do not hold there, or fd is -1. tmpfs writes no
 * pages, overlayfs has those of another file, ZFS sets the times when it writes, and for FUSE,
 * network and 9p file systems a server decides.
 */
uint64_t settled_filesystem(int fd);

/*
 * True if the data that is read from now on belongs to the identity in st, the current state of the
 * file. False if it changed within SETTLED_S, or if its ctime is a whole second, because it was set
 * by a program that writes file systems (mke2fs), or by a file system with coarse times. The call
 * may write the file's pages to the disk.
 */
bool settled_file(int fd, const struct stat *st);

#endif
