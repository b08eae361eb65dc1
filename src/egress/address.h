/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Internet addresses: which of them a VM must not reach, and which host names are really addresses.
 */
#ifndef EGRESS_ADDRESS_H
#define EGRESS_ADDRESS_H

#include <netinet/in.h>
#include <stdbool.h>

#include "base/err.h"

enum { ADDRESS_TEXT_MAX = INET6_ADDRSTRLEN };

struct address {
	bool is_ipv6;
	unsigned char bytes[16]; /* network byte order; IPv4 uses the first four */
};

/* A kind of special addresses. */
struct address_kind {
	const char *prefix; /* "10.0.0.0" */
	unsigned bits;
	const char *words; /* text that follows "is": "a private address (RFC 1918)" */
	bool never;        /* never valid for a TCP connection: unspecified, multicast, reserved */
};

/*
 * The kind of a special address; NULL for an ordinary address of the public Internet. The lists are
 * IANA's registries of special-purpose addresses for IPv4 and IPv6 (RFC 6890 and its successors)
 * and addresses that are not unicast. All IPv6 addresses outside of 2000::/3 are special. An IPv6
 * address that contains an IPv4 address (mapped, compatible, 6to4, Teredo) is special, whatever the
 * IPv4 address is. An address with the well-known prefix of NAT64 is what its IPv4 address is,
 * because networks without IPv4 need it.
 */
const struct address_kind *address_special(const struct address *a);

/*
 * Could a resolver interpret this host as an address? True for everything in brackets or with a
 * colon, and for every name whose last label is a number in decimal, octal or hexadecimal
 * (inet_aton(3), and the "ends in a number" rule of the WHATWG URL standard): 127.1, 0x7f000001,
 * 2130706433, 1.2.3.0x4.
 */
bool address_is_literal(const char *host);

/* The usual notation; ret_text has room for ADDRESS_TEXT_MAX bytes. */
void address_text(const struct address *a, char *ret_text);

/* The inverse, usual notations only (inet_pton(3)). False when it is not an address. */
bool address_parse(const char *text, struct address *ret);

struct sockaddr;
struct sockaddr_storage;
/* False for address families other than IPv4 and IPv6. */
bool address_of_sockaddr(const struct sockaddr *sa, struct address *ret);
socklen_t address_to_sockaddr(const struct address *a, unsigned port, struct sockaddr_storage *ret);

#endif
