/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A single poll loop handles the pipes, the children, the ports and the time. Output is read only
 * after the host has accepted the output before it. So a slow host slows the program down, as a
 * full pipe does. It uses no additional memory, and the time limits still apply, because each turn
 * checks them.
 *
 * The executor has priority over all other processes in the machine. So on one processor it reads
 * each write before the program continues, and standard output and standard error are in the order
 * in which they were written; see stream.h for a slow host. On several processors the program
 * continues meanwhile, and the order of the two streams is only approximate.
 */
#include "executor/job/spawn.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "executor/job/child.h"
#include "executor/job/group.h"
#include "executor/job/owner.h"
#include "executor/job/program.h"
#include "executor/job/reap.h"
#include "executor/job/script.h"
#include "executor/limits.h"
#include "executor/net/forward.h"
#include "os/fd.h"

enum { READS_PER_TURN = 16, TURN_MS = 1000, KILL_AGAIN_MS = 1000 };

enum { ON_LINK, ON_CHILDREN = ON_LINK + LINK_POLL_FDS, ON_OUT, ON_ERR, ON_COUNT };

struct job {
	struct run *run;
	struct child child;
	struct reap reap;
	int children_fd;         /* readable after a child has ended */
	enum step_outcome limit; /* why the program was told to end; STEP_PASSED: it was not */
	int64_t kill_ms;         /* when SIGKILL follows SIGTERM */
	bool ending;             /* all remaining processes are being killed */
	bool unkillable;         /* some process does not die */
	bool exact;              /* one processor: the order of output can be kept */
};

static void job_release(struct job *j)
{
	child_release(&j->child);
	fd_close(j->children_fd);
}
#define auto_job __attribute__((cleanup(job_release)))

/* ---- output ---- */

/* Forward available output until the host accepts no more. */
static int forward(struct job *j, struct stream *s, struct err *e)
{
	struct link *l = j->run->link;

	for (int i = 0; i < READS_PER_TURN && s->fd >= 0 && !link_busy(l); i++) {
		size_t room;
		uint8_t *at = link_room(l, s->type, j->run->step, &room);
		ssize_t n = stream_read(s, at, room);

		if (n < 0 && errno == EAGAIN)
			return 0;
		if (n < 0 && errno != EINTR)
			return err_sys(e, "read the output of a program");
		if (n == 0)
			stream_close(s);
		if (n > 0 && link_output(l, s->type, j->run->step, (size_t)n, e) < 0)
			return -1;
	}
	return 0;
}

/* Forward the rest of a pipe after all writers have ended. */
static int drain(struct job *j, struct stream *s, struct err *e)
{
	while (s->fd >= 0) {
		struct pollfd p = {.fd = s->fd, .events = POLLIN};

		if (link_busy(j->run->link) && link_drain(j->run->link, e) < 0)
			return -1;
		if (poll(&p, 1, 0) <= 0)
			return 0;
		if (forward(j, s, e) < 0)
			return -1;
	}
	return 0;
}

/* ---- limits ---- */

static void check_limits(struct job *j)
{
	if (j->limit != STEP_PASSED || j->ending)
		return;
	j->limit = steps_limit(j->run);
	if (j->limit == STEP_PASSED)
		return;
	reap_signal(SIGTERM);
	j->kill_ms = clock_ms() + LIMIT_GRACE_MS;
}

static int64_t next_limit_ms(const struct job *j)
{
	if (j->ending)
		return CLOCK_NEVER;
	return j->limit == STEP_PASSED ? steps_next_limit_ms(j->run) : j->kill_ms;
}

static int64_t sooner(int64_t ns, int64_t other_ns)
{
	return other_ns >= 0 && other_ns < ns ? other_ns : ns;
}

/*
 * Until the next limit, at most TURN_MS, or until held output must be sent or children must be
 * reaped.
 */
static struct timespec turn_timeout(const struct job *j, int64_t pause_ns)
{
	int timeout = clock_poll_timeout(next_limit_ms(j));
	int64_t ns = (timeout < 0 || timeout > TURN_MS ? TURN_MS : timeout) * 1000000LL;

	ns = sooner(ns, link_held_ns(j->run->link));
	if (pause_ns > 0)
		ns = sooner(ns, pause_ns);
	return (struct timespec){.tv_sec = ns / 1000000000, .tv_nsec = ns % 1000000000};
}

/* ---- the loop ---- */

static void note_children(struct job *j)
{
	struct signalfd_siginfo info;

	/* One signal may represent several children, so its contents are ignored. */
	while (read(j->children_fd, &info, sizeof(info)) == sizeof(info))
		;
	reap_ended(&j->reap);
}

