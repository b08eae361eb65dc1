/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names in the configuration that stand for something defined elsewhere: actions, projects, targets,
 * files. A name that nothing defines is a typing mistake whose effect would be silent, so it is an error.
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

/*
 * A dput_target that is a name is one of dput_targets, if there are any. ERR_INPUT with position, or
 * with the name of the option that says it.
 */
int names_check_targets(const struct config *c, struct err *e) NODISCARD;

/*
 * Files, programs, the user and the image that the configuration names are there, and are what they
 * should be, whether a project uses them or not: files of `ssh`, ca_certificates, trusted_image,
 * executor, qemu.program, vm_user. Sources of secrets are not looked at: a file may be there only while a run needs it.
 * ERR_INPUT with position.
 */
int names_check_files(const struct config *c, struct err *e) NODISCARD;

/* Where projects are known beside a projects file; each may be NULL. */
struct names_elsewhere {
	const struct project_list *configured; /* the configured projects file */
	const struct strv *stored;             /* names with state */
};

/*
 * Every project that the configuration names (secrets.*.projects, rsync_target_map) is in the list,
 * or known elsewhere (NULL: nothing is). ERR_INPUT as above.
 */
int names_check_projects(const struct config *c, const struct project_list *list,
	const struct names_elsewhere *elsewhere, struct err *e) NODISCARD;

#endif
