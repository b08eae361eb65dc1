/* SPDX-License-Identifier: Apache-2.0 */
#include "executor/reap.h"

#include <errno.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/limits.h"

static uint64_t timeval_ns(const struct timeval *t)
{
	return (uint64_t)t->tv_sec * 1000000000 + (uint64_t)t->tv_usec * 1000;
}

static void count(struct reap *r, const struct rusage *u)
{
	uint64_t bytes = (uint64_t)u->ru_maxrss * 1024;

	r->cpu_ns += timeval_ns(&u->ru_utime) + timeval_ns(&u->ru_stime);
	if (bytes > r->peak_bytes)
		r->peak_bytes = bytes;
}

bool reap_ended(struct reap *r)
{
	struct rusage usage;
	int status;

	for (;;) {
		pid_t pid = wait4(-1, &status, WNOHANG | __WALL, &usage);

		if (pid < 0 && errno == EINTR)
			continue;
		if (pid <= 0)
			return pid == 0;
		count(r, &usage);
		if (pid == r->main) {
			r->gone = true;
			r->status = status;
		}
	}
}

void reap_signal(int signal)
{
	if (getpid() != 1)
		BUG("killing everything outside of a pid namespace of our own");
	/* ESRCH: nothing is left. */
	if (kill(-1, signal) < 0 && errno != ESRCH)
		BUG("kill: error %d", errno);
}

int reap_all(struct reap *r, struct err *e)
{
	const struct timespec pause = {.tv_nsec = 1000000};
	int64_t deadline = clock_ms() + LIMIT_REAP_MS;

	/* Mostly nothing is left, and what loses its parent is ours: then there is nobody to kill.
	 */
	while (reap_ended(r)) {
		reap_signal(SIGKILL);
		if (!reap_ended(r))
			break;
		if (clock_ms() >= deadline)
			return err_set(e, ERR_HOST, "processes of the action cannot be killed");
		(void)nanosleep(&pause, NULL);
	}
	return 0;
}
