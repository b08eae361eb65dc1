/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The file with the script of an action: GUEST_ACTIONS/NUMBER/NAME in a machine, with number and name as on the
 * terminal ("2/3 shell"), so that messages of bash name the action and the line in it:
 * "/ci/actions/2/shell: line 3: ...". All users of the machine may read it. It is not in the source
 * directory.
 */
#ifndef EXECUTOR_JOB_SCRIPT_H
#define EXECUTOR_JOB_SCRIPT_H

#include "executor/job/steps.h"

/* Write the script of the running step. The caller passes *ret_path to script_remove. */
int script_write(const struct run *r, const char *text, char **ret_path, struct err *e) NODISCARD;

/* Remove the file and its directory, and free the path. Accepts NULL. */
void script_remove(char **path);
#define auto_script __attribute__((cleanup(script_remove)))

#endif
