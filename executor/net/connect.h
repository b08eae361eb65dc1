/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `ambient-execute-plan connect HOST PORT` connects standard input and standard output to a host,
 * through the proxy. For ssh's ProxyCommand:
 *
 *	ProxyCommand /path/of/ambient-execute-plan connect %h %p
 */
#ifndef EXECUTOR_NET_CONNECT_H
#define EXECUTOR_NET_CONNECT_H

#include "base/err.h"
#include "executor/limits.h"

/*
 * Request a connection from the proxy at `proxy` ("ADDRESS:PORT"; NULL: that of GUEST_PROXY_URL),
 * and copy data until both sides have closed. ERR_INPUT: host or port are invalid, or the proxy
 * rejected the request; the message then has the text of the proxy. ERR_HOST: there is no proxy, it
 * did not respond within LIMIT_CONNECT_MS, or the connection broke.
 */
int connect_run(const char *proxy, const char *host, const char *port, struct err *e) NODISCARD;

/* The arguments after `connect`: HOST PORT [ADDRESS:PORT]. */
int connect_main(int argc, char **argv, struct err *e) NODISCARD;

#endif
