/* SPDX-License-Identifier: Apache-2.0 */
#include "base/proc.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/inherit.h"
#include "base/path.h"
#include "base/sig.h"

enum { LOOK_MS = 100 };

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

		if (dir[0] == '/' && access(candidate, X_OK) == 0)
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

/* A session of its own: what a terminal tells us, we tell it if it has to end. */
NORETURN static void become(const char *program, const struct strv *argv, int output)
{
	int null = open("/dev/null", O_RDONLY | O_CLOEXEC);

	sig_reset();
	inherit_give_back();
	if (setsid() < 0 || null < 0 || dup2(null, 0) < 0 || dup2(output, 1) < 0 ||
		dup2(output, 2) < 0)
		_exit(127);
	(void)execv(program, argv->items);
	(void)dprintf(2, "%s: %s\n", program, strerror(errno));
	_exit(127);
}

static void drain(int fd, struct buf *output)
{
	char chunk[4096];
	ssize_t n;

	while ((n = fd_read_full(fd, chunk, sizeof(chunk))) > 0) {
		size_t left = output->max - output->len;

		buf_add(output, chunk, (size_t)n < left ? (size_t)n : left);
	}
}

/* Some output, if there is any within LOOK_MS. False: it has ended. */
static bool read_some(int fd, struct buf *output)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};
	char chunk[4096];
	size_t left = output->max - output->len;
	ssize_t n;

	if (poll(&p, 1, LOOK_MS) <= 0)
		return true;
	n = read(fd, chunk, sizeof(chunk));
	if (n > 0)
		buf_add(output, chunk, (size_t)n < left ? (size_t)n : left);
	return n > 0 || (n < 0 && errno == EINTR);
}

static int drain_watched(
	int fd, struct buf *output, const struct proc_watch *watch, pid_t group, struct err *e)
{
	int64_t next = clock_ms();

	while (read_some(fd, output)) {
		if (clock_ms() < next)
			continue;
		if (watch->look(watch->arg, group, e) < 0) {
			if (kill(-group, SIGKILL) < 0) /* it has not begun */
				(void)kill(group, SIGKILL);
			return -1;
		}
		next = clock_ms() + LOOK_MS;
	}
	return 0;
}

/* Its end of the pipe is the caller's to close. */
static pid_t start(const struct strv *argv, int to, struct err *e)
{
	auto_free char *program = proc_find(argv->items[0]);
	pid_t pid;

	if (!program)
		return err_set(e, ERR_HOST, "%s: not installed", argv->items[0]);
	pid = fork();
	if (pid < 0)
		return err_sys(e, "fork");
	if (pid == 0)
		become(program, argv, to);
	return pid;
}

static int run(
	const struct strv *argv, struct buf *output, const struct proc_watch *watch, struct err *e)
{
	auto_fd int from = -1, to = -1;
	int pipes[2], status, result = 0;
	pid_t pid;

	if (pipe2(pipes, O_CLOEXEC) < 0)
		return err_sys(e, "pipe");
	from = pipes[0];
	to = pipes[1];
	pid = start(argv, to, e);
	if (pid < 0)
		return -1;
	fd_close(fd_steal(&to));
	if (watch)
		result = drain_watched(from, output, watch, pid, e);
	else
		drain(from, output);
	if (proc_wait(pid, &status) < 0)
		return result < 0 ? -1 : err_sys(e, "wait for %s", argv->items[0]);
	if (result < 0)
		return -1;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int proc_run(const struct strv *argv, struct buf *output, struct err *e)
{
	return run(argv, output, NULL, e);
}

int proc_run_watched(
	const struct strv *argv, struct buf *output, const struct proc_watch *watch, struct err *e)
{
	return run(argv, output, watch, e);
}

/* proc(5), /proc/PID/stat: fields are counted from the name on, which may have anything in it. */
static void add_usage(const char *stat, pid_t group, const char *name, struct proc_usage *u)
{
	const char *open = strchr(stat, '('), *close = strrchr(stat, ')');
	unsigned long user, system;
	long waited_user, waited_system, pages;
	int pgrp;

	/* The kernel writes numbers that fit their types. */
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

int proc_run_ok(const struct strv *argv, struct err *e)
{
	auto_buf struct buf output = {0};
	int code;

	buf_init(&output, 600);
	code = proc_run(argv, &output, e);
	if (code < 0)
		return -1;
	if (code != 0)
		return err_set(
			e, ERR_HOST, "%s: exit status %d: %s", argv->items[0], code, output.data);
	return 0;
}
