/* SPDX-License-Identifier: Apache-2.0 */
#include "os/outfile.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "base/num.h"
#include "os/fd.h"
#include "os/nowait.h"
#include "os/path.h"
#include "os/sig.h"
#include "os/space.h"

enum { READER_PAUSE_MS = 50, NAME_TRIES = 100, NAME_KEPT = 200 };

static int refuse(const char *path, const char *why, struct err *e)
{
	return err_set(e, ERR_INPUT, "%s: %s", path, why);
}

/* Set the error from errno. Usually the path is wrong; a full disk is not the user's error. */
static int cannot(const char *path, struct err *e)
{
	(void)err_sys(e, "%s", path);
	if (*e->reason)
		return err_because(e, "host_output");
	e->kind = ERR_INPUT;
	return -1;
}

static bool same_file(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

/* ---- descriptors ---- */

/* The descriptor number that the path stands for; -1: an ordinary path. */
static int descriptor_of(const char *path)
{
	static const char *const numbered[] = {"/dev/fd/", "/proc/self/fd/"};
	struct err ignored = {0};
	uint64_t number;

	if (strcmp(path, "-") == 0 || strcmp(path, "/dev/stdout") == 0)
		return STDOUT_FILENO;
	if (strcmp(path, "/dev/stderr") == 0)
		return STDERR_FILENO;
	for (size_t i = 0; i < ARRAY_SIZE(numbered); i++)
		if (strncmp(path, numbered[i], strlen(numbered[i])) == 0 &&
			num_parse_u64(path + strlen(numbered[i]), INT_MAX, &number, &ignored) == 0)
			return (int)number;
	return -1;
}

static int open_descriptor(struct outfile *o, int fd, struct err *e)
{
	int flags = fcntl(fd, F_GETFL);

	if (strcmp(o->path, "-") == 0) {
		free(o->path);
		o->path = mem_strdup("standard output");
	}
	/*
	 * The descriptor was closed when we started; os/inherit.h opened it, but the output is
	 * needed.
	 */
	if (fd <= STDERR_FILENO && (flags & O_ACCMODE) == O_RDONLY) {
		errno = EBADF;
		return outfile_failed(o->path, e);
	}
	if (flags < 0 || (flags & O_ACCMODE) == O_RDONLY || (flags & O_PATH))
		return refuse(o->path, "this descriptor is not open for writing", e);
	o->fd = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	if (o->fd < 0 || fstat(o->fd, &o->found) < 0)
		return err_sys(e, "%s", o->path);
	o->stream = true;
	return 0;
}

/* Standard output or standard error, if it is this regular file; else -1. */
static int descriptor_with_file(const struct stat *st)
{
	for (int fd = STDOUT_FILENO; fd <= STDERR_FILENO; fd++) {
		struct stat mine;

		if (fstat(fd, &mine) == 0 && S_ISREG(mine.st_mode) && same_file(&mine, st))
			return fd;
	}
	return -1;
}

/* ---- pipes and devices ---- */

/* A fifo cannot be opened for writing without a reader, and poll(2) cannot wait for a reader. */
static int wait_for_reader(const struct outfile *o, struct err *e)
{
	struct pollfd p = {.fd = sig_fd(), .events = POLLIN};

	(void)poll(&p, 1, READER_PAUSE_MS);
	return sig_check(e) < 0 ? err_wrap(e, "%s: nobody reads it", o->path) : 0;
}

static int open_stream(struct outfile *o, struct err *e)
{
	o->stream = true;
	for (;;) {
		o->fd = open(o->path, O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
		if (o->fd >= 0)
			return 0;
		if (errno != ENXIO || !S_ISFIFO(o->found.st_mode))
			return cannot(o->path, e);
		if (wait_for_reader(o, e) < 0)
			return -1;
	}
}

/* ---- regular files ---- */

/* Open the directory of `path`, which must not end in a symbolic link, and set the name in it. */
static int open_directory(struct outfile *o, const char *path, struct err *e)
{
	auto_free char *parent = path_parent(path);

	o->name = mem_strdup(path_base(path));
	if (!*o->name)
		return refuse(o->path, "the name of a file is needed", e);
	o->dir = open(parent, O_PATH | O_DIRECTORY | O_CLOEXEC);
	return o->dir < 0 ? cannot(o->path, e) : 0;
}

/* Call `make` with random names until one is not taken. */
static int with_random_name(struct outfile *o, int (*make)(struct outfile *o, const char *name))
{
	for (int i = 0; i < NAME_TRIES; i++) {
		auto_free char *name = NULL;
		uint64_t random;

		if (getrandom(&random, sizeof(random), 0) != (ssize_t)sizeof(random))
			return -1;
		name = mem_printf(".%.*s.%016" PRIx64, NAME_KEPT, o->name, random);
		if (make(o, name) == 0) {
			o->temporary = steal_ptr(&name);
			return 0;
		}
		if (errno != EEXIST)
			return -1;
	}
	return -1;
}

static int create_named(struct outfile *o, const char *name)
{
	o->fd = openat(o->dir, name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	return o->fd < 0 ? -1 : 0;
}

static int link_named(struct outfile *o, const char *name)
{
	auto_free char *self = mem_printf("/proc/self/fd/%d", o->fd);

	return linkat(AT_FDCWD, self, o->dir, name, AT_SYMLINK_FOLLOW);
}

static int open_whole(struct outfile *o, struct err *e)
{
	o->fd = openat(o->dir, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	if (o->fd >= 0)
		return 0;
	/* Some file systems do not support O_TMPFILE. */
	if (errno != EOPNOTSUPP && errno != EISDIR && errno != EINVAL)
		return cannot(o->path, e);
	return with_random_name(o, create_named) < 0 ? cannot(o->path, e) : 0;
}

static int open_lines(struct outfile *o, mode_t mode, struct err *e)
{
	int flags = O_WRONLY | O_APPEND | O_NONBLOCK | O_NOCTTY | O_NOFOLLOW | O_CLOEXEC;

	o->made = o->found.st_nlink == 0;
	o->fd = openat(o->dir, o->name, flags | (o->made ? O_CREAT | O_EXCL : 0), mode);
	if (o->fd < 0 || fstat(o->fd, &o->found) < 0)
		return cannot(o->path, e);
	return S_ISREG(o->found.st_mode) ? 0
					 : refuse(o->path, "it was replaced in the meantime", e);
}

static int open_regular(
	struct outfile *o, const char *path, enum outfile_use use, mode_t mode, struct err *e)
{
	if (open_directory(o, path, e) < 0)
		return -1;
	if (use == OUTFILE_LINES)
		return open_lines(o, mode, e);
	if (o->found.st_nlink == 0) {
		mode_t mask = umask(077);

		(void)umask(mask);
		o->found.st_mode = mode & ~mask;
	} else if (faccessat(o->dir, o->name, W_OK, AT_EACCESS) < 0) {
		return cannot(o->path, e);
	}
	return open_whole(o, e);
}

/* ---- opening ---- */

/*
 * The path is read from the descriptor: the kernel has resolved it, with its rules about symbolic
 * links in world-writable directories.
 */
static char *path_of(int fd)
{
	auto_free char *self = mem_printf("/proc/self/fd/%d", fd);
	char path[PATH_MAX];
	ssize_t n = readlink(self, path, sizeof(path));

	return n < 0 || n == (ssize_t)sizeof(path) ? NULL : mem_strndup(path, (size_t)n);
}

static int open_new(struct outfile *o, enum outfile_use use, mode_t mode, struct err *e)
{
	struct stat st;

	if (errno != ENOENT)
		return cannot(o->path, e);
	if (lstat(o->path, &st) == 0)
		return refuse(o->path, "it is a dangling symbolic link", e);
	return open_regular(o, o->path, use, mode, e);
}

static int open_found(struct outfile *o, int fd, enum outfile_use use, mode_t mode, struct err *e)
{
	auto_free char *path = path_of(fd);
	int same;

	if (fstat(fd, &o->found) < 0 || !path)
		return cannot(o->path, e);
	if (S_ISDIR(o->found.st_mode))
		return refuse(o->path, "it is a directory, not a file", e);
	if (S_ISSOCK(o->found.st_mode))
		return refuse(o->path, "it is a socket, not a file", e);
	if (!S_ISREG(o->found.st_mode))
		return open_stream(o, e);
	same = descriptor_with_file(&o->found);
	return same >= 0 ? open_descriptor(o, same, e) : open_regular(o, path, use, mode, e);
}

static int open_path(struct outfile *o, enum outfile_use use, mode_t mode, struct err *e)
{
	auto_free char *plain = path_absolute(o->path);
	int number = descriptor_of(strcmp(o->path, "-") == 0 ? o->path : plain);
	auto_fd int fd = -1;

	if (number >= 0)
		return open_descriptor(o, number, e);
	fd = open(o->path, O_PATH | O_CLOEXEC);
	return fd < 0 ? open_new(o, use, mode, e) : open_found(o, fd, use, mode, e);
}

int outfile_open(
	const char *path, enum outfile_use use, mode_t mode, struct outfile *ret, struct err *e)
{
	auto_outfile struct outfile o = OUTFILE_NONE;

	o.path = mem_strdup(path);
	if (open_path(&o, use, mode, e) < 0) {
		space_explain_probably(e, path);
		return -1;
	}
	*ret = o;
	o = (struct outfile)OUTFILE_NONE;
	return 0;
}

void outfile_release(struct outfile *o)
{
	struct stat now;

	if (o->temporary)
		(void)unlinkat(o->dir, o->temporary, 0);
	/* Remove the file if opening it created it and nothing was written. */
	if (o->made && !o->begun && fstatat(o->dir, o->name, &now, AT_SYMLINK_NOFOLLOW) == 0 &&
		same_file(&now, &o->found) && now.st_size == 0)
		(void)unlinkat(o->dir, o->name, 0);
	fd_close(o->fd);
	fd_close(o->dir);
	free(o->path);
	free(o->name);
	free(o->temporary);
	*o = (struct outfile)OUTFILE_NONE;
}

/* ---- writing ---- */

int outfile_begin(struct outfile *o, struct err *e)
{
	o->begun = true;
	if (o->stream)
		return 0;
	return ftruncate(o->fd, 0) < 0 ? cannot(o->path, e) : 0;
}

int outfile_failed(const char *name, struct err *e)
{
	int sys = errno;

	if (sys == EINTR && sig_check(e) < 0)
		return err_wrap(e, "%s: nobody reads it", name);
	errno = sys;
	(void)(sys == EBADF ? err_set(e, ERR_HOST, "write %s: it is closed", name)
			    : err_sys(e, "write %s", name));
	return err_because(e, "host_output");
}

int outfile_write(struct outfile *o, const void *data, size_t len, struct err *e)
{
	if (nowait_put(o->fd, data, len) == 0)
		return 0;
	(void)outfile_failed(o->path, e);
	space_explain(e, o->fd);
	return -1;
}

static int place(struct outfile *o, struct err *e)
{
	struct stat now;
	unsigned flags = 0;

	if (!o->temporary && with_random_name(o, link_named) < 0)
		return cannot(o->path, e);
	if (fstatat(o->dir, o->name, &now, AT_SYMLINK_NOFOLLOW) < 0)
		flags = RENAME_NOREPLACE;
	else if (!S_ISREG(now.st_mode))
		return refuse(o->path, "what is there now is not a regular file", e);
	if (renameat2(o->dir, o->temporary, o->dir, o->name, flags) < 0 &&
		(!flags || errno != EINVAL || renameat(o->dir, o->temporary, o->dir, o->name) < 0))
		return cannot(o->path, e);
	free(o->temporary);
	o->temporary = NULL;
	return 0;
}

static int finish(struct outfile *o, struct err *e)
{
	auto_fd int dir = -1;

	if (fchmod(o->fd, o->found.st_mode & 0777) < 0 || fsync(o->fd) < 0)
		return cannot(o->path, e);
	if (place(o, e) < 0)
		return -1;
	/* A directory that is writable but not readable cannot be synced. */
	dir = openat(o->dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return dir >= 0 && fsync(dir) < 0 ? cannot(o->path, e) : 0;
}

int outfile_finish(struct outfile *o, struct err *e)
{
	if (o->stream || !o->name || o->made || o->begun || finish(o, e) == 0)
		return 0;
	space_explain(e, o->fd);
	return -1;
}

/* ---- identity ---- */

static bool is_file(const struct outfile *o)
{
	return o->found.st_nlink > 0 && S_ISREG(o->found.st_mode);
}

bool outfile_look(const char *path, struct outfile *ret)
{
	auto_outfile struct outfile o = OUTFILE_NONE;
	auto_free char *plain = path_absolute(path);
	auto_free char *found = realpath(path, NULL);
	struct err ignored = {0};

	o.path = mem_strdup(path);
	if (descriptor_of(strcmp(path, "-") == 0 ? path : plain) >= 0)
		return false;
	if (found && (stat(found, &o.found) < 0 || !S_ISREG(o.found.st_mode)))
		return false;
	if (open_directory(&o, found ? found : path, &ignored) < 0)
		return false;
	*ret = o;
	o = (struct outfile)OUTFILE_NONE;
	return true;
}

bool outfile_found_nothing(const struct outfile *o)
{
	return o->stream || !is_file(o) || o->made || o->found.st_size == 0;
}

bool outfile_found_more_names(const struct outfile *o)
{
	return is_file(o) && !o->made && o->found.st_nlink > 1;
}

bool outfile_found_beginning(const struct outfile *o, const char *text)
{
	char found[OUTFILE_BEGINNING_MAX];
	size_t len = strlen(text);
	auto_fd int fd = -1;
	struct stat st;

	if (len > sizeof(found) || o->dir < 0 || !o->name)
		return false;
	fd = openat(o->dir, o->name, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_NOFOLLOW | O_CLOEXEC);
	return fd >= 0 && fstat(fd, &st) == 0 && same_file(&st, &o->found) &&
		pread(fd, found, len, 0) == (ssize_t)len && memcmp(found, text, len) == 0;
}

static int lost(const char *output, const char *option, const char *what, struct err *e)
{
	return err_set(
		e, ERR_INPUT, "%s %s: this is %s, which would be lost", option, output, what);
}

int outfile_is_not(const struct outfile *o, const char *option, const char *path, const char *what,
	struct err *e)
{
	struct stat st;

	if (!path || !is_file(o) || stat(path, &st) < 0 || !same_file(&st, &o->found))
		return 0;
	return lost(o->path, option, what, e);
}

int outfile_is_not_below(const struct outfile *o, const char *option, const char *directory,
	const char *what, struct err *e)
{
	auto_free char *above = realpath(directory, NULL);
	auto_free char *mine = o->dir < 0 ? NULL : path_of(o->dir);

	if (!above || !mine || !path_is_below(mine, above))
		return 0;
	return err_set(e, ERR_INPUT, "%s %s: this is in %s, %s", option, o->path, what, directory);
}

bool outfile_is_stdout(const char *path)
{
	struct stat a, b;

	if (strcmp(path, "-") == 0)
		return true;
	return stat(path, &a) == 0 && fstat(STDOUT_FILENO, &b) == 0 && same_file(&a, &b) &&
		!S_ISCHR(a.st_mode);
}

int outfile_are_two(const struct outfile *a, const char *option_a, const struct outfile *b,
	const char *option_b, struct err *e)
{
	if (!is_file(a) || !is_file(b) || !same_file(&a->found, &b->found))
		return 0;
	return err_set(
		e, ERR_INPUT, "%s %s and %s %s are one file", option_a, a->path, option_b, b->path);
}
