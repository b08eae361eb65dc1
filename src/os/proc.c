/* SPDX-License-Identifier: Apache-2.0 */
#include "os/proc.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/num.h"
#include "base/text.h"
#include "os/fd.h"
#include "os/inherit.h"
#include "os/limits.h"
#include "os/path.h"
#include "os/sig.h"

enum { LOOK_MS = 100 };

/* access(2) also accepts directories, which have the execute permission, too. */
static bool is_executable_file(const char *path)
{
	struct stat st;

	return access(path, X_OK) == 0 && stat(path, &st) == 0 && S_ISREG(st.st_mode);
}

char *proc_find(const char *name)
{
	const char *path = getenv("PATH");
	auto_free char *list =
		mem_printf("%s:/usr/sbin:/sbin", path && *path ? path : "/usr/bin:/bin");
	char *save = NULL;

	if (strchr(name, '/'))
		return mem_strdup(name);
	for (char *dir = strtok_r(list, ":", &save); dir; dir = strtok_r(NULL, ":", &save)) {
		auto_free char *candidate = path_join(dir, name);

		if (dir[0] == '/' && is_executable_file(candidate))
			return steal_ptr(&candidate);
	}
	return NULL;
}

int proc_wait(pid_t pid, int *ret_status)
{
	pid_t got;

	do {
		got = waitpid(pid, ret_status, 0);
	} while (got < 0 && errno == EINTR);
	return got < 0 ? -1 : 0;
}

int64_t proc_cpu_ns(pid_t pid)
{
	struct timespec used;
	clockid_t clock;

	if (clock_getcpuclockid(pid, &clock) != 0 || clock_gettime(clock, &used) < 0)
		return 0;
	return clock_ns_of(&used);
}

void proc_become(const char *program, const struct strv *argv, const struct proc_streams *streams)
{
	const int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	const int wanted[] = {streams->input, streams->output, streams->errors};

	sig_reset();
	inherit_give_back();
	if (setsid() < 0 || null < 0)
		_exit(127);
	for (int i = 0; i < 3; i++)
		if (dup2(wanted[i] < 0 ? null : wanted[i], i) < 0)
			_exit(127);
	(void)execv(program, argv->items);
	(void)dprintf(2, "%s: %s\n", program, strerror(errno));
	_exit(127);
}

int proc_replace(const struct strv *argv, struct err *e)
{
	inherit_give_back();
	(void)execv(argv->items[0], argv->items);
	return err_sys(e, "%s", argv->items[0]);
}

void proc_kill_group(pid_t pid)
{
	if (kill(-pid, SIGKILL) < 0)
		(void)kill(pid, SIGKILL);
}

/* A child process that we wait for. */
struct child {
	const char *name;
	pid_t pid; /* also its process group */
	int from;  /* its output; -1: at end of file */
	int64_t limit_ms, until_ms;
	const struct proc_watch *watch; /* NULL: only the time limit and signals are checked */
	int64_t next_look_ms;
	int64_t pause_ms; /* between two calls of waitpid */
};

/* Wait for output or a signal, at most `ms`, so that time limits are checked often enough. */
static void wait_for_output(const struct child *c, int64_t ms)
{
	struct pollfd p[] = {{.fd = c->from, .events = POLLIN}, {.fd = sig_fd(), .events = POLLIN}};

	(void)poll(p, ARRAY_SIZE(p), (int)ms);
}

/* Read available output. End of file comes when the last process that has the pipe open ends. */
static void read_some(struct child *c, struct buf *output)
{
	struct pollfd p = {.fd = c->from, .events = POLLIN};
	char chunk[4096];
	size_t left = output->max - output->len;
	ssize_t n;

	if (poll(&p, 1, 0) <= 0)
		return;
	n = read(c->from, chunk, sizeof(chunk));
	if (n > 0 && c->watch && c->watch->take)
		c->watch->take(c->watch->arg, chunk, (size_t)n);
	else if (n > 0)
		buf_add(output, chunk, (size_t)n < left ? (size_t)n : left);
	else if (n == 0 || errno != EINTR)
		c->from = -1;
}

