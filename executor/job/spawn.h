/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs the program of a step: starts it, sends its output to the host as it arrives, enforces the
 * limits, handles `stop`, and finally kills all remaining processes of the step.
 */
#ifndef EXECUTOR_JOB_SPAWN_H
#define EXECUTOR_JOB_SPAWN_H

#include "executor/job/steps.h"

/* As action_ops.spawn; fills run->ctx.result. */
int spawn_run(struct run *run, const struct spawn *s, struct err *e) NODISCARD;

#endif
