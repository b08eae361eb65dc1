/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rate of the host's time stamp counter. An emulated microvm has no timer by which its kernel
 * could measure it dependably, so the host tells it (tsc_early_khz). "cpu MHz" of /proc/cpuinfo is
 * another number on hosts that scale frequencies, hence this measurement.
 */
#ifndef MACHINE_TSC_H
#define MACHINE_TSC_H

#include <stdbool.h>
#include <stdint.h>

/* Take the first sample; as early as possible, since the rate is measured from here. */
void tsc_init(void);

/* Can the rate be known? Not when this is no x86, or the host's own clock does not come from the
 * counter. */
bool tsc_is_known(void);

/*
 * The rate in kHz, to about 20 parts in a million; 0 when it cannot be known. Waits until 20 ms
 * have passed since tsc_init. Measured once: later calls give the same.
 */
uint64_t tsc_khz(void);

#endif
