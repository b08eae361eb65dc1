/* SPDX-License-Identifier: Apache-2.0 */
#include "base/proc.h"

#include <errno.h>
#include <fcntl.h>
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

int proc_run(const struct strv *argv, struct buf *output, struct err *e)
{
	auto_free char *program = proc_find(argv->items[0]);
	auto_fd int from = -1, to = -1;
	int pipes[2], status;
	pid_t pid;

	if (!program)
		return err_set(e, ERR_HOST, "%s: not installed", argv->items[0]);
	if (pipe2(pipes, O_CLOEXEC) < 0)
		return err_sys(e, "pipe");
	from = pipes[0];
	to = pipes[1];
	pid = fork();
	if (pid < 0)
		return err_sys(e, "fork");
	if (pid == 0)
		become(program, argv, to);
	fd_close(fd_steal(&to));
	drain(from, output);
	if (proc_wait(pid, &status) < 0)
		return err_sys(e, "wait for %s", program);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
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
