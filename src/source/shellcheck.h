/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What shellcheck says of scripts that may be hostile. It runs in the jail (jail.h) with nothing
 * but them: no network, no path of the host but /usr, no child process. It is of use only; a host
 * without it runs projects all the same.
 *
 * An answer is a tree that can be kept as JSON:
 *
 *     {"digest": "<of program and scripts>", "trouble": "...",
 *      "findings": [{"script": 0, "line": 3, "column": 10, "code": 2045, "message": "..."}]}
 *
 * `script` counts from 0, line and column from 1, `trouble` is there when the answer is not whole.
 * Whoever shows texts of it makes them harmless: they quote the scripts.
 */
#ifndef SOURCE_SHELLCHECK_H
#define SOURCE_SHELLCHECK_H

#include "base/err.h"
#include "base/strv.h"
#include "data/node.h"

/*
 * Ask about whole scripts, each with its shebang. `memory` is the path of a file that keeps the
 * last answer: when that was about the same scripts, nothing runs; NULL: no memory. A memory that
 * cannot be read is none. *ret_answer is the caller's, and NULL when shellcheck is not installed.
 * -1 when the jail cannot be built, or a signal came (ERR_INTERRUPTED), or the memory cannot be
 * written: then there is an answer all the same. Takes LIMIT_SHELLCHECK_MS at most.
 */
int shellcheck_ask(const struct strv *scripts, const char *memory, struct node **ret_answer,
	struct err *e) NODISCARD;

#endif
