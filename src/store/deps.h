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

#include "archive/report.h"
#include "base/err.h"
#include "data/digest.h"
#include "data/node.h"

struct deps_info {
	uint64_t bytes;
	struct digest_text sha256;
	struct rewrite_dropped dropped; /* of an import: what of a foreign archive was not taken */
};

/*
 * Write the project's dependencies to `path` (os/outfile.h), which appears whole or not at all;
 * for a pipe or a device they are put together in `tmpdir` first. ERR_INPUT, reason no_deps, when
 * there are none. No lock is needed: what is stored is replaced, never changed.
 */
int deps_export(const char *state, const char *tmpdir, const char *project, const char *path,
	struct deps_info *ret_info, struct err *e) NODISCARD;

struct deps_import_options {
	uint64_t max_bytes;  /* deps_max_size */
	const char *tmpdir;  /* where a foreign archive is written again */
	const char *program; /* ambient-archive; NULL: where it is installed */
};

/*
 * Take such a file, or an archive that somebody else made (store/convert.h), as the project's
 * dependencies, under its lock. What begins with a member deps.json is an exported file. ERR_INPUT,
 * reason deps_damaged, when it is neither, is not whole, does not have the digest that it should
 * have, or breaks a rule for archives of guests; then the old ones stay. Those of another project
 * are taken, too; those of more than max_bytes are ERR_INPUT before the first byte is written. Holes
 * stay holes.
 */
int deps_import(const char *state, const char *project, const struct deps_import_options *o,
	const char *path, struct deps_info *ret_info, struct err *e) NODISCARD;

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
