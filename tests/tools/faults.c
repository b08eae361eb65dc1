/* SPDX-License-Identifier: Apache-2.0 */
/*
 * faults.so: a library to preload into `ambient`, by which a test makes one call of it fail, or
 * sends signals in the middle of it.
 *
 * It stands in front of those calls of libc by which a program changes files. Each such call below
 * one of the chosen directories is a *point*; it has a number, the n-th of this process and of the
 * children that it forks without an exec (the reader of artifacts), and a name, which says the
 * call, the file, and of a line of the run log the type of its event:
 *
 *	open state/hello/lock
 *	write state/hello/runs/ID/run.jsonl:executor_starts
 *	rename state/hello/current
 *
 * What differs from run to run is ID, gen-N or PID in names, a file without a name is `unnamed`,
 * what the reader of artifacts makes in its jail is below `artifacts`. Waiting by poll(2) is a point
 * too, `wait`, or `wait for a machine` when a process and the channels of a guest are among what it
 * waits for. It has no number, because how often a program waits is chance.
 *
 * FAULTS_IN      the directories, LABEL=PATH:LABEL=PATH...; /memfd stands for files in memory
 * FAULTS_TRACE   a file that gets the points, "NUMBER NAME" a line, and behind them
 *                "fault NAME" when a call was made to fail, "signal NAME" when signals were sent
 * FAULTS_AT      number or name of the point; a name means the first of that name
 * FAULTS_AFTER   name of a point; the first of FAULTS_AT behind it is meant
 * FAULTS_ERROR   errno of the call, by number, which is not carried out
 * FAULTS_MODE    once (default); on: this and all later points fail, as on a full disk; short: a
 *                write writes half of it, and the next point fails
 * FAULTS_SIGNAL  the signal to send, by number, before the call; of a write one half is done
 * FAULTS_WHOM    who gets it: ambient (default), qemu, both
 *
 * The calls are carried out by syscall(2), so that it works in a jail and under a sanitizer.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { DIRS = 8, NAME_BYTES = 512, TRACE_BYTES = 1 << 20, SLICE_MS = 5 };

enum mode { ONCE, ON, SHORT };
enum whom { AMBIENT = 1, QEMU = 2, BOTH = 3 };

/* Shared with forked children, which may have no files, no /proc and other process ids. */
struct shared {
	pid_t program;
	atomic_int points;
	atomic_int fired;     /* points that were the one */
	atomic_bool next_too; /* after a short write */
	atomic_bool passed;   /* the point of FAULTS_AFTER */
	atomic_bool asked;    /* a child asks the program to send itself the signal */
	atomic_size_t trace_len;
};

static struct shared *shared;
static char *trace;
static struct {
	char label[32];
	char path[256];
	dev_t dev;
} dirs[DIRS];
static size_t dir_count;
static const char *at_name, *after_name;
static int at_number, fault, signal_number;
static enum mode mode;
static enum whom whom;

/* ---- setting up ---- */

static int number_of(const char *variable)
{
	const char *text = getenv(variable);

	return text ? (int)strtol(text, NULL, 10) : 0; /* of a name: 0 */
}

static void read_dirs(char *list)
{
	char *save = NULL;

	for (char *one = strtok_r(list, ":", &save); one; one = strtok_r(NULL, ":", &save)) {
		char *path = strchr(one, '=');
		struct stat st;

		if (!path || dir_count == DIRS)
			abort();
		*path++ = '\0';
		(void)snprintf(dirs[dir_count].label, sizeof(dirs[0].label), "%s", one);
		(void)snprintf(dirs[dir_count].path, sizeof(dirs[0].path), "%s", path);
		if (stat(path, &st) == 0)
			dirs[dir_count].dev = st.st_dev;
		dir_count++;
	}
}

static void *share(int fd, size_t bytes)
{
	int flags = fd < 0 ? MAP_SHARED | MAP_ANONYMOUS : MAP_SHARED;
	void *at = mmap(NULL, bytes, PROT_READ | PROT_WRITE, flags, fd, 0);

	if (at == MAP_FAILED)
		abort();
	return at;
}

