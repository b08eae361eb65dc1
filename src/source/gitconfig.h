/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Parsing a configuration file of git in the same way as git: git-config(1), "Syntax". Included
 * files are not read.
 */
#ifndef SOURCE_GITCONFIG_H
#define SOURCE_GITCONFIG_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Called for each setting, in the order of the text: "core.worktree", "includeif.gitdir:~/x/.path".
 * Names are in lower case except subsections in quotes. value is NULL if the setting has none. A
 * result other than 0 stops the parser, which returns it.
 */
typedef int (*gitconfig_fn)(void *arg, const char *key, const char *value);

/*
 * Parse a text. *ret_understood is false if git would reject the text; fn was called for the
 * settings before the error.
 */
int gitconfig_each(const char *text, size_t len, gitconfig_fn fn, void *arg, bool *ret_understood);

/* The condition of the key "includeif.CONDITION.path"; NULL for other keys. The caller frees. */
char *gitconfig_condition(const char *key);

#endif
