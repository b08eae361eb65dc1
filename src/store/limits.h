/* SPDX-License-Identifier: Apache-2.0 */
/* Archives that were not written by this program, read by ambient-archive. */
#ifndef STORE_LIMITS_H
#define STORE_LIMITS_H

#include "base/limits.h"

#define LIMIT_ARCHIVE_MEMORY (1 * GIB)
#define LIMIT_ARCHIVE_FILES 16
#define LIMIT_ARCHIVE_STALL_MS (2 * 60 * 1000LL) /* without reading or writing a byte */
/* In addition, one second for each MiB of the file and for each 16 MiB of `deps_max_size`. */
#define LIMIT_ARCHIVE_CPU_SECONDS 60

#endif
