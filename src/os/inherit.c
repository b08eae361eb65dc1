/* SPDX-License-Identifier: Apache-2.0 */
#include "os/inherit.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <linux/close_range.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/limits.h"
#include "base/mem.h"
#include "base/num.h"
#include "os/limits.h"

enum { STANDARD = 3 };

static struct rlimit given_files;
static bool have_given_files;

/* ---- descriptors ---- */

/* The lowest free number is `fd`, because those below it are open. */
static int fill(int fd, struct err *e)
{
	int access_mode = fd == STDIN_FILENO ? O_WRONLY : O_RDONLY;

	if (fcntl(fd, F_GETFD) >= 0)
		return 0;
	if (open("/dev/null", access_mode) != fd)
		return err_sys(e, "descriptor %d is closed, and /dev/null cannot be opened", fd);
	return 0;
}

static int mend_descriptors(struct err *e)
{
	for (int fd = 0; fd < STANDARD; fd++)
		if (fill(fd, e) < 0)
			return -1;
	if (close_range(STANDARD, ~0U, CLOSE_RANGE_CLOEXEC) < 0)
		return err_sys(e, "close inherited descriptors in children");
	return 0;
}

/* ---- signals ---- */

/*
 * Timers survive execve(2), and the signals of these two kill the process. SIGALRM is a time limit
 * that a parent sets on purpose (sig.h).
 */
static void stop_timers(void)
{
	const struct itimerval none = {0};

	(void)setitimer(ITIMER_VIRTUAL, &none, NULL);
	(void)setitimer(ITIMER_PROF, &none, NULL);
}

static int mend_signals(struct err *e)
{
	sigset_t none;

	stop_timers();
	(void)sigemptyset(&none);
	if (signal(SIGCHLD, SIG_DFL) == SIG_ERR || signal(SIGPIPE, SIG_IGN) == SIG_ERR ||
		signal(SIGXFSZ, SIG_IGN) == SIG_ERR || sigprocmask(SIG_SETMASK, &none, NULL) < 0)
		return err_sys(e, "set up signals");
	return 0;
}

/* ---- limits ---- */

#define STACK_USUAL (8 * MIB)

/*
 * Raise the soft limit to `wanted`, or to the hard limit. A failure shows up where the limit is
 * reached.
 */
static void raise_soft(__rlimit_resource_t resource, rlim_t wanted)
{
	struct rlimit now;

	if (getrlimit(resource, &now) < 0 || now.rlim_cur >= wanted)
		return;
	now.rlim_cur = now.rlim_max < wanted ? now.rlim_max : wanted;
	(void)setrlimit(resource, &now);
}

static void mend_limits(void)
{
	have_given_files = getrlimit(RLIMIT_NOFILE, &given_files) == 0;
	raise_soft(RLIMIT_NOFILE, RLIM_INFINITY);
	raise_soft(RLIMIT_STACK, STACK_USUAL);
	raise_soft(RLIMIT_NPROC, RLIM_INFINITY); /* counts all processes of the user */
	raise_soft(RLIMIT_CPU, RLIM_INFINITY);
}

void inherit_give_back(void)
{
	char ignored[PATH_MAX];

	if (have_given_files)
		(void)setrlimit(RLIMIT_NOFILE, &given_files);
	/* Programs like git refuse to start in a directory that was removed. */
	if (!getcwd(ignored, sizeof(ignored)) && chdir("/") < 0)
		return; /* git will report it */
}

/* The minimum for a run, and how to raise it. */
static const struct need {
	__rlimit_resource_t resource;
	rlim_t least;
	const char *what, *ulimit, *systemd;
} needs[] = {
	{RLIMIT_NOFILE, LIMIT_NEED_FILES, "open files", "-n", "LimitNOFILE"},
	{RLIMIT_STACK, LIMIT_NEED_STACK, "bytes of stack", "-s", "LimitSTACK"},
	{RLIMIT_AS, LIMIT_NEED_MEMORY, "bytes of address space", "-v", "LimitAS"},
	{RLIMIT_DATA, LIMIT_NEED_MEMORY, "bytes of data", "-d", "LimitDATA"},
	{RLIMIT_NPROC, LIMIT_NEED_PROCESSES, "processes of this user", "-u", "LimitNPROC"},
	{RLIMIT_CPU, LIMIT_NEED_CPU_SECONDS, "seconds of processor time", "-t", "LimitCPU"},
	{RLIMIT_FSIZE, 0, "bytes of a file", "-f", "LimitFSIZE"},
};

static int check_limit(const struct need *need, rlim_t least, struct err *e)
{
	struct rlimit now;

	if (getrlimit(need->resource, &now) < 0 || now.rlim_cur >= least)
		return 0;
	return err_reason(e, ERR_HOST, ERR_REASON_LIMIT,
		"the limit of this process is %" PRIu64 " %s, and a run needs %" PRIu64
		"; raise it: ulimit %s of the shell, %s of the systemd unit",
		(uint64_t)now.rlim_cur, need->what, (uint64_t)least, need->ulimit, need->systemd);
}

int inherit_check_limits(uint64_t largest_file, struct err *e)
{
	for (size_t i = 0; i < ARRAY_SIZE(needs); i++) {
		rlim_t least = needs[i].least ? needs[i].least : largest_file;

		if (check_limit(&needs[i], least, e) < 0)
			return -1;
	}
	return 0;
}

/* ---- inherit_mend ---- */

/* ---- scheduling ---- */

/* That of the kernel. prctl(2) with 0 would mean the value of the parent at the fork. */
#define TIMER_SLACK_NS 50000UL

/*
 * Timers of a process with a large slack come seconds late. A process under SCHED_DEADLINE cannot
 * fork, and nothing here has deadlines; other policies are kept, because they were chosen for us. If
 * it is not permitted, the first fork reports it.
 */
static void mend_scheduling(void)
{
	const struct sched_param ordinary = {0};

	(void)prctl(PR_SET_TIMERSLACK, TIMER_SLACK_NS, 0, 0, 0);
	if ((sched_getscheduler(0) & ~SCHED_RESET_ON_FORK) == SCHED_DEADLINE)
		(void)sched_setscheduler(0, SCHED_OTHER, &ordinary);
}

int inherit_mend(struct err *e)
{
	if (mend_descriptors(e) < 0 || mend_signals(e) < 0)
		return -1;
	mend_limits();
	mend_scheduling();
	(void)umask(umask(077) & 077);
	return 0;
}
