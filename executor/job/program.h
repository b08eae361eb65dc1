/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Explains why a program cannot be run, and what to do. The kernel has few errors for many causes:
 * ENOENT is a missing file, a missing interpreter, or a first line that ends with CR LF. One table
 * lists all causes that are distinguished. execve(2) describes the errors; binfmt_script of Linux
 * reads the first line of a script.
 */
#ifndef EXECUTOR_JOB_PROGRAM_H
#define EXECUTOR_JOB_PROGRAM_H

#include <stdbool.h>

#include "contract/action.h"

/* The exit codes of shells for a program that was not started. */
enum { PROGRAM_CANNOT_RUN = 126, PROGRAM_NOT_THERE = 127 };

/*
 * Check a program before it is started with the environment `env`. -1, ERR_INPUT, for a script that
 * the kernel would start, but for which a shell, its interpreter or env(1) would fail with a
 * message that does not name the cause; *ret_code is then the exit code.
 */
int program_check(
	const struct spawn *s, const struct strv *env, int *ret_code, struct err *e) NODISCARD;

/* Is there a program of this name in PATH of the environment? A name with a slash is a path. */
bool program_is_there(const struct spawn *s, const char *name, const struct strv *env);

/*
 * Explain a failed execve(2). Always returns -1: ERR_INPUT; ERR_HOST for an unknown cause. *ret_code
 * is the exit code.
 */
int program_explain(const struct spawn *s, int error, int *ret_code, struct err *e) NODISCARD;

/*
 * The kernel does not execute a script without a first line "#!" (ENOEXEC); according to POSIX, a
 * shell reads it (execvp(3)). True for such a script; false for programs, binary data, and text
 * with a byte order mark, which the shell would treat as part of the first command.
 */
bool program_is_for_shell(const struct spawn *s);

/* Returns the name of cause number n in the table; NULL after the last. Tests cover each cause. */
const char *program_cause_name(size_t n);

#endif
