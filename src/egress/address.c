/* SPDX-License-Identifier: Apache-2.0 */
#include "egress/address.h"

#include <arpa/inet.h>
#include <string.h>
#include <sys/socket.h>

#include "base/mem.h"

enum { IPV4_BYTES = 4, IPV6_BYTES = 16, NAT64_BYTES = 12 };

static const struct address_kind ipv4_kinds[] = {
	{"0.0.0.0", 8, "an address of 'this network' (RFC 791)", true},
	{"10.0.0.0", 8, "a private address (RFC 1918)", false},
	{"100.64.0.0", 10, "a carrier's shared address (RFC 6598)", false},
	{"127.0.0.0", 8, "a loopback address", false},
	{"169.254.0.0", 16, "a link-local address (RFC 3927)", false},
	{"172.16.0.0", 12, "a private address (RFC 1918)", false},
	{"192.0.0.0", 24, "an address for protocol assignments (RFC 6890)", false},
	{"192.0.2.0", 24, "an address for documentation (RFC 5737)", false},
	{"192.31.196.0", 24, "an AS112 address (RFC 7535)", false},
	{"192.52.193.0", 24, "an AMT relay address (RFC 7450)", false},
	{"192.88.99.0", 24, "a 6to4 relay address (RFC 7526)", false},
	{"192.168.0.0", 16, "a private address (RFC 1918)", false},
	{"192.175.48.0", 24, "an AS112 address (RFC 7534)", false},
	{"198.18.0.0", 15, "a benchmarking address (RFC 2544)", false},
	{"198.51.100.0", 24, "an address for documentation (RFC 5737)", false},
	{"203.0.113.0", 24, "an address for documentation (RFC 5737)", false},
	{"224.0.0.0", 4, "a multicast address", true},
	{"255.255.255.255", 32, "the broadcast address", true},
	{"240.0.0.0", 4, "a reserved address (RFC 1112)", true},
	{0},
};

/* The last rows match all remaining addresses: the public Internet is 2000::/3. */
static const struct address_kind ipv6_kinds[] = {
	{"::", 128, "the unspecified address", true},
	{"::1", 128, "a loopback address", false},
	{"::ffff:0:0", 96, "an IPv4 address in IPv6 (RFC 4291)", true},
	{"::", 96, "an IPv4 address in IPv6 (RFC 4291)", true},
	{"64:ff9b:1::", 48, "an address of a local NAT64 (RFC 8215)", false},
	{"100::", 64, "a discard address (RFC 6666)", true},
	{"2001::", 32, "a Teredo address (RFC 4380)", true},
	{"2001:2::", 48, "a benchmarking address (RFC 5180)", false},
	{"2001::", 23, "an address for protocol assignments (RFC 2928)", false},
	{"2001:db8::", 32, "an address for documentation (RFC 3849)", false},
	{"2002::", 16, "a 6to4 address (RFC 3056)", true},
	{"2620:4f:8000::", 48, "an AS112 address (RFC 7534)", false},
	{"3fff::", 20, "an address for documentation (RFC 9637)", false},
	{"2000::", 3, NULL, false},
	{"fc00::", 7, "a unique local address (RFC 4193)", false},
	{"fe80::", 10, "a link-local address (RFC 4291)", false},
	{"fec0::", 10, "a site-local address (RFC 3879)", false},
	{"ff00::", 8, "a multicast address", true},
	{"::", 0, "no address of the public Internet", true},
	{0},
};

/* The well-known prefix of RFC 6052, 2.1. */
static const unsigned char nat64[NAT64_BYTES] = {0x00, 0x64, 0xff, 0x9b};

static bool same_bits(const unsigned char *a, const unsigned char *b, unsigned bits)
{
	unsigned whole = bits / 8, rest = bits % 8;

	if (memcmp(a, b, whole) != 0)
		return false;
	return rest == 0 || ((a[whole] ^ b[whole]) >> (8 - rest)) == 0;
}

static const struct address_kind *find_kind(
	const struct address_kind *table, const struct address *a)
{
	for (const struct address_kind *k = table; k->prefix; k++) {
		struct address prefix;

		if (!address_parse(k->prefix, &prefix))
			BUG("'%s' is no address", k->prefix);
		if (same_bits(a->bytes, prefix.bytes, k->bits))
			return k->words ? k : NULL;
	}
	return NULL;
}

const struct address_kind *address_special(const struct address *a)
{
	struct address inner = {.is_ipv6 = false};

	if (!a->is_ipv6)
		return find_kind(ipv4_kinds, a);
	if (memcmp(a->bytes, nat64, NAT64_BYTES) != 0)
		return find_kind(ipv6_kinds, a);
	memcpy(inner.bytes, a->bytes + NAT64_BYTES, IPV4_BYTES);
	return find_kind(ipv4_kinds, &inner);
}

static bool is_number(const char *s, size_t len)
{
	bool hex = len >= 2 && s[0] == '0' && (s[1] == 'x' || s[1] == 'X');
	const char *digits = hex ? "0123456789abcdefABCDEF" : "0123456789";

	if (hex) {
		s += 2;
		len -= 2;
	} else if (len == 0) {
		return false;
	}
	return strspn(s, digits) >= len;
}

bool address_is_literal(const char *host)
{
	size_t len = strlen(host);
	const char *last;

	if (strpbrk(host, ":[]"))
		return true;
	if (len > 0 && host[len - 1] == '.')
		len--;
	last = memrchr(host, '.', len);
	last = last ? last + 1 : host;
	return is_number(last, len - (size_t)(last - host));
}

void address_text(const struct address *a, char *ret_text)
{
	if (!inet_ntop(a->is_ipv6 ? AF_INET6 : AF_INET, a->bytes, ret_text, ADDRESS_TEXT_MAX))
		BUG("an address without a text");
}

bool address_parse(const char *text, struct address *ret)
{
	struct address a = {.is_ipv6 = strchr(text, ':') != NULL};

	if (inet_pton(a.is_ipv6 ? AF_INET6 : AF_INET, text, a.bytes) != 1)
		return false;
	*ret = a;
	return true;
}

bool address_of_sockaddr(const struct sockaddr *sa, struct address *ret)
{
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;

	*ret = (struct address){.is_ipv6 = sa->sa_family == AF_INET6};
	if (sa->sa_family == AF_INET) {
		memcpy(&v4, sa, sizeof(v4));
		memcpy(ret->bytes, &v4.sin_addr, IPV4_BYTES);
	} else if (ret->is_ipv6) {
		memcpy(&v6, sa, sizeof(v6));
		memcpy(ret->bytes, &v6.sin6_addr, IPV6_BYTES);
	}
	return sa->sa_family == AF_INET || ret->is_ipv6;
}

socklen_t address_to_sockaddr(const struct address *a, unsigned port, struct sockaddr_storage *ret)
{
	struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
	struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = htons((uint16_t)port)};

	memset(ret, 0, sizeof(*ret));
	memcpy(&v4.sin_addr, a->bytes, IPV4_BYTES);
	memcpy(&v6.sin6_addr, a->bytes, IPV6_BYTES);
	if (a->is_ipv6)
		memcpy(ret, &v6, sizeof(v6));
	else
		memcpy(ret, &v4, sizeof(v4));
	return a->is_ipv6 ? sizeof(v6) : sizeof(v4);
}
