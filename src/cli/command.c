/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/command.h"

#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "base/version.h"
#include "cli/hint.h"
#include "cli/say.h"

enum { HELP_WIDTH = 96, HELP_MAX = 64 * 1024 };

struct common_settings {
	struct strv config;
	bool no_config;
	bool help;
	bool version;
};

const struct option command_common_options[] = {
	{.name = "config",
		.argument = "FILE",
		.type = OPTION_PATHS,
		.offset = offsetof(struct common_settings, config),
		.help = "read this configuration file after ~/.config/ambient/config.yaml; its "
			"keys "
			"have priority. Can be given several times"},
	{.name = "no-config",
		.type = OPTION_FLAG,
		.offset = offsetof(struct common_settings, no_config),
		.help = "do not read ~/.config/ambient/config.yaml"},
	{.name = "help",
		.letter = 'h',
		.type = OPTION_FLAG,
		.offset = offsetof(struct common_settings, help),
		.help = "show this help"},
	{.name = "version",
		.letter = 'V',
		.type = OPTION_FLAG,
		.offset = offsetof(struct common_settings, version),
		.help = "show version and commit"},
	{0},
};

const char *const command_group_names[GROUPS] = {
	[GROUP_RUN] = "Run",
	[GROUP_SHOW] = "Show the configuration",
	[GROUP_KEEP] = "Show and manage stored data",
	[GROUP_HELP] = "Help",
};

const struct command *command_find(const struct command *const *commands, const char *name)
{
	for (; *commands; commands++)
		if (strcmp((*commands)->name, name) == 0)
			return *commands;
	return NULL;
}

int command_get(const struct command *const *commands, const char *name,
	const struct command **ret_command, struct err *e)
{
	enum { NAMES = 32 };
	const char *names[NAMES + 1] = {0};
	auto_free char *shown = text_safe(name, 60);
	const char *nearest;

	*ret_command = command_find(commands, name);
	if (*ret_command)
		return 0;
	for (size_t i = 0; i < NAMES && commands[i]; i++)
		names[i] = commands[i]->name;
	nearest = text_nearest(name, names);
	if (nearest)
		return err_set(
			e, ERR_INPUT, "unknown command '%s', did you mean '%s'?", shown, nearest);
	return err_set(e, ERR_INPUT, "unknown command '%s'", shown);
}

/* ---- verbs ---- */

static int unknown_verb(const struct call *call, const struct command_verb *verbs, struct err *e)
{
	enum { VERBS = 8 };
	const char *names[VERBS + 1] = {0};
	const char *wanted = call->operands.items[0], *nearest;
	auto_free char *shown = text_safe(wanted, 60);

	for (size_t i = 0; i < VERBS && verbs[i].name; i++)
		names[i] = verbs[i].name;
	nearest = text_nearest(wanted, names);
	return err_set(e, ERR_INPUT, "'ambient %s' has no '%s', did you mean '%s'?",
		call->command->name, shown, nearest ? nearest : verbs[0].name);
}

int command_run_verb(const struct call *call, const struct command_verb *verbs,
	const struct config *c, struct err *e)
{
	const char *command = call->command->name;
	const struct command_verb *v = verbs;
	size_t operands = call->operands.count - 1;

	while (v->name && strcmp(v->name, call->operands.items[0]) != 0)
		v++;
	if (!v->name)
		return unknown_verb(call, verbs, e);
	if (operands < v->min_operands || operands > v->max_operands)
		return err_set(
			e, ERR_INPUT, "usage: ambient %s %s%s", command, v->name, v->operands);
	return v->run(call, c, e);
}

/* ---- help ---- */

void command_add_help(struct buf *b, const struct command *const *commands)
{
	buf_adds(b,
		"Usage: ambient [OPTION]... COMMAND ...\n"
		"\n"
		"Builds and tests untrusted code in microVMs without a network.\n");
	for (int group = 0; group < GROUPS; group++) {
		buf_addf(b, "\n%s:\n", command_group_names[group]);
		for (const struct command *const *c = commands; *c; c++)
			if ((int)(*c)->group == group)
				buf_addf(b, "  %-10s %s\n", (*c)->name, (*c)->summary);
	}
	buf_adds(b, "\nOptions, before or after the command:\n");
	options_add_help(b, command_common_options, HELP_WIDTH);
	buf_adds(b, "\n'ambient COMMAND --help' describes one command.\n");
}

