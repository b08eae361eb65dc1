/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Output without blocking: a terminal stopped with ^S, or a pipe whose reader does not read, must
 * not block the supervision of a running VM.
 *
 * Bytes are appended to a queue of limited size, and written to the descriptor as far as that is
 * possible without blocking (os/nowait.h).
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
	size_t head; /* bytes of the queue that are already written */
	int error;   /* errno of the first failed write; nothing is written after it */
};

void outlet_open(struct outlet *o, int fd); /* fd is borrowed: only a duplicate is kept */
void outlet_release(struct outlet *o);

/*
 * Returns the buffer to append at most `n` bytes to; NULL if the queue is full. `important` (for
 * our own lines, few and short): may use a reserve beyond the limit of the queue.
 */
struct buf *outlet_room(struct outlet *o, size_t n, bool important);

void outlet_push(struct outlet *o);         /* write as much as possible without blocking */
bool outlet_waits(const struct outlet *o);  /* bytes are left in the queue */
bool outlet_is_low(const struct outlet *o); /* less than half of the queue is used */

/*
 * Write the rest of the queue, and block until it is written. A signal ends the wait; the error is
 * then EINTR.
 */
void outlet_finish(struct outlet *o);

#endif
