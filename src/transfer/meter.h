/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A relay to the proxy that counts the received bytes. Programs without a limit of their own, such
 * as git, connect through it, and their parent checks the count. It is a process that listens on a
 * port of 127.0.0.1, with a child process for each connection.
 */
#ifndef TRANSFER_METER_H
#define TRANSFER_METER_H

#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"

struct meter {
	pid_t pid; /* 0: no relay */
	unsigned port;
	uint64_t *received; /* shared with the processes */
};

/* `proxy` is "http://A.B.C.D:PORT". */
int meter_start(const char *proxy, struct meter *ret, struct err *e) NODISCARD;

/* Returns the bytes received from the proxy on all connections; 0 without a relay. */
uint64_t meter_received(const struct meter *m);

/* Ends the processes. Accepts a zeroed struct. */
void meter_stop(struct meter *m);
#define auto_meter __attribute__((cleanup(meter_stop)))

#endif
