/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What one trusted VM may reach: a list of hosts, each with the ports that are open on it. It is
 * made on the host, from the operator's plan, the action table and the configuration, before the VM
 * boots; `ambient plan` shows it, the run log has it, and the proxy (proxy.h) lets nothing else
 * through.
 *
 * A host is a name, never an address: letters, digits, hyphens, underscores and dots, in lower case
 * (upper case is folded), labels of 1 to 63 bytes, at most EGRESS_HOST_MAX bytes. One dot at the
 * end is dropped, so that "example.com." is the same host. Names that are not ASCII are refused
 * with the advice to write them in their ASCII form ("xn--..."). Whatever a resolver might read as
 * an IP address, in any spelling (127.1, 0x7f000001, 2130706433, [::1]), is refused.
 *
 * Ports are 80 and 443, and 22 only by egress_add_target.
 *
 * Where a name leads is checked by address (address.h): private, loopback, link-local, multicast
 * and other special addresses are refused unless the configuration names the host in
 * `egress.allow_private`.
 *
 * Everything here is pure: no lookups, no sockets.
 */
#ifndef EGRESS_EGRESS_H
#define EGRESS_EGRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>

#include "base/err.h"
#include "base/strv.h"
#include "contract/endpoint.h"
#include "data/node.h"
#include "egress/address.h"

enum { EGRESS_HOST_MAX = 253, EGRESS_PORTS_MAX = 3 };

struct egress_rule {
	char *host;
	unsigned ports[EGRESS_PORTS_MAX]; /* ascending, 0 behind the last one */
	struct strv from;                 /* who asked for it, each once: "pre_plan action 1" */
};

struct egress {
	struct egress_rule *rules; /* sorted by host, each host once */
	size_t count;
	struct strv private_hosts; /* may lead to private addresses; allows nothing by itself */
};

void egress_release(struct egress *g); /* a zeroed struct is an empty list */
#define auto_egress __attribute__((cleanup(egress_release)))

/*
 * Check a host name and give it the one form in which names are compared; ret_name has room for
 * EGRESS_HOST_MAX + 1 bytes. ERR_INPUT that quotes the host and says what is wrong with it.
 */
int egress_host_name(const char *host, char *ret_name, struct err *e) NODISCARD;

/*
 * Allow something; `from` says who wants it, for people. Adding twice is fine. ERR_INPUT for a bad
 * host or port, or when there are LIMIT_EGRESS_HOSTS already.
 */
int egress_add(struct egress *g, const char *host, unsigned port, const char *from,
	struct err *e) NODISCARD;
/* What an action must reach: ports 80 and 443 of web servers, 22 of ssh servers. */
int egress_add_endpoint(
	struct egress *g, const struct endpoint *p, const char *from, struct err *e) NODISCARD;
/* A target of uploads that the configuration names: port 22 is right too. */
int egress_add_target(struct egress *g, const char *host, unsigned port, const char *from,
	struct err *e) NODISCARD;
/* An item of the configuration's `egress.allow`: "HOST" (80 and 443) or "HOST:PORT" (also 22). */
int egress_add_configured(
	struct egress *g, const char *item, const char *from, struct err *e) NODISCARD;
/* An item of `egress.allow_private`. */
int egress_add_private(struct egress *g, const char *host, struct err *e) NODISCARD;

/* Both lists of the configuration (config.h), which config_load has checked. */
int egress_add_config(struct egress *g, const struct strv *allow, const struct strv *allow_private,
	struct err *e) NODISCARD;

/* What the proxy says to a request or to an address. */
enum egress_verdict {
	EGRESS_ALLOWED,
	EGRESS_BAD_HOST,        /* no host name, or more than a name */
	EGRESS_IP_LITERAL,      /* an address in place of a name */
	EGRESS_HOST_REFUSED,    /* not in the list */
	EGRESS_PORT_REFUSED,    /* the host is, this port of it is not */
	EGRESS_ADDRESS_REFUSED, /* the name leads to an address that is not for VMs */
	EGRESS_VERDICTS,
};

/* May a VM with this list speak to this port of this host? `host` as the VM wrote it. */
enum egress_verdict egress_check(const struct egress *g, const char *host, unsigned port);

/* May a connection to `host` go to this address? `host` is one that egress_check allowed. */
enum egress_verdict egress_check_address(
	const struct egress *g, const char *host, const struct address *a);

const char *egress_verdict_name(enum egress_verdict v); /* a word: "host_not_allowed" */

/*
 * For `ambient plan` and the run log: a list of {host, ports, private, from}, sorted by host. The
 * caller owns it.
 */
struct node *egress_to_node(const struct egress *g);

#endif
