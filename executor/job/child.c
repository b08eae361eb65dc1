/* SPDX-License-Identifier: Apache-2.0 */
#include "executor/job/child.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/limits.h"
#include "executor/job/group.h"
#include "executor/job/program.h"
#include "os/fd.h"
#include "os/proc.h"
#include "os/sig.h"

enum { FILES_SOFT = 1024, FILES_HARD = 1 << 20 };

enum start_step { START_SET_UP, START_USER, START_DIRECTORY, START_PROGRAM };

/* Sent by a child that cannot execute its program, through a pipe that exec closes. */
struct failure {
	enum start_step step;
	int error;
};

/* Arguments of the child. */
struct birth {
	const struct spawn *spawn;
	const struct strv *env;
	const struct account *account; /* NULL: no change */
	struct strv
		shell; /* arguments of the shell, if the program is a script for it; else empty */
	int in, out, err, report; /* `err` may be `out` */
};

void child_release(struct child *c)
{
	stream_close(&c->out);
	stream_close(&c->err);
}

/* ---- in the child ---- */

NORETURN static void give_up(int report, enum start_step step)
{
	struct failure f = {.step = step, .error = errno};

	(void)fd_write_all(report, &f, sizeof(f));
	_exit(127);
}

/*
 * The usual limits. In a test run by an ordinary user, the limit of files cannot be raised above
 * that user's.
 */
static void reset_limits(void)
{
	struct rlimit files = {FILES_SOFT, FILES_HARD}, endless = {RLIM_INFINITY, RLIM_INFINITY},
		      had;
	int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);

	if (setrlimit(RLIMIT_NOFILE, &files) < 0 && getrlimit(RLIMIT_NOFILE, &had) == 0) {
		had.rlim_cur = had.rlim_max < FILES_SOFT ? had.rlim_max : FILES_SOFT;
		(void)setrlimit(RLIMIT_NOFILE, &had);
	}
	(void)setrlimit(RLIMIT_NPROC, &endless);
	if (fd >= 0)
		(void)fd_write_all(fd, "0", 1);
	fd_close(fd);
	(void)umask(022);
}

/*
 * `report` becomes 3, all descriptors above are closed. The arguments are above 3, see
 * fd_above_stdio.
 */
static int place_descriptors(int in, int out, int err, int report)
{
	if (dup2(in, 0) < 0 || dup2(out, 1) < 0 || dup2(err, 2) < 0 ||
		dup3(report, 3, O_CLOEXEC) < 0)
		return -1;
	return close_range(4, ~0u, 0);
}

/*
 * Unlike execvp(3), this does not let the shell read binary data or programs for other processors.
 */
static void execute(const struct birth *b)
{
	const struct strv *argv = &b->spawn->argv;

	if (!strchr(argv->items[0], '/')) {
		(void)execvp(argv->items[0], argv->items);
		/* A directory of PATH that this user may not search is no reason. */
		if (errno == EACCES && !program_is_there(b->spawn, argv->items[0], b->env))
			errno = ENOENT;
		return;
	}
	(void)execv(argv->items[0], argv->items);
	if (errno != ENOEXEC || !b->shell.count)
		return;
	(void)execv(b->shell.items[0], b->shell.items);
	errno = ENOEXEC;
}

NORETURN static void become(const struct birth *b)
{
	const struct spawn *s = b->spawn;
	const int report = 3;

	if (place_descriptors(b->in, b->out, b->err, b->report) < 0)
		give_up(b->report, START_SET_UP);
	if (setsid() < 0)
		give_up(report, START_SET_UP);
	sig_reset();
	reset_limits();
	if (b->account && account_become(b->account) < 0)
		give_up(report, START_USER);
	if (chdir(s->directory ? s->directory : GUEST_SRC) < 0)
		give_up(report, START_DIRECTORY);
	environ = b->env->items; /* execvp searches the PATH of this environment */
	execute(b);
	give_up(report, START_PROGRAM);
}

/* ---- in the executor ---- */

/* Input is a file in memory, so that the loop need not write it while the program runs. */
static int make_input(const struct spawn *s, int *ret_fd, struct err *e)
{
	int fd = s->input ? fd_memory("input", e) : open("/dev/null", O_RDONLY | O_CLOEXEC);

	*ret_fd = fd;
	if (fd < 0)
		return s->input ? -1 : err_sys(e, "/dev/null");
	if (fd_above_stdio(ret_fd) < 0)
		return err_sys(e, "standard input");
	if (s->input &&
		(fd_write_all(*ret_fd, s->input, s->input_len) < 0 ||
			lseek(*ret_fd, 0, SEEK_SET) < 0))
		return err_sys(e, "standard input");
	return 0;
}

static int explain(const struct spawn *s, const struct failure *f, struct child *c, struct err *e)
{
	const char *name = s->argv.items[0];

	c->exit_code = PROGRAM_CANNOT_RUN;
	errno = f->error;
	if (f->step == START_SET_UP)
		return err_sys(e, "set up '%s'", name);
	if (f->step == START_USER)
		return err_sys(e, "run '%s' as another user", name);
	if (f->step == START_DIRECTORY)
		return err_sys(e, "cannot run '%s' in the directory %s", name,
			s->directory ? s->directory : GUEST_SRC);
	return program_explain(s, f->error, &c->exit_code, e);
}

static int await_exec(const struct spawn *s, int report, struct child *c, struct err *e)
{
	struct failure f;
	ssize_t n = fd_read_full(report, &f, sizeof(f));
	int status;

	if (n == 0)
		return 0;
	(void)proc_wait(c->pid, &status);
	c->pid = -1;
	if (n != sizeof(f))
		return err_set(e, ERR_HOST, "'%s' died before it started", s->argv.items[0]);
	return explain(s, &f, c, e);
}

static void add_shell(struct birth *b)
{
	strv_push(&b->shell, "/bin/sh");
	strv_push_all(&b->shell, &b->spawn->argv);
}

static pid_t give_birth(struct birth *b)
{
	pid_t pid;

	if (program_is_for_shell(b->spawn))
		add_shell(b);
	pid = group_fork();
	if (pid == 0)
		become(b);
	strv_release(&b->shell);
	return pid;
}

int child_start(const struct spawn *s, const struct strv *env, const struct account *account,
	struct child *ret, struct err *e)
{
	auto_fd int in = -1, report = -1, report_there = -1;
	struct birth birth = {.spawn = s, .env = env, .account = account};

	*ret = CHILD_NONE;
	if (program_check(s, env, &ret->exit_code, e) < 0)
		return -1;
	if (make_input(s, &in, e) < 0 || stream_open(&ret->out, e) < 0 ||
		stream_pipe(&report, &report_there, e) < 0)
		return -1;
	if (!s->merge_output && stream_open(&ret->err, e) < 0)
		return -1;
	birth.in = in;
	birth.out = ret->out.their_fd;
	birth.err = s->merge_output ? birth.out : ret->err.their_fd;
	birth.report = report_there;
	ret->pid = give_birth(&birth);
	if (ret->pid < 0)
		return err_sys(e, "fork");
	fd_close(fd_steal(&report_there));
	return await_exec(s, report, ret, e);
}
