/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "actions/table.h"
#include "os/path.h"

static const struct param params[] = {
	{.name = "argv",
		.type = PARAM_STRINGS,
		.required = true,
		.not_empty = true,
		.help = "program and arguments; the program is looked up in PATH"},
	{.name = "instead",
		.type = PARAM_STRINGS,
		.help = "program and arguments that run, with a warning, in an image that lacks "
			"the program of `argv`"},
	{.name = "env",
		.type = PARAM_STRING_MAP,
		.help = "environment variables for this program, in addition to those of the plan"},
	{.name = "directory",
		.type = PARAM_STRING,
		.help = "the working directory, relative to the source directory, which is the "
			"default"},
	{.name = "input",
		.type = PARAM_STRING,
		.help = "the data for the program's standard input"},
	{.name = "script",
		.type = PARAM_STRING,
		.help = "the text of a file that exists while the program runs; its path is the "
			"last argument"},
	{.name = ACTIONS_USER_KEY,
		.type = PARAM_STRING,
		.help = "the user that runs it; default: the plan's"},
	{.name = ACTIONS_MERGE_KEY,
		.type = PARAM_BOOL,
		.preset = "false",
		.help = "use one pipe for standard output and standard error"},
	{0},
};

static int check(const struct node *args, const char *file, struct err *e)
{
	const struct node *argv = node_get(args, "argv");
	const struct node *item;

	if (!argv->items[0]->text[0])
		return node_err(argv, file, e, "the name of the program is empty");
	node_each (node_get(args, "env"), item) {
		if (actions_check_key(item, file, e) < 0)
			return -1;
	}
	return actions_check_user(args, file, e);
}

static int run(struct action_ctx *ctx, const struct node *args, struct err *e)
{
	const char *below = schema_text(params, args, "directory");
	auto_free char *directory = below ? path_join(ctx->source, below) : mem_strdup(ctx->source);
	const char *input = schema_text(params, args, "input");
	struct spawn s = {.directory = directory,
		.input = input,
		.input_len = input ? strlen(input) : 0,
		.script = schema_text(params, args, "script"),
		.user = schema_text(params, args, ACTIONS_USER_KEY),
		.merge_output = schema_bool(params, args, ACTIONS_MERGE_KEY)};
	const struct node *item;
	int result;

	node_to_strv(node_get(args, "argv"), &s.argv);
	node_to_strv(node_get(args, "instead"), &s.instead);
	node_each (node_get(args, "env"), item)
		strv_setenv(&s.env, item->key, node_text(item) ? node_text(item) : "");
	result = ctx->ops->spawn(ctx, &s, e);
	strv_release(&s.argv);
	strv_release(&s.instead);
	strv_release(&s.env);
	return result;
}

const struct action action_spawn = {
	.name = "spawn",
	.summary = "Run a program.",
	.where = IN_STEP,
	.params = params,
	.check = check,
	.run = run,
};
