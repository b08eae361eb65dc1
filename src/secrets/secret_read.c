/* SPDX-License-Identifier: Apache-2.0 */
#include "secrets/secret_read.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/text.h"
#include "os/fd.h"
#include "os/proc.h"
#include "os/sig.h"

/* ---- files ---- */

static int check_owner(const char *path, const struct stat *st, struct err *e)
{
	if (st->st_uid != geteuid() && st->st_uid != 0)
		return err_set(e, ERR_INPUT, "%s belongs to user %u: it must be yours", path,
			(unsigned)st->st_uid);
	if (st->st_mode & 077) {
		auto_free char *word = text_word(path);

		return err_set(e, ERR_INPUT,
			"others have access to %s (its mode is %04o): chmod 600 %s", path,
			(unsigned)(st->st_mode & 07777), word);
	}
	return 0;
}

/* Read up to one byte more than allowed, so that a longer file is detected. */
static int read_all(
	int fd, const char *path, size_t max, struct vault *value, size_t *ret_len, struct err *e)
{
	ssize_t n;

	vault_alloc(value, max + 1);
	n = fd_read_full(fd, value->data, max + 1);
	if (n < 0)
		return err_sys(e, "read %s", path);
	if ((size_t)n > max)
		return err_set(e, ERR_INPUT, "%s is larger than %zu bytes", path, max);
	*ret_len = (size_t)n;
	return 0;
}

static int read_file(const char *path, bool secret, size_t max, struct vault *value,
	size_t *ret_len, struct err *e)
{
	/* O_NONBLOCK: opening a fifo must not wait for a writer. */
	auto_fd int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	struct stat st;

	if (fd < 0 && errno == ENOENT && secret)
		return err_reason(e, ERR_INPUT, "secret_missing", "%s is not there", path);
	if (fd < 0)
		return err_set(e, ERR_INPUT, "%s: %s", path, strerror(errno));
	if (fstat(fd, &st) < 0)
		return err_sys(e, "%s", path);
	if (!S_ISREG(st.st_mode))
		return err_set(e, ERR_INPUT, "%s is not a regular file", path);
	if (secret && check_owner(path, &st, e) < 0)
		return -1;
	return read_all(fd, path, max, value, ret_len, e);
}

int secret_read_file(
	const char *path, size_t max, struct vault *ret_value, size_t *ret_len, struct err *e)
{
	return read_file(path, true, max, ret_value, ret_len, e);
}

int secret_read_public(
	const char *path, size_t max, struct vault *ret_value, size_t *ret_len, struct err *e)
{
	return read_file(path, false, max, ret_value, ret_len, e);
}

/* ---- commands ---- */

/*
 * The program runs under a guard: a process that kills the program and its process group as soon as
 * the program has ended, or this process has, for whatever reason. The guard holds one end of a
 * socket. It is closed when this process dies; the guard reports the program's exit status on it.
 */
enum { GUARD_FD = 3 };

/* Wait until the program is a zombie, or the other end of the socket is closed. */
static void wait_for_either(pid_t pid)
{
	auto_fd int ended = pidfd_open(pid, 0);
	struct pollfd p[2] = {{.fd = ended, .events = POLLIN}, {.fd = GUARD_FD, .events = POLLIN}};

	while (ended >= 0 && poll(p, 2, -1) < 0 && errno == EINTR)
		;
}

/*
 * The program is reaped last, so that its process group id cannot be reused before the group is
 * killed.
 */
NORETURN static void guard(const char *program, const struct strv *argv, int output, int report)
{
	int status;
	pid_t pid;

	sig_detach();
	if (setsid() < 0 || dup3(report, GUARD_FD, O_CLOEXEC) < 0 ||
		dup3(output, GUARD_FD + 1, O_CLOEXEC) < 0 || close_range(GUARD_FD + 2, ~0U, 0) < 0)
		_exit(127);
	pid = fork();
	if (pid == 0 && prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) == 0)
		proc_become(program, argv, &(struct proc_streams){-1, GUARD_FD + 1, -1});
	if (pid == 0)
		_exit(127);
	(void)close(GUARD_FD + 1);
	if (pid < 0)
		_exit(127);
	wait_for_either(pid);
	proc_kill_group(pid);
	if (proc_wait(pid, &status) == 0)
		(void)send(GUARD_FD, &status, sizeof(status), MSG_NOSIGNAL);
	_exit(0);
}

struct command {
	pid_t guard;
	int output;
	int report;
};

#define COMMAND_NONE ((struct command){-1, -1, -1})

