/* SPDX-License-Identifier: Apache-2.0 */
#include "machine/tsc.h"

#include <string.h>
#include <time.h>

#include "base/buf.h"
#include "base/clock.h"
#include "os/fd.h"

#define CLOCK_SOURCE "/sys/devices/system/clocksource/clocksource0/current_clocksource"

#if defined(__x86_64__)
#include <x86intrin.h>

struct sample {
	uint64_t ticks;
	int64_t ns;
};

static struct sample first;

/*
 * Both clocks at the same moment, as exactly as possible: of several attempts, the one that took
 * the fewest ticks. If the process is preempted between the two reads, the result is off by
 * milliseconds, and a guest with a wrong rate does not boot.
 */
static struct sample take_sample(void)
{
	enum { ATTEMPTS = 16 };
	uint64_t least = UINT64_MAX;
	struct sample best = {0};

	for (int i = 0; i < ATTEMPTS; i++) {
		uint64_t before = __rdtsc(), took;
		struct timespec ts;

		(void)clock_gettime(CLOCK_MONOTONIC_RAW, &ts);
		took = __rdtsc() - before;
		if (took >= least)
			continue;
		least = took;
		best = (struct sample){.ticks = before + took / 2, .ns = clock_ns_of(&ts)};
	}
	return best;
}

void tsc_init(void)
{
	first = take_sample();
}

bool tsc_is_known(void)
{
	auto_buf struct buf source = {0};
	struct err ignored = {0};

	buf_init(&source, 64);
	if (fd_read_file(CLOCK_SOURCE, &source, &ignored) < 0)
		return false;
	return strncmp(source.data, "tsc\n", 4) == 0 ||
		strncmp(source.data, "kvm-clock\n", 10) == 0;
}

static uint64_t measure(void)
{
	/* Each sample is off by up to about 100 ns: together 40 millionths of this. */
	const int64_t enough_ns = 5 * 1000000;
	struct sample now = take_sample();

	if (now.ns - first.ns < enough_ns) {
		struct timespec rest = {.tv_nsec = (long)(enough_ns - (now.ns - first.ns))};

		(void)nanosleep(&rest, NULL);
		now = take_sample();
	}
	return (uint64_t)((unsigned __int128)(now.ticks - first.ticks) * 1000000 /
		(uint64_t)(now.ns - first.ns));
}

uint64_t tsc_khz(void)
{
	static uint64_t khz;

	if (first.ns == 0)
		BUG("tsc_khz before tsc_init");
	if (khz == 0 && tsc_is_known())
		khz = measure();
	return khz;
}

#else

void tsc_init(void)
{
}

bool tsc_is_known(void)
{
	return false;
}

uint64_t tsc_khz(void)
{
	return 0;
}

#endif
