/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The control group of a job's processes (cgroup v2, kernel documentation "Control Group v2").
 *
 * A job that wants more memory than there is makes a kernel without swap read the same program
 * pages again and again, for many minutes, before it kills anything. In a group with a limit below
 * the machine's memory the kernel kills at once, and the executor's own memory is never asked for.
 */
#ifndef EXECUTOR_GROUP_H
#define EXECUTOR_GROUP_H

#include "base/err.h"

/* Once, when /sys is mounted: make the group. */
int group_make(struct err *e) NODISCARD;

/* In a child: enter it. Without group_make, as on a host, there is nothing to enter. -1 with errno.
 */
int group_enter(void);

#endif
