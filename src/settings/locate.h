/* SPDX-License-Identifier: Apache-2.0 */
/* Where the parts of the program are, without configuration. */
#ifndef SETTINGS_LOCATE_H
#define SETTINGS_LOCATE_H

#include "base/err.h"
#include "settings/config.h"

/*
 * The executor: `given` (a path or a name on PATH), else the configuration's, else beside the
 * running program, else <prefix>/libexec/ambient, else on PATH. ERR_INPUT that lists the places.
 */
int locate_executor(
	const struct config *c, const char *given, char **ret_path, struct err *e) NODISCARD;

/* QEMU: the configuration's program, else qemu-system-x86_64 on PATH. ERR_HOST with the package. */
int locate_qemu(const struct config *c, char **ret_path, struct err *e) NODISCARD;

/*
 * The program that speaks to networks in trusted VMs, TOOL_NET: it is installed beside the
 * executor, whose path this takes.
 */
int locate_net_tool(const char *executor, char **ret_path, struct err *e) NODISCARD;

/*
 * The program that reads archives of others, `name`: beside the running program, else in
 * <prefix>/libexec/ambient, else on PATH. ERR_HOST, reason host_no_archive, that lists the places.
 */
int locate_archive_program(const char *name, char **ret_path, struct err *e) NODISCARD;

/* The program that asks ssh servers for their keys, `name`: in the same places. ERR_HOST. */
int locate_hostkey_program(const char *name, char **ret_path, struct err *e) NODISCARD;

/*
 * Where images are that were installed with the program, <prefix>/lib/ambient/images. It need not
 * exist. The caller frees.
 */
char *locate_images(void);

#endif
