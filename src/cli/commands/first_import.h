/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Disks that are named by their file, in a projects file or as --image: they are imported into the
 * image store when a machine first needs them, and again when the file has changed.
 */
#ifndef CLI_COMMANDS_FIRST_IMPORT_H
#define CLI_COMMANDS_FIRST_IMPORT_H

#include "base/err.h"
#include "settings/config.h"

/* Is `path` such a disk, not imported yet? NULL: no. */
bool first_import_is_due(const struct config *c, const char *path);

/*
 * Import the disk, if that is due. `tell` is called before it begins, with a line for the user.
 * Errors of import_image.
 */
int first_import(const struct config *c, const char *path,
	void (*tell)(void *arg, const char *line), void *arg, struct err *e) NODISCARD;

#endif
