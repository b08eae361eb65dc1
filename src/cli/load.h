/* SPDX-License-Identifier: Apache-2.0 */
/* Load the inputs of most commands: configuration, projects, and the actions of this program. */
#ifndef CLI_LOAD_H
#define CLI_LOAD_H

#include "base/err.h"
#include "cli/command.h"
#include "run/run.h"
#include "settings/config.h"
#include "settings/project.h"

/*
 * Load the configuration of --config, else the default one. `options` (NULL: none) override its
 * keys. Unknown actions, unknown targets and passwords in it are errors. Warnings go to standard
 * error.
 */
int load_config(const struct call *call, const struct config_options *options,
	struct config *ret_config, struct err *e) NODISCARD;

/* As load_config, but the warnings are only stored in the configuration. */
int load_config_quietly(const struct call *call, const struct config_options *options,
	struct config *ret_config, struct err *e) NODISCARD;

/*
 * Load the projects file of an option, else (NULL) the configured one, which must have every
 * project named by the configuration. With an option, a project that is in neither file and has
 * never run causes a warning on standard error; load_projects_quietly prints no warning.
 */
int load_projects_quietly(const struct config *c, const char *option, struct project_list *ret_list,
	struct err *e) NODISCARD;
int load_projects(const struct config *c, const char *option, struct project_list *ret_list,
	struct err *e) NODISCARD;

/*
 * ERR_INPUT, with the nearest known name, if a project is neither in the list nor has state.
 * Without a list (NULL), the configured projects file is read; an invalid file counts as empty.
 */
int load_check_project(const struct config *c, const struct project_list *list, const char *name,
	struct err *e) NODISCARD;

/*
 * The same for a command that makes state of the project, and for which it may be new: only where
 * other projects are known.
 */
int load_check_new_project(const struct config *c, const char *name, struct err *e) NODISCARD;

/*
 * From here on, whatever is made may be read by those alone who may read the state directory
 * (state_mode), if the umask does not say less. Before that, what the user names is opened.
 */
void load_restrict_modes(const struct config *c);

/*
 * Check that everything named by the configuration exists, even if no project uses it: projects, if
 * the configured projects file can be read, and files (names_check_files). ERR_INPUT. For commands
 * that show the configuration or run something, not for commands that read stored data.
 */
int load_check_names(const struct config *c, struct err *e) NODISCARD;

/* Returns the context of runs. Only this function sets the list of actions of this program. */
struct run_context load_context(const struct config *c);

#endif