static int turn(struct job *j, struct err *e)
{
	struct link *l = j->run->link;
	bool busy = link_busy(l);
	int64_t pause_ns = reap_pause_ns(&j->reap);
	struct timespec timeout = turn_timeout(j, pause_ns);
	struct pollfd p[ON_COUNT];

	if (busy && j->exact) {
		stream_plug(&j->child.out);
		stream_plug(&j->child.err);
	}
	link_poll_fill(l, p + ON_LINK);
	p[ON_CHILDREN] =
		(struct pollfd){.fd = pause_ns > 0 ? -1 : j->children_fd, .events = POLLIN};
	p[ON_OUT] = (struct pollfd){.fd = busy ? -1 : j->child.out.fd, .events = POLLIN};
	p[ON_ERR] = (struct pollfd){.fd = busy ? -1 : j->child.err.fd, .events = POLLIN};
	if (ppoll(p, ON_COUNT, &timeout, NULL) < 0 && errno != EINTR)
		return err_sys(e, "poll");
	if (link_poll_done(l, p + ON_LINK, e) < 0)
		return -1;
	if (p[ON_OUT].revents && forward(j, &j->child.out, e) < 0)
		return -1;
	if (p[ON_ERR].revents && forward(j, &j->child.err, e) < 0)
		return -1;
	if (p[ON_CHILDREN].revents)
		note_children(j);
	check_limits(j);
	return link_send_due(l, e) < 0 ? -1 : link_beat(l, e);
}

static int watch(struct job *j, struct err *e)
{
	while (!j->reap.gone && (j->limit == STEP_PASSED || clock_ms() < j->kill_ms))
		if (turn(j, e) < 0)
			return -1;
	return 0;
}

/*
 * Kill and reap the remaining processes. There may be thousands, which need processor time to die,
 * so the loop continues, with heartbeats, as long as some die. Usually there are none: orphans
 * become children of this process, so wait4(2) shows whether any are left.
 */
static int end_all(struct job *j, struct err *e)
{
	int64_t moved_ms = clock_ms(), killed_ms = 0;
	uint64_t seen = j->reap.count;

	j->ending = true;
	reap_ended(&j->reap);
	while (j->reap.left && !j->unkillable) {
		int64_t now = clock_ms();

		if (j->reap.count != seen)
			moved_ms = now;
		seen = j->reap.count;
		j->unkillable = now - moved_ms >= LIMIT_REAP_MS;
		if (now - killed_ms >= KILL_AGAIN_MS) {
			killed_ms = now;
			reap_signal(SIGKILL);
		}
		if (turn(j, e) < 0)
			return -1;
	}
	return 0;
}

/* ---- result ---- */

/* Counters of the control group. */
struct shortage {
	uint64_t kills; /* processes killed for lack of memory */
	uint64_t forks; /* forks that failed at the limit of processes */
};

static struct shortage shortage_now(void)
{
	return (struct shortage){group_memory_kills(), group_failed_forks()};
}

static int out_of_processes(struct message_step_end *result, struct err *e)
{
	result->outcome = STEP_NO_PROCESSES;
	return err_set(e, ERR_INPUT,
		"the machine's limit of %llu processes and threads was reached; start fewer at a "
		"time, or give the project more 'memory', which the limit follows",
		(unsigned long long)group_process_limit());
}

static int out_of_memory(struct message_step_end *result, uint64_t kills, struct err *e)
{
	result->outcome = STEP_NO_MEMORY;
	return err_set(e, ERR_INPUT,
		"the machine's memory ran out, and the kernel killed %llu process(es); "
		"give the project more 'memory'",
		(unsigned long long)kills);
}

static int judge(struct job *j, const struct shortage *before, struct err *e)
{
	struct shortage now = shortage_now();
	struct message_step_end *result = &j->run->ctx.result;
	int status = j->reap.status;

	result->cpu_ns += j->reap.cpu_ns;
	result->peak_bytes = j->reap.peak_bytes;
	result->exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
	result->signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
	if (j->limit != STEP_PASSED)
		return steps_over(j->run, j->limit, e);
	if (j->unkillable)
		return err_set(e, ERR_INPUT, "processes of the action cannot be killed");
	if (result->exit_code == 0)
		return 0;
	if (now.kills > before->kills)
		return out_of_memory(result, now.kills - before->kills, e);
	if (now.forks > before->forks)
		return out_of_processes(result, e);
	if (result->signal)
		return err_set(e, ERR_INPUT, "killed by signal %d (%s)", result->signal,
			strsignal(result->signal));
	return err_set(e, ERR_INPUT, "exit code %d", result->exit_code);
}

/* ---- start ---- */

