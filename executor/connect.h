/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `ambient-execute-plan connect HOST PORT`: a connection to a host, through the proxy, between
 * standard input and standard output. For ssh's ProxyCommand:
 *
 *	ProxyCommand /path/of/ambient-execute-plan connect %h %p
 */
#ifndef EXECUTOR_CONNECT_H
#define EXECUTOR_CONNECT_H

#include "base/err.h"

/*
 * Asks the proxy at GUEST_PROXY_URL, or at `proxy` ("ADDRESS:PORT") when that is not NULL, and
 * copies until both sides have ended. A refusal of the proxy is an ERR_INPUT that carries what the
 * proxy said; no proxy, or a connection that breaks: ERR_HOST.
 */
int connect_run(const char *proxy, const char *host, const char *port, struct err *e) NODISCARD;

#endif
