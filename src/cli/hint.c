/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/hint.h"

#include <string.h>

#include "base/password.h"
#include "base/text.h"

#define PROGRAM "ambient"
#define QUOTED "'" PROGRAM " "
#define PROJECTS " projects"

/* From the command line, so one of each per process. */
static const char *called_as = PROGRAM;
static const struct configfiles *given_config;
static const char *given_projects;

/* A program found through PATH is found again by its name alone; else the path is needed. */
void hint_set_program(const char *program)
{
	called_as = program && strchr(program, '/') ? program : PROGRAM;
}

void hint_set_config(const struct configfiles *given)
{
	given_config = given;
}

void hint_set_projects(const char *projects)
{
	given_projects = projects;
}

/*
 * The password is hidden, because messages are copied to logs and reports. So the proposed command
 * does not work unchanged.
 */
static void add_given(struct buf *b, const char *option, const char *value)
{
	auto_free char *hidden = password_hide(value);

	buf_adds(b, option);
	text_add_word(b, hidden ? hidden : value);
}

void hint_add_config(struct buf *b)
{
	if (given_config && given_config->no_default)
		buf_adds(b, " --no-config");
	for (size_t i = 0; given_config && i < given_config->more.count; i++)
		add_given(b, " --config ", given_config->more.items[i]);
}

void hint_add_program(struct buf *b)
{
	text_add_word(b, called_as);
	hint_add_config(b);
}

/* Of the commands proposed in messages, only this one has --projects. */
static void add_projects(struct buf *b, const char **message)
{
	*message += strlen(PROJECTS);
	add_given(b, PROJECTS " --projects ", given_projects);
}

void hint_add_message(struct buf *b, const char *message)
{
	const char *at;

	while ((at = strstr(message, QUOTED))) {
		buf_add(b, message, (size_t)(at - message) + 1);
		hint_add_program(b);
		message = at + strlen(QUOTED) - 1;
		if (given_projects && strncmp(message, PROJECTS, strlen(PROJECTS)) == 0)
			add_projects(b, &message);
	}
	buf_adds(b, message);
}
