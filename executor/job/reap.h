/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Kills and reaps processes. The executor is process 1 of its pid namespace: a process whose parent
 * has ended becomes its child, and kill(-1) reaches all processes except itself, regardless of
 * their group, session, parent or control group. One such kill also ends a fork bomb: the kernel
 * marks all processes in one pass, and a marked process cannot fork.
 *
 * To find children that have ended, the kernel searches all children. With thousands of them, a
 * search for each ended child would take too long, particularly in a process with precedence over
 * all others. Therefore there is a pause after each search.
 */
#ifndef EXECUTOR_JOB_REAP_H
#define EXECUTOR_JOB_REAP_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"

struct reap {
	pid_t main;          /* the program of the step */
	bool gone;           /* it has ended, with `status` */
	int status;          /* of waitpid(2) */
	bool left;           /* the last search found other children */
	uint64_t count;      /* number of reaped processes */
	int64_t look_ns;     /* do not search before this time */
	uint64_t cpu_ns;     /* of all reaped processes */
	uint64_t peak_bytes; /* largest resident set of a reaped process */
};

/* Reap all processes that have ended. */
void reap_ended(struct reap *r);

/* Send a signal to all other processes. */
void reap_signal(int signal);

/* Time until the next search for ended children; 0: now. */
int64_t reap_pause_ns(const struct reap *r);

#endif
