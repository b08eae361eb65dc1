/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The removal of old cache scopes (`--cache-scope`). A bridge may use a scope for every untrusted
 * branch, and each scope may take cache_max_size. The scopes with the latest runs are kept;
 * archives and state files of the others are removed.
 */
#ifndef STORE_SCOPES_H
#define STORE_SCOPES_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include "base/err.h"

/* Called for each removed scope; bytes: the disk space that it used. */
typedef void (*scopes_told)(void *arg, const char *scope, uint64_t bytes);

/*
 * Keep `keep` scopes of a project. If there are more, take the project's lock and remove the
 * others; if a run holds the lock, do nothing. Writes nothing, so that it works on a full disk.
 * dry_run: only report. Data of the project's own runs is not changed.
 */
int scopes_forget(const char *state, const char *project, uint64_t keep, bool dry_run,
	scopes_told told, void *arg, struct err *e) NODISCARD;

/* Called for each scope of a project, the newest first; made: the newest of its files. */
typedef void (*scopes_visitor)(void *arg, const char *scope, const struct timespec *made);

/* Takes no lock, so that a scope may be gone already. */
int scopes_list(const char *state, const char *project, scopes_visitor visit, void *arg,
	struct err *e) NODISCARD;

/*
 * Remove the archives and state files of one scope, as scopes_forget does. *ret_taken is false if a
 * run of the project is in progress; then nothing is removed. *ret_bytes: the disk space of what was
 * there.
 */
int scopes_forget_one(const char *state, const char *project, const char *scope, bool dry_run,
	uint64_t *ret_bytes, bool *ret_taken, struct err *e) NODISCARD;

#endif
