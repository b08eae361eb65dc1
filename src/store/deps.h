/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The dependencies of a project outside of a run: taken to a machine that has no network, looked
 * at, removed.
 *
 * An exported file is a tar archive (docs/format-drive.md) of two members: deps.json, which names
 * the project and has length and SHA-256 of the other, and deps.tar, the archive as it is stored.
 */
#ifndef STORE_DEPS_H
#define STORE_DEPS_H

#include <stdint.h>

#include "base/err.h"
#include "data/digest.h"
#include "data/node.h"

struct deps_info {
	uint64_t bytes;
	struct digest_text sha256;
};

/*
 * Write the project's dependencies to `path` (os/outfile.h), which appears whole or not at all;
 * for a pipe or a device they are put together in `tmpdir` first. ERR_INPUT, reason no_deps, when
 * there are none. No lock is needed: what is stored is replaced, never changed.
 */
int deps_export(const char *state, const char *tmpdir, const char *project, const char *path,
	struct deps_info *ret_info, struct err *e) NODISCARD;

/*
 * Take such a file as the project's dependencies, under its lock. ERR_INPUT, reason deps_damaged,
 * when it is not one, is not whole, or does not have the digest that it should have; then the old
 * ones stay. Those of another project are taken, too; those of more than `max` bytes
 * (deps_max_size) are ERR_INPUT before the first byte is written. Holes stay holes.
 */
int deps_import(const char *state, const char *project, uint64_t max, const char *path,
	struct deps_info *ret_info, struct err *e) NODISCARD;

/* Remove them, those of all scopes, under the lock. *ret_bytes: what they took; 0: there were none.
 */
int deps_clear(
	const char *state, const char *project, uint64_t *ret_bytes, struct err *e) NODISCARD;

/*
 * A list of maps {project, name, bytes, changed}, or {project, error} of one whose dependencies
 * cannot be listed; sorted. The caller frees.
 */
int deps_list(const char *state, struct node **ret_list, struct err *e) NODISCARD;

#endif
