/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The commands of `ambient`. Each is a file cmd_<name>.c, which ends with its `struct command`.
 * main.c lists them; help, manual pages and dispatch use the list.
 */
#ifndef CLI_COMMAND_H
#define CLI_COMMAND_H

#include <stdbool.h>
#include <stddef.h>

#include "base/strv.h"
#include "cli/options.h"
#include "settings/configfiles.h"

enum command_group { GROUP_RUN, GROUP_SHOW, GROUP_KEEP, GROUP_HELP, GROUPS };

/* A parsed command line. */
struct call {
	const struct command *const *commands;
	const struct command *command;
	struct configfiles config_files;
	void *settings; /* the command's own struct, zeroed and then filled by its options */
	struct strv operands;
};

struct command {
	const char *name;
	const char *summary; /* one line without a full stop, for the list of commands */
	enum command_group group;
	const char *operands; /* "[PROJECT]..."; NULL: none */
	size_t min_operands, max_operands;
	const char *details; /* paragraphs for --help, ended by newlines; NULL: none */
	const struct option *options;
	size_t settings_size;

	/* Run the command. Returns the exit status; errors are already printed. */
	int (*run)(const struct call *call);

	/* Optional; called for an invalid command line: report it in files named by options. */
	void (*refused)(const struct call *call, const struct err *e);
};

struct config;

/* A value of the first operand of a command, such as `list` in `ambient deps list`. */
struct command_verb {
	const char *name;
	const char *operands;              /* for the usage: " PROJECT FILE" */
	size_t min_operands, max_operands; /* after the verb */
	int (*run)(const struct call *call, const struct config *c,
		struct err *e); /* NULL: not in this version */
};

/* Run the verb named by the first operand. The list ends with a row without a name. */
int command_run_verb(const struct call *call, const struct command_verb *verbs,
	const struct config *c, struct err *e) NODISCARD;

#define COMMAND_OPERANDS_MAX ((size_t)-1)

/* For --help of run and for ambient(1): a table, as in `details`. */
#define COMMAND_EXIT_STATUSES                                                                      \
	"  0         passed, or unchanged\n"                                                       \
	"  1         an action failed, or the outputs or memory exceeded a limit\n"                \
	"  2         invalid arguments, configuration, projects file, source or image\n"           \
	"  3         a failure of the infrastructure: the host, QEMU, or the guest\n"              \
	"  4         a time limit was reached\n"                                                   \
	"  5         another run of the project is in progress\n"                                  \
	"  130, 143  interrupted by SIGINT; by SIGTERM, SIGHUP or SIGALRM\n"

extern const struct command cmd_run, cmd_doctor, cmd_plan, cmd_projects, cmd_actions, cmd_config,
	cmd_state, cmd_deps, cmd_gc, cmd_log, cmd_image, cmd_qemu, cmd_help;

/* Parse argv and run the command. Returns the exit status. `commands` ends with NULL. */
int command_main(const struct command *const *commands, int argc, char **argv);

const struct command *command_find(const struct command *const *commands, const char *name);

/* As command_find; ERR_INPUT with the nearest name if there is none. */
int command_get(const struct command *const *commands, const char *name,
	const struct command **ret_command, struct err *e) NODISCARD;

/* Append the help of the program, and of one command. */
void command_add_help(struct buf *b, const struct command *const *commands);
void command_add_command_help(struct buf *b, const struct command *c);

extern const struct option command_common_options[];
extern const char *const command_group_names[GROUPS];

#endif
