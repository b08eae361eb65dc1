/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/command.h"
#include "cli/commands/outputs.h"
#include "cli/load.h"
#include "cli/say.h"
#include "os/outfile.h"

struct config_settings {
	const char *output;
};

static const struct option options[] = {
	{.name = "output",
		.letter = 'o',
		.argument = "FILE",
		.type = OPTION_PATH,
		.offset = offsetof(struct config_settings, output),
		.help = "write to this file instead of standard output"},
	{0},
};

static int print(const struct config *c, const char *path, struct err *e)
{
	auto_node struct node *shown = node_copy(c->effective);

	node_hide_passwords(shown);
	return say_json(shown, path, e);
}

static int run(const struct call *call)
{
	const struct config_settings *s = call->settings;
	auto_config struct config c = {0};
	const struct outputs_inputs inputs = {.config = &c};
	struct err e = {0};

	if (load_config(call, NULL, &c, &e) < 0 || load_check_names(&c, &e) < 0 ||
		outputs_check(s->output, "--output", &inputs, &e) < 0 ||
		print(&c, s->output, &e) < 0)
		return say_failure(&e);
	return 0;
}

const struct command cmd_config = {
	.name = "config",
	.summary = "Show the effective configuration as JSON",
	.group = GROUP_SHOW,
	.options = options,
	.settings_size = sizeof(struct config_settings),
	.run = run,
};
