/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Checks that a command may write a file named by the user, so that a mistyped name does not
 * destroy a needed file.
 *
 * - Inputs are never written: the configuration, every file that it names (names_each_file), plans,
 *   programs, the user's git configuration. Files in the directories of projects'
 *   state are never written either.
 * - In trees that a run reads (sources, repositories named by linked worktrees and .git files,
 *   image store, git_objects) and in the state directory, a file is written only if it is new,
 *   empty, or an earlier result or log. The same applies to any file with several hard links,
 *   because one of them may be in such a tree.
 *
 * The rules apply to all projects of the projects file, even if the command is about one of them.
 */
#ifndef CLI_COMMANDS_OUTPUTS_H
#define CLI_COMMANDS_OUTPUTS_H

#include <stdbool.h>

#include "base/err.h"
#include "os/outfile.h"
#include "settings/config.h"
#include "settings/project.h"

/* True if the file was empty, or was written by an earlier `ambient run`. */
bool outputs_lose_nothing(const struct outfile *o);

/* The inputs of a command. All except the configuration may be NULL: none. */
struct outputs_inputs {
	const struct config *config;
	const struct project_list *list; /* with sources, plans and images; NULL: those of config */
	const char *executor;            /* value of the option */
	const char *image;               /* value of the option: a name or a path */
};

/* ERR_INPUT, which names the option, if the file may not be written. */
int outputs_check_file(const struct outfile *file, const char *option,
	const struct outputs_inputs *inputs, struct err *e) NODISCARD;

/* The same, before the file is opened; `path` may be NULL. */
int outputs_check(const char *path, const char *option, const struct outputs_inputs *inputs,
	struct err *e) NODISCARD;

#endif
