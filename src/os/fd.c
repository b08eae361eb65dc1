/* SPDX-License-Identifier: Apache-2.0 */
#include "os/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/openat2.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "os/path.h"

/* How the kernel shows files without a name in /proc/self/fd. */
#define DELETED " (deleted)"
#define MEMORY "/memfd:"

void fd_close(int fd)
{
	int saved = errno;

	if (fd >= 0)
		(void)close(fd);
	errno = saved;
}

/* Another process that shares the open file may have made it non-blocking. */
static void wait_until_writable(int fd)
{
	struct pollfd p = {.fd = fd, .events = POLLOUT};

	(void)poll(&p, 1, -1);
}

int fd_write_all(int fd, const void *data, size_t len)
{
	const char *p = data;

	while (len) {
		ssize_t n = write(fd, p, len);

		if (n < 0 && errno == EAGAIN)
			wait_until_writable(fd);
		if (n < 0 && (errno == EINTR || errno == EAGAIN))
			continue;
		if (n < 0)
			return -1;
		p += n;
		len -= (size_t)n;
	}
	return 0;
}

int fd_pwrite_all(int fd, const void *data, size_t len, uint64_t offset)
{
	const char *p = data;

	while (len) {
		ssize_t n = pwrite(fd, p, len, (off_t)offset);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		p += n;
		offset += (uint64_t)n;
		len -= (size_t)n;
	}
	return 0;
}

ssize_t fd_read_full(int fd, void *data, size_t len)
{
	size_t have = 0;

	while (have < len) {
		ssize_t n = read(fd, (char *)data + have, len - have);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		if (n == 0)
			break;
		have += (size_t)n;
	}
	return (ssize_t)have;
}

ssize_t fd_pread_full(int fd, void *data, size_t len, uint64_t offset)
{
	size_t have = 0;

	while (have < len) {
		ssize_t n = pread(fd, (char *)data + have, len - have, (off_t)(offset + have));

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		if (n == 0)
			break;
		have += (size_t)n;
	}
	return (ssize_t)have;
}

int fd_read_to_end(int fd, const char *name, struct buf *b, struct err *e)
{
	enum { CHUNK = 65536 };

	for (;;) {
		size_t left = b->max - b->len;
		size_t want = left < CHUNK ? left + 1 : CHUNK;
		char chunk[CHUNK];
		ssize_t n = fd_read_full(fd, chunk, want);

		if (n < 0)
			return err_sys(e, "read %s", name);
		if ((size_t)n > left)
			return err_set(e, ERR_INPUT, "%s: larger than %zu bytes", name, b->max);
		buf_add(b, chunk, (size_t)n);
		if ((size_t)n < want)
			return 0;
	}
}

static int open_resolved(int dir, const char *path, int flags, uint64_t resolve)
{
	struct open_how how = {
		.flags = (uint64_t)(unsigned)(flags | O_CLOEXEC),
		.resolve = resolve | RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS,
	};

	return (int)syscall(SYS_openat2, dir, path, &how, sizeof(how));
}

int fd_make_directory(int dir, const char *name)
{
	if (mkdirat(dir, name, 0755) < 0 && errno != EEXIST)
		return -1;
	return openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

int fd_open_beneath(int dir, const char *path, int flags)
{
	return open_resolved(dir, path, flags, RESOLVE_NO_SYMLINKS);
}

int fd_open_within(int dir, const char *path, int flags)
{
	enum { TRIES = 100 };
	int fd = -1;

	/*
	 * openat2(2) fails with EAGAIN for paths with ".." during any rename or mount on the host.
	 */
	for (int i = 0; i < TRIES; i++) {
		fd = open_resolved(dir, path, flags, 0);
		if (fd >= 0 || errno != EAGAIN)
			break;
	}
	return fd;
}

int fd_read_beneath(int dir, const char *path, struct buf *b, struct stat *ret_st)
{
	auto_fd int found = fd_open_beneath(dir, path, O_PATH | O_NOFOLLOW), fd = -1;
	struct err e = {0};
	struct stat st;

	if (found < 0 || fstat(found, &st) < 0)
		return -1;
	/* Check before opening, because opening a device can have side effects. */
	if (!S_ISREG(st.st_mode)) {
		errno = EINVAL;
		return -1;
	}
	fd = fd_open_beneath(dir, path, O_RDONLY | O_NONBLOCK | O_NOCTTY);
	if (fd < 0)
		return -1;
	if (fd_read_to_end(fd, path, b, &e) < 0) {
		errno = e.sys ? e.sys : EFBIG;
		return -1;
	}
	if (ret_st)
		*ret_st = st;
	return 0;
}

int fd_open_file(const char *path, int *ret_fd, struct err *e)
{
	auto_fd int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	struct stat st;

	if (fd < 0) {
		(void)err_sys(e, "%s", path);
		e->kind = ERR_INPUT;
		return -1;
	}
	if (fstat(fd, &st) < 0)
		return err_sys(e, "%s", path);
	if (S_ISDIR(st.st_mode))
		return err_set(e, ERR_INPUT, "%s: is a directory, a file is needed", path);
	if (!S_ISREG(st.st_mode))
		return err_set(e, ERR_INPUT, "%s: not a regular file", path);
	*ret_fd = fd_steal(&fd);
	return 0;
}

int fd_read_file(const char *path, struct buf *b, struct err *e)
{
	auto_fd int fd = -1;

	return fd_open_file(path, &fd, e) < 0 ? -1 : fd_read_to_end(fd, path, b, e);
}

int fd_sync_dir(const char *path, struct err *e)
{
	auto_fd int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return err_sys(e, "open directory %s", path);
	if (fsync(fd) < 0)
		return err_sys(e, "sync directory %s", path);
	return 0;
}

static int write_and_sync(
	const char *path, const void *data, size_t len, mode_t mode, struct err *e)
{
	auto_fd int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, mode);

	if (fd < 0)
		return err_sys(e, "create %s", path);
	if (fd_write_all(fd, data, len) < 0)
		return err_sys(e, "write %s", path);
	if (fsync(fd) < 0)
		return err_sys(e, "sync %s", path);
	return 0;
}

