/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The JSON files in which the program stores its own data (docs/format-state.md). All of them are
 * read here, by one table for each kind, because a newer version may have written them, a disk may
 * have damaged them, or somebody may have edited them.
 *
 * A file is valid if this version knows its `format`, each key in the table has the right type, and
 * the run named in a state file has a valid name. Other keys are ignored; a change that a reader
 * must not ignore increases the format. Code that uses a file to save time treats an invalid file
 * as absent. Code that removes files treats it as a reason to remove nothing.
 */
#ifndef SETTINGS_STATEFILE_H
#define SETTINGS_STATEFILE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "base/strv.h"
#include "data/node.h"

enum { STATEFILE_BYTES = 8 * 1024 * 1024 };

enum statefile_kind {
	STATEFILE_STATE,     /* state.json, state-CLASS.json: the last successful run */
	STATEFILE_RESULT,    /* result.json of a run */
	STATEFILE_IMAGES,    /* .image-digests.json */
	STATEFILE_LINT,      /* lint.json */
	STATEFILE_DEPS,      /* deps.json in an archive of `ambient deps export` */
	STATEFILE_DEPSKEY,   /* deps-key, fetched-key: from what dependencies were fetched */
	STATEFILE_USAGE,     /* .disk-usage.json */
	STATEFILE_UPDATES,   /* .package-updates.json */
	STATEFILE_IMAGEFILE, /* image.json in a file of `ambient image export` */
};

/*
 * Read a file of at most STATEFILE_BYTES. *ret_node is owned by the caller, and NULL when there is
 * no file. ERR_INPUT, reason state_unknown, with the file and the remedy: the file is not JSON, has
 * an unknown format, or a wrong type. ERR_INPUT or ERR_HOST without that reason: it cannot be read.
 */
int statefile_read(enum statefile_kind kind, const char *path, struct node **ret_node,
	struct err *e) NODISCARD;

/* As statefile_read, for text that was read already; `name` is its name in messages. */
int statefile_parse(enum statefile_kind kind, const char *text, size_t len, const char *name,
	struct node **ret_node, struct err *e) NODISCARD;

/* For files that only save time: NULL if the file is absent, damaged or unreadable. */
struct node *statefile_recall(enum statefile_kind kind, const char *path);

/*
 * Handle the failure to write a file that only saves time; `why` is the error. A full or broken
 * disk and a signal are an error of the run: -1. Any other error, for example a directory with the
 * name of the file, is pushed to `warnings` with the remedy, and the result is 0.
 */
int statefile_not_kept(const struct err *why, struct strv *warnings, struct err *e) NODISCARD;

/* Is this the error of a file that was read, but is invalid (reason state_unknown)? */
bool statefile_is_unknown(const struct err *e);

#endif
