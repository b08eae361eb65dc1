/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The file that the script of an action is read from: GUEST_ACTIONS/NUMBER/NAME, both as the action
 * is called on the terminal ("2/3 shell"), so that a message of bash names the action and the line
 * in it: "/ci/actions/2/shell: line 3: ...". Everybody in the machine may read it; it lies beside
 * the source, not in it.
 */
#ifndef EXECUTOR_JOB_SCRIPT_H
#define EXECUTOR_JOB_SCRIPT_H

#include "executor/job/steps.h"

/* Write it for the step under way; *ret_path is the caller's to script_remove. */
int script_write(const struct run *r, const char *text, char **ret_path, struct err *e) NODISCARD;

/* Remove the file with its directory and free the path. Nothing to do for NULL. */
void script_remove(char **path);
#define auto_script __attribute__((cleanup(script_remove)))

#endif
