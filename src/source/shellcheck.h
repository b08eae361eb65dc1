/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Running shellcheck on scripts that may be hostile. It runs in the jail (jail.h) with only the
 * scripts: no network, no path of the host except /usr, no child process. It is optional: a host
 * without shellcheck runs projects, too.
 *
 * An answer is a tree that can be stored as JSON:
 *
 *     {"digest": "<of program and scripts>", "trouble": "...",
 *      "findings": [{"script": 0, "line": 3, "column": 10, "code": 2045, "message": "..."}]}
 *
 * `script` is counted from 0, line and column from 1. `trouble` is present if the answer is
 * incomplete. Texts in it quote the scripts, so they must be made safe before they are shown.
 */
#ifndef SOURCE_SHELLCHECK_H
#define SOURCE_SHELLCHECK_H

#include "base/err.h"
#include "base/strv.h"
#include "data/node.h"
#include "source/limits.h"

/*
 * Check complete scripts, each with its shebang. `memory` is the path of a file that caches the
 * last answer: if it was about the same scripts, shellcheck is not run. NULL: no cache. An
 * unreadable cache counts as absent. *ret_answer is owned by the caller; it is NULL when shellcheck
 * is not installed. -1: the jail cannot be created, or a signal came (ERR_INTERRUPTED), or the
 * cache cannot be written; in that last case *ret_answer is set. Takes at most LIMIT_SHELLCHECK_MS.
 */
int shellcheck_ask(const struct strv *scripts, const char *memory, struct node **ret_answer,
	struct err *e) NODISCARD;

#endif
