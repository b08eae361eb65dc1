/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Why a program cannot be run, in words that say what to do. The kernel has one error for a missing
 * file, a missing interpreter, and a first line that ends in CR LF.
 */
#ifndef EXECUTOR_PROGRAM_H
#define EXECUTOR_PROGRAM_H

#include "contract/action.h"

/*
 * Before it is started: -1 for a script whose lines end in CR LF and that the kernel would start all
 * the same, so that the carriage return goes to a shell or to an argument of its interpreter.
 */
int program_check(const struct spawn *s, struct err *e) NODISCARD;

/* After execve(2) failed with this error: always -1. ERR_INPUT. */
int program_explain(const struct spawn *s, int error, struct err *e) NODISCARD;

#endif
