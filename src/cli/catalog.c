/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/catalog.h"

#include <string.h>

#include "base/version.h"
#include "cli/load.h"
#include "core/event.h"
#include "core/schema.h"
#include "host/verdict.h"

static const struct {
	unsigned where;
	const char *name;
} places[] = {
	{IN_PRE, "pre_plan"},
	{IN_PLAN, "plan"},
	{IN_POST, "post_plan"},
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

void catalog_add_help(struct buf *b, const struct param *row)
{
	buf_adds(b, row->help);
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
		auto_buf struct buf type = {0};

		buf_init(&type, 4096);
		schema_add_type(&type, params);
		node_set_string(n, "name", params->name);
		node_set_string(n, "type", type.data);
		node_set_bool(n, "required", params->required);
		node_set_string(n, "default", params->preset);
		node_set_string(n, "help", params->help);
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
	node_set_bool(n, "in_this_version", action_is_built(a));
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

/* A cell of a table: a bar would end it. */
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
			auto_free char *below = mem_printf("%s.", name);

			add_parameter_rows(b, params->sub, below);
		}
	}
}

static void add_parameter_table(struct buf *b, const struct param *params)
{
	buf_adds(b, "| key | value | meaning |\n| --- | --- | --- |\n");
	add_parameter_rows(b, params, "");
}

static void add_actions_page(struct buf *b, const struct command *const *commands)
{
	(void)commands;
	for (const struct action *const *a = load_context(NULL).actions; *a; a++) {
		buf_addf(b, "### `%s`\n\n%s%s\n\nStands in: ", (*a)->name, (*a)->summary,
			action_is_built(*a) ? "" : " *Known, not in this version.*");
		catalog_add_where(b, *a, ", ");
		buf_adds(b, ".\n\n");
		if ((*a)->params->name) {
			add_parameter_table(b, (*a)->params);
			buf_addc(b, '\n');
		}
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
		"| reason | result | status | whose fault | retry | meaning |\n"
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
				f->optional ? " (not always)" : "");
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

const struct catalog_page catalog_pages[] = {
	{"actions", add_actions_page},
	{"config", add_config_page},
	{"projects", add_projects_page},
	{"errors", add_errors_page},
	{"run-log", add_run_log_page},
	{"commands", add_options_page},
	{0},
};

/* ---- the manual page ---- */

/* Text for roff: a backslash, a dash and a leading dot mean something there. */
static void add_roff(struct buf *b, const char *text)
{
	bool start = true;

	for (; *text; text++) {
		if (start && (*text == '.' || *text == '\''))
			buf_adds(b, "\\&");
		if (*text == '\\')
			buf_adds(b, "\\e");
		else if (*text == '-')
			buf_adds(b, "\\-");
		else
			buf_addc(b, *text);
		start = *text == '\n';
	}
}

static void add_manual_options(struct buf *b, const struct option *table)
{
	for (const struct option *o = table; o && o->name; o++) {
		auto_buf struct buf usage = {0}, text = {0};

		if (o->hidden)
			continue;
		buf_init(&usage, 1024);
		buf_init(&text, 4096);
		options_add_usage(&usage, o);
		options_add_text(&text, o);
		buf_adds(b, ".TP\n.B ");
		add_roff(b, usage.data);
		buf_addc(b, '\n');
		add_roff(b, text.data);
		buf_adds(b, ".\n");
	}
}

/* Paragraphs are apart by an empty line; lines that begin with spaces are a table, and stay lines.
 */
static void add_manual_text(struct buf *b, const char *text)
{
	bool table = false;

	while (*text) {
		size_t len = strcspn(text, "\n");
		auto_free char *line = mem_strndup(text, len);

		if (table != (line[0] == ' '))
			buf_adds(b, table ? ".fi\n" : ".PP\n.nf\n");
		else if (len == 0)
			buf_adds(b, ".PP");
		table = line[0] == ' ';
		add_roff(b, line);
		buf_addc(b, '\n');
		text += len + (text[len] == '\n');
	}
	if (table)
		buf_adds(b, ".fi\n");
}

static void add_manual_command(struct buf *b, const struct command *c)
{
	buf_addf(b, ".SS ambient %s", c->name);
	if (c->options)
		buf_adds(b, " [OPTION]...");
	if (c->operands)
		buf_addf(b, " %s", c->operands);
	buf_addc(b, '\n');
	add_roff(b, c->summary);
	buf_adds(b, ".\n");
	if (c->details) {
		buf_adds(b, ".PP\n");
		add_manual_text(b, c->details);
	}
	add_manual_options(b, c->options);
}

void catalog_add_manual(struct buf *b, const struct command *const *commands)
{
	buf_addf(b,
		".\\\" Made by `make docs` from the program's own tables.\n"
		".TH AMBIENT 1 \"\" \"ambient %s\" \"User Commands\"\n"
		".SH NAME\nambient \\- build and test code that nobody vouches for, in microVMs\n"
		".SH SYNOPSIS\n.B ambient\n[OPTION]... COMMAND ...\n"
		".SH COMMANDS\n",
		version_number);
	for (const struct command *const *c = commands; *c; c++)
		add_manual_command(b, *c);
	buf_adds(b, ".SH OPTIONS OF EVERY COMMAND\n");
	add_manual_options(b, command_common_options);
	buf_adds(b, ".SH EXIT STATUS OF AMBIENT RUN\n");
	for (int v = 0; v < VERDICTS; v++)
		if (v != VERDICT_INTERRUPTED)
			buf_addf(b, ".TP\n.B %d\n%s\n", verdict_exit_status((enum verdict)v, 0),
				verdict_name((enum verdict)v));
	buf_adds(b,
		".TP\n.B 130, 143\ninterrupted\n"
		".SH FILES\n.TP\n.I ~/.config/ambient/config.yaml\nthe configuration\n"
		".TP\n.I ~/.config/ambient/projects.yaml\nthe projects\n"
		".TP\n.I ~/.local/state/ambient\ncaches, runs, their logs and artifacts\n");
}
