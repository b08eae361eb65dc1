/* SPDX-License-Identifier: Apache-2.0 */
/* Limits that have to do with the host itself. */
#ifndef OS_LIMITS_H
#define OS_LIMITS_H

#include "base/limits.h"

/* How long a killed program is waited for; after that it is abandoned. */
#define LIMIT_HELPER_KILL_MS (2 * 1000LL)
/* If the host has less free space than this, a guest that fails is not blamed. */
#define LIMIT_DISK_FULL_BYTES (1 * MIB)

/* What a run needs at least from the resource limits of the process (inherit.h). */
#define LIMIT_NEED_FILES 128
#define LIMIT_NEED_STACK (1 * MIB)
#define LIMIT_NEED_MEMORY (1536 * MIB) /* emulation alone uses 1 GiB of address space */
#define LIMIT_NEED_PROCESSES 16
#define LIMIT_NEED_CPU_SECONDS 60

#endif
