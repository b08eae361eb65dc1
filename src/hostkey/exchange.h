/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Gets the host key of an ssh server by libssh: identification strings, key exchange, then the
 * connection is closed. It does not authenticate. Only exchange.c uses libssh.
 */
#ifndef HOSTKEY_EXCHANGE_H
#define HOSTKEY_EXCHANGE_H

#include "base/buf.h"
#include "base/err.h"

/*
 * `fd` is a connection on which the server's identification string is next; it is closed. The key
 * types `types` (NULL-ended) are preferred, as ssh(1) prefers those in known_hosts. The blob of the
 * key is appended after the server has signed the exchange with it. ERR_INPUT with libssh's
 * message, without control characters, if the key exchange failed. The function has no time limit.
 */
int exchange_host_key(int fd, const char *host, const char *const *types, struct buf *ret_key,
	struct err *e) NODISCARD;

#endif