static void open_trace(const char *path)
{
	int fd = (int)syscall(SYS_openat, AT_FDCWD, path, O_RDWR | O_CREAT | O_TRUNC, 0644);

	if (fd < 0 || syscall(SYS_ftruncate, fd, (off_t)TRACE_BYTES) < 0)
		abort();
	trace = share(fd, TRACE_BYTES);
	(void)close(fd);
}

static enum mode read_mode(void)
{
	const char *text = getenv("FAULTS_MODE");

	return !text || !*text ? ONCE : strcmp(text, "on") == 0 ? ON : SHORT;
}

static enum whom read_whom(void)
{
	const char *text = getenv("FAULTS_WHOM");

	return text && strcmp(text, "qemu") == 0    ? QEMU
		: text && strcmp(text, "both") == 0 ? BOTH
						    : AMBIENT;
}

/* A program that is not ambient (mke2fs) inherits the environment and is left alone. */
__attribute__((constructor)) static void begin(void)
{
	const char *list = getenv("FAULTS_IN");
	const char *path = getenv("FAULTS_TRACE");
	char copy[NAME_BYTES * DIRS];

	if (!list || !path || strcmp(program_invocation_short_name, "ambient") != 0)
		return;
	if (snprintf(copy, sizeof(copy), "%s", list) >= (int)sizeof(copy))
		abort();
	read_dirs(copy);
	at_name = getenv("FAULTS_AT");
	after_name = getenv("FAULTS_AFTER");
	at_number = number_of("FAULTS_AT");
	fault = number_of("FAULTS_ERROR");
	signal_number = number_of("FAULTS_SIGNAL");
	mode = read_mode();
	whom = read_whom();
	open_trace(path);
	shared = share(-1, sizeof(*shared));
	shared->program = getpid();
}

__attribute__((format(printf, 1, 2))) static void note(const char *format, ...)
{
	char line[NAME_BYTES + 32];
	va_list ap;
	size_t at, len;
	int n;

	va_start(ap, format);
	n = vsnprintf(line, sizeof(line), format, ap);
	va_end(ap);
	len = n < (int)sizeof(line) ? (size_t)n : sizeof(line) - 1;
	at = atomic_fetch_add(&shared->trace_len, len);
	if (at + len > TRACE_BYTES)
		abort();
	memcpy(trace + at, line, len);
}

/* ---- names ---- */

/* Copies a path, with a word in place of what differs from run to run. */
static void copy_general(char *to, size_t room, const char *path)
{
	char copy[NAME_BYTES], *save = NULL;
	const char *before = "";
	size_t len = 0;

	(void)snprintf(copy, sizeof(copy), "%s", path);
	to[0] = '\0';
	for (char *part = strtok_r(copy, "/", &save); part; part = strtok_r(NULL, "/", &save)) {
		const char *shown = strcmp(before, "runs") == 0      ? "ID"
			: strncmp(part, "gen-", 4) == 0              ? "gen-N"
			: strspn(part, "0123456789") == strlen(part) ? "PID"
								     : part;

		(void)snprintf(to + len, room - len, "/%s", shown);
		len += strlen(to + len);
		before = part;
	}
}

/* The name of an absolute path below one of the directories. */
static bool name_path(const char *path, char *name)
{
	if (strncmp(path, "/jailed/", 8) == 0) {
		(void)snprintf(name, NAME_BYTES, "%s", path + 8);
		return true;
	}
	for (size_t i = 0; i < dir_count; i++) {
		size_t len = strlen(dirs[i].path);
		const char *rest = path + len;

		if (strncmp(path, dirs[i].path, len) != 0 || !strchr("/:", *rest))
			continue;
		if (strstr(rest, " (deleted)") || strncmp(rest, "/#", 2) == 0)
			rest = "/unnamed";
		(void)snprintf(name, NAME_BYTES, "%s", dirs[i].label);
		copy_general(name + strlen(name), NAME_BYTES - strlen(name), rest);
		return true;
	}
	return false;
}

