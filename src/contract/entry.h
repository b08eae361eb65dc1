/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The entries of a user's lists. They are parsed and checked once, when a project is opened.
 * Checks, lints, allowlists, secrets and steps all use the same entries.
 */
#ifndef CONTRACT_ENTRY_H
#define CONTRACT_ENTRY_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "contract/action.h"
#include "contract/endpoint.h"
#include "contract/plan.h"
#include "data/node.h"

struct entry {
	const struct action *action;
	struct node *args;          /* its parameters: a map without `action` and `timeout` */
	int64_t timeout_ms;         /* the timeout given in the entry; 0: none */
	struct origin origin;       /* the list and the index in it */
	struct endpoints endpoints; /* filled by entry_reach */
	/* the entry as the user wrote it, borrowed; for positions in messages */
	const struct node *node;
	const char *file; /* the file of `node`, borrowed */
};

struct entry_list {
	struct entry *items;
	size_t count;
};

/*
 * Parse one entry: a map with `action`, an optional `timeout`, and the action's parameters. On
 * success the action is known and allowed in `where` (enum action_where, or-ed), and its check
 * passed. The origin is set to the first place of the prelude. ERR_INPUT: FILE:LINE:COL, and the
 * nearest known name.
 */
int entry_parse(const struct node *node, const struct action *const *actions, unsigned where,
	const char *file, struct entry *ret, struct err *e) NODISCARD;
void entry_release(struct entry *entry);
#define auto_entry __attribute__((cleanup(entry_release)))

/*
 * Parse a complete list: SOURCE_PRE_PLAN, SOURCE_PLAN or SOURCE_POST_PLAN. `nodes` NULL: an empty
 * list.
 */
int entry_list_parse(const struct node *nodes, const struct action *const *actions,
	enum plan_source list, const char *file, struct entry_list *ret, struct err *e) NODISCARD;
void entry_list_release(struct entry_list *list);
#define auto_entry_list __attribute__((cleanup(entry_list_release)))

/*
 * Append the steps of the entry: those of the action's `expand`, or else the action itself.
 * `settings` is the effective configuration with the targets of the project (action.h).
 */
int entry_expand(const struct entry *entry, const struct node *settings, struct plan *out,
	struct err *e) NODISCARD;

/* Fill entry->endpoints by the action's `reach`, if it has one. Errors as of `reach`. */
int entry_reach(struct entry *entry, const struct node *settings, struct err *e) NODISCARD;

#endif
