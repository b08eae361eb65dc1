/* SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"

#include <limits.h>
#include <stdio.h>

#include "base/err.h"

int64_t clock_ns_of(const struct timespec *t)
{
	return (int64_t)t->tv_sec * 1000000000 + t->tv_nsec;
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

static struct clock_text show(int64_t utc_ns, const char *format)
{
	time_t seconds = (time_t)(utc_ns / 1000000000);
	struct clock_text text;
	char whole[24];
	struct tm tm;

	if (!gmtime_r(&seconds, &tm) || strftime(whole, sizeof(whole), format, &tm) == 0)
		BUG("a moment cannot be shown");
	(void)snprintf(
		text.s, sizeof(text.s), "%s.%06dZ", whole, (int)(utc_ns % 1000000000 / 1000));
	return text;
}

struct clock_text clock_rfc3339(int64_t utc_ns)
{
	return show(utc_ns, "%Y-%m-%dT%H:%M:%S");
}

struct clock_text clock_compact(int64_t utc_ns)
{
	return show(utc_ns, "%Y%m%dT%H%M%S");
}
