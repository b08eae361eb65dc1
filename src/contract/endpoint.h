/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an action must reach on a network: a server, and how it is spoken to. Actions make endpoints
 * of their arguments and of the configuration (action.h); the allowlist of a machine and the logins
 * that need secrets are made of them.
 *
 * Here a URL is only taken apart. Whether a machine may reach the host is for egress.h to say.
 */
#ifndef CONTRACT_ENDPOINT_H
#define CONTRACT_ENDPOINT_H

#include <stddef.h>

#include "base/err.h"

enum endpoint_scheme { ENDPOINT_HTTP, ENDPOINT_HTTPS, ENDPOINT_SSH };

struct endpoint {
	enum endpoint_scheme scheme;
	char *user; /* who logs in, ENDPOINT_SSH only; NULL: nobody is named */
	char *host; /* as it is written */
	unsigned port;
	char *text; /* the whole as it is written, for messages */
};

struct endpoints {
	struct endpoint *items;
	size_t count;
};

void endpoints_release(struct endpoints *list); /* a zeroed struct is an empty list */
#define auto_endpoints __attribute__((cleanup(endpoints_release)))

/*
 * Cut ":PORT" off a host, when it is there; without it *port stays as it is. An address of IPv6,
 * which has several colons, stays whole. -1: it is not a port from 1 to 65535.
 */
int endpoint_split_port(char *host, unsigned *port) NODISCARD;

/*
 * Append the server of "http://HOST[:PORT]/..." or "https://HOST[:PORT]/...". ERR_INPUT that quotes
 * the URL when it is something else. One with a user or a password is refused, and not quoted.
 */
int endpoints_add_url(struct endpoints *list, const char *url, struct err *e) NODISCARD;

/* Append the ssh server of "[USER@]HOST", at its standard port. */
void endpoints_add_login(struct endpoints *list, const char *login);

#endif
