/* SPDX-License-Identifier: Apache-2.0 */
/* Time: durations and deadlines are monotonic milliseconds, moments are UTC text (RFC 3339). */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdint.h>
#include <time.h>

int64_t clock_ms(void);     /* CLOCK_MONOTONIC, milliseconds */
int64_t clock_ns(void);     /* CLOCK_MONOTONIC, nanoseconds */
int64_t clock_utc_ns(void); /* since 1970-01-01T00:00:00Z */

int64_t clock_ns_of(const struct timespec *t); /* as nanoseconds, for example of a file's time */

#define CLOCK_NEVER INT64_MAX /* a deadline that does not come */

/* Milliseconds until a deadline for poll(2): -1 for never, 0 when it has passed. */
int clock_poll_timeout(int64_t deadline_ms);

struct clock_text {
	char s[40];
};
struct clock_text clock_rfc3339(int64_t utc_ns); /* 2026-11-22T03:49:19.123456Z */
struct clock_text clock_compact(
	int64_t utc_ns); /* 20261122T034919.123456Z: sorts, fit for file names */

#endif
