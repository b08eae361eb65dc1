/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From the reports of an executor about its steps to the events of the user's actions. An action is
 * one step or several, which are adjacent and have the same origin; it has ended with its last step,
 * or with the first that did not pass.
 */
#ifndef CONTRACT_STEPLOG_H
#define CONTRACT_STEPLOG_H

#include "contract/event.h"
#include "contract/message.h"
#include "contract/plan.h"

struct steplog {
	const struct plan *plan; /* both borrowed */
	const struct event_sink *sink;
	/* of the running action: */
	size_t step; /* its first */
	uint64_t wall_ns, cpu_ns, peak_bytes;
	bool running;
};

/* For FRAME_STEP_START and output. The caller has checked the number of the step. */
void steplog_start(struct steplog *l, size_t step);
void steplog_output(
	const struct steplog *l, size_t step, bool is_stderr, const char *data, size_t len);

/*
 * For FRAME_STEP_END. True: the action has ended, EVENT_ACTION_FINISHED is sent, and
 * EVENT_ACTION_SUCCEEDED if it passed. If it did not, the caller sends the event of that by
 * steplog_fail.
 */
bool steplog_end(struct steplog *l, const struct message_step_end *msg);

/* Send EVENT_ACTION_FAILED; `text` is harmless UTF-8. */
void steplog_fail(const struct steplog *l, size_t step, const char *reason, const char *text);

/* Add exit code, signal, times and memory of the action that ended. */
void steplog_add_measures(
	const struct steplog *l, struct node *n, const struct message_step_end *msg);

#endif
