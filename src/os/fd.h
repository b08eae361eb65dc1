/* SPDX-License-Identifier: Apache-2.0 */
/* File descriptors: owned by auto_fd, close-on-exec from birth, whole reads and writes. */
#ifndef OS_FD_H
#define OS_FD_H

#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/err.h"

void fd_close(int fd); /* accepts -1; errno is kept */
static inline void fd_auto_close(const int *fd)
{
	fd_close(*fd);
}
#define auto_fd __attribute__((cleanup(fd_auto_close)))

static inline int fd_steal(int *fd)
{
	int stolen = *fd;

	*fd = -1;
	return stolen;
}

/* Write all of it, whatever short writes, EINTR and EAGAIN say. 0, or -1 with errno. */
int fd_write_all(int fd, const void *data, size_t len);
int fd_pwrite_all(int fd, const void *data, size_t len, uint64_t offset);

/* Read until len bytes are there or the end. The number of bytes read, or -1 with errno. */
ssize_t fd_read_full(int fd, void *data, size_t len);
ssize_t fd_pread_full(int fd, void *data, size_t len, uint64_t offset);

/* Append the rest of fd to b; ERR_INPUT naming `name` when that is more than b->max. */
int fd_read_to_end(int fd, const char *name, struct buf *b, struct err *e) NODISCARD;

/*
 * Open a regular file for reading. Anything else is ERR_INPUT, and is not waited for: a fifo that
 * stands where a file should be would hang its reader.
 */
int fd_open_file(const char *path, int *ret_fd, struct err *e) NODISCARD;

/*
 * open(2) of a path of somebody else's: beneath the directory `dir`, through no symbolic link and
 * no ".." that leads out (errno EXDEV, ELOOP). O_CLOEXEC is added. -1 with errno.
 */
int fd_open_beneath(int dir, const char *path, int flags);

/*
 * The same through symbolic links that stay beneath the directory: one that leads out, or is
 * absolute, is EXDEV.
 */
int fd_open_within(int dir, const char *path, int flags);

/*
 * Append a whole regular file that is there to b; ret_st may be NULL. -1 with errno: EINVAL when it
 * is something else, which is not opened; EFBIG when it is more than b->max.
 */
int fd_read_beneath(int dir, const char *path, struct buf *b, struct stat *ret_st);

/* Append a whole regular file to b. A directory, a fifo, more than b->max: ERR_INPUT. */
int fd_read_file(const char *path, struct buf *b, struct err *e) NODISCARD;

/* Make a file of exactly these bytes, synced. It is removed when that fails. */
int fd_write_synced(
	const char *path, const void *data, size_t len, mode_t mode, struct err *e) NODISCARD;

/* Rename a synced file over another and sync the directory. `from` is gone in either case. */
int fd_move(const char *from, const char *to, struct err *e) NODISCARD;

/*
 * Make `path` hold exactly these bytes: written under a temporary name in the same directory,
 * synced, renamed, directory synced. A kill at any moment leaves the old file or the new one, and
 * perhaps the temporary one, PATH.RANDOM.tmp: make it elsewhere by fd_write_synced and fd_move
 * where that would stay.
 */
int fd_write_file(
	const char *path, const void *data, size_t len, mode_t mode, struct err *e) NODISCARD;

/* fsync of a directory, so that renames in it last. */
int fd_sync_dir(const char *path, struct err *e) NODISCARD;

/* An anonymous file in memory, at its start. -1 with *e set. */
int fd_memory(const char *name, struct err *e) NODISCARD;

/* Copy `len` bytes from the current position of `from` to that of `to`. */
int fd_copy(int from, int to, uint64_t len, struct err *e) NODISCARD;

/*
 * What to call a descriptor in a message: its path, "a temporary file in DIR" for one that has no
 * name any more, or "a file in memory". errno is kept. The caller frees.
 */
char *fd_name(int fd);

/* The directory that a file of a file system is in, also one without a name; NULL: not known. */
char *fd_directory(int fd);

/*
 * Before a file is locked: take the rights of others away, for whoever can open it for reading can
 * lock it, and keep us waiting. Another user's file stays as it is: he knows who may read it. -1
 * with errno.
 */
int fd_make_private(int fd) NODISCARD;

int fd_set_nonblock(int fd, struct err *e) NODISCARD;

/*
 * Move a descriptor above 3: standard descriptors of ours may be closed, and what a child is given
 * as its own must not be mistaken for them. -1 with errno, and *fd is -1 then.
 */
int fd_above_stdio(int *fd) NODISCARD;

#endif
