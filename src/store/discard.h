/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The removal of a project's own stored archives, its cache and its dependencies, to make room on the
 * disk. The next run starts without them. (scopes.h: those of cache scopes. deps.h: for users.)
 */
#ifndef STORE_DISCARD_H
#define STORE_DISCARD_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

/*
 * Remove the archive `name` (STORE_CACHE, STORE_DEPS, STORE_FETCHED) from the current generation.
 * *ret_taken is false if a run of the project is in progress; then nothing is removed. *ret_bytes:
 * the disk space that is freed; 0 also if there is no such archive. dry_run: only report. Makes no
 * file, so that it works on a full disk. What readers have open stays theirs.
 */
int discard_archive(const char *state, const char *project, const char *name, bool dry_run,
	uint64_t *ret_bytes, bool *ret_taken, struct err *e) NODISCARD;

/*
 * Can the next run make the archive `name` of dependencies again? Yes if the project's latest run has
 * fetched it, or found it unchanged: what was imported cannot be fetched, perhaps, and neither can what an --offline run has
 * used. An error of the files that say it is no answer either: false.
 */
bool discard_can_fetch(const char *state, const char *project, const char *name);

#endif
