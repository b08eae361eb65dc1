/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lock files of npm, versions 1 to 3 (docs.npmjs.com, "package-lock.json"): the archives that they
 * name. For ambient-net, in a trusted machine; the files are the source's.
 */
#ifndef ACTIONS_ECOSYSTEMS_NPMLOCK_H
#define ACTIONS_ECOSYSTEMS_NPMLOCK_H

#include "base/err.h"
#include "data/node.h"

/* Of the registry that the client has built in. */
#define NPM_ADDRESS "https://registry.npmjs.org/"

/* Lock files, the preferred one first, as an initializer. */
#define NPM_LOCKS "npm-shrinkwrap.json", "package-lock.json"

/* The directory of the archives, below GUEST_DEPS. */
#define NPM_DEPS "npm"

/*
 * Read npm-shrinkwrap.json or else package-lock.json of the source directory `source`. *ret_items is
 * a list of one map for each archive on a server, in the order of the file:
 *
 *     of        the package's place, "node_modules/a/node_modules/@scope/b": its key in the file
 *     filename  the place and ".tgz"
 *     url       http:// or https://, without credentials
 *     checksum  as checksum.h has it: the strongest that the file names; missing if it names none
 *
 * The client's own registry in a URL becomes `registry`, and a package without a URL is that of
 * `registry`. Packages that are in the source, or in the archive of another, are left out.
 * ERR_INPUT, reason fetch_lock_file: neither file is there, it is none, beyond LIMIT_LOCK_BYTES,
 * LIMIT_LOCK_VALUES or LIMIT_LOCK_PACKAGES, or it names something that is no archive on a server.
 */
int npmlock_read(
	int source, const char *registry, struct node **ret_items, struct err *e) NODISCARD;

/* The same for the text of a lock file; `name` is for messages. */
int npmlock_parse(const char *text, size_t len, const char *name, const char *registry,
	struct node **ret_items, struct err *e) NODISCARD;

#endif
