/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ambient-execute-plan: the program inside the virtual machine.
 *
 * Theory of operation. The host has started a machine with drives and two ports (contract.h). This
 * program is its first process. It
 *
 *   1. initialises the machine and opens the ports            machine->start, open_ports
 *   2. sends `hello` and waits for `go` without a limit       greet
 *   3. sets random seed, time, drives and root as in `go`     machine->prepare
 *   4. reads plan.json from its drive                         planfile_read
 *   5. runs the steps, each by the `run` of its action,       steps_run
 *      and forwards their output to the host                  spawn_run
 *   6. sends `end`, waits for its acknowledgement, and        link_part
 *      powers the machine off                                 machine->shut_down
 *
 * The programs of the steps are hostile and run as root. This program is process 1 of the pid
 * namespace: they cannot kill it, and it can kill all of them at the end of a step. It has no other
 * protection: the virtual machine is the security boundary, and the host does not trust the reports
 * of this program.
 *
 * Without a machine, by hand, it is its own host (hand/hand.h).
 *
 * Errors after `go` are reported to the host in an `end` frame. Errors before it, and a lost host,
 * are reported on the console only.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "actions/table.h"
#include "base/clock.h"
#include "base/version.h"
#include "executor/hand/hand.h"
#include "executor/job/planfile.h"
#include "executor/job/steps.h"
#include "executor/link.h"
#include "executor/machine/machine.h"
#include "executor/machine/pid1.h"
#include "executor/machine/tools.h"
#include "executor/net/connect.h"
#include "os/fd.h"
#include "os/inherit.h"

static int greet(struct link *l, struct err *e)
{
	struct message_hello m = {.protocol = CONTRACT_VERSION};
	auto_buf struct buf b = {0};

	(void)snprintf(m.build, sizeof(m.build), "%s", version_build);
	buf_init(&b, LIMIT_FRAME_PAYLOAD);
	message_put_hello(&b, &m);
	if (link_send(l, FRAME_HELLO, &b, e) < 0)
		return -1;
	return link_wait(l, &l->have_go, CLOCK_NEVER, e);
}

/* All files of the job are on one file system, scratch, which contains /ci. */
static int complete_disk(struct err *e)
{
	auto_fd int fd = open(GUEST_CI, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return fd < 0 || syncfs(fd) < 0 ? err_sys(e, "write the disk that is kept") : 0;
}

/* -1: an error of the machine, the plan or the link. Sending `end` fails if the link is lost. */
static int carry_out(struct machine *m, struct link *l, struct message_end *ret_end, struct err *e)
{
	auto_plan struct plan plan = {0};

	if (m->prepare(m, &l->go, e) < 0)
		return err_wrap(e, "prepare the machine");
	if (planfile_read(m, actions_guest_plan, &plan, e) < 0)
		return err_wrap(e, "read the plan");
	/*
	 * Plans other than SOURCE_PLAN contain no code of the project, and need further programs.
	 */
	if (plan.source != SOURCE_PLAN && tools_unpack(m, e) < 0)
		return err_wrap(e, "unpack the tools");
	if (steps_run(&plan, actions_guest_plan, m, l, ret_end, e) < 0)
		return -1;
	return plan.keep_disk ? complete_disk(e) : 0;
}

static int serve(struct machine *m, struct err *e)
{
	auto_link struct link l;
	struct message_end end;
	struct err why = {0};
	int log = -1, ctl = -1;

	link_init(&l);
	if (m->start(m, e) < 0 || m->open_ports(m, &log, &ctl, e) < 0 ||
		link_connect(&l, log, ctl, e) < 0 || greet(&l, e) < 0)
		return -1;
	if (carry_out(m, &l, &end, &why) < 0)
		link_break(&end, &why);
	return link_part(&l, &end, e);
}

/* SIGCHLD is read from a signalfd (spawn.c); a lost host causes an error of write(2). */
static void set_signals(void)
{
	sigset_t blocked;

	(void)signal(SIGCHLD, SIG_DFL);
	(void)signal(SIGPIPE, SIG_IGN);
	(void)sigemptyset(&blocked);
	(void)sigaddset(&blocked, SIGCHLD);
	(void)sigprocmask(SIG_SETMASK, &blocked, NULL);
}

static void print_error(const struct err *e)
{
	(void)fprintf(stderr, "ERROR: ambient-execute-plan: %s\n", e->msg);
}

static int complain(const struct err *e)
{
	print_error(e);
	return e->kind == ERR_INPUT ? 2 : 3;
}

/* 0 or 1, as Ambient CI has it, whatever the error. A person's shell is no machine of ours. */
static int run_by_hand(struct err *e)
{
	int mended = inherit_mend(e);

	set_signals(); /* once more: no signal is blocked now */
	if (mended == 0 && hand_run(actions_by_hand, actions_guest_plan, STDOUT_FILENO, e) == 0)
		return 0;
	print_error(e);
	return 1;
}

#define TEXT_OF(number) #number
#define MARK_OF(number) EXECUTOR_NAME EXECUTOR_MARK TEXT_OF(number) "\n"

/* The host searches the file for this string (contract.h). */
static const char mark[] = MARK_OF(CONTRACT_VERSION);

static int print_version(void)
{
	return printf(EXECUTOR_NAME " %s\n%s", version_build, mark) < 0 ? 3 : 0;
}

int main(int argc, char **argv)
{
	struct machine machine;
	enum pid1_choice choice;
	struct err e = {0};
	int status = 0;

	set_signals();
	if (pid1_choose(argc, argv, &choice, &machine, &e) < 0)
		return complain(&e);
	if (choice == PID1_HELP)
		return fputs(pid1_usage, stdout) < 0 ? 3 : 0;
	if (choice == PID1_VERSION)
		return print_version();
	if (choice == PID1_CONNECT)
		return connect_main(argc - 2, argv + 2, &e) < 0 ? complain(&e) : 0;
	if (choice == PID1_BY_HAND)
		return run_by_hand(&e);
	if (serve(&machine, &e) < 0)
		status = complain(&e);
	machine.shut_down(&machine);
	return status;
}
