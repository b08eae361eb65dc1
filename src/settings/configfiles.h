/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The configuration's files: the default one, then those of --config, put together to one mapping.
 * A key of a later file replaces that of an earlier one, whole; of a key that is a mapping with
 * keys of ours (`qemu`, `egress`), each key below it. Each file may have every key, also those of
 * other versions (schema_respell).
 */
#ifndef SETTINGS_CONFIGFILES_H
#define SETTINGS_CONFIGFILES_H

#include <stdbool.h>

#include "base/err.h"
#include "base/strv.h"
#include "data/node.h"
#include "data/schema.h"

/* What the command line says. */
struct configfiles {
	struct strv more; /* --config, in order; a missing one is an error */
	bool no_default;  /* --no-config */
};

/*
 * Read and check the files, NULL: the default one alone, if it is there. Every node of *ret_map knows
 * its file (node_set_file). *ret_files, on which the nodes depend: the files that were read, in
 * order. Warnings are appended. ERR_INPUT with position: a file breaks the table.
 */
int configfiles_read(const struct configfiles *given, const struct param *table,
	struct strv *ret_files, struct strv *warnings, struct node **ret_map,
	struct err *e) NODISCARD;

char *configfiles_default(void); /* the caller frees */

#endif
