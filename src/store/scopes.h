/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What becomes of the archives of cache scopes (`--cache-scope`): a bridge may use one for every
 * stranger's branch, and each may hold cache_max_size. The scopes that have run last are kept; of
 * the others archives and state files are removed.
 */
#ifndef STORE_SCOPES_H
#define STORE_SCOPES_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

/* Told of a scope that goes; bytes: what it took of the disk. */
typedef void (*scopes_told)(void *arg, const char *scope, uint64_t bytes);

/*
 * Keep `keep` scopes of a project. Where there are more, the project's lock is taken, unless a run
 * goes on: then nothing is done. Writes nothing, so that it works on a full disk. dry_run: only
 * tells. What the project's own runs keep is not touched.
 */
int scopes_forget(const char *state, const char *project, uint64_t keep, bool dry_run,
	scopes_told told, void *arg, struct err *e) NODISCARD;

#endif
