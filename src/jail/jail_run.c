/* SPDX-License-Identifier: Apache-2.0 */
/* Run a jailed program to its end: collect its output, limit its time. */
#include "jail/jail.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "os/fd.h"
#include "os/proc.h"
#include "os/sig.h"

enum { CHUNK = 16384 };

struct collect {
	pid_t pid;
	int pidfd;
	int out_fd; /* -1 after end of file */
	int err_fd;
	struct buf *out;
	struct buf *errors;
};

static void collect_release(struct collect *c)
{
	jail_kill(&c->pid);
	fd_close(c->pidfd);
	fd_close(c->out_fd);
	fd_close(c->err_fd);
}

#define auto_collect __attribute__((cleanup(collect_release)))

static int start(const struct jail *j, struct collect *c, struct err *e)
{
	struct jail copy = *j;
	auto_fd int out = -1, errors = -1;
	int pipes[2];

	if (pipe2(pipes, O_CLOEXEC) < 0)
		return err_sys(e, "pipe");
	c->out_fd = pipes[0];
	out = pipes[1];
	if (pipe2(pipes, O_CLOEXEC) < 0)
		return err_sys(e, "pipe");
	c->err_fd = pipes[0];
	errors = pipes[1];
	copy.stdout_fd = out;
	copy.stderr_fd = errors;
	return jail_start(&copy, &c->pid, &c->pidfd, e);
}

/*
 * Read once and append what fits into b; *ret_surplus: there was more. Closes *fd at end of file.
 */
static int drain_once(int *fd, struct buf *b, bool *ret_surplus, struct err *e)
{
	char chunk[CHUNK];
	size_t left = b->max - b->len;
	ssize_t n = read(*fd, chunk, sizeof(chunk));

	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return 0;
	if (n < 0)
		return err_sys(e, "read the output");
	if (n == 0) {
		fd_close(fd_steal(fd));
		return 0;
	}
	*ret_surplus = (size_t)n > left;
	buf_add(b, chunk, (size_t)n > left ? left : (size_t)n);
	return 0;
}

/*
 * Wait once. *ret_done: the process and both streams have ended. No other process can have the
 * streams open: when pid 1 ends, the kernel kills all processes of its namespace.
 */
static int collect_once(
	struct collect *c, int64_t deadline, struct jail_end *end, bool *ret_done, struct err *e)
{
	struct pollfd set[] = {
		{.fd = c->out_fd, .events = POLLIN},
		{.fd = c->err_fd, .events = POLLIN},
		{.fd = c->out_fd < 0 && c->err_fd < 0 ? c->pidfd : -1, .events = POLLIN},
		{.fd = sig_fd(), .events = POLLIN},
	};
	bool surplus = false, dropped = false;
	int n = poll(set, ARRAY_SIZE(set), clock_poll_timeout(deadline));

	if (n < 0 && errno != EINTR)
		return err_sys(e, "poll");
	if (sig_check(e) < 0)
		return -1;
	if (n <= 0) {
		end->timed_out = clock_ms() >= deadline;
		return 0;
	}
	if (set[0].revents && drain_once(&c->out_fd, c->out, &surplus, e) < 0)
		return -1;
	if (set[1].revents && drain_once(&c->err_fd, c->errors, &dropped, e) < 0)
		return -1;
	end->overflow = surplus;
	*ret_done = set[2].revents != 0;
	return 0;
}

static int finish(struct collect *c, struct jail_end *end, struct err *e)
{
	int status;

	if (end->timed_out || end->overflow)
		(void)kill(c->pid, SIGKILL);
	if (proc_wait(c->pid, &status) < 0)
		return err_sys(e, "wait");
	c->pid = -1;
	end->exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
	end->signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
	return 0;
}

int jail_run(const struct jail *j, int64_t limit_ms, struct buf *out, struct buf *errors,
	struct jail_end *ret_end, struct err *e)
{
	auto_collect struct collect c = {
		.pid = -1, .pidfd = -1, .out_fd = -1, .err_fd = -1, .out = out, .errors = errors};
	struct jail_end end = {.exit_code = -1};
	int64_t deadline = clock_ms() + limit_ms;
	bool done = false;

	if (start(j, &c, e) < 0)
		return -1;
	while (!done && !end.timed_out && !end.overflow)
		if (collect_once(&c, deadline, &end, &done, e) < 0)
			return err_wrap(e, "jail for %s", j->name);
	if (finish(&c, &end, e) < 0)
		return err_wrap(e, "jail for %s", j->name);
	*ret_end = end;
	return 0;
}
