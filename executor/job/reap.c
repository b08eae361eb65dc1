/* SPDX-License-Identifier: Apache-2.0 */
#include "executor/job/reap.h"

#include <errno.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"

/* The pause is four times as long as a call, so reaping takes at most a fifth of the time. */
enum { PAUSE_SHARE = 4 };

static uint64_t timeval_ns(const struct timeval *t)
{
	return (uint64_t)t->tv_sec * 1000000000 + (uint64_t)t->tv_usec * 1000;
}

static void count(struct reap *r, const struct rusage *u)
{
	uint64_t bytes = (uint64_t)u->ru_maxrss * 1024;

	r->count++;
	r->cpu_ns += timeval_ns(&u->ru_utime) + timeval_ns(&u->ru_stime);
	if (bytes > r->peak_bytes)
		r->peak_bytes = bytes;
}

static void collect(struct reap *r)
{
	struct rusage usage;
	int status;

	for (;;) {
		pid_t pid = wait4(-1, &status, WNOHANG | __WALL, &usage);

		if (pid < 0 && errno == EINTR)
			continue;
		r->left = pid == 0;
		if (pid <= 0)
			return;
		count(r, &usage);
		if (pid == r->main) {
			r->gone = true;
			r->status = status;
		}
	}
}

void reap_ended(struct reap *r)
{
	int64_t start = clock_ns(), end;

	collect(r);
	end = clock_ns();
	r->look_ns = end + PAUSE_SHARE * (end - start);
}

int64_t reap_pause_ns(const struct reap *r)
{
	int64_t left = r->look_ns - clock_ns();

	return left > 0 ? left : 0;
}

void reap_signal(int signal)
{
	if (getpid() != 1)
		BUG("killing everything outside of a pid namespace of our own");
	/* ESRCH: there are no processes. */
	if (kill(-1, signal) < 0 && errno != ESRCH)
		BUG("kill: error %d", errno);
}
