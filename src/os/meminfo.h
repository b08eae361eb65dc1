/* SPDX-License-Identifier: Apache-2.0 */
/* What the kernel says about the machine's memory (proc(5), /proc/meminfo). */
#ifndef OS_MEMINFO_H
#define OS_MEMINFO_H

#include <stdint.h>

#include "base/err.h"

/* MemAvailable: what programs can have without swapping and without the kernel's own reserve. */
int meminfo_available(uint64_t *ret_bytes, struct err *e) NODISCARD;

/* MemTotal and SwapTotal together: what all programs can have at most. */
int meminfo_total(uint64_t *ret_bytes, struct err *e) NODISCARD;

#endif
