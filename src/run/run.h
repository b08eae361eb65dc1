/* SPDX-License-Identifier: Apache-2.0 */
/* One run of one project, from its lock to its result. */
#ifndef RUN_RUN_H
#define RUN_RUN_H

#include <stdbool.h>

#include "base/strv.h"
#include "contract/action.h"
#include "contract/event.h"
#include "os/loop.h"
#include "run/planner.h"
#include "run/verdict.h"
#include "settings/config.h"
#include "settings/project.h"

enum run_cache {
	RUN_CACHE_RW,   /* read it; publish it if the run passed */
	RUN_CACHE_RO,   /* read it; discard the run's changes */
	RUN_CACHE_NONE, /* neither read nor publish it */
};

/* Data that all runs of a process share. */
struct run_context {
	const struct config *config;
	const struct action *const *actions; /* NULL-ended */
	const struct action_variable
		*action_env; /* environment of all actions; see actions/table.h */
};

struct run_options {
	bool force;   /* run even if nothing changed */
	bool refresh; /* fetch dependencies anew; a run with a pre-plan is not skipped */
	bool no_post_plan;
	bool offline; /* start no VM with a network */
	enum run_cache cache;
	const char *cache_scope; /* NULL: the project's own */
	const char *run_id;      /* NULL: generated from the time */
	struct strv env;         /* NAME=value for the actions; any other form is an error */
	const char *executor;    /* path or name; NULL: as configured, else searched (locate.h) */
	int log_fd;              /* second file for the run log; -1: none */
};

/* The view of a run in progress: the terminal. */
struct run_view {
	struct event_sink sink;
	struct loop_source *source; /* polled together with the machines (loop.h); NULL: none */
};

struct run_outcome {
	enum verdict verdict;
	int exit_status;
	struct err error;    /* to be printed, unless the verdict is passed or unchanged */
	struct node *result; /* result.json (docs/format-result.md); never NULL after run_project */
	char *log;           /* path of run.jsonl; NULL: none */
	bool unnamed;        /* result.json was not written, so `latest` is another run */
};

/*
 * Run the project. The result is in *ret, also after any error. The caller has called sig_init;
 * after a signal the run ends in an orderly way.
 */
void run_project(const struct run_context *context, struct project *project,
	const struct run_options *options, const struct run_view *view, struct run_outcome *ret);
void run_outcome_release(struct run_outcome *o);

/* What a run would do. */
struct run_forecast {
	bool unchanged; /* it would be skipped */
	size_t actions
		[RUN_MACHINES]; /* of each machine, as the user wrote them; 0: it is not started */
	bool deps_unchanged; /* a machine of the pre-plan is not started: its dependencies are stored */
	bool stored_deps; /* it is offline: they take the place of what the pre-plan would fetch */
};

/*
 * Do what a run does before it changes anything: check all input, and find whether the run would be
 * skipped. Takes no lock. Warnings go to the view.
 */
int run_check(const struct run_context *context, struct project *project,
	const struct run_options *options, const struct run_view *view,
	struct run_forecast *ret_forecast, struct err *e) NODISCARD;

#define RUN_UNCHANGED "nothing changed since the last successful run"

#endif
