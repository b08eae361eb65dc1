/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `disk_budget`: a limit for the disk space of everything that this program keeps (usage.h). While more
 * is used, this is removed, and of each kind the oldest first:
 *
 *	1. what killed imports and builds have left in the image store
 *	2. runs, of all projects, by the time of their end
 *	3. images that the recipes of ambient can make again, and that nothing names: no project of the
 *	   projects file, no latest run, not trusted_image
 *	4. dependencies that their project's latest run has fetched; projects that have not run for the
 *	   longest time first
 *	5. caches of cache scopes
 *	6. caches of projects, in the order of 4
 *
 * Never removed: what a run in progress uses, the latest run of a project and its last run that passed,
 * other images, imported dependencies. Nothing is written but the file of usage.h, so that a full disk
 * can be emptied.
 */
#ifndef UPKEEP_BUDGET_H
#define UPKEEP_BUDGET_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "settings/config.h"
#include "settings/project.h"
#include "upkeep/usage.h"

/* What was removed, or what is left. Texts are valid during the call. */
struct budget_item {
	enum usage_kind kind;
	const char *name; /* of the project or image */
	const char *part; /* the run or the cache scope; NULL: all of this kind */
	const char *why;  /* of what is left: what holds it, with the remedy if there is one */
	uint64_t bytes;   /* disk space */
	const struct err *error; /* it could not be removed, or not all of it; NULL: it could */
};

struct budget_view {
	void (*removed)(void *arg, const struct budget_item *item);
	/* Called at the end if the budget is still exceeded, the largest first. */
	void (*left)(void *arg, const struct budget_item *item);
	void *arg;
};

struct budget {
	const struct config *config;
	const struct project_list *list; /* of the projects file; empty if there is none */
	uint64_t bytes;                  /* the limit */
	bool dry_run;
};

/*
 * Enforce the limit. *ret_used is what is used at the end; with dry_run, what would be. An item that
 * cannot be removed is told to the view, and the next one is tried. -1 if the sum cannot be made, or
 * ERR_INTERRUPTED.
 */
int budget_enforce(const struct budget *b, const struct budget_view *view, uint64_t *ret_used,
	struct err *e) NODISCARD;

#endif
