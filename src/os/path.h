/* SPDX-License-Identifier: Apache-2.0 */
/* Paths: joining, expanding, making and removing directories. All results are the caller's to free.
 */
#ifndef OS_PATH_H
#define OS_PATH_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/err.h"
#include "base/mem.h"

char *path_join(const char *dir, const char *name); /* an absolute name replaces dir */
char *path_parent(const char *path);                /* "." when there is no slash */
const char *path_base(const char *path);            /* behind the last slash; points into path */

/*
 * The absolute path without "." and ".." and without asking the file system. A relative one stays
 * as it is when the working directory was removed.
 */
char *path_absolute(const char *path);

bool path_is_below(const char *path, const char *dir); /* lexically; both absolute; equal counts */

/* mkdir -p. Existing directories are fine, whatever their mode. */
int path_make_dirs(const char *path, mode_t mode, struct err *e) NODISCARD;

/* rm -rf that never follows a link and never leaves the tree (tree.h). Absent is fine. */
int path_remove_tree(const char *path, struct err *e) NODISCARD;

#endif
