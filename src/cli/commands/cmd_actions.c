/* SPDX-License-Identifier: Apache-2.0 */
#include "base/text.h"
#include "cli/command.h"
#include "cli/help/catalog.h"
#include "cli/load.h"
#include "cli/say.h"

enum { TEXT_BYTES = 1 << 20, NAME_COLUMN = 14, WHERE_COLUMN = 10, TYPE_COLUMN = 24, WIDTH = 100 };

struct actions_settings {
	bool json;
	bool all;
};

static const struct option options[] = {
	{.name = "all",
		.type = OPTION_FLAG,
		.offset = offsetof(struct actions_settings, all),
		.help = "also list the steps that only runnable plans contain"},
	{.name = "json",
		.type = OPTION_FLAG,
		.offset = offsetof(struct actions_settings, json),
		.help = "print JSON, with all parameters"},
	{0},
};

static void add_line(struct buf *b, const struct action *a)
{
	auto_buf struct buf where = {0};

	buf_init(&where, 256);
	catalog_add_where(&where, a, "|");
	buf_addf(b, "%-*s %-*s ", NAME_COLUMN, a->name, WHERE_COLUMN, where.data);
	options_add_wrapped(b, a->summary, NAME_COLUMN + WHERE_COLUMN + 2,
		NAME_COLUMN + WHERE_COLUMN + 2, WIDTH);
}

static void add_parameter(struct buf *b, const struct param *row, int indent)
{
	auto_buf struct buf type = {0};
	auto_buf struct buf help = {0};
	size_t column = (size_t)indent + NAME_COLUMN + TYPE_COLUMN + 2;

	buf_init(&type, 1024);
	buf_init(&help, 4096);
	schema_add_type(&type, row);
	catalog_add_help(&help, row);
	buf_addf(b, "%*s%-*s %-*s ", indent, "", NAME_COLUMN, row->name, TYPE_COLUMN, type.data);
	if (type.len > TYPE_COLUMN)
		buf_addf(b, "\n%*s", (int)column, "");
	options_add_wrapped(b, help.data, column, column, WIDTH);
	for (const struct param *sub = row->sub; sub && sub->name; sub++)
		add_parameter(b, sub, indent + 2);
}

static void add_details(struct buf *b, const struct action *a)
{
	buf_addf(b, "%s: %s\n\nAllowed in: ", a->name, a->summary);
	catalog_add_where(b, a, ", ");
	buf_addc(b, '\n');
	if (catalog_when(a))
		buf_addf(b, "%s\n", catalog_when(a));
	buf_addf(b, "\nParameters%s\n", a->params->name ? ":" : ": none");
	for (const struct param *row = a->params; row->name; row++)
		add_parameter(b, row, 2);
}

static void add_list(struct buf *b, const struct action *const *actions, bool all)
{
	for (; *actions; actions++)
		if (all || ((*actions)->where & CATALOG_USERS))
			add_line(b, *actions);
	buf_adds(b, "\n'ambient actions ACTION' shows the parameters of one.\n");
}

static int find(const struct action *const *actions, const char *name,
	const struct action **ret_action, struct err *e)
{
	auto_free char *shown = text_safe(name, 60);
	auto_strv struct strv names = {0};
	const char *nearest;

	*ret_action = action_find(actions, name);
	if (*ret_action)
		return 0;
	for (; *actions; actions++)
		strv_push(&names, (*actions)->name);
	nearest = text_nearest(name, (const char *const *)names.items);
	if (nearest)
		return err_set(
			e, ERR_INPUT, "unknown action '%s', did you mean '%s'?", shown, nearest);
	return err_set(e, ERR_INPUT,
		"unknown action '%s'; 'ambient actions' lists those that are known", shown);
}

static int show(const struct call *call, const struct action *const *actions, struct err *e)
{
	const struct actions_settings *s = call->settings;
	const struct action *only = NULL;
	auto_buf struct buf text = {0};

	buf_init(&text, TEXT_BYTES);
	if (call->operands.count && find(actions, call->operands.items[0], &only, e) < 0)
		return -1;
	if (s->json) {
		auto_node struct node *tree =
			only ? catalog_action(only) : catalog_actions(actions, s->all);

		return say_json(tree, NULL, e);
	}
	if (only)
		add_details(&text, only);
	else
		add_list(&text, actions, s->all);
	return say_buf(&text, NULL, e);
}

static int run(const struct call *call)
{
	struct err e = {0};

	return show(call, load_context(NULL).actions, &e) < 0 ? say_failure(&e) : 0;
}

const struct command cmd_actions = {
	.name = "actions",
	.summary = "List the actions of plans, or show one",
	.group = GROUP_SHOW,
	.operands = "[ACTION]",
	.max_operands = 1,
	.options = options,
	.settings_size = sizeof(struct actions_settings),
	.run = run,
};
