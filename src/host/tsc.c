/* SPDX-License-Identifier: Apache-2.0 */
#include "host/tsc.h"

#include <string.h>
#include <time.h>

#include "base/buf.h"
#include "base/fd.h"

#define CLOCK_SOURCE "/sys/devices/system/clocksource/clocksource0/current_clocksource"

#if defined(__x86_64__)
#include <x86intrin.h>

struct sample {
	uint64_t ticks;
	int64_t ns;
};

static struct sample first;

static struct sample take_sample(void)
{
	struct timespec ts;
	struct sample s;

	s.ticks = __rdtsc();
	(void)clock_gettime(CLOCK_MONOTONIC_RAW, &ts);
	/* Half of the time that asking took belongs to each side. */
	s.ticks += (__rdtsc() - s.ticks) / 2;
	s.ns = (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
	return s;
}

void tsc_init(void)
{
	first = take_sample();
}

static int host_trusts_it(void)
{
	auto_buf struct buf source = {0};
	struct err ignored = {0};

	buf_init(&source, 64);
	if (fd_read_file(CLOCK_SOURCE, &source, &ignored) < 0)
		return 0;
	return strncmp(source.data, "tsc\n", 4) == 0 || strncmp(source.data, "kvm-clock\n", 10) == 0;
}

uint64_t tsc_khz(void)
{
	const int64_t enough_ns = 20 * 1000000;
	struct sample now;
	int64_t elapsed;

	if (!host_trusts_it() || first.ns == 0)
		return 0;
	now = take_sample();
	elapsed = now.ns - first.ns;
	if (elapsed < enough_ns) {
		struct timespec rest = {.tv_nsec = (long)(enough_ns - elapsed)};

		(void)nanosleep(&rest, NULL);
		now = take_sample();
		elapsed = now.ns - first.ns;
	}
	return (uint64_t)((unsigned __int128)(now.ticks - first.ticks) * 1000000 / (uint64_t)elapsed);
}

#else

void tsc_init(void)
{
}

uint64_t tsc_khz(void)
{
	return 0;
}

#endif