int fd_write_synced(const char *path, const void *data, size_t len, mode_t mode, struct err *e)
{
	if (write_and_sync(path, data, len, mode, e) == 0)
		return 0;
	(void)unlink(path);
	return -1;
}

int fd_move(const char *from, const char *to, struct err *e)
{
	auto_free char *directory = path_parent(to);

	if (rename(from, to) < 0) {
		(void)err_sys(e, "rename %s to %s", from, to);
		(void)unlink(from);
		return -1;
	}
	return fd_sync_dir(directory, e);
}

int fd_write_file(const char *path, const void *data, size_t len, mode_t mode, struct err *e)
{
	auto_free char *temporary = NULL;
	uint64_t random;

	if (getrandom(&random, sizeof(random), 0) != (ssize_t)sizeof(random))
		return err_sys(e, "make a name for %s", path);
	temporary = mem_printf("%s.%016" PRIx64 ".tmp", path, random);
	if (fd_write_synced(temporary, data, len, mode, e) < 0)
		return -1;
	return fd_move(temporary, path, e);
}

int fd_memory(const char *name, struct err *e)
{
	int fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);

	if (fd < 0)
		return err_sys(e, "create memory file %s", name);
	return fd;
}

static int copy_failed(const char *what, int fd, struct err *e)
{
	auto_free char *name = fd_name(fd);

	return err_sys(e, "%s %s", what, name);
}

int fd_copy(int from, int to, uint64_t len, struct err *e)
{
	enum { CHUNK = 1 << 20 };
	auto_free char *chunk = mem_alloc(CHUNK);

	while (len) {
		size_t want = len < CHUNK ? (size_t)len : CHUNK;
		ssize_t n = fd_read_full(from, chunk, want);

		if (n < 0)
			return copy_failed("read", from, e);
		if ((size_t)n < want)
			return err_set(e, ERR_HOST, "copy: the file is shorter than expected");
		if (fd_write_all(to, chunk, want) < 0)
			return copy_failed("write", to, e);
		len -= want;
	}
	return 0;
}

/* The target of the descriptor's link in /proc; NULL: unreadable. The caller frees it. */
static char *link_of(int fd)
{
	auto_free char *link = mem_printf("/proc/self/fd/%d", fd);
	char path[4096];
	ssize_t n = readlink(link, path, sizeof(path));

	return n < 0 ? NULL : mem_strndup(path, (size_t)n);
}

static bool is_in_memory(const char *link)
{
	return strncmp(link, MEMORY, strlen(MEMORY)) == 0;
}

static bool has_no_name(const char *link)
{
	size_t len = strlen(link);

	return link[0] == '/' && len > strlen(DELETED) &&
		strcmp(link + len - strlen(DELETED), DELETED) == 0;
}

char *fd_name(int fd)
{
	int saved = errno;
	auto_free char *link = link_of(fd);
	auto_free char *directory = NULL;

	errno = saved;
	if (!link)
		return mem_printf("descriptor %d", fd);
	if (is_in_memory(link))
		return mem_strdup("a file in memory");
	if (!has_no_name(link))
		return steal_ptr(&link);
	directory = path_parent(link);
	return mem_printf("a temporary file in %s", directory);
}

char *fd_directory(int fd)
{
	auto_free char *link = link_of(fd);

	return !link || link[0] != '/' || is_in_memory(link) ? NULL : path_parent(link);
}

const char *fd_kind(mode_t mode)
{
	switch (mode & S_IFMT) {
	case S_IFREG:
		return "a regular file";
	case S_IFDIR:
		return "a directory";
	case S_IFLNK:
		return "a symbolic link";
	case S_IFIFO:
		return "a pipe";
	case S_IFSOCK:
		return "a socket";
	default:
		return "a device";
	}
}

int fd_make_private(int fd)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return -1;
	if (!(st.st_mode & 077) || fchmod(fd, st.st_mode & 0700) == 0)
		return 0;
	return errno == EPERM || errno == EROFS ? 0 : -1;
}

int fd_set_nonblock(int fd, struct err *e)
{
	int flags = fcntl(fd, F_GETFL);

	if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0)
		return err_sys(e, "make descriptor %d non-blocking", fd);
	return 0;
}

int fd_above_stdio(int *fd)
{
	int high = fcntl(*fd, F_DUPFD_CLOEXEC, 4);

	fd_close(*fd);
	*fd = high;
	return high < 0 ? -1 : 0;
}
