/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which files a command may write when its user names them: a name that is mistyped must not cost a
 * file that somebody needs.
 *
 * - What commands are told to read is never written: configuration, projects file, plans, files of
 *   secrets, known hosts and certificates, the programs, the git configuration of the user. Nor is
 *   what is in the directory of a project's state.
 * - In the trees that a run reads (sources, the repositories that linked worktrees and files .git
 *   name, image store, git_objects) and in the state directory, a file is written only if it is new,
 *   empty or an earlier result or log. So it is anywhere with a file that has more names (hard
 *   links), since one of them may be in such a tree.
 *
 * That is so for the projects of the projects file, whichever of them a command is about.
 */
#ifndef CLI_COMMANDS_OUTPUTS_H
#define CLI_COMMANDS_OUTPUTS_H

#include <stdbool.h>

#include "base/err.h"
#include "os/outfile.h"
#include "settings/config.h"
#include "settings/project.h"

/* What was in the file is nothing, or was written by an earlier `ambient run`. */
bool outputs_lose_nothing(const struct outfile *o);

/* What a command reads. Apart from the configuration, each may be NULL: there is none. */
struct outputs_inputs {
	const struct config *config;
	const struct project_list *list; /* their sources, plans and images; NULL: of config */
	const char *executor;            /* as an option gives it */
	const char *image;               /* as an option gives it: a name, or a path */
};

/* ERR_INPUT, with the option that names it, when the file may not be written. */
int outputs_check_file(const struct outfile *file, const char *option,
	const struct outputs_inputs *inputs, struct err *e) NODISCARD;

/* The same before it is opened; no path (NULL) is fine. */
int outputs_check(const char *path, const char *option, const struct outputs_inputs *inputs,
	struct err *e) NODISCARD;

#endif
