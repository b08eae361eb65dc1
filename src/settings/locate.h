/* SPDX-License-Identifier: Apache-2.0 */
/* Finding the parts of the program. */
#ifndef SETTINGS_LOCATE_H
#define SETTINGS_LOCATE_H

#include "base/err.h"
#include "settings/config.h"

/* The path of the running program. The caller frees. */
char *locate_self(void);

/*
 * Find the executor: `given` (a path, or a name in PATH), else the configured one, else in the
 * directory of the running program, else <prefix>/libexec/ambient, else in PATH. ERR_INPUT that
 * lists the searched places. The caller frees *ret_path.
 */
int locate_executor(
	const struct config *c, const char *given, char **ret_path, struct err *e) NODISCARD;

/*
 * Find QEMU: the configured program, else that of the architecture in PATH. ERR_HOST with the package to
 * install.
 */
int locate_qemu(const struct config *c, char **ret_path, struct err *e) NODISCARD;

/*
 * Find TOOL_NET, the program that uses networks in trusted VMs. It is installed in the directory of
 * the executor, whose path is the argument.
 */
int locate_net_tool(const char *executor, char **ret_path, struct err *e) NODISCARD;

/*
 * Find `name`, the program that reads archives from other sources: in the directory of the running
 * program, else in <prefix>/libexec/ambient, else in PATH. ERR_HOST, reason host_no_archive, that
 * lists the searched places.
 */
int locate_archive_program(const char *name, char **ret_path, struct err *e) NODISCARD;

/* Find `name`, the program that asks ssh servers for their keys, in the same places. ERR_HOST. */
int locate_hostkey_program(const char *name, char **ret_path, struct err *e) NODISCARD;

/*
 * Find the program that makes images from recipes, beside them: in <prefix>/share/ambient/recipes
 * (not `images`: with the prefix ~/.local that is the image store),
 * else in vm-images of the source. ERR_HOST that lists the searched places.
 */
int locate_image_builder(char **ret_path, struct err *e) NODISCARD;

/*
 * The directory of images that were installed with the program, <prefix>/lib/ambient/images. It
 * need not exist. The caller frees.
 */
char *locate_images(void);

#endif
