/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Settings of git that apply only to repositories in some places: git-config(1), "Conditional
 * includes".
 */
#ifndef SOURCE_GITPLACE_H
#define SOURCE_GITPLACE_H

#include <stdbool.h>

/*
 * Does the condition of `includeIf "CONDITION"` hold for the repository git_dir, an absolute path?
 * file: the configuration file that contains it. Only gitdir: and gitdir/i: can hold; other
 * conditions depend on the contents of the repository. Only paths are compared; nothing in git_dir
 * is read.
 */
bool gitplace_holds(const char *condition, const char *file, const char *git_dir);

#endif
