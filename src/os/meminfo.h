/* SPDX-License-Identifier: Apache-2.0 */
/* The memory of this computer as the kernel reports it (proc(5), /proc/meminfo). */
#ifndef OS_MEMINFO_H
#define OS_MEMINFO_H

#include <stdint.h>

#include "base/err.h"

/*
 * MemAvailable, in bytes: the memory that programs can use without swapping and without the
 * kernel's own reserve.
 */
int meminfo_available(uint64_t *ret_bytes, struct err *e) NODISCARD;

/* MemTotal plus SwapTotal, in bytes: the most that all programs together can use. */
int meminfo_total(uint64_t *ret_bytes, struct err *e) NODISCARD;

#endif
