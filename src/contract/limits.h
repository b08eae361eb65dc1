/* SPDX-License-Identifier: Apache-2.0 */
/* Limits of plans and messages. */
#ifndef CONTRACT_LIMITS_H
#define CONTRACT_LIMITS_H

#include "base/limits.h"

/*
 * Arguments and variables of a program together, pointers included. Linux allows 2 MiB; the program
 * uses half of that, so that programs started by an action can add their own.
 */
#define LIMIT_EXEC_BYTES (1 * MIB)
#define LIMIT_VARIABLES 4096 /* in an environment; a shell takes minutes for very many */

/* Numbers of a guest in logs and results: 2^53-1, which every JSON reader can represent. */
#define LIMIT_JSON_NUMBER ((uint64_t)9007199254740991)

/* A line of the run log, for writer and readers. */
#define LIMIT_LOG_LINE LIMIT_NODE_BYTES

#endif