/* In the reader's jail there is no /proc: a file on the device of one of the directories. */
static bool is_jailed_file(int fd)
{
	struct stat st;

	if (fstat(fd, &st) < 0 || (!S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode)))
		return false;
	for (size_t i = 0; i < dir_count; i++)
		if (st.st_dev == dirs[i].dev)
			return true;
	return false;
}

/* The path of a descriptor; false: none that is known. */
static bool path_of_fd(int fd, char *path)
{
	char link[64];
	ssize_t n;

	(void)snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	n = readlink(link, path, NAME_BYTES - 1);
	if (n < 0 && (errno != ENOENT || !is_jailed_file(fd)))
		return false;
	if (n < 0)
		(void)snprintf(path, NAME_BYTES, "/jailed/artifacts");
	else
		path[n] = '\0';
	return true;
}

static bool name_fd(int fd, char *name)
{
	char path[NAME_BYTES];

	return path_of_fd(fd, path) && name_path(path, name);
}

static bool name_at(int dir, const char *path, char *name)
{
	char whole[NAME_BYTES];
	size_t len;

	if (path[0] == '/')
		return name_path(path, name);
	if (dir == AT_FDCWD || !path_of_fd(dir, whole))
		return false;
	len = strlen(whole);
	(void)snprintf(whole + len, sizeof(whole) - len, "/%.100s", path);
	return name_path(whole, name);
}

/* ---- signals ---- */

static size_t read_small(const char *path, char *text, size_t room)
{
	int fd = (int)syscall(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, text, room - 1);

	if (fd >= 0)
		(void)close(fd);
	text[n > 0 ? n : 0] = '\0';
	return n > 0 ? (size_t)n : 0;
}

/* The child that is, or is becoming, QEMU; 0: there is none. */
static pid_t find_qemu(void)
{
	char path[64], list[1024], comm[64];
	char *at = list, *end;

	(void)snprintf(
		path, sizeof(path), "/proc/%d/task/%d/children", shared->program, shared->program);
	(void)read_small(path, list, sizeof(list));
	for (long pid; (pid = strtol(at, &end, 10)) > 0; at = end) {
		(void)snprintf(path, sizeof(path), "/proc/%ld/comm", pid);
		(void)read_small(path, comm, sizeof(comm));
		if (strstr(comm, "qemu"))
			return (pid_t)pid;
	}
	return 0;
}

/* In the program itself, never in a child. */
static void send_signals(const char *name)
{
	pid_t qemu = find_qemu();

	note("signal %s%s\n", name, qemu ? "" : " (no QEMU)");
	if ((whom & QEMU) && qemu)
		(void)kill(qemu, signal_number);
	if (whom & AMBIENT)
		(void)kill(shared->program, signal_number);
}

/* A jailed child cannot reach its parent: it asks, and goes on when that has been done. */
static void ask_for_signals(void)
{
	const struct timespec moment = {.tv_nsec = 1000000};

	atomic_store(&shared->asked, true);
	while (atomic_load(&shared->asked))
		(void)nanosleep(&moment, NULL);
}

/* ---- points ---- */

static bool is_the_one(int number, const char *name)
{
	if (!at_name)
		return false;
	if (after_name && *after_name && !atomic_load(&shared->passed)) {
		atomic_store(&shared->passed, strcmp(name, after_name) == 0);
		return false;
	}
	if (at_number ? number != at_number : strcmp(name, at_name) != 0)
		return false;
	return atomic_fetch_add(&shared->fired, 1) == 0;
}

static bool must_fail(bool the_one)
{
	if (!fault)
		return false;
	if (atomic_exchange(&shared->next_too, false))
		return true;
	return the_one || (mode == ON && atomic_load(&shared->fired) > 0);
}

struct verdict {
	bool fail; /* errno is set */
	bool half; /* do one half of a write */
};

static struct verdict judge(const char *name, int number, bool is_write)
{
	bool the_one = is_the_one(number, name);

	if (the_one && mode == SHORT && is_write) {
		atomic_store(&shared->next_too, true);
		return (struct verdict){.half = true};
	}
	if (must_fail(the_one)) {
		note("fault %s\n", name);
		errno = fault;
		return (struct verdict){.fail = true};
	}
	return (struct verdict){.half = the_one && signal_number};
}

