/* SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"

#include <limits.h>
#include <stdbool.h>
#include <stdio.h>

#include "base/err.h"

enum { NS_PER_SECOND = 1000000000 };

/* Years with four digits, so that timestamps sort as text. */
#define FIRST_SECOND INT64_C(-62167219200) /* 0000-01-01T00:00:00Z */
#define LAST_SECOND INT64_C(253402300799)  /* 9999-12-31T23:59:59Z */

int64_t clock_ns_of(const struct timespec *t)
{
	int64_t ns;

	if (!__builtin_mul_overflow((int64_t)t->tv_sec, (int64_t)NS_PER_SECOND, &ns) &&
		!__builtin_add_overflow(ns, (int64_t)t->tv_nsec, &ns))
		return ns;
	return t->tv_sec < 0 ? INT64_MIN : INT64_MAX;
}

int clock_compare(const struct timespec *a, const struct timespec *b)
{
	if (a->tv_sec != b->tv_sec)
		return a->tv_sec < b->tv_sec ? -1 : 1;
	return (a->tv_nsec > b->tv_nsec) - (a->tv_nsec < b->tv_nsec);
}

struct timespec clock_now(void)
{
	struct timespec ts;

	if (clock_gettime(CLOCK_REALTIME, &ts) < 0)
		BUG("clock_gettime failed");
	return ts;
}

static int64_t read_clock(clockid_t id)
{
	struct timespec ts;

	if (clock_gettime(id, &ts) < 0)
		BUG("clock_gettime(%d) failed", (int)id);
	return clock_ns_of(&ts);
}

int64_t clock_ns(void)
{
	return read_clock(CLOCK_MONOTONIC);
}

int64_t clock_ms(void)
{
	return clock_ns() / 1000000;
}

int64_t clock_utc_ns(void)
{
	return read_clock(CLOCK_REALTIME);
}

int clock_poll_timeout(int64_t deadline_ms)
{
	int64_t left;

	if (deadline_ms == CLOCK_NEVER)
		return -1;
	left = deadline_ms - clock_ms();
	if (left <= 0)
		return 0;
	return left > INT_MAX ? INT_MAX : (int)left;
}

static struct timespec clamp(const struct timespec *t)
{
	if (t->tv_sec < FIRST_SECOND)
		return (struct timespec){.tv_sec = FIRST_SECOND};
	if (t->tv_sec > LAST_SECOND)
		return (struct timespec){.tv_sec = LAST_SECOND, .tv_nsec = NS_PER_SECOND - 1};
	return *t;
}

/* tv_nsec is never negative, so seconds before 1970 are rounded down. */
static struct timespec timespec_of(int64_t utc_ns)
{
	struct timespec t = {
		.tv_sec = (time_t)(utc_ns / NS_PER_SECOND), .tv_nsec = utc_ns % NS_PER_SECOND};

	if (t.tv_nsec < 0) {
		t.tv_sec--;
		t.tv_nsec += NS_PER_SECOND;
	}
	return t;
}

static struct clock_text show(const struct timespec *when, bool compact)
{
	struct timespec t = clamp(when);
	struct clock_text text;
	struct tm tm;

	if (!gmtime_r(&t.tv_sec, &tm))
		BUG("a moment between the years 0 and 9999 cannot be shown");
	(void)snprintf(text.s, sizeof(text.s),
		compact ? "%04d%02d%02dT%02d%02d%02d.%06ldZ"
			: "%04d-%02d-%02dT%02d:%02d:%02d.%06ldZ",
		tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec,
		t.tv_nsec / 1000);
	return text;
}

struct clock_text clock_show(const struct timespec *t)
{
	return show(t, false);
}

struct clock_text clock_rfc3339(int64_t utc_ns)
{
	const struct timespec t = timespec_of(utc_ns);

	return show(&t, false);
}

struct clock_text clock_compact(int64_t utc_ns)
{
	const struct timespec t = timespec_of(utc_ns);

	return show(&t, true);
}
