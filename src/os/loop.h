/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The event loop for a machine and the processes beside it. It waits for descriptors of several
 * owners, which do not know each other. Each owner adds its sources; the code that runs the loop
 * calls loop_turn.
 */
#ifndef OS_LOOP_H
#define OS_LOOP_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

enum { LOOP_SOURCES_MAX = 16 };

/* The owner must not move the struct while it is in a loop. */
struct loop_source {
	/* read in each turn; -1: nothing to wait for now; NULL: never */
	const int *fd;
	short events; /* POLLIN, POLLOUT */
	/*
	 * Called when the descriptor is ready, has an error, or has reached its end. -1 ends the
	 * turn with *e. NULL: a ready descriptor only ends the wait.
	 */
	int (*ready)(void *arg, struct err *e);
	/* Optional: called at the end of each turn, whatever was ready. */
	void (*after)(void *arg);
	void *arg;
};

struct loop {
	struct loop_source *sources[LOOP_SOURCES_MAX];
	size_t count;
};

void loop_add(struct loop *l, struct loop_source *s);
/* a source that is not in the loop is ignored */
void loop_remove(struct loop *l, const struct loop_source *s);

/*
 * One turn: wait until a source is ready or until `deadline_ms` (clock_ms, clock.h), call `ready`
 * of each ready source, then `after` of all sources, both in the order in which they were added. A
 * signal ends the wait. A source that is added during a turn first takes part in the next one.
 * ERR_HOST.
 */
int loop_turn(struct loop *l, int64_t deadline_ms, struct err *e) NODISCARD;

#endif
