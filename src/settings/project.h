/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The operator's projects file, documented in docs/format-projects.md, and the plan that a source
 * tree may bring along.
 *
 * The projects file is trusted, the source tree is not. Actions stay nodes here: what they mean is
 * for the action table, that is for the planner.
 */
#ifndef SETTINGS_PROJECT_H
#define SETTINGS_PROJECT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/strv.h"
#include "data/node.h"
#include "data/schema.h"

/* Where a source tree may bring its plan. */
#define PROJECT_SOURCE_PLAN ".radicle/ambient.yaml"

enum project_phase { PROJECT_PRE_PLAN, PROJECT_PLAN, PROJECT_POST_PLAN, PROJECT_PHASES };
extern const char *const project_phase_keys[PROJECT_PHASES]; /* "pre_plan", "plan", "post_plan" */

struct project {
	const char *name;        /* fit to be a file name */
	const char *file;        /* the projects file, for messages */
	const struct node *node; /* its mapping, for positions */
	char *source;            /* absolute */
	const char *image;       /* as given: a name in the image store, unless image_path is set */
	char *image_path;        /* absolute, when `image` is a path; else NULL */

	/*
	 * The actions, each a node with its position in plan_file; NULL is an empty list.
	 * plan_given is false when the projects file has none of the three keys.
	 */
	const struct node *plans[PROJECT_PHASES];
	const char *plan_file;
	bool plan_given;

	struct strv git_objects; /* absolute: whose objects the source's repository may borrow */
	const struct node *env;  /* mapping of strings; NULL: none */
	bool trust_source_plans;

	/* 0 where the project says nothing and the configuration decides */
	uint64_t artifacts_max;
	uint64_t cache_max;
	uint64_t deps_max;
	int64_t timeout_ms;
	int64_t action_timeout_ms;
	uint64_t cpus;
	uint64_t memory;
	uint64_t keep_runs;
	uint64_t keep_days;
	uint64_t keep_bytes;
	uint64_t keep_scopes;

	struct node *source_plan; /* owned: what plans point into after project_adopt_source_plan */
	char *source_plan_file;
};

struct project_list {
	char *file;
	struct node *root;
	struct project *items; /* in the order of the file */
	size_t count;
};

/* Everything that can be checked without looking at sources and images is checked. */
int project_load(const char *path, struct project_list *ret_list, struct err *e) NODISCARD;
void project_list_release(struct project_list *list);
#define auto_project_list __attribute__((cleanup(project_list_release)))

/* By name; ERR_INPUT with the nearest name when there is none. The project stays the list's. */
int project_find(struct project_list *list, const char *name, struct project **ret_project,
	struct err *e) NODISCARD;

/* ERR_INPUT, with the position of `source` in the projects file, when it is not a directory. */
int project_check_source(const struct project *p, struct err *e) NODISCARD;

/* Fit to be the name of a directory of ours: ERR_INPUT says what is wrong with it. */
int project_check_name(const char *name, struct err *e) NODISCARD;

/*
 * Where the projects file gives no plan: take it from .radicle/ambient.yaml of the source. Its
 * pre_plan and post_plan are used only if trust_source_plans says so, else a line in `warnings`
 * tells that they are ignored. ERR_INPUT when there is no such file either. Does nothing when
 * plan_given.
 */
int project_adopt_source_plan(struct project *p, struct strv *warnings, struct err *e) NODISCARD;

/*
 * Read .radicle/ambient.yaml beneath a source directory, following no link, and check its keys: the
 * three plans, each a list. No such file: *ret_plan is NULL.
 */
int project_read_source_plan(const char *source, struct node **ret_plan, struct err *e) NODISCARD;

extern const struct param project_params[]; /* the rows, for help and documentation */

#endif
