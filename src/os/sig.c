/* SPDX-License-Identifier: Apache-2.0 */
#include "os/sig.h"

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/mem.h"

static int signal_fd = -1;
static int caught;

/*
 * Ignored by nohup(1), or by a shell for background jobs. sigprocmask(2) would make such a signal
 * pending all the same.
 */
static bool is_ignored(int signo)
{
	struct sigaction now;

	return sigaction(signo, NULL, &now) == 0 && now.sa_handler == SIG_IGN;
}

int sig_init(struct err *e)
{
	/* SIGALRM: a parent sets a time limit by `alarm N; exec`; the timer survives execve(2). */
	static const int wanted[] = {SIGINT, SIGTERM, SIGHUP, SIGALRM};
	sigset_t set;

	(void)sigemptyset(&set);
	for (size_t i = 0; i < ARRAY_SIZE(wanted); i++)
		if (!is_ignored(wanted[i]))
			(void)sigaddset(&set, wanted[i]);
	if (sigprocmask(SIG_BLOCK, &set, NULL) < 0)
		return err_sys(e, "block signals");
	signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (signal_fd < 0)
		return err_sys(e, "signalfd");
	return 0;
}

int sig_fd(void)
{
	return signal_fd;
}

int sig_pending(void)
{
	struct signalfd_siginfo info;

	if (signal_fd >= 0 && read(signal_fd, &info, sizeof(info)) == (ssize_t)sizeof(info) &&
		!caught)
		caught = (int)info.ssi_signo;
	return caught;
}

void sig_detach(void)
{
	signal_fd = -1;
	caught = 0;
}

const char *sig_name(int signo)
{
	switch (signo) {
	case SIGINT:
		return "SIGINT";
	case SIGTERM:
		return "SIGTERM";
	case SIGALRM:
		return "SIGALRM";
	default:
		return "SIGHUP";
	}
}

int sig_check(struct err *e)
{
	int signo = sig_pending();

	if (!signo)
		return 0;
	return err_reason(e, ERR_INTERRUPTED, "interrupted", "stopped by %s", sig_name(signo));
}

/* The kernel's struct (rt_sigaction(2)), because libc's sigaction rejects signals 32 and 33. */
struct kernel_sigaction {
	void (*handler)(int);
	unsigned long flags;
	void (*restorer)(void);
	unsigned long mask;
};

void sig_reset(void)
{
	const struct kernel_sigaction action = {.handler = SIG_DFL};
	sigset_t none;

	/* This fails only for SIGKILL and SIGSTOP, which always have the default action. */
	for (int i = 1; i < NSIG; i++)
		(void)syscall(SYS_rt_sigaction, i, &action, NULL, sizeof(action.mask));
	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
}
