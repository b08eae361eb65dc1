/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What happens in a run, as data. Every event goes the same way: run.c makes it, a sink passes it
 * to the run log (JSON Lines), the terminal and the result. The table in event.c is the one list of
 * types and their fields: the writer checks against it, the reader and docs/format-run-log.md come
 * from it.
 *
 * Names are those of the existing Ambient CI where it has them, so that its users' scripts go on.
 */
#ifndef CONTRACT_EVENT_H
#define CONTRACT_EVENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "contract/plan.h"
#include "data/node.h"

enum event_type {
	EVENT_AMBIENT_STARTS,
	EVENT_RUNTIME_CONFIG,
	EVENT_RUN_CI,
	EVENT_SKIP_CI,
	EVENT_SOURCE,
	EVENT_WARNING,
	EVENT_DEBUG,
	EVENT_PROGRESS,
	EVENT_RUNNABLE_PLAN,
	EVENT_SECRET_USED,
	EVENT_VM_STARTS,
	EVENT_EXECUTOR_STARTS,
	EVENT_EXECUTE_ACTION,
	EVENT_ACTION_OUTPUT,
	EVENT_ACTION_FINISHED,
	EVENT_ACTION_SUCCEEDED,
	EVENT_ACTION_FAILED,
	EVENT_EXECUTOR_SUCCEEDS,
	EVENT_EXECUTOR_FAILS,
	EVENT_VM_ENDS,
	EVENT_VM_DIED,
	EVENT_CLOCK_SKEW,
	EVENT_LOG_LIMIT,
	EVENT_CONSOLE_LIMIT,
	EVENT_OUTPUT_KEPT,
	EVENT_EGRESS_LIST,
	EVENT_EGRESS,
	EVENT_EGRESS_LIMIT,
	EVENT_SSH_AGENT,
	EVENT_SSH_AGENT_LIMIT,
	EVENT_AMBIENT_SUCCEEDS,
	EVENT_AMBIENT_FAILS,
	EVENTS,
};

struct event_field {
	const char *name;
	const char *help; /* with the unit */
	bool optional;
};

struct event_info {
	const char *name; /* as in the run log */
	const char *help;
	const struct event_field *fields; /* ends with a NULL name */
	bool transient;                   /* for the terminal only, never in the log: progress */
};

struct event {
	enum event_type type;
	enum plan_source source;
	int64_t utc_ns;
	const struct node
		*fields; /* a map as the table says; NULL for EVENT_ACTION_OUTPUT, which has: */
	size_t action;   /* index in the user's list */
	bool is_stderr;
	const char *data; /* bytes of the guest, as they came */
	size_t len;
};

/* Who is told. */
struct event_sink {
	void (*event)(void *arg, const struct event *ev);
	void *arg;
};

const struct event_info *event_info(enum event_type type);
int event_by_name(const char *name); /* -1 when there is none */

/* Tell `sink` now. Takes ownership of fields (NULL: none). A field that the table lacks is a BUG.
 */
void event_send(const struct event_sink *sink, enum event_type type, enum plan_source source,
	struct node *fields);

#endif
