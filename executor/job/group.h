/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The control group of a job's processes (cgroup v2, kernel documentation "Control Group v2").
 *
 * If a job needs more memory than the machine has, a kernel without swap reads the same program
 * pages repeatedly, for many minutes, before it kills a process. In a group with a limit below the
 * machine's memory, the kernel kills immediately, and the executor's memory is not affected. For
 * the same reason the number of processes is limited to what fits into that memory.
 */
#ifndef EXECUTOR_JOB_GROUP_H
#define EXECUTOR_JOB_GROUP_H

#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"

/* Create the group. Call it once, after /sys is mounted. */
int group_make(struct err *e) NODISCARD;

/*
 * As fork(2), but the new process is in the group from its start. Moving a process into a group
 * makes the kernel wait for an RCU grace period, which takes 20 ms per program in an emulated
 * guest. Without group_make, as on a host, it is a plain fork.
 */
pid_t group_fork(void);

/*
 * Returns the number of processes of the group that the kernel killed due to lack of memory;
 * without group_make, of all processes.
 */
uint64_t group_memory_kills(void);

/* Returns how often a fork in the group failed because of the limit of processes. */
uint64_t group_failed_forks(void);
uint64_t group_process_limit(void); /* processes and threads together */

#endif
