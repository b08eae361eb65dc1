/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The key of an archive of dependencies: from what a run has fetched it. It is a file beside the
 * archive in a generation (store.h): "deps-key" of "deps", "fetched-key@SCOPE" of "fetched@SCOPE". It
 * is made in the same directory as the archive and published by the same rename, so there is no key of
 * an archive that was not published.
 *
 *     {"format": 1, "inputs": SHA-256, "contents": SHA-256, "bytes": LENGTH}
 *
 * `contents` and `bytes` say which archive it is the key of. An archive that was put there by anything
 * else, an import for example, has other contents, so a key that was left does not fit it. A key only
 * saves time: one that is absent, damaged or of another format is none.
 */
#ifndef STORE_DEPSKEY_H
#define STORE_DEPSKEY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "data/digest.h"

struct depskey {
	struct digest_text inputs; /* of all that the archive was fetched from (run/run_reuse.c) */
	struct digest_text contents; /* of the archive (contents.h) */
	uint64_t bytes;              /* its length */
};

#define DEPSKEY_SUFFIX "-key"

/* Returns the path of the key of an archive of dependencies, by the archive's path. The caller frees. */
char *depskey_path(const char *archive);

/* Read the key of an archive. false: there is none that is understood. */
bool depskey_read(const char *archive, struct depskey *ret);

/* Do all of these fields agree? */
bool depskey_equals(const struct depskey *a, const struct depskey *b);

/* Write the key of an archive of the next generation (store_next), and sync it. */
int depskey_write(const char *archive, const struct depskey *key, struct err *e) NODISCARD;

#endif
