/* SPDX-License-Identifier: Apache-2.0 */
/* Two descriptors, or pairs of them, that are copied into each other until both have ended. */
#ifndef OS_RELAY_H
#define OS_RELAY_H

#include <poll.h>

#include "base/err.h"
#include "os/flow.h"

enum { RELAY_POLL_FDS = 4 };

/* Read from and written to on side a and side b; the same number twice is a socket. Borrowed. */
struct relay {
	int a_in, a_out, b_in, b_out;
	struct flow up, down; /* a to b, b to a */
	uint64_t received;    /* bytes from b so far */
	char *buffers;
};

void relay_init(struct relay *r, int a_in, int a_out, int b_in, int b_out);
void relay_release(struct relay *r); /* a zeroed struct is fine; the descriptors stay */
#define auto_relay __attribute__((cleanup(relay_release)))

/* What to wait for: RELAY_POLL_FDS entries. */
void relay_poll(const struct relay *r, struct pollfd *p);

/*
 * Move what can be moved after poll(2) said so. 1: it goes on; 0: both sides have ended; -1: one
 * broke. The end of a side that is no socket is passed on by closing the other side's descriptor,
 * which becomes -1 here.
 */
int relay_move(struct relay *r, const struct pollfd *p, struct err *e) NODISCARD;

#endif
