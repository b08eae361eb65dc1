/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One poll loop watches both pipes, the children, the ports and the time. Output is read only when
 * the frame before it is out, so a host that reads slowly slows the program down, as a pipe would,
 * and costs neither memory nor the time limits, which are looked at in every turn.
 *
 * A pipe that was found empty is left alone for HOLD_NS. The executor runs before everything else
 * in the machine, so it would otherwise be woken by every single write of a program; this way
 * frames of a fast writer are full, and the first byte after a silence still goes out at once.
 */
#include "executor/spawn.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "executor/child.h"
#include "executor/forward.h"
#include "executor/group.h"
#include "executor/reap.h"
#include "executor/script.h"

enum { FRAMES_PER_TURN = 16, TURN_MS = 1000, HOLD_NS = 2000000 };

enum { ON_LINK, ON_CHILDREN = ON_LINK + LINK_POLL_FDS, ON_OUT, ON_ERR, ON_COUNT };

struct job {
	struct run *run;
	struct child child;
	struct reap reap;
	int children_fd;         /* readable when a child has ended */
	enum step_outcome limit; /* why it was told to end, STEP_PASSED: it was not */
	int64_t kill_ms;         /* when asking turns into killing */
	int64_t held_ns;         /* output is not looked at before this moment */
};

static void job_release(struct job *j)
{
	child_release(&j->child);
	fd_close(j->children_fd);
}
#define auto_job __attribute__((cleanup(job_release)))

/* ---- output ---- */

/* Hand on what is there, as far as the host takes it. */
static int forward(struct job *j, int *fd, enum frame_type type, struct err *e)
{
	struct link *l = j->run->link;

	for (int i = 0; i < FRAMES_PER_TURN && *fd >= 0 && !link_busy(l); i++) {
		size_t room;
		uint8_t *at = link_room(l, &room);
		ssize_t n = read(*fd, at, room);

		if (n < 0 && errno == EAGAIN) {
			j->held_ns = clock_ns() + HOLD_NS;
			return 0;
		}
		if (n < 0 && errno != EINTR)
			return err_sys(e, "read the output of a program");
		if (n == 0)
			fd_close(fd_steal(fd));
		if (n > 0 && link_output(l, type, j->run->step, (size_t)n, e) < 0)
			return -1;
	}
	return 0;
}

/*
 * What is left in a pipe when nobody is there who could write more: until its end, or until it is
 * empty, should something unkillable still hold the other end.
 */
static int drain(struct job *j, int *fd, enum frame_type type, struct err *e)
{
	while (*fd >= 0) {
		struct pollfd p = {.fd = *fd, .events = POLLIN};

		if (link_drain(j->run->link, e) < 0)
			return -1;
		if (poll(&p, 1, 0) <= 0)
			return 0;
		if (forward(j, fd, type, e) < 0)
			return -1;
	}
	return 0;
}

/* ---- limits ---- */

static void check_limits(struct job *j)
{
	if (j->limit != STEP_PASSED)
		return;
	j->limit = steps_limit(j->run);
	if (j->limit == STEP_PASSED)
		return;
	reap_signal(SIGTERM);
	j->kill_ms = clock_ms() + LIMIT_GRACE_MS;
}

/* Until the next limit, at most TURN_MS, or while output is held as long as that. */
static struct timespec turn_timeout(const struct job *j, int64_t held_ns)
{
	int64_t next = j->limit == STEP_PASSED ? steps_next_limit_ms(j->run) : j->kill_ms;
	int timeout = clock_poll_timeout(next);
	int64_t ns = (timeout < 0 || timeout > TURN_MS ? TURN_MS : timeout) * 1000000LL;

	if (held_ns > 0 && held_ns < ns)
		ns = held_ns;
	return (struct timespec){.tv_sec = ns / 1000000000, .tv_nsec = ns % 1000000000};
}

/* ---- the loop ---- */

static void note_children(struct job *j)
{
	struct signalfd_siginfo info;

	/* One signal may stand for many children, so its contents do not matter. */
	while (read(j->children_fd, &info, sizeof(info)) == sizeof(info))
		;
	(void)reap_ended(&j->reap);
}

static int turn(struct job *j, struct err *e)
{
	struct link *l = j->run->link;
	int64_t held_ns = j->held_ns - clock_ns();
	bool wait = link_busy(l) || held_ns > 0;
	struct timespec timeout = turn_timeout(j, held_ns);
	struct pollfd p[ON_COUNT];

	link_poll_fill(l, p + ON_LINK);
	p[ON_CHILDREN] = (struct pollfd){.fd = j->children_fd, .events = POLLIN};
	p[ON_OUT] = (struct pollfd){.fd = wait ? -1 : j->child.out, .events = POLLIN};
	p[ON_ERR] = (struct pollfd){.fd = wait ? -1 : j->child.err, .events = POLLIN};
	if (ppoll(p, ON_COUNT, &timeout, NULL) < 0 && errno != EINTR)
		return err_sys(e, "poll");
	if (link_poll_done(l, p + ON_LINK, e) < 0)
		return -1;
	if (p[ON_OUT].revents && forward(j, &j->child.out, FRAME_STDOUT, e) < 0)
		return -1;
	if (p[ON_ERR].revents && forward(j, &j->child.err, FRAME_STDERR, e) < 0)
		return -1;
	if (p[ON_CHILDREN].revents)
		note_children(j);
	check_limits(j);
	return link_beat(l, e);
}

