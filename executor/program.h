/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Why a program cannot be run, in words that say what to do. The kernel has one error for a missing
 * file, a missing interpreter, and a first line that ends in CR LF.
 */
#ifndef EXECUTOR_PROGRAM_H
#define EXECUTOR_PROGRAM_H

#include "contract/action.h"

/*
 * Before it is started: -1 with a script whose interpreter `env` would look for a name that ends in
 * a carriage return. The kernel can run that, and `env` says it in words that nobody can read.
 */
int program_check(const struct spawn *s, struct err *e) NODISCARD;

/* After execve(2) failed with this error: always -1. ERR_INPUT. */
int program_explain(const struct spawn *s, int error, struct err *e) NODISCARD;

#endif
