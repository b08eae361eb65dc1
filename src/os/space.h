/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How full a file system is, for errors of full disks. All of them say "the disk of the host is
 * full: " and which directory it is. A disk is full with less than LIMIT_DISK_FULL_BYTES left.
 */
#ifndef OS_SPACE_H
#define OS_SPACE_H

#include <stdint.h>

#include "base/err.h"
#include "os/limits.h"

/*
 * To an error of a full disk or quota (ENOSPC, EDQUOT in e->sys) append which file system it is and
 * how much is free: that of an open file, or that of a path, or of the first directory above it
 * that is there. Other errors stay as they are, and those that say it.
 */
void space_explain(struct err *e, int fd);
void space_explain_path(struct err *e, const char *path);

/*
 * The same where the path is a guess: only when that file system is full. It is not named when a
 * quota is used up, for that does not say which.
 */
void space_explain_probably(struct err *e, const char *path);

/*
 * The bytes that something of a size that is not known may take on the file system of `path`: nine
 * tenths of what is free, because others use the disk, too; at least 1, at most `max`. `max` if the
 * file system does not say how large it is.
 */
uint64_t space_share(const char *path, uint64_t max);

/*
 * ERR_HOST, reason ERR_REASON_DISK: the file system of this open file is full. `what` says what it
 * is needed for: "drives of the guest are there".
 */
int space_check(int fd, const char *what, struct err *e) NODISCARD;

#endif
