/* SPDX-License-Identifier: Apache-2.0 */
/* From a project's actions to the steps that a VM carries out. No side effects, no clock, no disk.
 */
#ifndef RUN_PLANNER_H
#define RUN_PLANNER_H

#include <stdbool.h>

#include "contract/entry.h"
#include "contract/plan.h"
#include "egress/egress.h"
#include "secrets/secrets.h"
#include "settings/config.h"
#include "settings/project.h"

struct planner {
	const struct action *const *actions; /* NULL-ended */
	const struct action_variable
		*action_env; /* what the actions rely on; see actions/table.h */
	const struct config *config;
	const struct project *project; /* for planner_adhoc NULL */
	const struct strv *env;        /* --env; NULL: none */
	bool keep_cache;               /* pack the cache when the plan passed */
	const struct secrets *secrets; /* what planner_secrets found; NULL: nothing */

	/* filled by planner_open */
	struct node *settings; /* the effective configuration, with the targets of the project */
	/* What the project says for parameters that are left open is in the arguments. */
	struct entry_list lists[PROJECT_PHASES];
};

/*
 * Parse all three lists of the project, and check that every action is known and allowed there, that
 * its parameters are right, and that what they become is within the limits of plan_check_limits.
 * Everybody who looks at a project calls this, so that what `run` refuses is refused in the same
 * words by `plan`, `run --dry-run` and the lints. That an action is not built is no error here. The
 * caller releases the planner, also after an error; project and configuration outlive it.
 */
int planner_open(struct planner *p, struct err *e) NODISCARD;
void planner_release(struct planner *p);
#define auto_planner __attribute__((cleanup(planner_release)))

/* ERR_INPUT, reason not_in_this_version, naming the first action that this version cannot run. */
int planner_check_built(const struct planner *p, bool with_post_plan, struct err *e) NODISCARD;

/* The runnable plan for one of the three lists. */
int planner_build(const struct planner *p, enum project_phase phase, struct plan *ret_plan,
	struct err *e) NODISCARD;

/*
 * What the VM of one of the three lists may reach: what its actions ask for, and then what the
 * configuration allows besides. Empty when no action asks for anything, and always for the plan.
 */
int planner_egress(struct planner *p, enum project_phase phase, struct egress *ret_egress,
	struct err *e) NODISCARD;

/*
 * Note which secrets the actions of one of the three lists name, which is by the hosts that they
 * log in to. To be called before planner_build. Errors of secrets_want_host, with the place.
 */
int planner_secrets(struct planner *p, enum project_phase phase, struct secrets *secrets,
	struct err *e) NODISCARD;

/*
 * The serial of the drive that a step unpacks, if it is one that an earlier run has filled: cache
 * or dependencies. NULL: the step does something else.
 */
const char *planner_stored_input(const struct plan *plan, size_t step);

/*
 * The runnable plan of `ambient qemu --shell`: the list is made of the same actions as a project's.
 * The planner need not be open.
 */
int planner_adhoc(const struct planner *p, const struct node *list, const char *file,
	struct plan *ret_plan, struct err *e) NODISCARD;

#endif