/* Closing the socket makes the guard kill what is still running, and end. */
static void command_release(struct command *c)
{
	int status;

	fd_close(c->report);
	fd_close(c->output);
	if (c->guard > 0)
		(void)proc_wait(c->guard, &status);
	*c = COMMAND_NONE;
}

/* Move a descriptor above those that the guard uses. */
static int lift(int *fd)
{
	int lifted = fcntl(*fd, F_DUPFD_CLOEXEC, GUARD_FD + 2);

	if (lifted < 0)
		return -1;
	fd_close(*fd);
	*fd = lifted;
	return 0;
}

static int make_channels(int output[2], int report[2], struct err *e)
{
	if (pipe2(output, O_CLOEXEC) < 0)
		return err_sys(e, "pipe");
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, report) < 0)
		return err_sys(e, "socketpair");
	if (lift(&output[1]) < 0 || lift(&report[1]) < 0)
		return err_sys(e, "fcntl");
	return fd_set_nonblock(output[0], e);
}

static int start(const struct strv *argv, struct command *c, struct err *e)
{
	auto_free char *program = proc_find(argv->items[0]);
	int output[2] = {-1, -1}, report[2] = {-1, -1}, made;

	if (!program)
		return err_set(e, ERR_INPUT, "there is no such program");
	made = make_channels(output, report, e);
	c->output = output[0];
	c->report = report[0];
	if (made == 0) {
		c->guard = fork();
		if (c->guard == 0)
			guard(program, argv, output[1], report[1]);
		if (c->guard < 0)
			made = err_sys(e, "fork");
	}
	fd_close(output[1]);
	fd_close(report[1]);
	return made;
}

/* Read what is available. 1: more may follow; 0: the output was closed. */
static int take_output(
	const struct command *c, size_t max, struct vault *value, size_t *len, struct err *e)
{
	for (;;) {
		ssize_t n = read(c->output, (char *)value->data + *len, max + 1 - *len);

		if (n < 0 && errno == EAGAIN)
			return 1;
		if (n < 0 && errno != EINTR)
			return err_sys(e, "read");
		if (n == 0)
			return 0;
		if (n > 0)
			*len += (size_t)n;
		if (*len > max)
			return err_set(e, ERR_INPUT, "it writes more than %zu bytes", max);
	}
}

/*
 * Read until the program has ended. Processes that it started may keep its output open: the value
 * is what is in the pipe at that time.
 */
static int collect(const struct command *c, size_t max, int64_t deadline_ms, struct vault *value,
	size_t *len, struct err *e)
{
	struct pollfd p[3] = {{.fd = c->output, .events = POLLIN},
		{.fd = c->report, .events = POLLIN}, {.fd = sig_fd(), .events = POLLIN}};

	while (!p[1].revents) {
		int more;

		if (sig_check(e) < 0)
			return -1;
		if (clock_ms() >= deadline_ms)
			return err_set(e, ERR_INPUT, "it takes too long");
		if (poll(p, 3, clock_poll_timeout(deadline_ms)) < 0 && errno != EINTR)
			return err_sys(e, "poll");
		more = take_output(c, max, value, len, e);
		if (more < 0)
			return -1;
		if (more == 0)
			p[0].fd = -1;
	}
	return p[0].fd >= 0 && take_output(c, max, value, len, e) < 0 ? -1 : 0;
}

static int check_exit(const struct command *c, struct err *e)
{
	int status;

	if (recv(c->report, &status, sizeof(status), 0) != (ssize_t)sizeof(status))
		return err_set(e, ERR_INPUT, "it could not be started or watched");
	if (WIFSIGNALED(status))
		return err_set(e, ERR_INPUT, "signal %d killed it", WTERMSIG(status));
	if (WEXITSTATUS(status) != 0)
		return err_set(e, ERR_INPUT, "exit status %d; run it by hand to see what it says",
			WEXITSTATUS(status));
	return 0;
}

int secret_read_command(const struct strv *argv, size_t max, int64_t limit_ms,
	struct vault *ret_value, size_t *ret_len, struct err *e)
{
	int64_t deadline_ms = clock_ms() + limit_ms;
	struct command c = COMMAND_NONE;
	int result;

	*ret_len = 0;
	result = start(argv, &c, e);
	if (result == 0) {
		vault_alloc(ret_value, max + 1);
		result = collect(&c, max, deadline_ms, ret_value, ret_len, e);
	}
	if (result == 0)
		result = check_exit(&c, e);
	command_release(&c);
	return result < 0 ? err_wrap(e, "%s", argv->items[0]) : 0;
}
