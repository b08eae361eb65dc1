/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The user's home directory and XDG directories. Host only: a guest has no users. The caller frees.
 */
#ifndef OS_HOME_H
#define OS_HOME_H

#include <stdbool.h>

/* "~" and "~/x" are expanded by $HOME, else by the password database; "~user" is not expanded. */
char *home_expand(const char *path);

/*
 * A directory of the XDG Base Directory Specification (0.8): the value of the variable if it is an
 * absolute path, else `fallback` below the home directory. Example: home_xdg("XDG_CONFIG_HOME",
 * ".config").
 */
char *home_xdg(const char *variable, const char *fallback);

/*
 * A path that a shell would expand, and home_expand leaves as it is: $HOME/x, ~other/x. A file may
 * have such a name, so this is for messages about one that is not there.
 */
bool home_is_left(const char *path);

#endif
