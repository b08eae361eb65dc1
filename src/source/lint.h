/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Mistakes in plans that each action alone does not show, found before anything runs. Documented in
 * docs/lints.md. What there is to look at is in the actions' descriptors (struct action_lint); both
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

struct lint {
	const struct config *config; /* with the targets of options put in */
	const struct project *project;
	const struct entry_list *lists; /* PROJECT_PHASES of them: its plans, parsed */
	bool with_post_plan;
	bool will_run; /* else a target that is missing is a warning: the run may be given one */
};

/* What cannot work: a file name that is used twice, no target to deliver to. ERR_INPUT. */
int lint_check(const struct lint *l, struct err *e) NODISCARD;

/*
 * What probably is not meant, one line "FILE:LINE:COL: ..." each, at most LIMIT_LINT_WARNINGS,
 * pushed to `warnings`; nothing when the configuration has `lint: false`. Scripts are given to
 * shellcheck; `memory` as in shellcheck.h. Trouble with that is a warning too: -1 is
 * ERR_INTERRUPTED only.
 */
int lint_warn(
	const struct lint *l, const char *memory, struct strv *warnings, struct err *e) NODISCARD;

#endif
