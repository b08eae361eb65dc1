/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Converts a project's actions to the steps for a VM. Has no side effects, and uses neither the
 * clock nor the disk.
 */
#ifndef RUN_PLANNER_H
#define RUN_PLANNER_H

#include <stdbool.h>

#include "contract/entry.h"
#include "contract/plan.h"
#include "egress/egress.h"
#include "secrets/secrets.h"
#include "settings/config.h"
#include "settings/defaults.h"
#include "settings/project.h"

/*
 * The machines of a run, in order. The first fetches the repository of a source that is on a server. The actions of a pre_plan are in two of them: first those that are
 * trusted, then those that run programs of others (action.h, `fetches`).
 */
enum run_machine { RUN_MIRROR, RUN_PRE_PLAN, RUN_FETCH, RUN_PLAN, RUN_POST_PLAN, RUN_MACHINES };

struct planner {
	const struct action *const *actions; /* NULL-ended */
	const struct action_variable
		*action_env; /* environment of all actions; see actions/table.h */
	const struct config *config;
	const struct project *project; /* NULL for planner_adhoc */
	const struct strv *env;        /* --env; NULL: none */
	bool keep_cache;               /* pack the cache after a plan that passed */
	const struct secrets *secrets; /* filled by planner_secrets; NULL: none */
	/* What the image says about its programs, for the plan only; NULL: nothing, or not known. */
	const struct image_defaults *defaults;

	/* filled by planner_open */
	struct node *settings; /* the effective configuration, with the targets of the project */
	/* The arguments include the project's values for parameters that actions do not set. */
	struct entry_list lists[PROJECT_PLANS];
	struct entry_list mirror; /* the action that a source on a server becomes; else empty */
	struct node *mirror_node; /* what `mirror` borrows from */
};

/*
 * Only for the source of the project: the action that fetches it, if it is on a server. The plans need
 * not be known. planner_open calls it, if it was not called before. ERR_INPUT.
 */
int planner_open_mirror(struct planner *p, struct err *e) NODISCARD;

/*
 * Parse all three lists of the project. Check that every action is known and allowed in its list,
 * that its parameters are valid, and that the resulting plan is within the limits of
 * plan_check_limits. All commands that read a project call this function, so that `run`, `plan`,
 * `run --dry-run` and the lints reject the same projects with the same messages. The caller releases
 * the planner, also after an error. Project and configuration must outlive it.
 */
int planner_open(struct planner *p, struct err *e) NODISCARD;
void planner_release(struct planner *p);
#define auto_planner __attribute__((cleanup(planner_release)))

/* "pre_plan", "fetch", ...: the name of the machine in logs and results. */
const char *planner_machine_name(enum run_machine machine);

/* Does it run our programs alone? Only such a machine is given secrets. */
bool planner_is_trusted(enum run_machine machine);

/*
 * The next action of a machine, in the order of the user's list; NULL after the last. *at is 0 for the
 * first call, and is changed by each.
 */
struct entry *planner_next(const struct planner *p, enum run_machine machine, size_t *at);

/* The number of actions of a machine. */
size_t planner_count(const struct planner *p, enum run_machine machine);

/* The number of actions in the list that those of a machine are from, whichever machine runs them. */
size_t planner_list_length(const struct planner *p, enum run_machine machine);

/* Build the runnable plan for one of the machines. */
int planner_build(const struct planner *p, enum run_machine machine, struct plan *ret_plan,
	struct err *e) NODISCARD;

/*
 * Returns the hosts that a machine may reach: those that its actions need, then those that the
 * configuration allows in addition. Empty if no action needs a host, and always for the plan.
 */
int planner_egress(struct planner *p, enum run_machine machine, struct egress *ret_egress,
	struct err *e) NODISCARD;

/*
 * Register the secrets that the actions of a machine need: the keys for the hosts that they log in
 * to. None for a machine that is not trusted. Call it before planner_build. Errors are those of
 * secrets_want_host, with file and line of the action.
 */
int planner_secrets(struct planner *p, enum run_machine machine, struct secrets *secrets,
	struct err *e) NODISCARD;

/*
 * Returns the serial of the drive that a step unpacks, if an earlier run wrote its archive: cache
 * or dependencies. NULL for all other steps.
 */
const char *planner_stored_input(const struct plan *plan, size_t step);

/*
 * Build the runnable plan of `ambient qemu`. The list has the same actions as that of a project.
 * The planner need not be open.
 */
int planner_adhoc(const struct planner *p, const struct node *list, const char *file,
	struct plan *ret_plan, struct err *e) NODISCARD;

#endif
