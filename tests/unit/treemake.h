/* SPDX-License-Identifier: Apache-2.0 */
/* Trees of files for tests: making odd ones, and describing any as text, to compare them whole. */
#ifndef TESTS_UNIT_TREEMAKE_H
#define TESTS_UNIT_TREEMAKE_H

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "expect.h"

#include "base/buf.h"
#include "base/limits.h"

#define expect_sys(call)                                                                           \
	do {                                                                                       \
		if ((call) < 0)                                                                    \
			fail_msg("%s: %s", #call, strerror(errno));                                \
	} while (0)

static inline int treemake_open(const char *path)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		fail_msg("%s: %s", path, strerror(errno));
	return fd;
}

/* A directory in `dir`, opened. */
static inline int treemake_dir(int dir, const char *name, mode_t mode)
{
	int fd;

	expect_sys(mkdirat(dir, name, 0700));
	fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	expect_sys(fd);
	expect_sys(fchmod(fd, mode));
	return fd;
}

/* A file of `size` bytes that are not all the same. */
static inline void treemake_file(int dir, const char *name, mode_t mode, size_t size)
{
	auto_fd int fd = openat(dir, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	auto_free char *data = mem_alloc(size);

	expect_sys(fd);
	for (size_t i = 0; i < size; i++)
		data[i] = (char)(i * 7 + i / 251 + size);
	expect_sys(fd_write_all(fd, data, size));
	expect_sys(fchmod(fd, mode));
}

static inline void treemake_time(int dir, const char *name, int64_t sec, long nsec)
{
	struct timespec times[2] = {{.tv_sec = sec, .tv_nsec = nsec}, {sec, nsec}};

	expect_sys(utimensat(dir, name, times, AT_SYMLINK_NOFOLLOW));
}

/* A name of 255 bytes. */
static inline const char *treemake_long_name(char fill)
{
	static char name[256];

	memset(name, fill, 255);
	return name;
}

/* Directories in each other until their path has more than `bytes` bytes, and a file in the last.
 */
static inline void treemake_deep(int dir, size_t bytes)
{
	int fd = dup(dir);

	for (size_t len = 0; len <= bytes; len += 256) {
		int next = treemake_dir(fd, treemake_long_name('d'), 0755);

		fd_close(fd);
		fd = next;
	}
	treemake_file(fd, "bottom", 0644, 3);
	treemake_time(fd, "bottom", 1, 2);
	fd_close(fd);
}

/* Plain things: what the strict reader takes as well. */
static inline void treemake_plain(int dir)
{
	static const size_t sizes[] = {0, 1, 511, 512, 513, 4095, 4096, 4097, 65536, MIB + 1};
	auto_fd int sub = treemake_dir(dir, "sub", 0750), locked = -1, empty = -1;

	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		auto_free char *name = mem_printf("size-%zu", sizes[i]);

		treemake_file(sub, name, 0600 + (mode_t)i, sizes[i]);
	}
	empty = treemake_dir(sub, "empty", 0711);
	locked = treemake_dir(sub, "locked", 0700);
	treemake_file(locked, "inside", 0400, 10);
	expect_sys(fchmod(locked, 0555));
	treemake_file(dir, "two\nlines\tand\x1b[1m", 0644, 1);
	treemake_file(dir, "not\xff\xfe-utf8", 0644, 1);
	treemake_file(dir, "-rf *", 0755, 1);
	treemake_file(dir, "Case", 0644, 1);
	treemake_file(dir, "case", 0644, 2);
	treemake_file(dir, "e\xcc\x81", 0644, 1);
	treemake_file(dir, "\xc3\xa9", 0644, 2);
	treemake_file(dir, treemake_long_name('n'), 0644, 1);
	treemake_file(dir, treemake_long_name('\xe4'), 0644, 1);
	treemake_deep(dir, 600);
	expect_sys(symlinkat("sub/size-1", dir, "link"));
	expect_sys(symlinkat("loop", dir, "loop"));
	expect_sys(symlinkat("../-rf *", sub, "up"));
	expect_sys(symlinkat(treemake_long_name('n'), dir, "long-link"));
	expect_sys(linkat(dir, "case", sub, "hard-1", 0));
	expect_sys(linkat(dir, "case", dir, "z-hard-2", 0));
	expect_sys(linkat(dir, treemake_long_name('\xe4'), dir, "z-hard-3", 0));
	treemake_time(dir, "case", 1700000000, 123456789);
	treemake_time(dir, "Case", 0, 0);
	treemake_time(dir, "-rf *", -1000000, 500000000);
	treemake_time(dir, "link", 1234567890, 1);
	treemake_time(sub, "size-0", 8589934592, 0);
	treemake_time(sub, "locked", 1000000000, 999999999);
	treemake_time(dir, "sub", 1000000001, 0);
}

