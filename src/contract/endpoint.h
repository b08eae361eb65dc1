/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A server that an action must reach on a network, and its protocol. Actions make endpoints from
 * their arguments and the configuration (action.h). The allowlist of a machine and the list of
 * logins that need secrets are made from the endpoints.
 *
 * This module only splits a URL. egress.h decides whether a machine may reach the host.
 */
#ifndef CONTRACT_ENDPOINT_H
#define CONTRACT_ENDPOINT_H

#include <stddef.h>

#include "base/err.h"

enum endpoint_scheme { ENDPOINT_HTTP, ENDPOINT_HTTPS, ENDPOINT_SSH };

struct endpoint {
	enum endpoint_scheme scheme;
	char *user; /* login name, ENDPOINT_SSH only; NULL: not given */
	char *host; /* as written */
	unsigned port;
	char *text; /* the complete text as written, for messages */
};

struct endpoints {
	struct endpoint *items;
	size_t count;
};

void endpoints_release(struct endpoints *list); /* a zeroed struct is an empty list */
#define auto_endpoints __attribute__((cleanup(endpoints_release)))

/*
 * Remove ":PORT" from a host, if present, and store it in *port; otherwise *port is unchanged. An
 * IPv6 address, which has several colons, is unchanged. -1: it is not a port from 1 to 65535.
 */
int endpoint_split_port(char *host, unsigned *port) NODISCARD;

/*
 * Append the server of "http://HOST[:PORT]/..." or "https://HOST[:PORT]/...". ERR_INPUT that quotes
 * the URL if it has another form. A URL with a user or a password is rejected, and not quoted.
 */
int endpoints_add_url(struct endpoints *list, const char *url, struct err *e) NODISCARD;

/* Append the ssh server of "[USER@]HOST", at its standard port. */
void endpoints_add_login(struct endpoints *list, const char *login);

#endif
