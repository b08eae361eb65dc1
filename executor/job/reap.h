/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The end of processes. The executor is process 1 of its pid namespace: whatever loses its parent
 * becomes its child, and kill(-1) reaches everything but itself, whatever group, session, parent or
 * control group it has. One such kill beats a fork bomb too: the kernel marks all processes in one
 * go, and a process that is marked cannot fork.
 *
 * To find the children that have ended the kernel goes through all that live. With thousands of
 * them that must not be done for each one that dies, least of all by a process that runs before
 * everything else: hence the pause after each look.
 */
#ifndef EXECUTOR_JOB_REAP_H
#define EXECUTOR_JOB_REAP_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"

struct reap {
	pid_t main;          /* the program of the step */
	bool gone;           /* it has ended, with: */
	int status;          /* of waitpid(2) */
	bool left;           /* there were other children when it was last looked */
	uint64_t count;      /* how many were reaped */
	int64_t look_ns;     /* not to be looked again before this moment */
	uint64_t cpu_ns;     /* of everything that was reaped */
	uint64_t peak_bytes; /* resident set of the largest */
};

/* Collect what has ended by now. */
void reap_ended(struct reap *r);

/* Send a signal to everything. */
void reap_signal(int signal);

/* How long not to look for ended children again: 0 when it is time. */
int64_t reap_pause_ns(const struct reap *r);

#endif
