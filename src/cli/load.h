/* SPDX-License-Identifier: Apache-2.0 */
/* What most commands begin with: configuration, projects, the actions of this program. */
#ifndef CLI_LOAD_H
#define CLI_LOAD_H

#include "base/err.h"
#include "cli/command.h"
#include "run/run.h"
#include "settings/config.h"
#include "settings/project.h"

/*
 * The configuration of --config, else the default one, with these options (NULL: none) in the place
 * of what it says, every action and target in it known, and no password in it. Its warnings go to
 * standard error.
 */
int load_config(const struct call *call, const struct config_options *options,
	struct config *ret_config, struct err *e) NODISCARD;

/* As load_config, with the warnings left in the configuration. */
int load_config_quietly(const struct call *call, const struct config_options *options,
	struct config *ret_config, struct err *e) NODISCARD;

/*
 * The projects file of an option, else (NULL) the configured one, which has every project that the
 * configuration names. With an option, a project that neither of the two files has, and that never
 * ran, is a warning on standard error, which load_projects_quietly leaves out.
 */
int load_projects_quietly(const struct config *c, const char *option, struct project_list *ret_list,
	struct err *e) NODISCARD;
int load_projects(const struct config *c, const char *option, struct project_list *ret_list,
	struct err *e) NODISCARD;

/*
 * ERR_INPUT, with the nearest name there is, when a project is neither in the list nor has state.
 * Without a list (NULL) the configured projects file is read; one that is wrong has none.
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
 * Everything that the configuration names is there, whether a project uses it or not: projects, if
 * the configured projects file can be read, and files (names_check_files). ERR_INPUT. For commands
 * that show the configuration or run something, not for those that read what runs left.
 */
int load_check_names(const struct config *c, struct err *e) NODISCARD;

/* The one place that says which actions this program knows. */
struct run_context load_context(const struct config *c);

#endif
