/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading a file of git's configuration as git does it: git-config(1), "Syntax". Files that it
 * includes are not read.
 */
#ifndef SOURCE_GITCONFIG_H
#define SOURCE_GITCONFIG_H

#include <stddef.h>

/*
 * The last value of a key, "core.worktree", in a section without a subsection. *ret is the
 * caller's; NULL when there is none, or it has no value. -1 when git would not understand the text.
 */
int gitconfig_get(const char *text, size_t len, const char *key, char **ret);

#endif
