/* SPDX-License-Identifier: Apache-2.0 */
/* The user's home and what lies below it. Host only: a guest has no users. Results are to be freed.
 */
#ifndef OS_HOME_H
#define OS_HOME_H

/* "~" and "~/x" by $HOME (else the password database); "~user" stays as it is. */
char *home_expand(const char *path);

/*
 * A directory of the XDG Base Directory Specification (0.8): the variable when it holds an absolute
 * path, else `fallback` below the home directory. Example: home_xdg("XDG_CONFIG_HOME", ".config").
 */
char *home_xdg(const char *variable, const char *fallback);

#endif
