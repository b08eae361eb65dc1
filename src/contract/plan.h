/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A runnable plan: the steps that one VM carries out, in order. The planner makes it on the host
 * out of the user's actions; it travels to the guest as plan.json; `ambient plan --runnable` prints
 * it.
 *
 *     {"format": 1, "source": "plan", "timeout_ms": 7200000,
 *      "env": ["HOME=/root", ...],
 *      "steps": [
 *        {"action": "tar_extract", "args": {"archive": "ambient-src", "directory": "/ci/src"},
 *         "origin": {"source": "prelude", "index": 0, "action": "tar_extract"}},
 *        {"action": "spawn", "args": {"argv": ["bash", ...]}, "timeout_ms": 90000,
 *         "origin": {"source": "plan", "index": 0, "action": "shell"}},
 *        {"action": "tar_create", "args": {...}, "always": true, "origin": {"source": "epilog",
 * ...}}]}
 *
 * A step remembers the user's action that it came from, so that events speak the user's words.
 */
#ifndef CONTRACT_PLAN_H
#define CONTRACT_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/strv.h"
#include "data/node.h"

#define PLAN_FORMAT 1

enum plan_source {
	SOURCE_PRELUDE, /* inputs are unpacked */
	SOURCE_PRE_PLAN,
	SOURCE_PLAN,
	SOURCE_POST_PLAN,
	SOURCE_EPILOG, /* outputs are packed */
	SOURCES,
};

struct origin {
	enum plan_source source;
	size_t index; /* of the user's action in its list, from 0 */
	char *action; /* the user's word: "shell" */
};

struct step {
	char *action;      /* a primitive: an action with IN_STEP */
	struct node *args; /* a map of its parameters */
	struct origin origin;
	int64_t timeout_ms; /* 0: none of its own */
	bool always;        /* also after a failed step: outputs are kept */
};

struct plan {
	enum plan_source source; /* which of the user's lists: pre_plan, plan or post_plan */
	int64_t timeout_ms;      /* for all steps but those that run always; 0: none */
	struct strv env;         /* "NAME=value" for every step */
	bool keep_disk; /* the scratch drive outlives the machine: complete it at the end */
	struct step *steps;
	size_t count;
};

struct action;

void plan_release(struct plan *p);
#define auto_plan __attribute__((cleanup(plan_release)))

/* Append a step; takes ownership of args; an origin without a word gets the step's. The result is
 * valid until the next call. */
struct step *plan_add(
	struct plan *p, const char *action, struct node *args, const struct origin *origin);

/* "prelude", "pre_plan", ... */
const char *plan_source_name(enum plan_source source);

/* The plan as a tree, to be written as JSON or YAML. The caller frees. */
struct node *plan_to_node(const struct plan *p);

/*
 * What a guest can be given, whoever made the plan: at most LIMIT_PLAN_BYTES of JSON that its
 * reader takes, and for no step an argument, a variable, or all of them together, with which Linux
 * starts no program (LIMIT_ARG_BYTES, LIMIT_EXEC_BYTES). ERR_INPUT with the user's action and the
 * limit.
 */
int plan_check_limits(const struct plan *p, struct err *e) NODISCARD;

/*
 * The plan that a tree describes, checked against `actions` (NULL-ended): format, every step's
 * action known and with IN_STEP, its arguments as its table says, at most LIMIT_PLAN_STEPS. Not
 * plan_check_limits. `file` is for messages. ERR_INPUT.
 */
int plan_from_node(const struct node *tree, const struct action *const *actions, const char *file,
	struct plan *ret_plan, struct err *e) NODISCARD;

#endif