static void merge_env(struct strv *env, const struct strv *more)
{
	strv_each (more, item) {
		size_t len = strcspn(*item, "=");
		auto_free char *name = mem_strndup(*item, len);

		strv_setenv(env, name, (*item)[len] ? *item + len + 1 : "");
	}
}

/* For errors of the machine or the link, not of the program. */
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

/* The limits of the phase, which TOOL_NET must observe. */
static void name_limits(struct run *run, struct strv *env)
{
	const struct drive *deps = machine_drive(run->machine, DRIVE_DEPS_OUT);
	const struct drive *mirror = machine_drive(run->machine, DRIVE_MIRROR_OUT);
	const struct drive *output = deps ? deps : mirror;
	auto_free char *left = mem_printf("%lld", (long long)steps_time_left_ms(run));
	auto_free char *max =
		mem_printf("%llu", output ? (unsigned long long)output->want.bytes : 0ULL);

	strv_setenv(env, GUEST_TIME_LEFT, left);
	if (output)
		strv_setenv(env, GUEST_OUTPUT_MAX, max);
}

static int start(struct job *j, const struct spawn *s, const struct account *account, struct err *e)
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
	if (account)
		account_set_env(account, &env);
	if (s->net_tool) {
		name_proxy(m, &env);
		name_limits(j->run, &env);
	}
	/* Each program gets new forwarders, because all processes are killed at its end. */
	if (m->forward && forward_start_proxy(&forwarder, e) < 0)
		return broken(j);
	if (s->agent && m->host_address && forward_start_agent(m->host_address, &forwarder, e) < 0)
		return broken(j);
	if (child_start(s, &env, account, &j->child, e) < 0) {
		result->exit_code = j->child.exit_code;
		result->outcome = j->child.exit_code ? STEP_FAILED : STEP_BROKEN;
		return -1;
	}
	j->reap.main = j->child.pid;
	return 0;
}

/* Counts only the processors that a program may use. */
static bool one_processor(void)
{
	cpu_set_t set;

	return sched_getaffinity(0, sizeof(set), &set) == 0 && CPU_COUNT(&set) == 1;
}

static int run_program(
	struct run *run, const struct spawn *s, const struct account *account, struct err *e)
{
	auto_job struct job j = {
		.run = run, .child = CHILD_NONE, .children_fd = -1, .exact = one_processor()};
	struct shortage before = shortage_now();

	if (start(&j, s, account, e) < 0)
		return -1;
	if (watch(&j, e) < 0) {
		reap_signal(SIGKILL);
		return broken(&j);
	}
	if (end_all(&j, e) < 0 || drain(&j, &j.child.out, e) < 0 || drain(&j, &j.child.err, e) < 0)
		return broken(&j);
	return judge(&j, &before, e);
}

/* An image without the program: what runs instead, if it is there. */
static bool must_do_without(const struct run *run, const struct spawn *s)
{
	return s->instead.count && !program_is_there(s, s->argv.items[0], &run->ctx.env) &&
		program_is_there(s, s->instead.items[0], &run->ctx.env);
}

static void tell_instead(struct run *run, const struct spawn *s)
{
	auto_free char *text = mem_printf("this image has no %s: %s runs instead of it",
		s->argv.items[0], s->instead.items[0]);

	run->ctx.ops->warn(&run->ctx, text);
}

/* Root's programs need nothing of it, so they run in an image without any account. */
static bool is_root(const char *user)
{
	return !user || strcmp(user, "root") == 0 || strcmp(user, "0") == 0;
}

/* *ret_account is `room`, or NULL: root. */
static int choose_account(struct run *run, const struct spawn *s, struct account *room,
	const struct account **ret_account, struct err *e)
{
	static char name[] = "root";
	const struct account root = {.name = name};
	const char *user = s->user ? s->user : run->plan->user;

	*ret_account = NULL;
	if (is_root(user))
		return owner_give(run, &root, e);
	if (account_find("/etc", user, room, e) < 0)
		return -1;
	*ret_account = room;
	return owner_give(run, room, e);
}

int spawn_run(struct run *run, const struct spawn *s, struct err *e)
{
	bool without = must_do_without(run, s);
	struct spawn chosen = *s;
	auto_account struct account room = {0};
	const struct account *account;
	auto_strv struct strv argv = {0};
	auto_script char *path = NULL;

	run->spawned = true;
	if (choose_account(run, s, &room, &account, e) < 0)
		return -1;
	if (without)
		tell_instead(run, s);
	if (s->script && script_write(run, s->script, &path, e) < 0)
		return -1;
	strv_push_all(&argv, without ? &s->instead : &s->argv);
	if (path)
		strv_push(&argv, path);
	chosen.argv = argv;
	return run_program(run, &chosen, account, e);
}
