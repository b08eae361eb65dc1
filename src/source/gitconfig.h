/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading a file of git's configuration as git does it: git-config(1), "Syntax". Files that it
 * includes are not read.
 */
#ifndef SOURCE_GITCONFIG_H
#define SOURCE_GITCONFIG_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Called for each setting, in the order of the text: "core.worktree", "includeif.gitdir:~/x/.path".
 * Names are in lower case but for subsections in quotes; value is NULL when there is none. Anything
 * but 0 ends the reading, and is returned.
 */
typedef int (*gitconfig_fn)(void *arg, const char *key, const char *value);

/* *ret_understood is false when git would not understand the text; what comes before was told. */
int gitconfig_each(const char *text, size_t len, gitconfig_fn fn, void *arg, bool *ret_understood);

#endif
