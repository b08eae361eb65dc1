/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/text.h"
#include "cli/command.h"
#include "cli/help/catalog.h"
#include "cli/help/manual.h"
#include "cli/help/plain.h"
#include "cli/say.h"

enum { TEXT_BYTES = 4 << 20, TEXT_WIDTH = 96 };

struct help_settings {
	const char *markdown;
	const char *man;
};

static const struct option options[] = {
	{.name = "markdown",
		.argument = "PAGE",
		.type = OPTION_STRING,
		.offset = offsetof(struct help_settings, markdown),
		.help = "print a table of the program as Markdown: actions, variables, config, "
			"projects, errors, limits, run-log or commands",
		.hidden = true},
	{.name = "man",
		.argument = "PAGE",
		.type = OPTION_STRING,
		.offset = offsetof(struct help_settings, man),
		.help = "print a manual page, for example ambient-run.1; 'list' prints the names "
			"of all pages",
		.hidden = true},
	{0},
};

static int add_page(struct buf *b, const struct call *call, const char *name, struct err *e)
{
	auto_free char *shown = text_safe(name, 60);

	for (const struct catalog_page *page = catalog_pages; page->name; page++)
		if (strcmp(page->name, name) == 0) {
			page->add(b, call->commands);
			return 0;
		}
	return err_set(e, ERR_INPUT, "there is no page '%s'", shown);
}

/* The manual pages of files, which have no command: for systems without man(1). */
static const struct {
	const char *name, *page;
} files[] = {
	{"config.yaml", "ambient-config.5"},
	{"projects.yaml", "ambient-projects.5"},
};

static int add_file(struct buf *b, const struct call *call, const char *page, struct err *e)
{
	auto_buf struct buf roff = {0};

	buf_init(&roff, TEXT_BYTES);
	if (manual_add_page(&roff, call->commands, page, e) < 0)
		return -1;
	plain_add_page(b, roff.data, TEXT_WIDTH);
	return 0;
}

/* What `help` has a page about: commands and files. */
static int unknown_topic(const struct call *call, const char *wanted, struct err *e)
{
	auto_strv struct strv names = {0};
	auto_free char *shown = text_safe(wanted, 60);
	const char *nearest;

	for (const struct command *const *c = call->commands; *c; c++)
		strv_push(&names, (*c)->name);
	for (size_t i = 0; i < ARRAY_SIZE(files); i++)
		strv_push(&names, files[i].name);
	nearest = text_nearest(wanted, (const char *const *)names.items);
	if (nearest)
		return err_set(e, ERR_INPUT, "there is no help about '%s', did you mean '%s'?",
			shown, nearest);
	return err_set(e, ERR_INPUT,
		"there is no help about '%s'; 'ambient help' lists the commands, and 'ambient help "
		"--help' the files",
		shown);
}

static int add_help(struct buf *b, const struct call *call, struct err *e)
{
	const char *wanted = call->operands.count ? call->operands.items[0] : NULL;
	const struct command *c;

	if (!wanted) {
		command_add_help(b, call->commands);
		return 0;
	}
	for (size_t i = 0; i < ARRAY_SIZE(files); i++)
		if (strcmp(wanted, files[i].name) == 0)
			return add_file(b, call, files[i].page, e);
	c = command_find(call->commands, wanted);
	if (!c)
		return unknown_topic(call, wanted, e);
	command_add_command_help(b, c);
	return 0;
}

static int add(struct buf *b, const struct call *call, struct err *e)
{
	const struct help_settings *s = call->settings;

	if (s->markdown)
		return add_page(b, call, s->markdown, e);
	if (!s->man)
		return add_help(b, call, e);
	if (strcmp(s->man, "list") != 0)
		return manual_add_page(b, call->commands, s->man, e);
	manual_add_list(b, call->commands);
	return 0;
}

static int run(const struct call *call)
{
	auto_buf struct buf text = {0};
	struct err e = {0};

	buf_init(&text, TEXT_BYTES);
	if (add(&text, call, &e) < 0 || say_buf(&text, NULL, &e) < 0)
		return say_failure(&e);
	return 0;
}

const struct command cmd_help = {
	.name = "help",
	.summary = "Show what the program or one command does, or what a file can contain",
	.group = GROUP_HELP,
	.operands = "[COMMAND | config.yaml | projects.yaml]",
	.max_operands = 1,
	.options = options,
	.settings_size = sizeof(struct help_settings),
	.run = run,
};
