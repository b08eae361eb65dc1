/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Checks of names in the configuration that refer to definitions elsewhere: actions, projects,
 * targets, files. An undefined name is a typing error that would silently have no effect, so it is
 * rejected.
 */
#ifndef SETTINGS_NAMES_H
#define SETTINGS_NAMES_H

#include "base/err.h"
#include "contract/action.h"
#include "settings/config.h"
#include "settings/project.h"

/*
 * Every action named by a secret must be in `actions` (NULL-terminated) and log in to servers, or
 * belong to a later version. ERR_INPUT with the position, and the nearest name or all that log in.
 */
int names_check_actions(
	const struct config *c, const struct action *const *actions, struct err *e) NODISCARD;

/*
 * A dput_target that is a name must be in dput_targets, if that is set. ERR_INPUT with the
 * position, or with the name of the option.
 */
int names_check_targets(const struct config *c, struct err *e) NODISCARD;

/*
 * Files, programs, the user and the image that the configuration names are there, and are what they
 * should be, whether a project uses them or not: files of `ssh`, ca_certificates, trusted_image,
 * executor, qemu.program, vm_user. Sources of secrets are not looked at: a file may be there only while a run needs it.
 * ERR_INPUT with position.
 */
int names_check_files(const struct config *c, struct err *e) NODISCARD;

/*
 * Call `visit` for every file that the configuration names, also for those that do not exist: the
 * values of all keys that are a path, programs that are found in PATH, programs of secrets, and
 * their arguments that may be a file. `what` describes the file: "a certificate for ssh". The keys
 * are taken from config_params, so a new one is among them. Directories are visited, too. Ends at
 * the first -1 of `visit`, and returns it.
 */
typedef int names_visitor(const char *path, const char *what, void *arg, struct err *e);
int names_each_file(
	const struct config *c, names_visitor *visit, void *arg, struct err *e) NODISCARD;

/* Projects known from other sources than the projects file; each may be NULL. */
struct names_elsewhere {
	const struct project_list *configured; /* the configured projects file */
	const struct strv *stored;             /* names of projects with state */
};

/*
 * Every project named in the configuration (secrets.*.projects, rsync_target_map) must be in the
 * list, or known from another source (NULL: none). ERR_INPUT with the position and the nearest
 * name.
 */
int names_check_projects(const struct config *c, const struct project_list *list,
	const struct names_elsewhere *elsewhere, struct err *e) NODISCARD;

#endif
