/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which files a command may write when its user names them: a name that is mistyped must not cost a
 * file that somebody needs.
 *
 * - What commands are told to read is never written: configuration, projects file, plans, files of
 *   secrets, known hosts and certificates, the programs. Nor is what is in the directory of a
 *   project's state.
 * - In the trees that a run reads (sources, image store, git_objects) and in the state directory, a
 *   file is written only if it is new, empty or an earlier result or log.
 */
#ifndef CLI_COMMANDS_OUTPUTS_H
#define CLI_COMMANDS_OUTPUTS_H

#include <stdbool.h>

#include "base/err.h"
#include "base/outfile.h"
#include "settings/config.h"
#include "settings/project.h"

/* What was in the file is nothing, or was written by an earlier `ambient run`. */
bool outputs_lose_nothing(const struct outfile *o);

/*
 * ERR_INPUT, with the option that names it, when the file may not be written. `list` has the
 * projects whose sources and plans the command reads; NULL: none.
 */
int outputs_check_file(const struct outfile *file, const char *option, const struct config *c,
	const struct project_list *list, struct err *e) NODISCARD;

/* The same before it is opened, for a command that reads no source; no path (NULL) is fine. */
int outputs_check(
	const char *path, const char *option, const struct config *c, struct err *e) NODISCARD;

#endif
