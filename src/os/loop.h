/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a machine and those beside it wait for: descriptors of several owners, of which none knows
 * the others. Each owner adds its sources; whoever runs the loop takes turns.
 */
#ifndef OS_LOOP_H
#define OS_LOOP_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

enum { LOOP_SOURCES_MAX = 16 };

/* Its owner leaves it where it is while it is in a loop. */
struct loop_source {
	const int
		*fd;  /* looked at in each turn; -1: there is nothing to wait for. NULL: never is */
	short events; /* POLLIN, POLLOUT */
	/*
	 * The descriptor is ready, or has an error or an end. -1 ends the turn with *e. NULL: it only
	 * ends the wait.
	 */
	int (*ready)(void *arg, struct err *e);
	/* Optional: the turn is over, whatever was ready. */
	void (*after)(void *arg);
	void *arg;
};

struct loop {
	struct loop_source *sources[LOOP_SOURCES_MAX];
	size_t count;
};

void loop_add(struct loop *l, struct loop_source *s);
void loop_remove(struct loop *l, const struct loop_source *s); /* one that is not there is fine */

/*
 * One turn: wait until a source is ready or until `deadline_ms` of clock_ms (clock.h), call `ready`
 * of each that is, and then `after` of all, both in the order in which they were added. A signal
 * ends the wait. Sources that are added meanwhile have their first turn next time. ERR_HOST.
 */
int loop_turn(struct loop *l, int64_t deadline_ms, struct err *e) NODISCARD;

#endif
