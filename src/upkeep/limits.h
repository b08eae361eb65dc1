/* SPDX-License-Identifier: Apache-2.0 */
/* Limits of what is remembered and shown of the disk space that is used. */
#ifndef UPKEEP_LIMITS_H
#define UPKEEP_LIMITS_H

#include "base/limits.h"

/* Sizes of runs that are remembered; others are measured each time. */
#define LIMIT_USAGE_RUNS 50000

#endif
