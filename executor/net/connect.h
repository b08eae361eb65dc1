/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `ambient-execute-plan connect HOST PORT` connects standard input and standard output to a host,
 * through the proxy. For ssh's ProxyCommand:
 *
 *	ProxyCommand /path/of/ambient-execute-plan connect %h %p
 *
 * With --upload it ends the connection to a server that keeps an upload waiting.
 */
#ifndef EXECUTOR_NET_CONNECT_H
#define EXECUTOR_NET_CONNECT_H

#include <stdint.h>

#include "base/err.h"
#include "executor/limits.h"

struct connection {
	const char *host, *port;
	const char *proxy;   /* "ADDRESS:PORT"; NULL: that of GUEST_PROXY_URL */
	int64_t patience_ms; /* of an upload, for watch_start; 0: it is none */
};

/*
 * Request the connection from the proxy, and copy data until both sides have closed. ERR_INPUT:
 * host or port are invalid, or the proxy rejected the request; the message then has the text of the
 * proxy. ERR_INPUT with the reason `upload_timeout` or `upload_failed`: the upload made no progress
 * (watch.h). ERR_HOST: there is no proxy, it did not respond within LIMIT_CONNECT_MS, or the
 * connection broke.
 */
int connect_run(const struct connection *c, struct err *e) NODISCARD;

/*
 * The arguments after `connect`: [--upload FILE MS] HOST PORT [ADDRESS:PORT]. With --upload, the
 * connection is ended after MS milliseconds without progress, or after too many bytes without. The
 * error is then in FILE, too (errorfile.h): ssh, and who started it, report no more than an end.
 */
int connect_main(int argc, char **argv, struct err *e) NODISCARD;

#endif
