/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The references of a mirror (transfer/gitmirror.h), which a guest has made: read without git, so that
 * a checkout has those that matter and no others. Format: gitrepository-layout(5), packed-refs.
 */
#ifndef SOURCE_MIRRORREFS_H
#define SOURCE_MIRRORREFS_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/err.h"

enum { MIRRORREFS_HASH_MAX = 64 };

struct mirrorrefs {
	char commit[MIRRORREFS_HASH_MAX + 1]; /* 40 or 64 digits */
	char *full;                           /* the name of its reference in the mirror */
	/* The file packed-refs of a checkout: the branch, if it is one, and all tags. */
	struct buf packed;
};

void mirrorrefs_release(struct mirrorrefs *r);
#define auto_mirrorrefs __attribute__((cleanup(mirrorrefs_release)))

/*
 * Find what a project asks for: `ref` as in its `source`, NULL: what HEAD names. dir_fd is the mirror.
 * ERR_INPUT: the mirror does not have it, or cannot be understood. The caller releases *ret.
 */
int mirrorrefs_find(int dir_fd, const char *ref, struct mirrorrefs *ret, struct err *e) NODISCARD;

/* Is it a branch, and not a tag, another reference or a commit of its own? */
bool mirrorrefs_is_branch(const struct mirrorrefs *r);

#endif