/* The half of a write is done before the signals are sent: see write(). */
static void signal_after(const struct verdict *v, const char *name)
{
	if (!v->half || !signal_number)
		return;
	if (getpid() == shared->program)
		send_signals(name);
	else
		ask_for_signals();
}

static struct verdict point(const char *call, const char *name, bool is_write)
{
	char whole[NAME_BYTES + 16];
	int number = atomic_fetch_add(&shared->points, 1) + 1;
	struct verdict v;

	(void)snprintf(whole, sizeof(whole), "%s %s", call, name);
	note("%d %s\n", number, whole);
	v = judge(whole, number, is_write);
	if (!is_write)
		signal_after(&v, whole);
	return v;
}

/* True: the call fails. */
static bool fails_at(const char *call, int dir, const char *path)
{
	char name[NAME_BYTES];

	return shared && name_at(dir, path, name) && point(call, name, false).fail;
}

static bool fails_on(const char *call, int fd)
{
	char name[NAME_BYTES];

	return shared && name_fd(fd, name) && point(call, name, false).fail;
}

/* ---- writing ---- */

/* "…/run.jsonl" gets the type of the event behind it. */
static void add_event(char *name, const char *data, size_t len)
{
	static const char key[] = "\"type\":\"";
	const char *type = memmem(data, len, key, sizeof(key) - 1);
	size_t at = strlen(name), n = 0;

	if (!type || at < 6 || strcmp(name + at - 6, ".jsonl") != 0)
		return;
	type += sizeof(key) - 1;
	while (type + n < data + len && type[n] != '"')
		n++;
	(void)snprintf(name + at, NAME_BYTES - at, ":%.*s", (int)n, type);
}

static ssize_t write_somewhere(const char *call, int fd, const void *data, size_t len, off_t offset)
{
	bool at_position = offset < 0;
	char name[NAME_BYTES], whole[NAME_BYTES + 16];
	struct verdict v = {0};
	ssize_t n;

	if (shared && name_fd(fd, name)) {
		add_event(name, data, len);
		(void)snprintf(whole, sizeof(whole), "%s %s", call, name);
		v = point(call, name, true);
	}
	if (v.fail)
		return -1;
	if (v.half && len > 1)
		len /= 2;
	n = at_position ? syscall(SYS_write, fd, data, len)
			: syscall(SYS_pwrite64, fd, data, len, offset);
	signal_after(&v, whole);
	return n;
}

ssize_t write(int fd, const void *data, size_t len)
{
	return write_somewhere("write", fd, data, len, -1);
}

ssize_t pwrite(int fd, const void *data, size_t len, off_t offset)
{
	return write_somewhere("pwrite", fd, data, len, offset);
}

int ftruncate(int fd, off_t length)
{
	return fails_on("ftruncate", fd) ? -1 : (int)syscall(SYS_ftruncate, fd, length);
}

int fsync(int fd)
{
	return fails_on("fsync", fd) ? -1 : (int)syscall(SYS_fsync, fd);
}

/* ---- opening, making, renaming, removing ---- */

static bool opens_for_writing(int flags)
{
	return (flags & O_ACCMODE) != O_RDONLY || (flags & O_CREAT);
}

int openat(int dir, const char *path, int flags, ...)
{
	mode_t permissions = 0;
	va_list ap;

	va_start(ap, flags);
	if ((flags & O_CREAT) || (flags & O_TMPFILE) == O_TMPFILE)
		permissions = va_arg(ap, mode_t);
	va_end(ap);
	if (opens_for_writing(flags) && fails_at("open", dir, path))
		return -1;
	return (int)syscall(SYS_openat, dir, path, flags, permissions);
}

int open(const char *path, int flags, ...)
{
	mode_t permissions = 0;
	va_list ap;

	va_start(ap, flags);
	if ((flags & O_CREAT) || (flags & O_TMPFILE) == O_TMPFILE)
		permissions = va_arg(ap, mode_t);
	va_end(ap);
	return openat(AT_FDCWD, path, flags, permissions);
}

