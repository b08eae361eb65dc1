/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The key of an ssh server, asked for by libssh: identifications and key exchange, and then the
 * connection ends. Nobody is authenticated. The only file that knows libssh.
 */
#ifndef HOSTKEY_EXCHANGE_H
#define HOSTKEY_EXCHANGE_H

#include "base/buf.h"
#include "base/err.h"

/*
 * `fd` is a connection on which the server's identification comes next; it is closed. `types` of
 * keys (NULL ends them) are preferred, as ssh(1) prefers those that known_hosts has. The blob of the
 * key is appended when the server has signed the exchange with it. ERR_INPUT with libssh's words,
 * made harmless, when there was no key exchange; it waits as long as the server makes it.
 */
int exchange_host_key(int fd, const char *host, const char *const *types, struct buf *ret_key,
	struct err *e) NODISCARD;

#endif
