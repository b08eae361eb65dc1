/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/screen/outlet.h"

#include <errno.h>
#include <poll.h>

#include "base/clock.h"
#include "os/sig.h"

/*
 * Written bytes are removed from the queue's memory in one large move. The slack makes these moves
 * rare while the queue is full.
 */
enum { RESERVE = 1 << 20, SLACK = 4 << 20 };

/* Time after a signal to write the rest of the queue. */
enum { LAST_WORDS_MS = 1000 };

void outlet_open(struct outlet *o, int fd)
{
	*o = (struct outlet){0};
	if (nowait_open(fd, &o->to) < 0)
		o->error = errno;
	buf_init(&o->queue, OUTLET_QUEUE_BYTES + RESERVE + SLACK);
}

void outlet_release(struct outlet *o)
{
	nowait_release(&o->to);
	buf_release(&o->queue);
	*o = (struct outlet){.to = NOWAIT_NONE};
}

static size_t waiting(const struct outlet *o)
{
	return o->queue.len - o->head;
}

bool outlet_waits(const struct outlet *o)
{
	return waiting(o) > 0 && !o->error;
}

bool outlet_is_low(const struct outlet *o)
{
	return waiting(o) < OUTLET_QUEUE_BYTES / 2;
}

struct buf *outlet_room(struct outlet *o, size_t n, bool important)
{
	size_t most = OUTLET_QUEUE_BYTES + (important ? RESERVE : 0);

	if (o->error || n > most || waiting(o) > most - n)
		return NULL;
	if (o->head > 0 && o->queue.len > o->queue.max - n) {
		buf_drop_front(&o->queue, o->head);
		o->head = 0;
	}
	return &o->queue;
}

void outlet_push(struct outlet *o)
{
	while (outlet_waits(o)) {
		ssize_t n = nowait_write(&o->to, o->queue.data + o->head, waiting(o));

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
			return;
		if (n < 0) {
			o->error = errno;
			return;
		}
		o->head += (size_t)n;
	}
	buf_clear(&o->queue);
	o->head = 0;
}

/* After a signal the rest is still written, but only for a limited time. */
void outlet_finish(struct outlet *o)
{
	struct pollfd p[2] = {
		{.fd = o->to.fd, .events = POLLOUT}, {.fd = sig_fd(), .events = POLLIN}};
	int64_t deadline = CLOCK_NEVER;

	for (;;) {
		outlet_push(o);
		if (!outlet_waits(o))
			return;
		if (clock_ms() >= deadline) {
			o->error = EINTR;
			return;
		}
		if (sig_pending() && deadline == CLOCK_NEVER) {
			deadline = clock_ms() + LAST_WORDS_MS;
			p[1].fd = -1;
		}
		if (poll(p, 2, clock_poll_timeout(deadline)) < 0 && errno != EINTR) {
			o->error = errno;
			return;
		}
	}
}
