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
 * The configuration of --config, else the default one, every action in it known. Its warnings go
 * to standard error.
 */
int load_config(const struct call *call, struct config *ret_config, struct err *e) NODISCARD;

/* As load_config, with the warnings left in the configuration. */
int load_config_quietly(
	const struct call *call, struct config *ret_config, struct err *e) NODISCARD;

/*
 * The projects file of an option, else (NULL) the configured one, which has every project that the
 * configuration names.
 */
int load_projects(const struct config *c, const char *option, struct project_list *ret_list,
	struct err *e) NODISCARD;

/*
 * ERR_INPUT, with the nearest name there is, when a project is neither in the list nor has state.
 * Without a list (NULL) the configured projects file is read; one that is wrong has none.
 */
int load_check_project(const struct config *c, const struct project_list *list, const char *name,
	struct err *e) NODISCARD;

/*
 * From here on, whatever is made may be read by those alone who may read the state directory
 * (state_mode), if the umask does not say less. Before that, what the user names is opened.
 */
void load_restrict_modes(const struct config *c);

/* Replace an owned setting by an option's value, when there is one. */
void load_override(char **setting, const char *value);

/* The one place that says which actions this program knows. */
struct run_context load_context(const struct config *c);

#endif
