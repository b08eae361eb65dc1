/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The files of the source that actions declare to read (action.h, `reads`): all that a machine with
 * programs of others and a network is given of it.
 */
#ifndef SOURCE_DECLARED_H
#define SOURCE_DECLARED_H

#include <stdbool.h>

#include "base/err.h"
#include "base/strv.h"
#include "contract/entry.h"
#include "data/digest.h"
#include "settings/config.h"

struct declared_file {
	char *path; /* relative to the source directory, in plain form (tar.h) */
	bool empty; /* it is given without its contents */
};

struct declared { /* {0}: none */
	struct declared_file *files;
	size_t count, room;
};

void declared_release(struct declared *d);
#define auto_declared __attribute__((cleanup(declared_release)))

/*
 * Append all files that an action reads (action.h): those that it declares, and those that these
 * name, at most LIMIT_DECLARED_FILES. Each leads to a regular file of at most LIMIT_DECLARED_BYTES
 * beneath the source directory `root`, through no link. ERR_INPUT with the position of the action.
 */
int declared_find(
	int root, const struct entry *entry, struct declared *ret, struct err *e) NODISCARD;

/* Could the action name files of the source, and names none? Then it has not said what it depends on. */
bool declared_is_silent(const struct entry *entry);

/*
 * Pack files of the source directory `root` into a file without a name in tmpdir; *ret_fd is owned by
 * the caller. They are sorted; a path that is given twice is packed once. *ret_digest is that of the
 * archive: of paths and contents, because all modes and times in it are the same. Files that are not
 * as declared_find wants them are ERR_INPUT.
 */
int declared_pack(int root, struct declared *d, const struct config *config, int *ret_fd,
	struct digest_text *ret_digest, struct err *e) NODISCARD;

/* The digest that declared_pack would return. Writes nothing. */
int declared_digest(
	int root, struct declared *d, struct digest_text *ret_digest, struct err *e) NODISCARD;

#endif
