/* SPDX-License-Identifier: Apache-2.0 */
/* Limits of what is remembered and shown of the disk space that is used. */
#ifndef UPKEEP_LIMITS_H
#define UPKEEP_LIMITS_H

#include "base/limits.h"

/* Sizes of runs that are remembered; others are measured each time. */
#define LIMIT_USAGE_RUNS 50000

/* What apt-cache says of the packages of an image: some hundred bytes each. */
#define LIMIT_APT_ANSWER (16 * MIB)
/* Images of which it is remembered whether their packages have newer versions. */
#define LIMIT_UPDATES_IMAGES 100

#endif
