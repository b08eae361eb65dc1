/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names in the configuration that stand for something defined elsewhere: actions, projects. A name
 * that nothing defines is a typing mistake whose effect would be silent, so it is an error.
 */
#ifndef SETTINGS_NAMES_H
#define SETTINGS_NAMES_H

#include "base/err.h"
#include "contract/action.h"
#include "settings/config.h"
#include "settings/project.h"

/*
 * Every action that a secret names is one of `actions` (NULL-ended) and runs where secrets are:
 * in a pre-plan or post-plan. ERR_INPUT with position and nearest name.
 */
int names_check_actions(
	const struct config *c, const struct action *const *actions, struct err *e) NODISCARD;

/* A dput_target that is a name is one of dput_targets, if there are any. ERR_INPUT as above. */
int names_check_targets(const struct config *c, struct err *e) NODISCARD;

/*
 * Every project that the configuration names (secrets.*.projects, rsync_target_map) is in the
 * configured projects file. Not for a list that --projects named: a configuration serves several.
 */
int names_check_projects(
	const struct config *c, const struct project_list *list, struct err *e) NODISCARD;

#endif
