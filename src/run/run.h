/* SPDX-License-Identifier: Apache-2.0 */
/* One run of one project, from its lock to its result. */
#ifndef RUN_RUN_H
#define RUN_RUN_H

#include <stdbool.h>

#include "base/strv.h"
#include "contract/action.h"
#include "contract/event.h"
#include "os/loop.h"
#include "run/verdict.h"
#include "settings/config.h"
#include "settings/project.h"

enum run_cache {
	RUN_CACHE_RW,   /* read it, publish it when the run passed */
	RUN_CACHE_RO,   /* read it, throw away what the run made of it */
	RUN_CACHE_NONE, /* neither */
};

/* What all runs of a process share. */
struct run_context {
	const struct config *config;
	const struct action *const *actions; /* NULL-ended */
	const struct action_variable
		*action_env; /* what the actions rely on; see actions/table.h */
};

struct run_options {
	bool force; /* also when nothing changed */
	bool no_post_plan;
	bool offline; /* refuse what needs a network */
	enum run_cache cache;
	const char *cache_scope; /* NULL: the project's own */
	const char *run_id;      /* NULL: made from the time */
	struct strv env;         /* NAME=value for the actions; refused when it is not */
	const char *executor;    /* path or name; NULL: as configured, else found (locate.h) */
	int log_fd;              /* also write the run log there, each event at once; -1: no */
};

/* What follows a run while it goes on: the terminal. */
struct run_view {
	struct event_sink sink;
	struct loop_source *source; /* takes its turns beside the machines (loop.h); NULL: none */
};

struct run_outcome {
	enum verdict verdict;
	int exit_status;
	struct err
		error; /* what to print on standard error when verdict is not passed or unchanged */
	struct node *result; /* result.json (docs/format-result.md); never NULL after run_project */
	char *log;           /* path of run.jsonl, NULL when there is none */
	bool unnamed;        /* `latest` does not lead to it: result.json could not be written */
};

/*
 * Run the project. Whatever happens is in *ret: there is no other way to fail. The caller has
 * called sig_init; a signal ends the run in order.
 */
void run_project(const struct run_context *context, struct project *project,
	const struct run_options *options, const struct run_view *view, struct run_outcome *ret);
void run_outcome_release(struct run_outcome *o);

/* What a run would do. */
struct run_forecast {
	bool unchanged;                 /* it would be skipped */
	size_t actions[PROJECT_PHASES]; /* of each plan, as the user wrote it; 0: no machine */
	bool stored_deps; /* it is offline: they take the place of what the pre-plan would fetch */
};

/*
 * What a run does before it touches anything: check all that can be checked, and see whether it
 * would be skipped. Takes no lock. Warnings go to the view.
 */
int run_check(const struct run_context *context, struct project *project,
	const struct run_options *options, const struct run_view *view,
	struct run_forecast *ret_forecast, struct err *e) NODISCARD;

#define RUN_UNCHANGED "nothing changed since the last successful run"

#endif
