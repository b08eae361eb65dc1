/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Running one program of a step: start it, hand its output to the host as it comes, watch the
 * limits and the host, and see to it that at the end nothing of it is left.
 */
#ifndef EXECUTOR_JOB_SPAWN_H
#define EXECUTOR_JOB_SPAWN_H

#include "executor/job/steps.h"

/* As action_ops.spawn; fills run->ctx.result. */
int spawn_run(struct run *run, const struct spawn *s, struct err *e) NODISCARD;

#endif
