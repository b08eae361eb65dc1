/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/help/catalog.h"

#include <string.h>

#include "cli/help/limitlist.h"
#include "cli/load.h"
#include "contract/ecosystem.h"
#include "contract/event.h"
#include "data/schema.h"
#include "run/verdict.h"

static const struct {
	unsigned where;
	const char *name;
} places[] = {
	{IN_PRE, "pre_plan"},
	{IN_PLAN, "plan"},
	{IN_POST, "post_plan"},
	{IN_MIRROR, "source"},
	{IN_STEP, "runnable plan"},
};

void catalog_add_where(struct buf *b, const struct action *a, const char *separator)
{
	unsigned where = a->where & CATALOG_USERS ? a->where & CATALOG_USERS : a->where;
	bool first = true;

	if (where == CATALOG_USERS) {
		buf_adds(b, "any");
		return;
	}
	for (size_t i = 0; i < ARRAY_SIZE(places); i++)
		if (where & places[i].where) {
			buf_addf(b, "%s%s", first ? "" : separator, places[i].name);
			first = false;
		}
}

/* Keys of other versions need no words of their own. */
static char *help_of(const struct param *row)
{
	if (row->same_as)
		return mem_printf("another spelling of `%s`", row->same_as);
	if (row->no_effect)
		return mem_printf("a key of Ambient CI without effect: %s", row->no_effect);
	return mem_strdup(row->help);
}

const char *catalog_when(const struct action *a)
{
	if (!(a->where & IN_PRE))
		return NULL;
	return a->determined
		? "In a pre_plan, it runs again if something changed on which it depends."
		: "In a pre_plan, it runs each time.";
}

void catalog_add_help(struct buf *b, const struct param *row)
{
	auto_free char *help = help_of(row);

	buf_adds(b, help);
	if (row->required)
		buf_adds(b, "; required");
	if (row->preset)
		buf_addf(b, "; default: %s", row->preset);
	if (row->deprecated)
		buf_addf(b, "; deprecated, write %s", row->deprecated);
}

/* ---- JSON ---- */

static void add_parameters(struct node *map, const char *key, const struct param *params)
{
	struct node *list = node_set_list(map, key);

	for (; params->name; params++) {
		struct node *n = node_add_map(list);
		auto_free char *help = help_of(params);
		auto_buf struct buf type = {0};

		buf_init(&type, 4096);
		schema_add_type(&type, params);
		node_set_string(n, "name", params->name);
		node_set_string(n, "type", type.data);
		node_set_bool(n, "required", params->required);
		node_set_string(n, "default", params->preset);
		node_set_string(n, "help", help);
		if (params->sub)
			add_parameters(n, "keys", params->sub);
	}
}

struct node *catalog_action(const struct action *a)
{
	struct node *n = node_map();
	struct node *where;

	node_set_string(n, "name", a->name);
	node_set_string(n, "summary", a->summary);
	where = node_set_list(n, "where");
	for (size_t i = 0; i < ARRAY_SIZE(places); i++)
		if (a->where & places[i].where)
			node_add_string(where, places[i].name);
	add_parameters(n, "parameters", a->params);
	return n;
}

struct node *catalog_actions(const struct action *const *actions, bool steps_too)
{
	struct node *list = node_list();

	for (; *actions; actions++)
		if (steps_too || ((*actions)->where & CATALOG_USERS))
			node_add(list, catalog_action(*actions));
	return list;
}

/* ---- Markdown ---- */

/* A table cell: a bar is escaped, because it would end the cell. */
static void add_cell(struct buf *b, const char *text)
{
	buf_addc(b, ' ');
	for (; *text; text++) {
		if (*text == '|')
			buf_addc(b, '\\');
		buf_addc(b, *text);
	}
	buf_adds(b, " |");
}

static void add_parameter_rows(struct buf *b, const struct param *params, const char *prefix)
{
	for (; params->name; params++) {
		auto_free char *name = mem_printf("%s%s", prefix, params->name);
		auto_free char *code = mem_printf("`%s`", name);
		auto_buf struct buf type = {0}, help = {0};

		buf_init(&type, 4096);
		buf_init(&help, 4096);
		schema_add_type(&type, params);
		catalog_add_help(&help, params);
		buf_addc(b, '|');
		add_cell(b, code);
		add_cell(b, type.data);
		add_cell(b, help.data);
		buf_addc(b, '\n');
		if (params->sub) {
			bool named = params->type == PARAM_NAMED_MAPS;
			auto_free char *below = mem_printf(named ? "%s.NAME." : "%s.", name);

			add_parameter_rows(b, params->sub, below);
		}
	}
}

