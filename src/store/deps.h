/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Export, import, list and remove the dependencies of a project outside of a run, for example to
 * transfer them to a host without a network.
 *
 * They are in two archives, by the kind of the machine that wrote them: what ran programs of others is
 * never given to a trusted machine.
 *
 * An exported file is a tar archive (docs/format-drive.md): deps.json, which has the project's name and
 * the length and SHA-256 of what follows; deps.tar, the archive of trusted machines; and fetched.tar,
 * if there is one of other machines.
 */
#ifndef STORE_DEPS_H
#define STORE_DEPS_H

#include <stdint.h>

#include "archive/report.h"
#include "base/err.h"
#include "data/digest.h"
#include "data/node.h"

enum deps_kind { DEPS_TRUSTED, DEPS_FETCHED, DEPS_KINDS };

/* The names of the archives in a generation (store.h). */
extern const char *const deps_names[DEPS_KINDS];

struct deps_archive {
	uint64_t bytes; /* 0: there is none */
	struct digest_text sha256;
};

struct deps_info {
	struct deps_archive archives[DEPS_KINDS];
	struct rewrite_dropped dropped; /* of an import: attributes that were dropped */
};

/*
 * Write the project's dependencies to `path` (os/outfile.h), which is created complete or not at
 * all; for a pipe or a device the file is first assembled in `tmpdir`. ERR_INPUT, reason no_deps,
 * if there are none. No lock is needed, because stored archives are replaced, never changed.
 */
int deps_export(const char *state, const char *tmpdir, const char *project, const char *path,
	struct deps_info *ret_info, struct err *e) NODISCARD;

struct deps_import_options {
	uint64_t max_bytes;  /* deps_max_size */
	const char *tmpdir;  /* directory for the conversion of a foreign archive */
	const char *program; /* path of ambient-archive; NULL: the installed one */
};

/*
 * Replace the project's dependencies by an exported file or by an archive of another program
 * (store/convert.h), under the project's lock. Who made the latter is not known, so it counts as
 * DEPS_FETCHED. A file whose first member is deps.json is an
 * exported file. ERR_INPUT, reason deps_damaged, if the file is neither, is truncated, does not
 * match its digest, or breaks a rule for archives of guests; the old dependencies are then kept. A
 * file exported from another project is accepted. "-" and everything that is no regular file are
 * ERR_INPUT. An archive of more than max_bytes is ERR_INPUT before the first
 * byte is written. Holes are preserved.
 */
int deps_import(const char *state, const char *project, const struct deps_import_options *o,
	const char *path, struct deps_info *ret_info, struct err *e) NODISCARD;

/*
 * Remove the dependencies of all scopes, under the lock. *ret_bytes: the disk space that they used;
 * 0: there were none.
 */
int deps_clear(
	const char *state, const char *project, uint64_t *ret_bytes, struct err *e) NODISCARD;

/*
 * Returns a sorted list of maps {project, name, bytes, changed}, or {project, error} for a project
 * whose dependencies cannot be listed. The caller frees.
 */
int deps_list(const char *state, struct node **ret_list, struct err *e) NODISCARD;

#endif
