/* SPDX-License-Identifier: Apache-2.0 */
/* How long the host waits for a reaction of the guest, and limits of a machine. */
#ifndef MACHINE_LIMITS_H
#define MACHINE_LIMITS_H

#include "base/limits.h"

#define LIMIT_CTL_PAYLOAD (64 * KIB)
#define LIMIT_MKE2FS_MS (10 * 60 * 1000LL)
#define LIMIT_STOP_MS (30 * 1000LL)    /* from `stop`, or from a time limit, to `end` */
#define LIMIT_SILENCE_MS (60 * 1000LL) /* without a frame */
/*
 * Before `hello`: a machine that uses less than one hundredth of a processor for this time is taken
 * to hang.
 */
#define LIMIT_STANDSTILL_MS (15 * 1000LL)
/*
 * From the time limit of the run: the time in which the guest packs its outputs (LIMIT_ALWAYS_MS)
 * and ends.
 */
#define LIMIT_EPILOG_MS (16 * 60 * 1000LL)

#endif
