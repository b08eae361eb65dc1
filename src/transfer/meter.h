/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A relay on the way to the proxy that counts what comes back. Programs whose transfers cannot be
 * bounded from within, as git's, go through it, and who started them looks at the count. It is a
 * process, with another one for each connection, at a port of 127.0.0.1.
 */
#ifndef TRANSFER_METER_H
#define TRANSFER_METER_H

#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"

struct meter {
	pid_t pid; /* 0: there is none */
	unsigned port;
	uint64_t *received; /* shared with the processes */
};

/* `proxy` is "http://A.B.C.D:PORT". */
int meter_start(const char *proxy, struct meter *ret, struct err *e) NODISCARD;

/* Bytes that came from the proxy on all connections; 0 where there is no meter. */
uint64_t meter_received(const struct meter *m);

/* Ends its processes. A zeroed struct is fine. */
void meter_stop(struct meter *m);
#define auto_meter __attribute__((cleanup(meter_stop)))

#endif
