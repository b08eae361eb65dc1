/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One direction of a connection that is passed on: bytes are read from one descriptor, kept in a
 * buffer of fixed size, and written to another one, without ever waiting. The descriptors are
 * non-blocking, or poll(2) has said that they are ready; SIGPIPE is ignored.
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
	size_t start, ready, len; /* len: ready or not */
	uint64_t left;            /* bytes that may still be read, FLOW_NO_END: as many as come */
	bool ended;               /* the source has said its last */
	bool shut;                /* and the other side was told */
};

void flow_init(struct flow *f, char *data, size_t size);

/* How much fits below `max`, which is at most f->size. */
size_t flow_room(const struct flow *f, size_t max);

/*
 * Read what fits below `max`. The number of bytes; 0: none now, or the end, which sets f->ended; -1
 * with errno: broken.
 */
ssize_t flow_fill(struct flow *f, int fd, size_t max);

/* Write what is ready. The number of bytes; 0: nothing is ready, or not now; -1 with errno. */
ssize_t flow_drain(struct flow *f, int fd);

/* The end has come, and everything before it is written: it can be passed on, once. */
bool flow_is_over(const struct flow *f);

#endif
