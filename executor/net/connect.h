/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `ambient-execute-plan connect HOST PORT`: a connection to a host, through the proxy, between
 * standard input and standard output. For ssh's ProxyCommand:
 *
 *	ProxyCommand /path/of/ambient-execute-plan connect %h %p
 */
#ifndef EXECUTOR_NET_CONNECT_H
#define EXECUTOR_NET_CONNECT_H

#include "base/err.h"

#include "executor/limits.h"

/*
 * Ask the proxy at `proxy` ("ADDRESS:PORT"; NULL: the one of GUEST_PROXY_URL) for a connection and
 * copy until both sides have ended. ERR_INPUT: host or port are none, or the proxy refuses, and
 * then the message has the proxy's own words. ERR_HOST: there is no proxy, it does not answer
 * within LIMIT_CONNECT_MS, or the connection breaks.
 */
int connect_run(const char *proxy, const char *host, const char *port, struct err *e) NODISCARD;

/* The arguments behind the word `connect`: HOST PORT [ADDRESS:PORT]. */
int connect_main(int argc, char **argv, struct err *e) NODISCARD;

#endif
