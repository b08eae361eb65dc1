/* SPDX-License-Identifier: Apache-2.0 */
/* How full a file system is, for errors of full disks. */
#ifndef OS_SPACE_H
#define OS_SPACE_H

#include "base/err.h"

/*
 * To an error of a full disk or quota (ENOSPC, EDQUOT in e->sys) append which file system it is and
 * how much is free: that of an open file; or that of a path, or of the first directory above it
 * that is there, when there is really no room. Other errors stay as they are, and those that say
 * it.
 */
void space_explain(struct err *e, int fd);
void space_explain_path(struct err *e, const char *path);

#endif
