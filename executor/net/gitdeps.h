/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The command git_deps of ambient-net: mirrors of the repositories that files of the source name
 * (gitnames.h), in GIT_DEPS below the dependencies:
 *
 *     config              git's settings that lead from each repository to its mirror
 *     USER@HOST/a,b.git   the mirror of ssh://USER@HOST/a/b.git
 *
 * A mirror that is no longer named is removed. `work` has `hosts`, each with `user`, `host` and perhaps `path`, and
 * the paths of the files: `files`, which must be there, and `optional`.
 */
#ifndef EXECUTOR_NET_GITDEPS_H
#define EXECUTOR_NET_GITDEPS_H

#include "base/err.h"
#include "data/node.h"
#include "transfer/http.h"

int gitdeps(const struct node *work, const struct transfer_options *o, struct err *e) NODISCARD;

#endif
