/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs a plan. A step has ended when all processes that it started have ended, all of its output
 * has been sent to the host, and FRAME_STEP_END is sent. After the first step that does not pass,
 * the other steps are skipped, except those that run always; its outcome is the outcome of the
 * plan.
 *
 * A step is ended early by `stop` from the host (then no other step runs, not even one that runs
 * always), by its own time limit, or by the time limit of the plan. Steps that run always have a
 * common time limit, LIMIT_ALWAYS_MS, instead of that of the plan.
 */
#ifndef EXECUTOR_JOB_STEPS_H
#define EXECUTOR_JOB_STEPS_H

#include <stdbool.h>
#include <sys/types.h>

#include "contract/action.h"
#include "contract/plan.h"
#include "executor/limits.h"
#include "executor/link.h"
#include "executor/machine/machine.h"

struct run {
	struct action_ctx ctx; /* the part visible to actions */
	const struct machine *machine;
	struct link *link;
	const struct plan *plan;
	uint32_t step; /* the running step */
	/* Whose the files below /ci are (owner.h). */
	uid_t owner;
	bool owner_unknown; /* a step without a program, as root, may have made some */
	bool given_away;    /* they were another user's than root's */
	bool spawned;       /* the step has started a program */
	int64_t step_deadline_ms;
	int64_t plan_deadline_ms;   /* for the step: one of the next two */
	int64_t normal_deadline_ms; /* of the plan */
	int64_t always_deadline_ms; /* CLOCK_NEVER until the first of them starts */
	struct message_end end;
};

/* Returns the run that contains a context. */
struct run *run_of(struct action_ctx *ctx);

/*
 * Run all steps; *ret_end is the end message for the host. -1: the connection to the host failed.
 * `actions` is the table with which the plan was checked.
 */
int steps_run(const struct plan *plan, const struct action *const *actions, const struct machine *m,
	struct link *l, struct message_end *ret_end, struct err *e) NODISCARD;

/* Returns the limit that ends the running step; STEP_PASSED while it may continue. */
enum step_outcome steps_limit(const struct run *r);

/* End a step by a limit: sets result.outcome and the message in *e. Returns -1. */
int steps_over(struct run *r, enum step_outcome outcome, struct err *e) NODISCARD;

/* The earliest deadline of the running step. */
int64_t steps_next_limit_ms(const struct run *r);

/* Time until that deadline, at least 1. */
int64_t steps_time_left_ms(const struct run *r);

/* ops.c: the operations for actions. */
extern const struct action_ops run_ops;

#endif
