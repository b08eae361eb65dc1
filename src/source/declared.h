/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The files of the source that actions declare to read (action.h, `reads`): all that a machine with
 * programs of others and a network is given of it.
 */
#ifndef SOURCE_DECLARED_H
#define SOURCE_DECLARED_H

#include "base/err.h"
#include "base/strv.h"
#include "contract/entry.h"
#include "settings/config.h"

/*
 * Check the files that an action declares: each path is relative, in plain form (tar.h), and leads to
 * a regular file of at most LIMIT_DECLARED_BYTES beneath the source directory `root`, through no
 * link. ERR_INPUT with the position of the action.
 */
int declared_check(int root, const struct entry *entry, struct err *e) NODISCARD;

/*
 * Pack files of the source directory `root` into a file without a name in tmpdir; *ret_fd is owned by
 * the caller. A path that is given twice is packed once. Files that are not as declared_check wants
 * them are ERR_INPUT.
 */
int declared_pack(int root, const struct strv *paths, const struct config *config, int *ret_fd,
	struct err *e) NODISCARD;

#endif
