/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rate of the host's time stamp counter. An emulated microvm has no timer by which its kernel
 * could measure the rate reliably, so the host passes it (tsc_early_khz). "cpu MHz" in
 * /proc/cpuinfo differs from it on hosts that scale frequencies, so it is measured here.
 */
#ifndef MACHINE_TSC_H
#define MACHINE_TSC_H

#include <stdbool.h>
#include <stdint.h>

/* Take the first sample. Call as early as possible, because the rate is measured from here. */
void tsc_init(void);

/*
 * Can the rate be determined? False if this is not an x86, or if the host's own clock is not based
 * on the counter.
 */
bool tsc_is_known(void);

/*
 * The rate in kHz, accurate to about 20 parts in a million; 0 when it cannot be determined. Waits
 * until 20 ms have passed since tsc_init. Measured once; later calls return the same value.
 */
uint64_t tsc_khz(void);

#endif