/* Also what the strict reader refuses. */
static inline void treemake_odd(int dir)
{
	treemake_plain(dir);
	treemake_file(dir, "set-user-id", 04755, 1);
	treemake_file(dir, "set-group-id", 02711, 1);
	fd_close(treemake_dir(dir, "sticky", 01777));
	expect_sys(symlinkat("/etc/passwd", dir, "absolute"));
	expect_sys(symlinkat("sub/../..", dir, "out"));
	expect_sys(mkfifoat(dir, "fifo", 0640));
	treemake_time(dir, "fifo", 5, 6);
}

static inline void treemake_socket(const char *dir, const char *name)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	auto_fd int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	(void)snprintf(a.sun_path, sizeof(a.sun_path), "%s/%s", dir, name);
	expect_sys(bind(fd, (struct sockaddr *)&a, sizeof(a)));
}

/* ---- describing -------------------------------------------------------------------------- */

static inline uint64_t treemake_hash(int dir, const char *name)
{
	auto_fd int fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	auto_free char *data = mem_alloc(MIB);
	uint64_t hash = 14695981039346656037ULL;
	ssize_t n;

	if (fd < 0) /* unreadable for this user: the mode in the description says so */
		return 0;
	while ((n = fd_read_full(fd, data, MIB)) > 0)
		for (ssize_t i = 0; i < n; i++)
			hash = (hash ^ (unsigned char)data[i]) * 1099511628211ULL;
	expect_sys(n);
	return hash;
}

static inline int treemake_skip_dots(const struct dirent *d)
{
	return strcmp(d->d_name, ".") != 0 && strcmp(d->d_name, "..") != 0;
}

static inline int treemake_by_bytes(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static inline void treemake_describe_in(int dir, struct buf *b, struct buf *path);

static inline void treemake_describe_one(int dir, const char *name, struct buf *b, struct buf *path)
{
	char target[4096] = "";
	struct stat st;

	expect_sys(fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW));
	if (S_ISLNK(st.st_mode))
		expect_sys(readlinkat(dir, name, target, sizeof(target) - 1));
	buf_addf(b, "%s %o %" PRId64 ".%09ld", path->data, st.st_mode, (int64_t)st.st_mtim.tv_sec,
		st.st_mtim.tv_nsec);
	if (S_ISREG(st.st_mode))
		buf_addf(b, " links %u size %" PRId64 " hash %016" PRIx64, (unsigned)st.st_nlink,
			(int64_t)st.st_size, treemake_hash(dir, name));
	buf_addf(b, " %s\n", target);
	if (S_ISDIR(st.st_mode)) {
		auto_fd int fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

		expect_sys(fd);
		treemake_describe_in(fd, b, path);
	}
}

static inline void treemake_describe_in(int dir, struct buf *b, struct buf *path)
{
	struct dirent **list = NULL;
	int n = scandirat(dir, ".", &list, treemake_skip_dots, treemake_by_bytes);
	size_t len = path->len;

	expect_sys(n);
	for (int i = 0; i < n; i++) {
		buf_addf(path, "/%s", list[i]->d_name);
		treemake_describe_one(dir, list[i]->d_name, b, path);
		path->len = len;
		path->data[len] = '\0';
		free(list[i]);
	}
	free(list);
}

/* Everything about a tree that an archive keeps, as text. The caller frees. */
static inline char *treemake_describe(const char *dir)
{
	auto_fd int fd = treemake_open(dir);
	struct buf b;
	auto_buf struct buf path;

	buf_init(&b, 64 * MIB);
	buf_init(&path, MIB);
	treemake_describe_in(fd, &b, &path);
	assert_false(b.overflow || path.overflow);
	return b.data;
}

/* The two trees are the same. The first difference is shown. */
static inline void treemake_expect_same(const char *a, const char *b)
{
	auto_free char *left = treemake_describe(a);
	auto_free char *right = treemake_describe(b);
	size_t i = 0, line = 0;

	for (; left[i] && left[i] == right[i]; i++)
		if (left[i] == '\n')
			line = i + 1;
	if (left[i] != right[i])
		fail_msg("trees differ:\n%.*s\n%.*s", (int)strcspn(left + line, "\n"), left + line,
			(int)strcspn(right + line, "\n"), right + line);
}

#endif