/* Check signals, the time limit and the watch; -1: stop the child. */
static int look(struct child *c, struct err *e)
{
	int64_t now = clock_ms();

	if (sig_check(e) < 0)
		return -1;
	if (now >= c->until_ms)
		return err_set(e, ERR_HOST, "%s did not answer within %s", c->name,
			num_show_duration(c->limit_ms).s);
	if (!c->watch || now < c->next_look_ms)
		return 0;
	if (c->watch->look(c->watch->arg, c->pid, e) < 0)
		return -1;
	c->next_look_ms = clock_ms() + LOOK_MS;
	return 0;
}

/* 1: ended; 0: still running; -1: waitpid failed. */
static int has_ended(const struct child *c, int *ret_status, struct err *e)
{
	pid_t got = waitpid(c->pid, ret_status, WNOHANG);

	if (got < 0 && errno != EINTR)
		return err_sys(e, "wait for %s", c->name);
	return got > 0 ? 1 : 0;
}

/*
 * A process in an uninterruptible sleep (a device or file server that does not answer) does not
 * react even to SIGKILL. Give up on it after a while, so that the caller can continue.
 */
static void stop(struct child *c)
{
	int64_t until = clock_ms() + LIMIT_HELPER_KILL_MS;
	struct err ignored = {0};
	int status;

	proc_kill_group(c->pid);
	while (has_ended(c, &status, &ignored) == 0 && clock_ms() < until)
		(void)poll(NULL, 0, 1);
}

/* Collect output until its end and then the exit status, which usually follows at once. */
static int attend(struct child *c, struct buf *output, int *ret_status, struct err *e)
{
	int ended = 0;

	while (c->from >= 0 || (ended = has_ended(c, ret_status, e)) == 0) {
		if (look(c, e) < 0) {
			stop(c);
			return -1;
		}
		if (c->from < 0)
			c->pause_ms = 2 * c->pause_ms < LOOK_MS ? 2 * c->pause_ms : LOOK_MS;
		wait_for_output(c, c->from < 0 ? c->pause_ms : LOOK_MS);
		if (c->from >= 0)
			read_some(c, output);
	}
	return ended < 0 ? -1 : 0;
}

/* The caller closes `to`. */
static pid_t start(const struct strv *argv, const struct proc_way *way, int to, struct err *e)
{
	auto_free char *program = proc_find(argv->items[0]);
	const pid_t self = getpid();
	pid_t pid;

	if (!program)
		return err_set(e, ERR_HOST, "%s: not installed", argv->items[0]);
	pid = fork();
	if (pid < 0)
		return err_sys(e, "fork");
	if (pid > 0)
		return pid;
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != self)
		_exit(127);
	for (const char *const *name = way->unset; name && *name; name++)
		(void)unsetenv(*name);
	proc_become(program, argv, &(struct proc_streams){-1, to, way->no_errors ? -1 : to});
}

static int run(const struct strv *argv, const struct proc_way *way, int64_t limit_ms,
	struct buf *output, const struct proc_watch *watch, struct err *e)
{
	auto_fd int from = -1, to = -1;
	int pipes[2], status;
	struct child c = {.name = path_base(argv->items[0]), .watch = watch, .pause_ms = 1};

