/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What becomes of old runs: which of <state>/<project>/runs/ are kept, and the removal of the
 * others. docs/format-state.md says it for users.
 *
 * Kept whatever the policy says: a run that goes on (its `lock` is held, see store.h), the one
 * that `latest` points to, and the last ordinary one that passed. Of the others the newest
 * `policy.runs` that took place are kept; so many that were skipped as unchanged are kept besides,
 * so that a frequent timer does not push real runs out. Of these those go that are older than
 * `policy.days`, and then the oldest until all of them together take at most `policy.bytes`.
 *
 * Of cache scopes the archives of the last `policy.scopes` are kept.
 *
 * For runs no lock of the project is needed, so no run is ever refused because of it; and nothing
 * is written to the disk, so it works when that is full. A removal that was cut short is finished
 * by the next.
 */
#ifndef STORE_RETENTION_H
#define STORE_RETENTION_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "settings/config.h"
#include "settings/project.h"

struct retention_policy {
	uint64_t runs;   /* at least 1 */
	uint64_t days;   /* 0: any age */
	uint64_t bytes;  /* 0: any size */
	uint64_t scopes; /* of which the archives are kept (scopes.h); at least 1 */
};

/* That of the configuration, with what the project (NULL: none) says of itself. */
struct retention_policy retention_policy_of(const struct config *c, const struct project *p);

/* Something that was removed, or that a dry run would have removed. */
struct retention_item {
	const char *project;
	const char *run_id;      /* NULL: no run, but a scope, or */
	const char *scope;       /* NULL: what a killed run left in work/ and old generations */
	const char *why;         /* "more than 10 runs" */
	uint64_t bytes;          /* of the disk */
	const struct err *error; /* it could not be removed, or not wholly; NULL: it is gone */
};

struct retention_view {
	void (*item)(void *arg, const struct retention_item *item);
	void *arg;
};

/*
 * Apply the policy to one project. What cannot be removed is told to the view and the others are
 * removed all the same; *ret_failed is their number. -1 when the project could not be looked at,
 * and ERR_INTERRUPTED when a signal came in between.
 */
int retention_apply(const char *state, const char *project, const struct retention_policy *policy,
	bool dry_run, const struct retention_view *view, unsigned *ret_failed,
	struct err *e) NODISCARD;

#endif
