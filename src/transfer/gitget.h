/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fetches a commit of another repository by the program git, into a new directory.
 *
 * - Attributes of the repository are ignored, so files have the committed bytes.
 * - The directory is created as ".NAME.part". It is renamed to NAME when HEAD is the commit and the
 *   files match the commit. An earlier entry NAME is then removed.
 * - The history is not fetched, unless the server does not serve the commit on its own.
 * - An existing directory with exactly the commit and its files is kept, without network access.
 *
 * gitrun.h says what git may do, and what becomes of its errors. What may succeed later is retried,
 * as in http.h. The reason fetch_commit means that the repository lacks the commit.
 */
#ifndef TRANSFER_GITGET_H
#define TRANSFER_GITGET_H

#include "transfer/gitrun.h"

struct gitget {
	struct gitrun_server server;
	const char *commit; /* full hash: 40 or 64 hexadecimal digits of either case */
	const char *name;   /* name of the directory: one component */
	const char *dir;    /* absolute path of the parent directory; o->dir_fd is the same */
};

/* Changes the environment of the process, which git inherits. */
int gitget(const struct gitget *g, const struct transfer_options *o, struct err *e) NODISCARD;

#endif
