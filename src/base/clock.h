/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Time: durations and deadlines are monotonic milliseconds, points in time are UTC text (RFC 3339).
 */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdint.h>
#include <time.h>

int64_t clock_ms(void);     /* CLOCK_MONOTONIC, milliseconds */
int64_t clock_ns(void);     /* CLOCK_MONOTONIC, nanoseconds */
int64_t clock_utc_ns(void); /* since 1970-01-01T00:00:00Z */

/* As nanoseconds. Times before 1677 become INT64_MIN, times after 2262 become INT64_MAX. */
int64_t clock_ns_of(const struct timespec *t);

/* For file times, which may be of any year: the current time, and a comparison. */
struct timespec clock_now(void);
int clock_compare(const struct timespec *a, const struct timespec *b); /* as strcmp */

#define CLOCK_NEVER INT64_MAX /* a deadline that never expires */

/* Milliseconds until a deadline for poll(2): -1 for never, 0 when it has passed. */
int clock_poll_timeout(int64_t deadline_ms);

struct clock_text {
	char s[40];
};
/* Years from 0000 to 9999. A time outside of this range becomes the first or last time in it. */
struct clock_text clock_show(const struct timespec *t); /* 2026-11-22T03:49:19.123456Z */
struct clock_text clock_rfc3339(int64_t utc_ns);        /* likewise */
/* 20261122T034919.123456Z: sorts by time and is a valid file name */
struct clock_text clock_compact(int64_t utc_ns);

#endif
