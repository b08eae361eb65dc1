/* SPDX-License-Identifier: Apache-2.0 */
#include "host/secret_read.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/inherit.h"
#include "base/proc.h"
#include "base/sig.h"

/* ---- files ---- */

static int check_owner(const char *path, const struct stat *st, struct err *e)
{
	if (st->st_uid != geteuid() && st->st_uid != 0)
		return err_set(e, ERR_INPUT, "%s belongs to user %u: it must be yours", path,
			(unsigned)st->st_uid);
	if (st->st_mode & 077)
		return err_set(e, ERR_INPUT,
			"others have access to %s (its mode is %04o): chmod 600 %s", path,
			(unsigned)(st->st_mode & 07777), path);
	return 0;
}

/* One byte more than may be there tells that there are too many. */
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
	/* Not to wait for somebody to write into a fifo. */
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

/* A session of its own: what the program starts is killed with it, and nothing asks a terminal. */
NORETURN static void become(const char *program, const struct strv *argv, int output)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	sig_reset();
	inherit_give_back();
	if (setsid() < 0 || null < 0 || dup2(null, 0) < 0 || dup2(output, 1) < 0 ||
		dup2(null, 2) < 0)
		_exit(127);
	(void)execv(program, argv->items);
	_exit(127);
}

static int start(const struct strv *argv, pid_t *ret_pid, int *ret_output, struct err *e)
{
	auto_free char *program = proc_find(argv->items[0]);
	int pipes[2];
	pid_t pid;

	if (!program)
		return err_set(e, ERR_INPUT, "%s: there is no such program", argv->items[0]);
	if (pipe2(pipes, O_CLOEXEC) < 0)
		return err_sys(e, "pipe");
	pid = fork();
	if (pid == 0)
		become(program, argv, pipes[1]);
	fd_close(pipes[1]);
	if (pid < 0) {
		fd_close(pipes[0]);
		return err_sys(e, "fork");
	}
	*ret_pid = pid;
	*ret_output = pipes[0];
	return 0;
}

/* 1: there is something to read, or the end. */
static int wait_for_output(int fd, int64_t deadline_ms, struct err *e)
{
	struct pollfd p[2] = {{.fd = fd, .events = POLLIN}, {.fd = sig_fd(), .events = POLLIN}};

	if (sig_check(e) < 0)
		return -1;
	if (clock_ms() >= deadline_ms)
		return err_set(e, ERR_INPUT, "it takes too long");
	if (poll(p, 2, clock_poll_timeout(deadline_ms)) < 0 && errno != EINTR)
		return err_sys(e, "poll");
	return p[0].revents ? 1 : 0;
}

static int collect(int fd, size_t max, int64_t deadline_ms, struct vault *value, size_t *ret_len,
	struct err *e)
{
	size_t len = 0;

	vault_alloc(value, max + 1);
	for (;;) {
		int ready = wait_for_output(fd, deadline_ms, e);
		ssize_t n;

		if (ready < 0)
			return -1;
		if (!ready)
			continue;
		n = read(fd, (char *)value->data + len, max + 1 - len);
		if (n < 0)
			return err_sys(e, "read");
		len += (size_t)n;
		if (len > max)
			return err_set(e, ERR_INPUT, "it writes more than %zu bytes", max);
		if (n == 0)
			break;
	}
	*ret_len = len;
	return 0;
}

static int check_exit(int status, struct err *e)
{
	if (WIFSIGNALED(status))
		return err_set(e, ERR_INPUT, "signal %d killed it", WTERMSIG(status));
	if (WEXITSTATUS(status) != 0)
		return err_set(e, ERR_INPUT, "exit status %d; run it by hand to see what it says",
			WEXITSTATUS(status));
	return 0;
}

/* It has closed its output; that it ends, too, has the same limit. Its process stays a zombie. */
static int wait_for_exit(pid_t pid, int64_t deadline_ms, struct err *e)
{
	auto_fd int pidfd = pidfd_open(pid, 0);
	int ready = 0;

	if (pidfd < 0)
		return err_sys(e, "pidfd_open");
	while (ready == 0)
		ready = wait_for_output(pidfd, deadline_ms, e);
	return ready < 0 ? -1 : 0;
}

/* Kill it with all that it started, which is still its group because it is not reaped yet. */
static int finish(pid_t pid, int *ret_status, struct err *e)
{
	(void)kill(-pid, SIGKILL);
	(void)kill(pid, SIGKILL);
	return proc_wait(pid, ret_status) < 0 ? err_sys(e, "wait") : 0;
}

int secret_read_command(const struct strv *argv, size_t max, int64_t limit_ms,
	struct vault *ret_value, size_t *ret_len, struct err *e)
{
	int64_t deadline_ms = clock_ms() + limit_ms;
	auto_fd int output = -1;
	struct err ignored = {0};
	int status = 0, result;
	pid_t pid = -1;

	if (start(argv, &pid, &output, e) < 0)
		return -1;
	result = collect(output, max, deadline_ms, ret_value, ret_len, e);
	if (result == 0)
		result = wait_for_exit(pid, deadline_ms, e);
	if (finish(pid, &status, result < 0 ? &ignored : e) < 0)
		result = -1;
	if (result == 0)
		result = check_exit(status, e);
	return result < 0 ? err_wrap(e, "%s", argv->items[0]) : 0;
}
