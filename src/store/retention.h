/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The removal of old runs from <state>/<project>/runs/. docs/format-state.md describes it for
 * users.
 *
 * These runs are always kept: a run in progress (its `lock` is held, see store.h), the run that
 * `latest` points to, and the last ordinary run that passed. Of the other runs, the newest
 * `policy.runs` are kept. The same number of runs that were skipped as unchanged is kept in
 * addition, so that a frequent timer does not displace real runs. Then runs older than
 * `policy.days` are removed, and then the oldest runs until all runs take at most `policy.bytes`.
 *
 * The archives of the last `policy.scopes` cache scopes are kept.
 *
 * The removal of runs does not take the project's lock, so it never causes a run to end as busy. It
 * writes nothing to the disk, so it works on a full disk. The next removal completes an interrupted
 * one.
 */
#ifndef STORE_RETENTION_H
#define STORE_RETENTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "base/err.h"
#include "settings/config.h"
#include "settings/project.h"

struct retention_policy {
	uint64_t runs;   /* at least 1 */
	uint64_t days;   /* 0: any age */
	uint64_t bytes;  /* 0: any size */
	uint64_t scopes; /* number of scopes whose archives are kept (scopes.h); at least 1 */
};

/* The policy of the configuration, overridden by the keys of the project (NULL: none). */
struct retention_policy retention_policy_of(const struct config *c, const struct project *p);

/* An item that was removed, or would be removed by a dry run. */
struct retention_item {
	const char *project;
	const char *run_id;      /* NULL: not a run, but */
	const char *scope;       /* both NULL: work/ and old generations of a killed run */
	const char *why;         /* "more than 10 runs" */
	uint64_t bytes;          /* disk space */
	const struct err *error; /* the removal failed or is incomplete; NULL: it succeeded */
};

struct retention_view {
	void (*item)(void *arg, const struct retention_item *item);
	void *arg;
};

/*
 * Apply the policy to one project. An item that cannot be removed is reported to the view, and the
 * removal continues; *ret_failed is the number of such items. -1 if the project cannot be read, or
 * ERR_INTERRUPTED after a signal.
 */
int retention_apply(const char *state, const char *project, const struct retention_policy *policy,
	bool dry_run, const struct retention_view *view, unsigned *ret_failed,
	struct err *e) NODISCARD;

/* ---- for a limit over all projects ---- */

/* A run that no rule keeps; it may be newer than some that are kept. */
struct retention_run {
	char *id;
	struct timespec ended;
};

struct retention_runs {
	struct retention_run *items; /* oldest first */
	size_t count;
};

/*
 * The runs of a project that may be removed: neither in progress, nor the latest run, nor the last
 * run that passed, nor one whose result is not understood. -1 as retention_apply.
 */
int retention_removable(const char *state, const char *project, struct retention_runs *ret_runs,
	struct err *e) NODISCARD;
void retention_runs_release(struct retention_runs *r);
#define auto_retention_runs __attribute__((cleanup(retention_runs_release)))

/*
 * Remove one of them. *ret_gone is false if it is in use, or is gone already. *ret_bytes: the disk
 * space, also of an incomplete removal. dry_run: only measure. Writes nothing.
 */
int retention_remove(const char *state, const char *project, const char *run_id, bool dry_run,
	uint64_t *ret_bytes, bool *ret_gone, struct err *e) NODISCARD;

#endif
