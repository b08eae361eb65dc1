/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A plan under way. A step is over when nothing that it started is left, all of its output has been
 * handed to the host, and FRAME_STEP_END is sent. The first step that does not pass makes the
 * others skipped, except those that run always; its outcome is that of the whole.
 *
 * What can end a step early, the earliest first: `stop` from the host (then no other step runs, not
 * even one that runs always), the step's own time limit, that of the plan; for the steps that run
 * always a common allowance, LIMIT_ALWAYS_MS, takes the place of the plan's.
 */
#ifndef EXECUTOR_JOB_STEPS_H
#define EXECUTOR_JOB_STEPS_H

#include "contract/action.h"
#include "contract/plan.h"
#include "executor/limits.h"
#include "executor/link.h"
#include "executor/machine/machine.h"

struct run {
	struct action_ctx ctx; /* what actions see of it */
	const struct machine *machine;
	struct link *link;
	const struct plan *plan;
	uint32_t step; /* the one under way */
	int64_t step_deadline_ms;
	int64_t plan_deadline_ms;   /* of what the step belongs to: the plan, or the steps that run
				       always */
	int64_t normal_deadline_ms; /* of the plan */
	int64_t always_deadline_ms; /* CLOCK_NEVER until the first of them starts */
	struct message_end end;
};

/* The run that a context is part of. */
struct run *run_of(struct action_ctx *ctx);

/*
 * Run all steps; *ret_end is what to tell the host. -1: the host is lost. Actions come from the
 * table that the plan was checked against.
 */
int steps_run(const struct plan *plan, const struct action *const *actions, const struct machine *m,
	struct link *l, struct message_end *ret_end, struct err *e) NODISCARD;

/* What the step under way should end with by now: STEP_PASSED as long as it may go on. */
enum step_outcome steps_limit(const struct run *r);

/* The same in words; sets result.outcome and *e, returns -1. */
int steps_over(struct run *r, enum step_outcome outcome, struct err *e) NODISCARD;

/* The earliest moment at which steps_limit may change by itself. */
int64_t steps_next_limit_ms(const struct run *r);

/* How long it is until then, at least 1. */
int64_t steps_time_left_ms(const struct run *r);

/* ops.c: what actions are offered. */
extern const struct action_ops run_ops;

#endif