int mkdir(const char *path, mode_t permissions)
{
	return fails_at("mkdir", AT_FDCWD, path) ? -1 : (int)syscall(SYS_mkdir, path, permissions);
}

int mkdirat(int dir, const char *path, mode_t permissions)
{
	return fails_at("mkdir", dir, path) ? -1
					    : (int)syscall(SYS_mkdirat, dir, path, permissions);
}

int symlink(const char *target, const char *path)
{
	return fails_at("symlink", AT_FDCWD, path) ? -1 : (int)syscall(SYS_symlink, target, path);
}

int symlinkat(const char *target, int dir, const char *path)
{
	return fails_at("symlink", dir, path) ? -1 : (int)syscall(SYS_symlinkat, target, dir, path);
}

int linkat(int from_dir, const char *from, int dir, const char *path, int flags)
{
	return fails_at("link", dir, path)
		? -1
		: (int)syscall(SYS_linkat, from_dir, from, dir, path, flags);
}

int rename(const char *from, const char *to)
{
	return fails_at("rename", AT_FDCWD, to) ? -1 : (int)syscall(SYS_rename, from, to);
}

int renameat2(int from_dir, const char *from, int to_dir, const char *to, unsigned flags)
{
	return fails_at("rename", to_dir, to)
		? -1
		: (int)syscall(SYS_renameat2, from_dir, from, to_dir, to, flags);
}

int unlink(const char *path)
{
	return fails_at("unlink", AT_FDCWD, path) ? -1 : (int)syscall(SYS_unlink, path);
}

int unlinkat(int dir, const char *path, int flags)
{
	return fails_at(flags & AT_REMOVEDIR ? "rmdir" : "unlink", dir, path)
		? -1
		: (int)syscall(SYS_unlinkat, dir, path, flags);
}

int fchmod(int fd, mode_t permissions)
{
	return fails_on("chmod", fd) ? -1 : (int)syscall(SYS_fchmod, fd, permissions);
}

int utimensat(int dir, const char *path, const struct timespec times[2], int flags)
{
	return fails_at("utime", dir, path) ? -1
					    : (int)syscall(SYS_utimensat, dir, path, times, flags);
}

int futimens(int fd, const struct timespec times[2])
{
	return fails_on("utime", fd) ? -1 : (int)syscall(SYS_utimensat, fd, NULL, times, 0);
}

/* ---- waiting ---- */

static bool is_kind(int fd, const char *of)
{
	char path[32], kind[32];
	ssize_t n;

	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	n = syscall(SYS_readlink, path, kind, sizeof(kind));
	return n > 0 && memmem(kind, (size_t)n, of, strlen(of));
}

static void wait_point(const struct pollfd *fds, nfds_t count)
{
	bool process = false, channel = false;
	const char *name;

	if (!signal_number)
		return;
	for (nfds_t i = 0; i < count; i++) {
		process = process || (fds[i].fd >= 0 && is_kind(fds[i].fd, "pidfd"));
		channel = channel || (fds[i].fd >= 0 && is_kind(fds[i].fd, "socket"));
	}
	name = process && channel ? "wait for a machine" : "wait";
	if (is_the_one(-1, name))
		send_signals(name);
}

static void answer_child(void)
{
	if (!atomic_load(&shared->asked))
		return;
	send_signals("artifacts");
	atomic_store(&shared->asked, false);
}

/* In slices, so that a child that asks for signals is answered soon. */
int poll(struct pollfd *fds, nfds_t count, int timeout)
{
	bool ours = shared && getpid() == shared->program;
	int n = 0;

	if (!ours)
		return (int)syscall(SYS_poll, fds, count, timeout);
	wait_point(fds, count);
	for (int left = timeout; n == 0; left -= SLICE_MS) {
		int slice = timeout < 0 || left > SLICE_MS ? SLICE_MS : left;

		answer_child();
		n = (int)syscall(SYS_poll, fds, count, slice);
		if (timeout >= 0 && left <= SLICE_MS)
			break;
	}
	return n;
}
