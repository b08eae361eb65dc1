/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The events of a run, as data. Every event takes the same path: run.c creates it, and a sink
 * passes it to the run log (JSON Lines), the terminal and the result. The table in event.c is the
 * only list of types and their fields: the writer checks against it, and the reader and
 * docs/format-run-log.md are derived from it.
 *
 * The names are those of the existing Ambient CI where it has such an event, so that scripts of its
 * users keep working.
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
	EVENT_DEPS_UNCHANGED,
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
	const char *help; /* including the unit */
	bool optional;
};

struct event_info {
	const char *name; /* as in the run log */
	const char *help;
	const struct event_field *fields; /* ends with a NULL name */
	bool transient;                   /* only for the terminal, not logged: progress */
};

struct event {
	enum event_type type;
	enum plan_source source;
	int64_t utc_ns;
	/*
	 * A map as defined by the table; NULL for EVENT_ACTION_OUTPUT, which uses the members
	 * below.
	 */
	const struct node *fields;
	size_t action; /* index in the user's list */
	bool is_stderr;
	const char *data; /* output of the guest, unchanged */
	size_t len;
};

/* The receiver of events. */
struct event_sink {
	void (*event)(void *arg, const struct event *ev);
	void *arg;
};

const struct event_info *event_info(enum event_type type);
int event_by_name(const char *name); /* -1: no such event */

/*
 * Pass an event to `sink` now. Takes ownership of fields (NULL: none). A field that is not in the
 * table is a BUG.
 */
void event_send(const struct event_sink *sink, enum event_type type, enum plan_source source,
	struct node *fields);

#endif
