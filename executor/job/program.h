/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Why a program cannot be run, in words that say what to do. The kernel has few errors for many
 * causes: ENOENT is a missing file, a missing interpreter, or a first line that ends in CR LF. One
 * table lists all causes that are told apart. execve(2) describes the errors, and binfmt_script of
 * Linux how the first line of a script is read.
 */
#ifndef EXECUTOR_JOB_PROGRAM_H
#define EXECUTOR_JOB_PROGRAM_H

#include <stdbool.h>

#include "contract/action.h"

/*
 * Before the program is started with the environment `env`: -1, ERR_INPUT, for a script that the
 * kernel would start although it cannot work, so that a shell, its interpreter or env(1) would fail
 * with a message that does not name the cause.
 */
int program_check(const struct spawn *s, const struct strv *env, struct err *e) NODISCARD;

/* After execve(2) failed with this error: always -1. ERR_INPUT, ERR_HOST for an unknown cause. */
int program_explain(const struct spawn *s, int error, struct err *e) NODISCARD;

/*
 * The kernel refuses a script without a first line "#!" (ENOEXEC), and POSIX says that a shell reads
 * it (execvp(3)). True for such a script; false for programs, binary data, and text with a byte
 * order mark, which the shell would take for a part of the first command.
 */
bool program_is_for_shell(const struct spawn *s);

/* The names of the causes in the table, NULL after the last: a test provokes each. */
const char *program_cause_name(size_t n);

#endif
