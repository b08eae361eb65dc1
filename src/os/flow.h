/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One direction of a relayed connection. Bytes are read from one descriptor, kept in a buffer of
 * fixed size, and written to another descriptor, without blocking. The descriptors are
 * non-blocking, or poll(2) has reported them ready. SIGPIPE must be ignored.
 *
 *	data: [ ... | start: ready, may be written | not yet ready | room ... size ]
 */
#ifndef OS_FLOW_H
#define OS_FLOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define FLOW_NO_END UINT64_MAX

struct flow {
	char *data; /* borrowed */
	size_t size;
	size_t start, ready, len; /* len: both ready and not yet ready */
	uint64_t left;            /* bytes that may still be read; FLOW_NO_END: no limit */
	uint64_t filled, drained; /* bytes read and written so far */
	bool ended;               /* the source has reached its end */
	bool shut;                /* the end was passed on */
};

void flow_init(struct flow *f, char *data, size_t size);

/* The number of bytes that fit below `max`, which is at most f->size. */
size_t flow_room(const struct flow *f, size_t max);

/*
 * Read as much as fits below `max`. The number of bytes. 0: no data now, or the end, which sets
 * f->ended. -1 with errno: the connection is broken.
 */
ssize_t flow_fill(struct flow *f, int fd, size_t max);

/*
 * Write the bytes that are ready. The number of bytes. 0: nothing is ready, or the descriptor takes
 * no data now. -1 with errno.
 */
ssize_t flow_drain(struct flow *f, int fd);

/* The end was read and all bytes before it are written: pass the end on, once. */
bool flow_is_over(const struct flow *f);

#endif
