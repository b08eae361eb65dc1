/* SPDX-License-Identifier: Apache-2.0 */
/* File descriptors: auto_fd closes them, all are close-on-exec, reads and writes are complete. */
#ifndef OS_FD_H
#define OS_FD_H

#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/err.h"

void fd_close(int fd); /* -1 is ignored; errno is kept */
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

/* Write all bytes; short writes, EINTR and EAGAIN are handled. 0, or -1 with errno. */
int fd_write_all(int fd, const void *data, size_t len);
int fd_pwrite_all(int fd, const void *data, size_t len, uint64_t offset);

/* Read until len bytes or the end of the file. The number of bytes read, or -1 with errno. */
ssize_t fd_read_full(int fd, void *data, size_t len);
ssize_t fd_pread_full(int fd, void *data, size_t len, uint64_t offset);

/* Append the rest of fd to b. ERR_INPUT that names `name` when the rest is larger than b->max. */
int fd_read_to_end(int fd, const char *name, struct buf *b, struct err *e) NODISCARD;

/*
 * Open a regular file for reading. Any other kind of file is ERR_INPUT. The open never blocks: a
 * fifo in place of a file would otherwise hang its reader.
 */
int fd_open_file(const char *path, int *ret_fd, struct err *e) NODISCARD;

/*
 * open(2) of an untrusted path, relative to the directory `dir`. Symbolic links, and ".."
 * components that lead out of `dir`, are rejected (errno ELOOP, EXDEV). O_CLOEXEC is added. -1 with
 * errno.
 */
int fd_open_beneath(int dir, const char *path, int flags);

/*
 * Open the directory `name` of the directory `dir`, made if it is missing. A link in its place is not
 * followed. O_CLOEXEC is set. -1 with errno.
 */
int fd_make_directory(int dir, const char *name);

/*
 * As fd_open_beneath, but symbolic links that stay beneath the directory are followed. A link that
 * leads out of it, or that is absolute, is EXDEV.
 */
int fd_open_within(int dir, const char *path, int flags);

/*
 * Append the contents of a regular file to b; ret_st may be NULL. -1 with errno: EINVAL when `path`
 * is not a regular file (it is not opened then); EFBIG when the file is larger than b->max.
 */
int fd_read_beneath(int dir, const char *path, struct buf *b, struct stat *ret_st);

/*
 * Append the contents of a regular file to b. ERR_INPUT for a directory, a fifo, and a file larger
 * than b->max.
 */
int fd_read_file(const char *path, struct buf *b, struct err *e) NODISCARD;

/* Create a file with exactly these bytes and sync it. On failure the file is removed. */
int fd_write_synced(
	const char *path, const void *data, size_t len, mode_t mode, struct err *e) NODISCARD;

/*
 * Rename a synced file over another one and sync the directory. `from` no longer exists after the
 * call, also when it failed.
 */
int fd_move(const char *from, const char *to, struct err *e) NODISCARD;

/*
 * Replace the contents of `path` by exactly these bytes: they are written to a temporary file in
 * the same directory, which is synced and renamed; then the directory is synced. If the program is
 * killed, `path` is the old file or the new one, and the temporary file, PATH.RANDOM.tmp, may be
 * left. Where nobody would remove that, create the file elsewhere by fd_write_synced and call
 * fd_move.
 */
int fd_write_file(
	const char *path, const void *data, size_t len, mode_t mode, struct err *e) NODISCARD;

/* fsync a directory, so that renames in it survive a crash. */
int fd_sync_dir(const char *path, struct err *e) NODISCARD;

/* Create an anonymous file in memory; its offset is 0. The descriptor, or -1 with *e set. */
int fd_memory(const char *name, struct err *e) NODISCARD;

/* Copy `len` bytes from the current position of `from` to that of `to`. */
int fd_copy(int from, int to, uint64_t len, struct err *e) NODISCARD;

/*
 * The name of a descriptor for messages: its path, "a temporary file in DIR" for a file that has no
 * name any more, or "a file in memory". errno is kept. The caller frees.
 */
char *fd_name(int fd);

/* The directory that a file of a file system is in, also one without a name; NULL: not known. */
char *fd_directory(int fd);

/*
 * Before locking a file: remove the permissions of other users, because any user who can open the
 * file for reading could lock it and make this program wait. A file of another user is left alone,
 * because its owner decides who may read it. -1 with errno.
 */
int fd_make_private(int fd) NODISCARD;

int fd_set_nonblock(int fd, struct err *e) NODISCARD;

/*
 * Move a descriptor to a number above 3. The standard descriptors of this process may be closed,
 * and descriptors that are set up for a child must not get their numbers. -1 with errno, and *fd is
 * -1 then.
 */
int fd_above_stdio(int *fd) NODISCARD;

/* What a file of this st_mode is, for messages: "a regular file", "a directory", "a pipe". */
const char *fd_kind(mode_t mode);

#endif
