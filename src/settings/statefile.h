/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The JSON files that the program keeps for itself (docs/format-state.md). They are all read here,
 * by one table for each kind, because they may have been written by a newer version, damaged by a
 * disk, or edited by hand.
 *
 * A file is understood when its `format` is one that this version knows and each key that the table
 * names has the right type; the run that a state file names has a name that a run can have. Other
 * keys are ignored: a change that a reader must not ignore raises the format. A file that is not
 * understood counts as absent for whoever would save time by it, and is a reason to remove nothing
 * for whoever removes.
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
	STATEFILE_STATE,  /* state.json, state-CLASS.json: the last run that passed */
	STATEFILE_RESULT, /* result.json of a run */
	STATEFILE_IMAGES, /* .image-digests.json */
	STATEFILE_LINT,   /* lint.json */
	STATEFILE_DEPS,   /* deps.json in a file of `ambient deps export` */
};

/*
 * Read a file of at most STATEFILE_BYTES. *ret_node, the caller's, is NULL when there is no file.
 * ERR_INPUT, reason state_unknown, names the file and the remedy: it is not JSON, has an unknown
 * format, or a wrong type. ERR_INPUT or ERR_HOST without that reason: it cannot be read.
 */
int statefile_read(enum statefile_kind kind, const char *path, struct node **ret_node,
	struct err *e) NODISCARD;

/* The same of text that was read already; `name` stands for it in messages. */
int statefile_parse(enum statefile_kind kind, const char *text, size_t len, const char *name,
	struct node **ret_node, struct err *e) NODISCARD;

/* For files whose only use is to save time: NULL when it is absent, damaged or unreadable. */
struct node *statefile_recall(enum statefile_kind kind, const char *path);

/*
 * Such a file could not be written: `why`. A disk that is full or broken and a signal are an error
 * of the run, -1. Anything else, a directory in its place for example, costs time only: it is
 * pushed to `warnings` with the remedy, and the result is 0.
 */
int statefile_not_kept(const struct err *why, struct strv *warnings, struct err *e) NODISCARD;

/* Is this the error of a file that was read and not understood? */
bool statefile_is_unknown(const struct err *e);

#endif
