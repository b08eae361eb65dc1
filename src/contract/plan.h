/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A runnable plan: the steps that one VM executes, in order. The planner makes it on the host from
 * the user's actions. It is passed to the guest as plan.json; `ambient plan --runnable` prints it.
 *
 *     {"format": 1, "source": "plan", "timeout_ms": 7200000,
 *      "env": ["HOME=/root", ...],
 *      "steps": [
 *        {"action": "tar_extract", "args": {"archive": "ambient-src", "directory": "/ci/src"},
 *         "origin": {"source": "prelude", "index": 0, "action": "tar_extract"}},
 *        {"action": "spawn", "args": {"argv": ["bash", ...]}, "timeout_ms": 90000,
 *         "origin": {"source": "plan", "index": 0, "action": "shell"}},
 *        {"action": "tar_create", "args": {...}, "always": true,
 *         "origin": {"source": "epilog", ...}}]}
 *
 * A step contains its origin, the user's action, so that events can name that action.
 */
#ifndef CONTRACT_PLAN_H
#define CONTRACT_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/strv.h"
#include "contract/limits.h"
#include "data/node.h"

#define PLAN_FORMAT 1

enum plan_source {
	SOURCE_PRELUDE, /* inputs are unpacked */
	SOURCE_MIRROR,  /* only of a plan: the machine that fetches the repository of the source */
	SOURCE_PRE_PLAN,
	SOURCE_FETCH, /* only of a plan: the machine for actions of the pre_plan with `fetches` */
	SOURCE_PLAN,
	SOURCE_POST_PLAN,
	SOURCE_EPILOG, /* outputs are packed */
	SOURCES,
};

struct origin {
	enum plan_source source;
	size_t index; /* of the user's action in its list, from 0 */
	char *action; /* the name as the user wrote it: "shell" */
};

struct step {
	char *action;      /* a primitive: an action with IN_STEP */
	struct node *args; /* a map of its parameters */
	struct origin origin;
	int64_t timeout_ms; /* 0: no time limit of its own */
	bool always;        /* run it even after a failed step: outputs are kept */
};

struct plan {
	enum plan_source source; /* whose machine it is: neither prelude nor epilog */
	int64_t timeout_ms;      /* for all steps except those that run always; 0: none */
	struct strv env;         /* "NAME=value" for every step */
	char *user;              /* of programs whose step names none (user.h); NULL: root */
	/* the scratch drive is kept after the machine has ended: sync it at the end */
	bool keep_disk;
	struct step *steps;
	size_t count;
};

struct action;

void plan_release(struct plan *p);
#define auto_plan __attribute__((cleanup(plan_release)))

/*
 * Append a step. Takes ownership of args. An origin without a name gets the name of the step. The
 * result is valid until the next call.
 */
struct step *plan_add(
	struct plan *p, const char *action, struct node *args, const struct origin *origin);

/* "prelude", "pre_plan", ... */
const char *plan_source_name(enum plan_source source);

/* Is the step an action of the user's list? The others unpack inputs and pack outputs. */
bool plan_is_of_user(const struct plan *p, size_t step);

/* The plan as a tree, for output as JSON or YAML. The caller frees. */
struct node *plan_to_node(const struct plan *p);

/*
 * Check that a guest can run the plan, whoever made it: it is at most LIMIT_PLAN_BYTES of JSON that
 * its reader accepts, and no step has an argument, a variable, or a total of both, beyond the
 * limits of exec in Linux (LIMIT_ARG_BYTES, LIMIT_EXEC_BYTES). ERR_INPUT with the user's action and
 * the limit.
 */
int plan_check_limits(const struct plan *p, struct err *e) NODISCARD;

/*
 * Read a plan from a tree. It is checked against `actions` (NULL-terminated): the format is known,
 * the action of every step is known and has IN_STEP, its arguments match its table, and there are
 * at most LIMIT_PLAN_STEPS. The limits of plan_check_limits are not checked. `file` is for
 * messages. ERR_INPUT.
 */
int plan_from_node(const struct node *tree, const struct action *const *actions, const char *file,
	struct plan *ret_plan, struct err *e) NODISCARD;

#endif
