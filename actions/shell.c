/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A snippet of shell, run by bash in the source directory, with -euo pipefail, so that the first
 * failing command ends it, and with -x (unless `trace` is false), so that the log shows the
 * commands. These are options and not a line of the script, so that line numbers in messages of
 * bash are those of the snippet.
 *
 * Bash reads the snippet from a file: an argument is limited to 128 KiB, and `pkill -f WORD` in a
 * snippet would match its own shell.
 */
#include <string.h>

#include "actions/limits.h"

#include "actions/table.h"

static const char *const mistaken[] = {"script", "run", "command", "cmd", "snippet", NULL};

static const struct param params[] = {
	{.name = "shell",
		.type = PARAM_STRING,
		.required = true,
		.mistaken = mistaken,
		.help = "the snippet; bash runs it as if it began with `set -xeuo pipefail`"},
	ACTIONS_TRACE,
	ACTIONS_MERGE_OUTPUT,
	ACTIONS_USER,
	{0},
};

int actions_check_snippet(const struct node *args, const char *key, const char *file, struct err *e)
{
	const struct node *snippet = node_get(args, key);
	size_t len = strlen(snippet->text);

	if (len > LIMIT_SNIPPET_BYTES)
		return node_err(snippet, file, e,
			"the snippet has %zu bytes, the limit is %llu; put it into a file of the "
			"source and run that",
			len, (unsigned long long)LIMIT_SNIPPET_BYTES);
	return actions_check_user(args, file, e);
}

void actions_add_snippet(const struct entry *entry, const char *key, struct plan *out)
{
	const struct node *args = entry->args;
	const struct param *rows = entry->action->params;
	bool trace = schema_bool(rows, args, ACTIONS_TRACE_KEY);
	struct node *spawn = node_map();
	struct node *argv = node_set_list(spawn, "argv");
	struct node *instead = node_set_list(spawn, "instead");

	node_add_string(argv, "bash");
	node_add_string(argv, trace ? "-xeuo" : "-euo");
	node_add_string(argv, "pipefail");
	/* Not every sh has pipefail. */
	node_add_string(instead, "sh");
	node_add_string(instead, trace ? "-xeu" : "-eu");
	node_set_string(spawn, "script", schema_text(rows, args, key));
	if (schema_bool(rows, args, ACTIONS_MERGE_KEY))
		node_set_bool(spawn, ACTIONS_MERGE_KEY, true);
	actions_pass_user(args, spawn);
	(void)plan_add(out, action_spawn.name, spawn, &entry->origin);
}

static int check(const struct node *args, const char *file, struct err *e)
{
	return actions_check_snippet(args, "shell", file, e);
}

static int expand(
	const struct entry *entry, const struct node *settings, struct plan *out, struct err *e)
{
	(void)settings;
	(void)e;
	actions_add_snippet(entry, "shell", out);
	return 0;
}

const struct action action_shell = {
	.name = "shell",
	.summary = "Run a snippet of bash in the source directory.",
	.where = IN_PLAN,
	.params = params,
	.check = check,
	.expand = expand,
	.lint = {.script = "shell", .shebang = ACTIONS_SNIPPET_SHEBANG},
};