static int watch(struct job *j, struct err *e)
{
	while (!j->reap.gone && (j->limit == STEP_PASSED || clock_ms() < j->kill_ms))
		if (turn(j, e) < 0)
			return -1;
	return 0;
}

/* ---- the verdict ---- */

static int out_of_memory(struct message_step_end *result, uint64_t kills, struct err *e)
{
	result->outcome = STEP_NO_MEMORY;
	return err_set(e, ERR_INPUT,
		"the machine's memory ran out, and the kernel killed %llu process(es); "
		"give the project more 'memory'",
		(unsigned long long)kills);
}

static int judge(struct job *j, uint64_t kills, struct err *e)
{
	struct message_step_end *result = &j->run->ctx.result;
	int status = j->reap.status;

	result->cpu_ns += j->reap.cpu_ns;
	result->peak_bytes = j->reap.peak_bytes;
	result->exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
	result->signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
	if (j->limit != STEP_PASSED)
		return steps_over(j->run, j->limit, e);
	if (result->exit_code == 0)
		return 0;
	if (kills)
		return out_of_memory(result, kills, e);
	if (result->signal)
		return err_set(e, ERR_INPUT, "killed by signal %d (%s)", result->signal,
			strsignal(result->signal));
	return err_set(e, ERR_INPUT, "exit code %d", result->exit_code);
}

/* ---- */

static void merge_env(struct strv *env, const struct strv *more)
{
	strv_each (more, item) {
		size_t len = strcspn(*item, "=");
		auto_free char *name = mem_strndup(*item, len);

		strv_setenv(env, name, (*item)[len] ? *item + len + 1 : "");
	}
}

/* An error that is none of the program's: the host is lost, or the machine is at fault. */
static int broken(struct job *j)
{
	j->run->ctx.result.outcome = STEP_BROKEN;
	return -1;
}

static void name_proxy(const struct machine *m, struct strv *env)
{
	auto_free char *url = NULL;

	if (!m->host_address)
		return;
	url = mem_printf("http://%s:%d", m->host_address, PROXY_PORT);
	strv_setenv(env, GUEST_NEAR_PROXY, url);
}

static int start(struct job *j, const struct spawn *s, struct err *e)
{
	struct message_step_end *result = &j->run->ctx.result;
	const struct machine *m = j->run->machine;
	auto_strv struct strv env = {0};
	pid_t forwarder;
	sigset_t ended;

	(void)sigemptyset(&ended);
	(void)sigaddset(&ended, SIGCHLD);
	j->children_fd = signalfd(-1, &ended, SFD_CLOEXEC | SFD_NONBLOCK);
	if (j->children_fd < 0)
		return err_sys(e, "signalfd");
	strv_push_all(&env, &j->run->ctx.env);
	merge_env(&env, &s->env);
	if (s->near_proxy)
		name_proxy(m, &env);
	/* One for each program: at its end everything is killed, forwarders too. */
	if (m->forward && forward_start_proxy(&forwarder, e) < 0)
		return broken(j);
	if (s->agent && m->host_address && forward_start_agent(m->host_address, &forwarder, e) < 0)
		return broken(j);
	if (child_start(s, &env, &j->child, e) < 0) {
		result->exit_code = j->child.exit_code;
		result->outcome = j->child.exit_code ? STEP_FAILED : STEP_BROKEN;
		return -1;
	}
	j->reap.main = j->child.pid;
	return 0;
}

static int run_program(struct run *run, const struct spawn *s, struct err *e)
{
	auto_job struct job j = {
		.run = run, .child = {.pid = -1, .out = -1, .err = -1}, .children_fd = -1};
	uint64_t kills = group_memory_kills();

	if (start(&j, s, e) < 0)
		return -1;
	if (watch(&j, e) < 0) {
		reap_signal(SIGKILL);
		return broken(&j);
	}
	if (reap_all(&j.reap, e) < 0 || drain(&j, &j.child.out, FRAME_STDOUT, e) < 0 ||
		drain(&j, &j.child.err, FRAME_STDERR, e) < 0)
		return broken(&j);
	return judge(&j, group_memory_kills() - kills, e);
}

int spawn_run(struct run *run, const struct spawn *s, struct err *e)
{
	struct spawn with_file = *s;
	auto_strv struct strv argv = {0};
	auto_script char *path = NULL;

	if (!s->script)
		return run_program(run, s, e);
	if (script_write(run, s->script, &path, e) < 0)
		return -1;
	strv_push_all(&argv, &s->argv);
	strv_push(&argv, path);
	with_file.argv = argv;
	return run_program(run, &with_file, e);
}
