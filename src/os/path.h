/* SPDX-License-Identifier: Apache-2.0 */
/* Paths: joining, expanding, making and removing directories. The caller frees all results. */
#ifndef OS_PATH_H
#define OS_PATH_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/err.h"
#include "base/mem.h"

char *path_join(const char *dir, const char *name); /* an absolute name replaces dir */
char *path_parent(const char *path);                /* "." when path has no slash */
const char *path_base(const char *path);            /* after the last slash; points into path */

/*
 * The absolute path without "." and "..", by text only: the file system is not asked. A relative
 * path is returned as it is if the working directory was removed.
 */
char *path_absolute(const char *path);

bool path_is_below(const char *path, const char *dir); /* lexically; both absolute; equal counts */

/* mkdir -p. An existing directory is no error, whatever its mode. */
int path_make_dirs(const char *path, mode_t mode, struct err *e) NODISCARD;

/* rm -rf that follows no link and never leaves the tree (tree.h). A missing path is no error. */
int path_remove_tree(const char *path, struct err *e) NODISCARD;

#endif
