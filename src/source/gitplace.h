/* SPDX-License-Identifier: Apache-2.0 */
/* Settings of git that hold only where a repository is: git-config(1), "Conditional includes". */
#ifndef SOURCE_GITPLACE_H
#define SOURCE_GITPLACE_H

#include <stdbool.h>

/*
 * Does the condition of `includeIf "CONDITION"` hold for the repository git_dir, an absolute path?
 * file: where it is written. Only gitdir: and gitdir/i: do; any other condition would have to be
 * answered by what is in the repository. Only paths are compared: nothing in git_dir is read.
 */
bool gitplace_holds(const char *condition, const char *file, const char *git_dir);

#endif