	if (pipe2(pipes, O_CLOEXEC) < 0)
		return err_sys(e, "pipe");
	from = pipes[0];
	to = pipes[1];
	c.from = from;
	c.limit_ms = limit_ms;
	c.until_ms = limit_ms ? clock_ms() + limit_ms : INT64_MAX;
	c.pid = start(argv, way, to, e);
	if (c.pid < 0)
		return -1;
	fd_close(fd_steal(&to));
	if (attend(&c, output, &status, e) < 0)
		return -1;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int proc_run(const struct strv *argv, int64_t limit_ms, struct buf *output, struct err *e)
{
	return run(argv, &(struct proc_way){0}, limit_ms, output, NULL, e);
}

int proc_run_as(const struct strv *argv, const struct proc_way *way, int64_t limit_ms,
	struct buf *output, struct err *e)
{
	return run(argv, way, limit_ms, output, NULL, e);
}

int proc_run_watched(
	const struct strv *argv, struct buf *output, const struct proc_watch *watch, struct err *e)
{
	return run(argv, &(struct proc_way){0}, 0, output, watch, e);
}

/* proc(5): /proc/PID/fd has a link for each open file, which leads to the file itself. */
bool proc_has_open(pid_t pid, const struct stat *file)
{
	auto_free char *path = mem_printf("/proc/%d/fd", (int)pid);
	DIR *dir = opendir(path);
	const struct dirent *d;
	bool found = false;
	struct stat st;

	while (dir && !found && (d = readdir(dir)))
		found = fstatat(dirfd(dir), d->d_name, &st, 0) == 0 && st.st_dev == file->st_dev &&
			st.st_ino == file->st_ino;
	if (dir)
		(void)closedir(dir);
	return found;
}

/*
 * proc(5), /proc/PID/stat: fields are counted from the end of the name, which may contain anything.
 */
static void add_usage(const char *stat, pid_t group, const char *name, struct proc_usage *u)
{
	const char *open = strchr(stat, '('), *close = strrchr(stat, ')');
	unsigned long user, system;
	long waited_user, waited_system, pages;
	int pgrp;

	/* No overflow: the kernel writes numbers that fit their types. */
	if (!open || !close ||
		/* NOLINTNEXTLINE(cert-err34-c) */
		sscanf(close + 1,
			" %*c %*d %d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu %ld %ld %*d %*d %*d "
			"%*d %*u %*u %ld",
			&pgrp, &user, &system, &waited_user, &waited_system, &pages) != 6 ||
		pgrp != group)
		return;
	u->cpu_ms += ((int64_t)user + (int64_t)system + waited_user + waited_system) * 1000 /
		sysconf(_SC_CLK_TCK);
	if (strncmp(open + 1, name, strlen(name)) == 0 &&
		(uint64_t)pages * (uint64_t)sysconf(_SC_PAGESIZE) > u->memory_bytes)
		u->memory_bytes = (uint64_t)pages * (uint64_t)sysconf(_SC_PAGESIZE);
}

struct proc_usage proc_group_usage(pid_t group, const char *name)
{
	struct proc_usage u = {0};
	DIR *all = opendir("/proc");
	struct dirent *entry;

	while (all && (entry = readdir(all))) {
		auto_free char *path = mem_printf("/proc/%s/stat", entry->d_name);
		auto_buf struct buf stat = {0};
		struct err ignored = {0};

		if (entry->d_name[0] < '0' || entry->d_name[0] > '9')
			continue;
		buf_init(&stat, 4096);
		if (fd_read_file(path, &stat, &ignored) == 0)
			add_usage(stat.data, group, name, &u);
	}
	if (all)
		(void)closedir(all);
	return u;
}

int proc_run_ok(const struct strv *argv, int64_t limit_ms, struct err *e)
{
	auto_buf struct buf output = {0};
	int code;

	buf_init(&output, 600);
	code = proc_run(argv, limit_ms, &output, e);
	if (code < 0)
		return -1;
	if (code != 0)
		return err_set(
			e, ERR_HOST, "%s: exit status %d: %s", argv->items[0], code, output.data);
	return 0;
}

char *proc_first_line(int pipe_fd)
{
	char text[PROC_LINE_MAX + 1] = "";
	struct err ignored = {0};
	ssize_t n = fd_set_nonblock(pipe_fd, &ignored) < 0 ? 0 : read(pipe_fd, text, PROC_LINE_MAX);

	text[n > 0 ? n : 0] = '\0';
	text[strcspn(text, "\n")] = '\0';
	return text_safe(text, PROC_LINE_MAX);
}
