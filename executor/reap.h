/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The end of processes. The executor is process 1 of its pid namespace: whatever loses its parent
 * becomes its child, and kill(-1) reaches everything but itself, whatever group, session or parent
 * it has. One such kill beats a fork bomb too: the kernel marks all processes in one go, and a
 * process that is marked cannot fork.
 */
#ifndef EXECUTOR_REAP_H
#define EXECUTOR_REAP_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"

struct reap {
	pid_t main;          /* the program of the step */
	bool gone;           /* it has ended, with: */
	int status;          /* of waitpid(2) */
	uint64_t cpu_ns;     /* of everything that was reaped */
	uint64_t peak_bytes; /* resident set of the largest */
};

/* Collect what has ended by now. True as long as there are children. */
bool reap_ended(struct reap *r);

/* Send a signal to everything. */
void reap_signal(int signal);

/* Kill everything and collect it. ERR_HOST when something is still there after LIMIT_REAP_MS. */
int reap_all(struct reap *r, struct err *e) NODISCARD;

#endif
