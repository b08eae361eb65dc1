/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A snippet of shell in the source directory. Bash, because that is what people write; with -x, so
 * that the log shows the commands; with -euo pipefail, so that a failing command is not passed
 * over. These are options, so that the lines that bash names are those of the snippet.
 */
#include "actions/table.h"

static const struct param params[] = {
	{.name = "shell",
		.type = PARAM_STRING,
		.required = true,
		.help = "what bash runs, as if `set -xeuo pipefail` stood before it"},
	{0},
};

static int expand(const struct action *self, const struct node *args, const struct origin *origin,
	struct plan *out, struct err *e)
{
	struct node *spawn = node_map();
	struct node *argv = node_set_list(spawn, "argv");

	(void)self;
	(void)e;
	node_add_string(argv, "bash");
	node_add_string(argv, "-xeuo");
	node_add_string(argv, "pipefail");
	node_add_string(argv, "-c");
	node_add_string(argv, "--");
	node_add_string(argv, schema_text(params, args, "shell"));
	(void)plan_add(out, action_spawn.name, spawn, origin);
	return 0;
}

const struct action action_shell = {
	.name = "shell",
	.summary = "Run a snippet of bash in the source directory.",
	.where = IN_PLAN,
	.params = params,
	.expand = expand,
	.lint = {.script = "shell", .shebang = "#!/bin/bash -xeu\n"},
};
