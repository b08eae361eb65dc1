/* SPDX-License-Identifier: Apache-2.0 */
#include "contract/action.h"

#include <string.h>

#include "base/text.h"

/* What every entry of a user's list may carry beside the parameters of its action. */
static const struct param common_params[] = {
	{.name = "action", .type = PARAM_STRING, .required = true, .help = "which action"},
	{.name = "timeout",
		.type = PARAM_DURATION,
		.help = "time limit of this action, for example 90s or 45m"},
	{0},
};

const struct action *action_find(const struct action *const *actions, const char *name)
{
	for (const struct action *const *a = actions; *a; a++)
		if (strcmp((*a)->name, name) == 0)
			return *a;
	return NULL;
}

bool action_is_built(const struct action *a)
{
	return a->expand || a->run;
}

int action_expand(const struct action *a, const struct node *args, const struct origin *origin,
	struct plan *out, struct err *e)
{
	if (a->expand)
		return a->expand(a, args, origin, out, e);
	(void)plan_add(out, a->name, node_copy(args), origin);
	return 0;
}

static const char *nearest(const char *name, const struct action *const *actions, unsigned where)
{
	auto_strv struct strv candidates = {0};
	const struct action *found = NULL;
	const char *near = NULL;

	for (const struct action *const *a = actions; *a; a++)
		if ((*a)->where & where)
			strv_push(&candidates, (*a)->name);
	if (candidates.count)
		near = text_nearest(name, (const char *const *)candidates.items);
	if (near)
		found = action_find(actions, near);
	return found ? found->name : NULL;
}

/* ERR_INPUT with the nearest name, best one of those that may stand there. */
static int unknown(const struct node *name, const struct action *const *actions, unsigned where,
	const char *file, struct err *e)
{
	auto_free char *shown = text_safe(name->text, LIMIT_NAME_BYTES);
	const char *near = nearest(name->text, actions, where);

	if (!near)
		near = nearest(name->text, actions, IN_PRE | IN_PLAN | IN_POST);
	if (near)
		return node_err(
			name, file, e, "unknown action '%s', did you mean '%s'?", shown, near);
	return node_err(name, file, e,
		"unknown action '%s'; `ambient actions` lists those that are known", shown);
}

static int misplaced(
	const struct node *name, const struct action *a, const char *file, struct err *e)
{
	static const struct {
		enum action_where where;
		const char *list;
	} lists[] = {{IN_PRE, "pre_plan"}, {IN_PLAN, "plan"}, {IN_POST, "post_plan"}};
	auto_buf struct buf b = {0};

	buf_init(&b, LIMIT_NAME_BYTES);
	for (size_t i = 0; i < ARRAY_SIZE(lists); i++)
		if (a->where & lists[i].where)
			buf_addf(&b, "%s%s", b.len ? ", " : "", lists[i].list);
	return node_err(name, file, e, "action '%s' cannot stand here, only in: %s", a->name,
		b.len ? b.data : "a runnable plan");
}

static const struct action *find_for(const struct node *name, const struct action *const *actions,
	unsigned where, const char *file, struct err *e)
{
	const struct action *a = action_find(actions, name->text);

	if (!a)
		(void)unknown(name, actions, where, file, e);
	else if (!(a->where & where))
		(void)misplaced(name, a, file, e);
	else
		return a;
	return NULL;
}

int action_parse(const struct node *entry, const struct action *const *actions, unsigned where,
	const char *file, const struct action **ret_action, struct node **ret_args,
	int64_t *ret_timeout_ms, struct err *e)
{
	const struct node *name = node_get(entry, "action");
	auto_node struct node *args = NULL;
	const struct action *a;

	if (entry->kind != NODE_MAP)
		return node_err(entry, file, e,
			"an action is a mapping with the key 'action', not %s",
			node_kind_name(entry));
	if (!name)
		return node_err(entry, file, e, "missing key 'action', which names the action");
	if (name->kind != NODE_SCALAR)
		return node_err(name, file, e, "'action' must be the name of an action, not %s",
			node_kind_name(name));
	a = find_for(name, actions, where, file, e);
	if (!a || schema_check_both(a->params, common_params, entry, file, e) < 0)
		return -1;
	args = node_copy(entry);
	node_remove(args, "action");
	node_remove(args, "timeout");
	if (a->check && a->check(args, file, e) < 0)
		return -1;
	*ret_action = a;
	*ret_timeout_ms = schema_duration(common_params, entry, "timeout");
	*ret_args = steal_ptr(&args);
	return 0;
}
