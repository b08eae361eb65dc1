/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The operator's projects file, documented in docs/format-projects.md, and the plan that a source
 * tree may contain.
 *
 * The projects file is trusted, the source tree is not. Actions are kept as nodes here. The planner
 * interprets them by the action table.
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

/* In the state directory of a project whose source is a repository on a server (store.h). */
#define PROJECT_MIRROR "mirror"
#define PROJECT_CHECKOUT "checkout"

/* The path of a plan in a source tree. */
#define PROJECT_SOURCE_PLAN ".radicle/ambient.yaml"

enum project_plan { PROJECT_PRE_PLAN, PROJECT_PLAN, PROJECT_POST_PLAN, PROJECT_PLANS };
extern const char *const project_plan_keys[PROJECT_PLANS]; /* "pre_plan", "plan", "post_plan" */

/* What actions that fetch are given of the source. */
enum project_fetch_source { PROJECT_FETCH_DECLARED, PROJECT_FETCH_ALL };

struct project {
	const char *name;        /* a valid file name */
	const char *file;        /* the projects file, for messages */
	const struct node *node; /* its mapping, for positions in messages */
	char *source;            /* absolute; of a repository, "" before project_place_sources */
	/* `source` as a mapping: a repository on a server (docs/format-projects.md); else NULL */
	const struct node *repository;
	/* as written: a name in the image store, unless image_path is set */
	const char *image;
	char *image_path;        /* absolute, if `image` is a path; else NULL */
	const char *fetch_image; /* as `image`, for actions that fetch; NULL: `image` */
	char *fetch_image_path;
	enum project_fetch_source fetch_source;

	/*
	 * The lists of actions: nodes with positions in plan_file; NULL is an empty list.
	 * plan_given is false if the projects file has none of the three keys.
	 */
	const struct node *plans[PROJECT_PLANS];
	const char *plan_file;
	bool plan_given;

	/* absolute: directories whose objects the source's repository may use */
	struct strv git_objects;
	const struct node *env; /* a mapping of strings; NULL: none */
	bool trust_source_plans;

	/* 0: not set in the project, so the configuration applies */
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

	/* owned: `plans` points into it after project_adopt_source_plan */
	struct node *source_plan;
	char *source_plan_file;
};

struct project_list {
	char *file;
	struct node *root;
	struct project *items; /* in the order of the file */
	size_t count;
};

/* Load a projects file. Everything that does not depend on sources and images is checked. */
int project_load(const char *path, struct project_list *ret_list, struct err *e) NODISCARD;
/* As project_load, of a tree, which it takes, also on failure. `file` is for messages and paths. */
int project_from_node(struct node *root, const char *file, struct project_list *ret_list,
	struct err *e) NODISCARD;
void project_list_release(struct project_list *list);
#define auto_project_list __attribute__((cleanup(project_list_release)))

/* After a message about an unknown project: the command that lists those of the projects file. */
#define PROJECT_LIST_HINT "; 'ambient projects' lists those that there are"

/*
 * Find a project by name. ERR_INPUT with the nearest name when there is none. The list owns the
 * project.
 */
int project_find(struct project_list *list, const char *name, struct project **ret_project,
	struct err *e) NODISCARD;

/* The keys of a source that is a repository on a server. */
#define PROJECT_GIT "git" /* its URL */
#define PROJECT_REF "ref" /* what of it; NULL: its default branch */

/*
 * Where the sources are that are repositories on servers: in the state directory (store.h). The
 * repository of the checkout may use the objects of the mirror there, and nothing else (git_objects).
 */
void project_place_sources(struct project_list *list, const char *state);

/* A source that is a repository on a server, and that no run has fetched yet. */
bool project_is_unfetched(const struct project *p);

/* The source as the user named it, for people: a path or the URL of a repository. */
const char *project_source_name(const struct project *p);

/*
 * ERR_INPUT, with the position of `source` in the projects file, if the source is not a directory.
 */
int project_check_source(const struct project *p, struct err *e) NODISCARD;

/* Is the value of `image` a path, and not a name in the image store? */
bool project_image_is_path(const char *image);

/* Check that a name is a valid name of a directory. ERR_INPUT gives the reason. */
int project_check_name(const char *name, struct err *e) NODISCARD;

/*
 * If the projects file contains no plan, take it from .radicle/ambient.yaml of the source. Its
 * pre_plan and post_plan are used only with trust_source_plans; otherwise a warning in `warnings`
 * says that they are ignored. ERR_INPUT when there is no such file either. Does nothing if
 * plan_given.
 */
int project_adopt_source_plan(struct project *p, struct strv *warnings, struct err *e) NODISCARD;

/*
 * Read a file like .radicle/ambient.yaml, whose path is relative to the source directory, without
 * following links, and check its keys: the three plans, each a list, and maximum sizes. If there is
 * no such file, *ret_plan is NULL.
 */
int project_read_source_plan(
	const char *source, const char *relative, struct node **ret_plan, struct err *e) NODISCARD;
extern const struct param project_partial_params[]; /* its keys */

/* Check such a file's tree, and write its keys in our spelling (schema_respell). ERR_INPUT. */
int project_check_partial(struct node *partial, const char *file, struct err *e) NODISCARD;

extern const struct param project_params[]; /* the table of keys, for help and documentation */

#endif
