/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A way out that never makes us wait: a terminal that was stopped with ^S, a pipe whose reader
 * sleeps, must not keep the host from a running VM.
 *
 * Bytes go into a bounded queue and from there to the descriptor as far as it takes them without
 * blocking (os/nowait.h).
 */
#ifndef CLI_SCREEN_OUTLET_H
#define CLI_SCREEN_OUTLET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "os/nowait.h"

enum { OUTLET_QUEUE_BYTES = 8 << 20 };

struct outlet {
	struct nowait to;
	struct buf queue;
	size_t head; /* bytes of the queue that are written already */
	int error;   /* errno of the first failed write; nothing is written after it */
};

void outlet_open(struct outlet *o, int fd); /* fd is borrowed: only a duplicate is kept */
void outlet_release(struct outlet *o);

/*
 * Where to append at most `n` bytes; NULL when the queue has no room for them. What is `important`
 * (our own lines, few and short) may use a reserve behind the end of the queue.
 */
struct buf *outlet_room(struct outlet *o, size_t n, bool important);

void outlet_push(struct outlet *o);         /* write what goes without waiting */
bool outlet_waits(const struct outlet *o);  /* bytes are left in the queue */
bool outlet_is_low(const struct outlet *o); /* less than half of the queue is used */

/*
 * Write the rest and wait for it, but not beyond a signal that asks us to stop: then the error is
 * EINTR.
 */
void outlet_finish(struct outlet *o);

#endif
