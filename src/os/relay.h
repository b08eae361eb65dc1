/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Copying between two descriptors, or pairs of descriptors, in both directions until both have
 * ended.
 */
#ifndef OS_RELAY_H
#define OS_RELAY_H

#include <poll.h>

#include "base/err.h"
#include "os/flow.h"

enum { RELAY_POLL_FDS = 4 };

/*
 * The descriptors for reading and writing on side a and on side b. The same number twice is a
 * socket. Borrowed.
 */
struct relay {
	int a_in, a_out, b_in, b_out;
	struct flow up, down; /* a to b, b to a */
	char *buffers;
};

void relay_init(struct relay *r, int a_in, int a_out, int b_in, int b_out);
void relay_release(struct relay *r); /* accepts a zeroed struct; the descriptors stay open */
#define auto_relay __attribute__((cleanup(relay_release)))

/* Fill in what to poll for: RELAY_POLL_FDS entries. */
void relay_poll(const struct relay *r, struct pollfd *p);

/*
 * Move the data that poll(2) reported as ready. 1: not finished; 0: both sides have ended; -1: one
 * side is broken. If a side is not a socket, the end of the other side is passed on by closing the
 * descriptor, which becomes -1 here.
 */
int relay_move(struct relay *r, const struct pollfd *p, struct err *e) NODISCARD;

#endif
