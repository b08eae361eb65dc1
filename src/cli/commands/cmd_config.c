/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/command.h"
#include "cli/commands/outputs.h"
#include "cli/load.h"
#include "cli/say.h"
#include "data/jsonl.h"
#include "os/outfile.h"

struct config_settings {
	const char *output;
	bool oneline;
};

static const struct option options[] = {
	{.name = "output",
		.letter = 'o',
		.argument = "FILE",
		.type = OPTION_PATH,
		.offset = offsetof(struct config_settings, output),
		.help = "write to this file instead of standard output"},
	{.name = "oneline",
		.type = OPTION_FLAG,
		.offset = offsetof(struct config_settings, oneline),
		.help = "print the JSON on one line"},
	{0},
};

static int print_oneline(const struct node *shown, const char *path, struct err *e)
{
	auto_buf struct buf line = {0};

	buf_init(&line, JSONL_MOST_BYTES);
	jsonl_add(&line, shown);
	buf_addc(&line, '\n');
	return say_buf(&line, path, e);
}

static int print(const struct config *c, const struct config_settings *s, struct err *e)
{
	auto_node struct node *shown = node_copy(c->effective);

	node_hide_passwords(shown);
	return s->oneline ? print_oneline(shown, s->output, e) : say_json(shown, s->output, e);
}

static int run(const struct call *call)
{
	const struct config_settings *s = call->settings;
	auto_config struct config c = {0};
	const struct outputs_inputs inputs = {.config = &c};
	struct err e = {0};

	if (load_config(call, NULL, &c, &e) < 0 || load_check_names(&c, &e) < 0 ||
		outputs_check(s->output, "--output", &inputs, &e) < 0 || print(&c, s, &e) < 0)
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