static void add_parameter_table(struct buf *b, const struct param *params)
{
	buf_adds(b, "| key | value | meaning |\n| --- | --- | --- |\n");
	add_parameter_rows(b, params, "");
}

#define VARIABLE_HEAD "| variable | value | meaning |\n| --- | --- | --- |\n"

/* `list` may be NULL. Of a registry, the address is not known here. */
static void add_variable_rows(struct buf *b, const struct action_variable *list)
{
	for (const struct action_variable *v = list; v && v->name; v++) {
		if (v->of_registry)
			buf_addf(b, "| `%s` | address of the registry |", v->name);
		else
			buf_addf(b, "| `%s` | `%s` |", v->name, v->value);
		add_cell(b, v->help);
		buf_addc(b, '\n');
	}
}

static void add_given(struct buf *b, const struct action *a)
{
	if (!a->gives)
		return;
	buf_adds(b, "Variables of the plan:\n\n" VARIABLE_HEAD);
	add_variable_rows(b, a->gives);
	buf_addc(b, '\n');
}

static void add_actions_page(struct buf *b, const struct command *const *commands)
{
	(void)commands;
	for (const struct action *const *a = load_context(NULL).actions; *a; a++) {
		buf_addf(b, "### `%s`\n\n%s\n\nAllowed in: ", (*a)->name, (*a)->summary);
		catalog_add_where(b, *a, ", ");
		buf_addf(b, ".%s%s\n\n", catalog_when(*a) ? " " : "",
			catalog_when(*a) ? catalog_when(*a) : "");
		if ((*a)->params->name) {
			add_parameter_table(b, (*a)->params);
			buf_addc(b, '\n');
		}
		add_given(b, *a);
	}
}

static void add_variables_page(struct buf *b, const struct command *const *commands)
{
	const struct run_context context = load_context(NULL);
	const struct ecosystem *last = NULL;

	(void)commands;
	buf_adds(b, VARIABLE_HEAD);
	add_variable_rows(b, context.action_env);
	/* Actions of an ecosystem stand together. */
	for (const struct action *const *a = context.actions; *a; a++) {
		if ((*a)->ecosystem && (*a)->ecosystem != last)
			add_variable_rows(b, (*a)->ecosystem->always);
		last = (*a)->ecosystem ? (*a)->ecosystem : last;
	}
}

static void add_config_page(struct buf *b, const struct command *const *commands)
{
	(void)commands;
	add_parameter_table(b, config_params);
}

static void add_projects_page(struct buf *b, const struct command *const *commands)
{
	(void)commands;
	add_parameter_table(b, project_params);
}

static void add_errors_page(struct buf *b, const struct command *const *commands)
{
	(void)commands;
	buf_adds(b,
		"| reason | result | status | at fault | retry | meaning |\n"
		"| --- | --- | --- | --- | --- | --- |\n");
	for (const struct verdict_reason *r = verdict_reasons; r->reason; r++) {
		buf_addf(b, "| `%s` | `%s` | ", r->reason, verdict_name(r->verdict));
		if (r->verdict == VERDICT_INTERRUPTED)
			buf_adds(b, "130, 143");
		else
			buf_addf(b, "%d", verdict_exit_status(r->verdict, 0));
		buf_addf(b, " | %s | %s |", r->fault, r->retry ? "yes" : "no");
		add_cell(b, r->help);
		buf_addc(b, '\n');
	}
}

static void add_run_log_page(struct buf *b, const struct command *const *commands)
{
	(void)commands;
	for (int type = 0; type < EVENTS; type++) {
		const struct event_info *info = event_info((enum event_type)type);

		if (info->transient)
			continue;
		buf_addf(b, "### `%s`\n\n%s\n\n", info->name, info->help);
		for (const struct event_field *f = info->fields; f->name; f++)
			buf_addf(b, "- `%s`: %s%s\n", f->name, f->help,
				f->optional ? " (optional)" : "");
		buf_adds(b, info->fields->name ? "\n" : "");
	}
}

static void add_options_page(struct buf *b, const struct command *const *commands)
{
	for (; *commands; commands++) {
		buf_addf(b, "### `ambient %s`\n\n```\n", (*commands)->name);
		command_add_command_help(b, *commands);
		buf_adds(b, "```\n\n");
	}
}

static void add_limits_page(struct buf *b, const struct command *const *commands)
{
	(void)commands;
	limitlist_add(b);
}

const struct catalog_page catalog_pages[] = {
	{"actions", add_actions_page},
	{"variables", add_variables_page},
	{"config", add_config_page},
	{"projects", add_projects_page},
	{"errors", add_errors_page},
	{"limits", add_limits_page},
	{"run-log", add_run_log_page},
	{"commands", add_options_page},
	{0},
};
