/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The allowlist of one VM with a network: hosts, each with its allowed ports. It is made on the host,
 * before the VM boots, from the operator's plan, the action table and the configuration.
 * `ambient plan` shows it, the run log contains it, and the proxy (proxy.h) blocks everything else.
 *
 * A host is a name, never an address: letters, digits, hyphens, underscores and dots, in lower case
 * (upper case is converted), labels of 1 to 63 bytes, at most EGRESS_HOST_MAX bytes. One trailing
 * dot is removed, so that "example.com." is the same host. Names that are not ASCII are rejected,
 * with the advice to write them in their ASCII form ("xn--..."). Text that a resolver might
 * interpret as an IP address, in any notation (127.1, 0x7f000001, 2130706433, [::1]), is rejected.
 *
 * Ports are 80 and 443. Port 22 is allowed only for ssh servers, targets and `egress.allow`.
 *
 * The addresses of a name are checked, too (address.h): private, loopback, link-local, multicast
 * and other special addresses are rejected unless the configuration lists the host in
 * `egress.allow_private`.
 *
 * All functions are pure: no lookups, no sockets.
 */
#ifndef EGRESS_EGRESS_H
#define EGRESS_EGRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "base/err.h"
#include "base/strv.h"
#include "contract/endpoint.h"
#include "data/node.h"
#include "egress/address.h"
#include "egress/limits.h"

enum { EGRESS_HOST_MAX = 253, EGRESS_PORTS_MAX = 3 };

struct egress_rule {
	char *host;
	unsigned ports[EGRESS_PORTS_MAX]; /* ascending, 0 after the last one */
	struct strv from;                 /* who requested it, each once: "pre_plan action 1" */
};

struct egress {
	struct egress_rule *rules; /* sorted by host, each host once */
	size_t count;
	/*
	 * For a machine with programs of others. CONNECT serves TLS only, to the host by its own name
	 * (clienthello.h), and all connections together may send `max_sent` bytes.
	 */
	bool guarded;
	uint64_t max_sent; /* if guarded */
	/* hosts that may have private addresses; this alone does not allow a host */
	struct strv private_hosts;
};

void egress_release(struct egress *g); /* a zeroed struct is an empty list */
#define auto_egress __attribute__((cleanup(egress_release)))

/*
 * Check a host name and convert it to the canonical form in which names are compared; ret_name has
 * room for EGRESS_HOST_MAX + 1 bytes. ERR_INPUT that quotes the host and gives the reason.
 */
int egress_host_name(const char *host, char *ret_name, struct err *e) NODISCARD;

/*
 * Allow a host and port; `from` describes who requested it. Adding the same again is no error.
 * ERR_INPUT for an invalid host or port, or when there are LIMIT_EGRESS_HOSTS already.
 */
int egress_add(struct egress *g, const char *host, unsigned port, const char *from,
	struct err *e) NODISCARD;
/* Allow the server of an endpoint: ports 80 and 443 of web servers, 22 of ssh servers. */
int egress_add_endpoint(
	struct egress *g, const struct endpoint *p, const char *from, struct err *e) NODISCARD;
/* Allow a target of uploads from the configuration: port 22 is valid, too. */
int egress_add_target(struct egress *g, const char *host, unsigned port, const char *from,
	struct err *e) NODISCARD;
/*
 * Allow an item of `egress.allow` in the configuration: "HOST" (80 and 443) or "HOST:PORT" (also
 * 22).
 */
int egress_add_configured(
	struct egress *g, const char *item, const char *from, struct err *e) NODISCARD;
/* Add an item of `egress.allow_private`. */
int egress_add_private(struct egress *g, const char *host, struct err *e) NODISCARD;

/* Add both lists of the configuration (config.h), which config_load has checked. */
int egress_add_config(struct egress *g, const struct strv *allow, const struct strv *allow_private,
	struct err *e) NODISCARD;

/* The decision about a request or an address. */
enum egress_verdict {
	EGRESS_ALLOWED,
	EGRESS_BAD_HOST,        /* not a host name, or more than a name */
	EGRESS_IP_LITERAL,      /* an address instead of a name */
	EGRESS_HOST_REFUSED,    /* not in the allowlist */
	EGRESS_PORT_REFUSED,    /* the host is in the allowlist, but not with this port */
	EGRESS_ADDRESS_REFUSED, /* an address of the name is not allowed for VMs */
	EGRESS_VERDICTS,
};

/* May a VM with this list connect to this port of this host? `host` is as the VM wrote it. */
enum egress_verdict egress_check(const struct egress *g, const char *host, unsigned port);

/* May a connection to `host`, which egress_check allowed, use this address? */
enum egress_verdict egress_check_address(
	const struct egress *g, const char *host, const struct address *a);

const char *egress_verdict_name(enum egress_verdict v); /* a word for logs: "host_not_allowed" */

/*
 * The list for `ambient plan` and the run log: maps {host, ports, private, from}, sorted by host.
 * The caller owns it.
 */
struct node *egress_to_node(const struct egress *g);

#endif
