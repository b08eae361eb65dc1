/* SPDX-License-Identifier: Apache-2.0 */
#include "contract/entry.h"

#include <string.h>

#include "base/limits.h"
#include "base/text.h"

/* The list in which each action must be. */
static const unsigned places[SOURCES] = {[SOURCE_MIRROR] = IN_MIRROR,
	[SOURCE_PRE_PLAN] = IN_PRE,
	[SOURCE_PLAN] = IN_PLAN,
	[SOURCE_POST_PLAN] = IN_POST};

/* The keys of every entry of a user's list, in addition to the parameters of its action. */
static const struct param common_params[] = {
	{.name = "action", .type = PARAM_STRING, .required = true, .help = "name of the action"},
	{.name = "timeout",
		.type = PARAM_DURATION,
		.help = "time limit of this action, for example 90s or 45m"},
	{0},
};

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

/* ERR_INPUT with the nearest name, preferably of an action that is allowed in this list. */
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
		"unknown action '%s'; 'ambient actions' lists those that are known", shown);
}

static int misplaced(
	const struct node *name, const struct action *a, const char *file, struct err *e)
{
	static const struct {
		enum action_where where;
		const char *list;
	} lists[] = {{IN_PRE, "pre_plan"}, {IN_PLAN, "plan"}, {IN_POST, "post_plan"},
		{IN_MIRROR, "source"}};
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

static int check_shape(const struct node *node, const char *file, struct err *e)
{
	const struct node *name = node_get(node, "action");

	if (node->kind != NODE_MAP)
		return node_err(node, file, e,
			"an action is a mapping with the key 'action', not %s",
			node_kind_name(node));
	if (!name)
		return node_err(node, file, e, "missing key 'action', which names the action");
	if (name->kind != NODE_SCALAR)
		return node_err(name, file, e, "'action' must be the name of an action, not %s",
			node_kind_name(name));
	return 0;
}

int entry_parse(const struct node *node, const struct action *const *actions, unsigned where,
	const char *file, struct entry *ret, struct err *e)
{
	auto_node struct node *args = NULL;
	const struct action *a;

	if (check_shape(node, file, e) < 0)
		return -1;
	a = find_for(node_get(node, "action"), actions, where, file, e);
	if (!a || schema_check_both(a->params, common_params, node, file, e) < 0)
		return -1;
	args = node_copy(node);
	node_remove(args, "action");
	node_remove(args, "timeout");
	if (a->check && a->check(args, file, e) < 0)
		return -1;
	*ret = (struct entry){.action = a,
		.args = steal_ptr(&args),
		.timeout_ms = schema_duration(common_params, node, "timeout"),
		.origin = {.action = mem_strdup(a->name)},
		.node = node,
		.file = file};
	return 0;
}

void entry_release(struct entry *entry)
{
	node_free(entry->args);
	free(entry->origin.action);
	endpoints_release(&entry->endpoints);
	*entry = (struct entry){0};
}

int entry_expand(
	const struct entry *entry, const struct node *settings, struct plan *out, struct err *e)
{
	if (entry->action->expand)
		return entry->action->expand(entry, settings, out, e);
	(void)plan_add(out, entry->action->name, node_copy(entry->args), &entry->origin);
	return 0;
}

int entry_reach(struct entry *entry, const struct node *settings, struct err *e)
{
	auto_endpoints struct endpoints found = {0};

	if (!entry->action->reach)
		return 0;
	if (entry->action->reach(entry, settings, &found, e) < 0)
		return -1;
	endpoints_release(&entry->endpoints);
	entry->endpoints = found;
	found = (struct endpoints){0};
	return 0;
}

/* Of an action that replaces all that it left before (action.h, `once`). */
static int check_once(
	const struct entry_list *list, const struct entry *entry, const char *file, struct err *e)
{
	for (size_t i = 0; entry->action->once && i < list->count; i++)
		if (list->items[i].action == entry->action)
			return node_err(entry->node, file, e,
				"action '%s' can be in a list once: give one of them all that both "
				"have",
				entry->action->name);
	return 0;
}

int entry_list_parse(const struct node *nodes, const struct action *const *actions,
	enum plan_source list, const char *file, struct entry_list *ret, struct err *e)
{
	const struct node *node;

	*ret = (struct entry_list){0};
	if (nodes && nodes->count)
		ret->items = mem_array(nodes->count, sizeof(*ret->items));
	node_each (nodes, node) {
		struct entry *entry = &ret->items[ret->count];

		if (entry_parse(node, actions, places[list], file, entry, e) < 0 ||
			check_once(ret, entry, file, e) < 0) {
			entry_release(entry);
			entry_list_release(ret);
			return -1;
		}
		entry->origin.source = list;
		entry->origin.index = ret->count++;
	}
	return 0;
}

void entry_list_release(struct entry_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		entry_release(&list->items[i]);
	free(list->items);
	*list = (struct entry_list){0};
}