void command_add_command_help(struct buf *b, const struct command *c)
{
	bool own = options_are_shown(c->options);

	buf_addf(b, "Usage: ambient %s%s%s%s\n\n%s.\n", c->name, own ? " [OPTION]..." : "",
		c->operands ? " " : "", c->operands ? c->operands : "", c->summary);
	if (c->details)
		buf_addf(b, "\n%s", c->details);
	if (own) {
		buf_adds(b, "\nOptions:\n");
		options_add_help(b, c->options, HELP_WIDTH);
	}
	buf_adds(b, "\nOptions of all commands:\n");
	options_add_help(b, command_common_options, HELP_WIDTH);
}

static int show_help(const struct command *const *commands, const struct command *c)
{
	struct err e = {0};
	auto_buf struct buf text = {0};

	buf_init(&text, HELP_MAX);
	if (c)
		command_add_command_help(&text, c);
	else
		command_add_help(&text, commands);
	return say_buf(&text, NULL, &e) < 0 ? say_failure(&e) : 0;
}

static int show_version(void)
{
	struct err e = {0};
	auto_free char *line = mem_printf("ambient %s\n", version_build);

	return say_out(line, strlen(line), &e) < 0 ? say_failure(&e) : 0;
}

/* A call without a command prints the help, but is an error, so that scripts notice it. */
static int show_usage_error(const struct command *const *commands)
{
	auto_buf struct buf text = {0};

	buf_init(&text, HELP_MAX);
	command_add_help(&text, commands);
	say_aside(&text);
	return 2;
}

/* ---- dispatch ---- */

static int wrong_line(const struct call *call, const struct err *e)
{
	int status = say_failure(e);
	auto_buf struct buf line = {0};

	if (call->command && call->command->refused)
		call->command->refused(call, e);
	buf_init(&line, HELP_MAX);
	buf_adds(&line, "Try '");
	hint_add_program(&line);
	if (call->command)
		buf_addf(&line, " %s", call->command->name);
	buf_adds(&line, " --help'.\n");
	say_aside(&line);
	return status;
}

static int check_operands(const struct command *c, const struct strv *operands, struct err *e)
{
	if (operands->count < c->min_operands)
		return err_set(
			e, ERR_INPUT, "an operand is missing: ambient %s %s", c->name, c->operands);
	if (operands->count > c->max_operands) {
		auto_free char *shown = text_safe(operands->items[c->max_operands], 60);

		return err_set(e, ERR_INPUT, "unexpected operand '%s' of %s", shown, c->name);
	}
	return 0;
}

static int run_command(struct call *call, struct options *o, struct common_settings *common,
	char *const *items, size_t count)
{
	struct err e = {0};
	int r = options_parse(o, items, count, &e);

	call->operands = o->operands;
	call->config_files = (struct configfiles){common->config, common->no_config};
	hint_set_config(&call->config_files);
	if (r == 0 && common->help)
		return show_help(call->commands, call->command);
	if (r == 0 && common->version)
		return show_version();
	if (r < 0 || check_operands(call->command, &o->operands, &e) < 0)
		return wrong_line(call, &e);
	return call->command->run(call);
}

/* Parse the options before the command, and the command's name. */
static int find_command(struct options *o, const struct command *const *commands,
	char *const *items, size_t count, size_t *ret_used, const struct command **ret_command,
	struct err *e)
{
	const struct common_settings *common = o->common_settings;

	*ret_command = NULL;
	if (options_parse_common(o, items, count, ret_used, e) < 0)
		return -1;
	if (common->help || common->version || *ret_used == count)
		return 0;
	return command_get(commands, items[(*ret_used)++], ret_command, e);
}

int command_main(const struct command *const *commands, int argc, char **argv)
{
	struct common_settings common = {0};
	struct call call = {.commands = commands};
	struct options o = {.common = command_common_options, .common_settings = &common};
	char *const *items = argv + 1;
	size_t count = argc > 0 ? (size_t)argc - 1 : 0;
	size_t used;
	struct err e = {0};
	int status;

	hint_set_program(argc > 0 ? argv[0] : NULL);
	if (find_command(&o, commands, items, count, &used, &call.command, &e) < 0)
		return wrong_line(&call, &e);
	if (common.version)
		return show_version();
	if (common.help)
		return show_help(commands, NULL);
	if (!call.command)
		return show_usage_error(commands);
	call.settings = mem_alloc(call.command->settings_size + 1);
	o.table = call.command->options;
	o.settings = call.settings;
	status = run_command(&call, &o, &common, items + used, count - used);
	options_release(&o);
	free(call.settings);
	return status;
}
