/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Mistakes in plans that a check of single actions does not find, reported before anything runs.
 * Documented in docs/lints.md. The actions describe themselves in struct action_lint. Both
 * functions are for plans that planner_open accepted.
 */
#ifndef SOURCE_LINT_H
#define SOURCE_LINT_H

#include <stdbool.h>

#include "base/err.h"
#include "base/strv.h"
#include "contract/entry.h"
#include "settings/config.h"
#include "settings/project.h"
#include "source/limits.h"

struct lint {
	const struct config *config; /* including targets given by options */
	const struct project *project;
	const struct entry_list *lists; /* PROJECT_PLANS items: the parsed plans of the project */
	bool with_post_plan;
	/* false: a missing target is only a warning, because a run may be given one */
	bool will_run;
};

/* Errors: a file name that is used twice, no target to deliver to. ERR_INPUT. */
int lint_check(const struct lint *l, struct err *e) NODISCARD;

/*
 * Warnings: one line "FILE:LINE:COL: ..." each, at most LIMIT_LINT_WARNINGS, pushed to `warnings`;
 * none if the configuration has `lint: false`. Scripts are passed to shellcheck; `memory` as in
 * shellcheck.h. A failure of shellcheck is a warning, too: -1 is ERR_INTERRUPTED only.
 */
int lint_warn(
	const struct lint *l, const char *memory, struct strv *warnings, struct err *e) NODISCARD;

#endif
