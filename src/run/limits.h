/* SPDX-License-Identifier: Apache-2.0 */
/* Limits of one run. */
#ifndef RUN_LIMITS_H
#define RUN_LIMITS_H

#include "base/limits.h"

/* Warnings and other notes of one VM. The surplus is dropped, and a message says so. */
#define LIMIT_NOTES 1000
#define LIMIT_RESULT_HOSTS 100 /* of one VM, in result.json */
/*
 * The least limit of the disk space that an unpacked archive uses: blocks and inodes. The limit is
 * artifacts_max_size, or this if artifacts_max_size is smaller.
 */
#define LIMIT_UNPACKED_LEAST (1 * MIB)
#define LIMIT_STARTS 3 /* of a machine that hangs or resets before its `hello` */
/* The time for the boot of a disk is boot_timeout, times this. */
#define DISK_BOOT_FACTOR 5
#define DEFAULT_RUN_TIMEOUT_MS (2 * 60 * 60 * 1000LL)

#endif
