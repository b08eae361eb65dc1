/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A checkout of a commit of a mirror (transfer/gitmirror.h), which is then the source of a run like any
 * other directory (source.h).
 *
 * The mirror comes from a server. git reads it in a jail (gitjail.h), which has the mirror, read-only,
 * and the checkout, and nothing else. No hooks, filters and submodules run or are fetched. How many
 * files and bytes the commit has is known before the first is written.
 *
 * The checkout is kept from run to run: a file that did not change is not written again, so that it
 * keeps its time, by which build systems see that they need not build. Everything else is as git left
 * it: changes are undone, and files that the commit does not have are removed. `.git` is new each time:
 * the branch or commit, the tags, the server as `origin`; its objects are those of the mirror
 * (alternates).
 */
#ifndef SOURCE_CHECKOUT_H
#define SOURCE_CHECKOUT_H

#include <stdint.h>

#include "base/err.h"

/* Everything is borrowed. Paths are absolute. */
struct checkout {
	const char *mirror;
	const char *objects; /* its directory of objects, as the operator's settings name it */
	const char *url;     /* of the server; without a password, a quote and a backslash */
	const char *ref;     /* as in the project's `source`; NULL: what the mirror's HEAD names */
	const char *dir;     /* the checkout; it is made if it does not exist */
	const char *work;    /* a directory for files in the making, on the same file system */
	uint64_t max_bytes;  /* all files together */
};

/*
 * Make the checkout. ERR_INPUT, reason source_repository: the mirror does not have the reference, or
 * git cannot check it out. The checkout is then in any state, and the next call mends it.
 */
int checkout_make(const struct checkout *c, struct err *e) NODISCARD;

#endif
