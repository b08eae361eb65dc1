/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The control group of a job's processes (cgroup v2, kernel documentation "Control Group v2").
 *
 * A job that wants more memory than there is makes a kernel without swap read the same program
 * pages again and again, for many minutes, before it kills anything. In a group with a limit below
 * the machine's memory the kernel kills at once, and the executor's own memory is never asked for.
 * For the same reason it may have only as many processes as fit into that memory.
 */
#ifndef EXECUTOR_JOB_GROUP_H
#define EXECUTOR_JOB_GROUP_H

#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"

/* Once, when /sys is mounted: make the group. */
int group_make(struct err *e) NODISCARD;

/*
 * As fork(2), with the new process in the group from its first instruction: a process that moves into a group makes the
 * kernel wait until all processors have passed a quiet moment, which costs an emulated guest 20 ms for every program.
 * Without group_make, as on a host, it is a plain fork.
 */
pid_t group_fork(void);

/*
 * How many processes of the group the kernel has killed for want of memory; without group_make: of
 * the system.
 */
uint64_t group_memory_kills(void);

/* How often a process of the group could not start another because there were too many. */
uint64_t group_failed_forks(void);
uint64_t group_process_limit(void); /* processes and threads together */

#endif
