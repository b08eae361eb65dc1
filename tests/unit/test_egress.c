/* SPDX-License-Identifier: Apache-2.0 */
/* What a VM may reach: names, ports, addresses, each decision as a row. */
#include "expect.h"

#include <arpa/inet.h>

#include "base/limits.h"
#include "data/jsonl.h"
#include "egress/egress.h"
#include "egress/limits.h"

static void add(struct egress *g, const char *host, unsigned port)
{
	struct err e = {0};

	expect_ok(egress_add(g, host, port, "test", &e), &e);
}

static void expect_node(const struct egress *g, const char *wanted)
{
	auto_node struct node *n = egress_to_node(g);
	auto_buf struct buf b;

	buf_init(&b, MIB);
	jsonl_add(&b, n);
	assert_string_equal(b.data, wanted);
}

/* ---- addresses ---- */

/* What address_special says of an address, "" when it is an ordinary one. */
static const char *words_of(const char *text)
{
	const struct address_kind *kind;
	struct address a;

	if (!address_parse(text, &a))
		fail_msg("'%s' is no address", text);
	kind = address_special(&a);
	return kind ? kind->words : "";
}

struct address_row {
	const char *text, *words;
};

static void expect_rows(const struct address_row *rows)
{
	for (; rows->text; rows++)
		if (strcmp(words_of(rows->text), rows->words) != 0)
			fail_msg("%s is '%s', expected '%s'", rows->text, words_of(rows->text),
				rows->words);
}

static void test_special_addresses_of_ipv4_from_first_to_last(void **state)
{
	static const struct address_row rows[] = {
		{"0.0.0.0", "an address of 'this network' (RFC 791)"},
		{"0.255.255.255", "an address of 'this network' (RFC 791)"},
		{"1.0.0.0", ""},
		{"9.255.255.255", ""},
		{"10.0.0.0", "a private address (RFC 1918)"},
		{"10.255.255.255", "a private address (RFC 1918)"},
		{"11.0.0.0", ""},
		{"100.63.255.255", ""},
		{"100.64.0.0", "a carrier's shared address (RFC 6598)"},
		{"100.127.255.255", "a carrier's shared address (RFC 6598)"},
		{"100.128.0.0", ""},
		{"126.255.255.255", ""},
		{"127.0.0.1", "a loopback address"},
		{"127.255.255.255", "a loopback address"},
		{"128.0.0.0", ""},
		{"169.253.255.255", ""},
		{"169.254.169.254", "a link-local address (RFC 3927)"},
		{"169.255.0.0", ""},
		{"172.15.255.255", ""},
		{"172.16.0.0", "a private address (RFC 1918)"},
		{"172.31.255.255", "a private address (RFC 1918)"},
		{"172.32.0.0", ""},
		{"192.0.0.8", "an address for protocol assignments (RFC 6890)"},
		{"192.0.1.0", ""},
		{"192.0.2.1", "an address for documentation (RFC 5737)"},
		{"192.31.196.1", "an AS112 address (RFC 7535)"},
		{"192.52.193.1", "an AMT relay address (RFC 7450)"},
		{"192.88.99.1", "a 6to4 relay address (RFC 7526)"},
		{"192.167.255.255", ""},
		{"192.168.0.0", "a private address (RFC 1918)"},
		{"192.168.255.255", "a private address (RFC 1918)"},
		{"192.175.48.1", "an AS112 address (RFC 7534)"},
		{"198.17.255.255", ""},
		{"198.18.0.0", "a benchmarking address (RFC 2544)"},
		{"198.19.255.255", "a benchmarking address (RFC 2544)"},
		{"198.20.0.0", ""},
		{"198.51.100.7", "an address for documentation (RFC 5737)"},
		{"203.0.113.7", "an address for documentation (RFC 5737)"},
		{"223.255.255.255", ""},
		{"224.0.0.1", "a multicast address"},
		{"239.255.255.255", "a multicast address"},
		{"240.0.0.1", "a reserved address (RFC 1112)"},
		{"255.255.255.254", "a reserved address (RFC 1112)"},
		{"255.255.255.255", "the broadcast address"},
		{0},
	};

	(void)state;
	expect_rows(rows);
}

static void test_special_addresses_of_ipv6(void **state)
{
	static const struct address_row rows[] = {
		{"::", "the unspecified address"},
		{"::1", "a loopback address"},
		{"::2", "an IPv4 address in IPv6 (RFC 4291)"},
		{"::127.0.0.1", "an IPv4 address in IPv6 (RFC 4291)"},
		{"::ffff:127.0.0.1", "an IPv4 address in IPv6 (RFC 4291)"},
		{"::ffff:8.8.8.8", "an IPv4 address in IPv6 (RFC 4291)"},
		{"::ffff:0:7f00:1", "no address of the public Internet"},
		{"64:ff9b::10.0.0.1", "a private address (RFC 1918)"},
		{"64:ff9b::127.0.0.1", "a loopback address"},
		{"64:ff9b::8.8.8.8", ""},
		{"64:ff9b:0:0:0:1:808:808", "no address of the public Internet"},
		{"64:ff9b:1::1", "an address of a local NAT64 (RFC 8215)"},
		{"100::1", "a discard address (RFC 6666)"},
		{"1fff:ffff::", "no address of the public Internet"},
		{"2000::", ""},
		{"2001::1", "a Teredo address (RFC 4380)"},
		{"2001:2::1", "a benchmarking address (RFC 5180)"},
		{"2001:2:1::1", "an address for protocol assignments (RFC 2928)"},
		{"2001:20::1", "an address for protocol assignments (RFC 2928)"},
		{"2001:1ff:ffff::", "an address for protocol assignments (RFC 2928)"},
		{"2001:200::", ""},
		{"2001:db7:ffff::", ""},
		{"2001:db8::1", "an address for documentation (RFC 3849)"},
		{"2001:db9::", ""},
		{"2002:7f00:1::", "a 6to4 address (RFC 3056)"},
		{"2003::", ""},
		{"2606:4700::1", ""},
		{"2620:4f:8000::1", "an AS112 address (RFC 7534)"},
		{"3ffe::", ""},
		{"3fff::1", "an address for documentation (RFC 9637)"},
		{"3fff:1000::", ""},
		{"3fff:ffff::", ""},
		{"4000::", "no address of the public Internet"},
		{"5f00::1", "no address of the public Internet"},
		{"fbff::", "no address of the public Internet"},
		{"fc00::1", "a unique local address (RFC 4193)"},
		{"fdff::1", "a unique local address (RFC 4193)"},
		{"fe00::", "no address of the public Internet"},
		{"fe80::1", "a link-local address (RFC 4291)"},
		{"febf::1", "a link-local address (RFC 4291)"},
		{"fec0::1", "a site-local address (RFC 3879)"},
		{"feff::1", "a site-local address (RFC 3879)"},
		{"ff02::1", "a multicast address"},
		{0},
	};

	(void)state;
	expect_rows(rows);
}

static void test_an_address_survives_its_socket_address(void **state)
{
	static const char *const texts[] = {"192.0.2.33", "2001:db8::7"};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		struct sockaddr_storage ss;
		struct address a, b;
		char text[ADDRESS_TEXT_MAX];

		assert_true(address_parse(texts[i], &a));
		assert_int_equal(address_to_sockaddr(&a, 443, &ss),
			i == 0 ? sizeof(struct sockaddr_in) : sizeof(struct sockaddr_in6));
		assert_int_equal(ntohs(((struct sockaddr_in *)&ss)->sin_port), 443);
		assert_true(address_of_sockaddr((struct sockaddr *)&ss, &b));
		address_text(&b, text);
		assert_string_equal(text, texts[i]);
	}
	assert_false(address_of_sockaddr(
		&(struct sockaddr){.sa_family = AF_UNIX}, &(struct address){0}));
}

/* ---- names ---- */

static void test_an_address_in_any_spelling_is_refused(void **state)
{
	static const char *const hosts[] = {"127.0.0.1", "127.0.0.1.", "127.1", "127.0.1", "0",
		"0x7f000001", "0X7F000001", "0x7f.1", "0x", "2130706433", "017700000001", "0177.1",
		"0300.0250.0.1", "1.2.3.0x4", "8.8.8.8", "999.999.999.999", "example.1", "a.0x7f",
		"[::1]", "[::1%25lo]", "::1", "[::ffff:127.0.0.1]", "::ffff:7f00:1",
		"[64:ff9b::7f00:1]", "[2002:7f00:1::]", "[fe80::1]", "[v1.x]", "a:b"};
	auto_egress struct egress g = {0};

	(void)state;
	add(&g, "example.com", 443);
	for (size_t i = 0; i < ARRAY_SIZE(hosts); i++)
		if (egress_check(&g, hosts[i], 443) != EGRESS_IP_LITERAL)
			fail_msg("'%s' is %s", hosts[i],
				egress_verdict_name(egress_check(&g, hosts[i], 443)));
}

static void test_what_is_no_name_is_refused(void **state)
{
	static const char *const hosts[] = {"", ".", "..", "example..com", ".example.com",
		"example.com..", "-a.example", "a-.example", "exa mple.com", "example.com\n",
		"example.com\t", "example.com/", "example.com#", "user@example.com",
		"%65xample.com", "example,com", "ex\x01mple.com", "exämple.com", "１２７.０.０.１",
		"127。0。0。1", "ⓔxample.com", "example.com\x80", "*.example.com",
		"a23456789012345678901234567890123456789012345678901234567890abcd.example"};
	auto_egress struct egress g = {0};

	(void)state;
	add(&g, "example.com", 443);
	for (size_t i = 0; i < ARRAY_SIZE(hosts); i++)
		if (egress_check(&g, hosts[i], 443) != EGRESS_BAD_HOST)
			fail_msg("'%s' is %s", hosts[i],
				egress_verdict_name(egress_check(&g, hosts[i], 443)));
}

/* 253 bytes are a name, one more is none, with and without the dot at the end. */
static void test_the_length_of_a_name_is_bounded(void **state)
{
	char name[300];
	char out[EGRESS_HOST_MAX + 1];
	struct err e = {0};

	(void)state;
	for (size_t i = 0; i < sizeof(name); i++)
		name[i] = i % 50 == 49 ? '.' : 'a';
	name[253] = '\0';
	expect_ok(egress_host_name(name, out, &e), &e);
	assert_int_equal(strlen(out), 253);
	memcpy(name + 253, ".", 2);
	expect_ok(egress_host_name(name, out, &e), &e);
	assert_int_equal(strlen(out), 253);
	memcpy(name + 253, "a", 2);
	assert_int_equal(egress_host_name(name, out, &e), -1);
	memset(name, 'a', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	assert_int_equal(egress_check(&(struct egress){0}, name, 80), EGRESS_BAD_HOST);
}

static void test_a_name_has_one_form(void **state)
{
	static const char *const same[] = {
		"example.com", "EXAMPLE.com", "Example.Com.", "example.com."};
	auto_egress struct egress g = {0};

	(void)state;
	add(&g, "eXample.com.", 443);
	expect_node(&g,
		"[{\"host\":\"example.com\",\"ports\":[443],\"private\":false,"
		"\"from\":[\"test\"]}]");
	for (size_t i = 0; i < ARRAY_SIZE(same); i++)
		assert_int_equal(egress_check(&g, same[i], 443), EGRESS_ALLOWED);
}

static void test_messages_about_names(void **state)
{
	char out[EGRESS_HOST_MAX + 1];
	struct err e = {0};

	(void)state;
	expect_err(egress_host_name("", out, &e), &e, ERR_INPUT, "the name of a host is missing");
	e = (struct err){0};
	expect_err(egress_host_name("bücher.example", out, &e), &e, ERR_INPUT,
		"host 'bücher.example' is not ASCII: write its ASCII form, which begins with "
		"'xn--'");
	e = (struct err){0};
	expect_err(egress_host_name("0x7f.1", out, &e), &e, ERR_INPUT,
		"host '0x7f.1' is an address: virtual machines reach hosts by name only");
	e = (struct err){0};
	expect_err(egress_host_name("a\x1b[2J", out, &e), &e, ERR_INPUT,
		"host 'a\\x1b[2J' is an address: virtual machines reach hosts by name only");
	e = (struct err){0};
	expect_err(egress_host_name("*.example", out, &e), &e, ERR_INPUT,
		"host '*.example' is not a host name");
	e = (struct err){0};
	expect_ok(egress_host_name("xn--bcher-kva.example", out, &e), &e);
}

/* ---- the list ---- */

static void test_nothing_is_allowed_that_is_not_in_the_list(void **state)
{
	auto_egress struct egress g = {0};

	(void)state;
	assert_int_equal(egress_check(&g, "example.com", 443), EGRESS_HOST_REFUSED);
	add(&g, "example.com", 443);
	assert_int_equal(egress_check(&g, "example.com", 443), EGRESS_ALLOWED);
	assert_int_equal(egress_check(&g, "example.com", 80), EGRESS_PORT_REFUSED);
	assert_int_equal(egress_check(&g, "example.com", 0), EGRESS_PORT_REFUSED);
	assert_int_equal(egress_check(&g, "www.example.com", 443), EGRESS_HOST_REFUSED);
	assert_int_equal(egress_check(&g, "com", 443), EGRESS_HOST_REFUSED);
	assert_int_equal(egress_check(&g, "example.com.evil.example", 443), EGRESS_HOST_REFUSED);
	assert_int_equal(egress_check(&g, "xexample.com", 443), EGRESS_HOST_REFUSED);
}

static void test_port_22_is_for_configured_targets(void **state)
{
	auto_egress struct egress g = {0};
	struct err e = {0};

	(void)state;
	expect_err(egress_add(&g, "h.example", 22, "x", &e), &e, ERR_INPUT,
		"port 22 of host 'h.example': virtual machines reach ports 80 and 443, and port 22 "
		"of targets that the configuration names");
	e = (struct err){0};
	expect_err(egress_add_target(&g, "h.example", 25, "x", &e), &e, ERR_INPUT,
		"port 25 of host 'h.example': virtual machines reach ports 80 and 443, and 22");
	e = (struct err){0};
	expect_err(egress_add(&g, "h.example", 0, "x", &e), &e, ERR_INPUT,
		"port 0 of host 'h.example': virtual machines reach ports 80 and 443, and port 22 "
		"of targets that the configuration names");
	assert_int_equal(g.count, 0);
	e = (struct err){0};
	expect_ok(egress_add_target(&g, "h.example", 22, "rsync_target", &e), &e);
	assert_int_equal(egress_check(&g, "h.example", 22), EGRESS_ALLOWED);
	assert_int_equal(egress_check(&g, "h.example", 443), EGRESS_PORT_REFUSED);
}

static void test_the_list_is_sorted_and_says_who_wanted_what(void **state)
{
	auto_egress struct egress g = {0};
	struct err e = {0};

	(void)state;
	add(&g, "c.example", 443);
	add(&g, "a.example", 443);
	add(&g, "b.example", 80);
	expect_ok(egress_add(&g, "a.example", 80, "pre_plan action 0", &e), &e);
	expect_ok(egress_add(&g, "a.example", 80, "pre_plan action 0", &e), &e);
	expect_ok(egress_add_target(&g, "a.example", 22, "rsync_target", &e), &e);
	expect_ok(egress_add_private(&g, "B.example.", &e), &e);
	expect_ok(egress_add_private(&g, "not-in-the-list.example", &e), &e);
	expect_node(&g,
		"[{\"host\":\"a.example\",\"ports\":[22,80,443],\"private\":false,"
		"\"from\":[\"test\",\"pre_plan action 0\",\"rsync_target\"]},"
		"{\"host\":\"b.example\",\"ports\":[80],\"private\":true,\"from\":[\"test\"]},"
		"{\"host\":\"c.example\",\"ports\":[443],\"private\":false,"
		"\"from\":[\"test\"]}]");
	assert_int_equal(egress_check(&g, "not-in-the-list.example", 443), EGRESS_HOST_REFUSED);
}

static void test_the_list_is_bounded(void **state)
{
	auto_egress struct egress g = {0};
	struct err e = {0};

	(void)state;
	for (unsigned i = 0; i < LIMIT_EGRESS_HOSTS; i++) {
		auto_free char *host = mem_printf("h%u.example", i);

		add(&g, host, 443);
	}
	expect_err(egress_add(&g, "one-more.example", 443, "x", &e), &e, ERR_INPUT,
		"host 'one-more.example': more than 1000 hosts for one machine");
	add(&g, "h7.example", 80);
	assert_int_equal(egress_check(&g, "h999.example", 443), EGRESS_ALLOWED);
}

/* As an action's URL gets into the list. */
static int add_url(struct egress *g, const char *url, struct err *e)
{
	auto_endpoints struct endpoints list = {0};

	if (endpoints_add_url(&list, url, e) < 0)
		return -1;
	assert_int_equal(list.count, 1);
	return egress_add_endpoint(g, &list.items[0], "t", e);
}

static void test_urls(void **state)
{
	static const char *const urls[] = {"http://a.example", "HTTPS://B.example/x?y#z",
		"https://c.example:80/", "http://d.example?x", "http://e.example#x",
		"https://f.example.:443"};
	auto_egress struct egress g = {0};
	struct err e = {0};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(urls); i++)
		expect_ok(add_url(&g, urls[i], &e), &e);
	expect_node(&g,
		"[{\"host\":\"a.example\",\"ports\":[80],\"private\":false,\"from\":[\"t\"]},"
		"{\"host\":\"b.example\",\"ports\":[443],\"private\":false,\"from\":[\"t\"]},"
		"{\"host\":\"c.example\",\"ports\":[80],\"private\":false,\"from\":[\"t\"]},"
		"{\"host\":\"d.example\",\"ports\":[80],\"private\":false,\"from\":[\"t\"]},"
		"{\"host\":\"e.example\",\"ports\":[80],\"private\":false,\"from\":[\"t\"]},"
		"{\"host\":\"f.example\",\"ports\":[443],\"private\":false,\"from\":[\"t\"]}]");
}

static void test_wrong_urls(void **state)
{
	static const struct {
		const char *url, *message;
	} rows[] = {
		{"ftp://a.example/x", "URL 'ftp://a.example/x' is neither http:// nor https://"},
		{"a.example", "URL 'a.example' is neither http:// nor https://"},
		{"https://me:secret@a.example/x",
			"the URL of host 'a.example' has a user or a password in it: URLs are "
			"logged; use a secret"},
		{"https://a.example:8080/",
			"URL 'https://a.example:8080/': port 8080 of host "
			"'a.example': virtual machines reach ports 80 and 443, "
			"and port 22 of targets that the configuration names"},
		{"https://a.example:/",
			"'https://a.example:/' has an invalid port after the colon"},
		{"https://a.example:0/",
			"'https://a.example:0/' has an invalid port after the colon"},
		{"https://a.example:65536/",
			"'https://a.example:65536/' has an invalid port after the colon"},
		{"https://a.example:+443/",
			"'https://a.example:+443/' has an invalid port after the colon"},
		{"https:///x", "URL 'https:///x': the name of a host is missing"},
		{"https://127.1/",
			"URL 'https://127.1/': host '127.1' is an address: virtual "
			"machines reach hosts by name only"},
		{"https://[::1]:443/",
			"URL 'https://[::1]:443/': host '[::1]:443' is an address: "
			"virtual machines reach hosts by name only"},
		{"https://a.example\\@b.example/", NULL},
	};
	auto_egress struct egress g = {0};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct err e = {0};

		if (rows[i].message)
			expect_err(add_url(&g, rows[i].url, &e), &e, ERR_INPUT, rows[i].message);
		else /* whatever libcurl makes of the backslash: it is asked for again */
			expect_ok(add_url(&g, rows[i].url, &e), &e);
	}
	assert_int_equal(egress_check(&g, "b.example", 443), EGRESS_HOST_REFUSED);
}

static void test_items_of_the_configuration(void **state)
{
	struct strv allow = {0}, private_hosts = {0};
	auto_egress struct egress g = {0};
	struct err e = {0};

	(void)state;
	strv_push(&allow, "cdn.example");
	strv_push(&allow, "git.example:22");
	strv_push(&private_hosts, "git.example");
	expect_ok(egress_add_config(&g, &allow, &private_hosts, &e), &e);
	expect_node(&g,
		"[{\"host\":\"cdn.example\",\"ports\":[80,443],\"private\":false,"
		"\"from\":[\"configuration\"]},{\"host\":\"git.example\",\"ports\":[22],"
		"\"private\":true,\"from\":[\"configuration\"]}]");
	strv_push(&private_hosts, "10.0.0.1");
	expect_err(egress_add_config(&g, &allow, &private_hosts, &e), &e, ERR_INPUT,
		"egress.allow_private: host '10.0.0.1' is an address: virtual machines reach hosts "
		"by name only");
	e = (struct err){0};
	strv_push(&allow, "mail.example:25");
	expect_err(egress_add_config(&g, &allow, &private_hosts, &e), &e, ERR_INPUT,
		"egress.allow: port 25 of host 'mail.example': virtual machines reach ports 80 and "
		"443, and 22");
	strv_release(&allow);
	strv_release(&private_hosts);
}

/* ---- names and addresses ---- */

static enum egress_verdict check_address(const struct egress *g, const char *host, const char *text)
{
	struct address a;

	assert_true(address_parse(text, &a));
	return egress_check_address(g, host, &a);
}

static void test_only_hosts_that_are_named_lead_to_private_addresses(void **state)
{
	static const char *const private[] = {"10.0.0.1", "127.0.0.1", "169.254.169.254",
		"100.64.0.1", "::1", "fd00::1", "fe80::1", "64:ff9b::10.0.0.1"};
	auto_egress struct egress g = {0};
	struct err e = {0};

	(void)state;
	expect_ok(egress_add_private(&g, "inside.example", &e), &e);
	for (size_t i = 0; i < ARRAY_SIZE(private); i++) {
		assert_int_equal(
			check_address(&g, "outside.example", private[i]), EGRESS_ADDRESS_REFUSED);
		assert_int_equal(check_address(&g, "Inside.example.", private[i]), EGRESS_ALLOWED);
	}
	assert_int_equal(check_address(&g, "outside.example", "8.8.8.8"), EGRESS_ALLOWED);
	assert_int_equal(check_address(&g, "outside.example", "2606:4700::1"), EGRESS_ALLOWED);
}

static void test_some_addresses_are_for_no_host(void **state)
{
	static const char *const never[] = {"0.0.0.0", "0.0.0.1", "224.0.0.1", "255.255.255.255",
		"240.0.0.1", "::", "ff02::1", "::ffff:10.0.0.1", "::ffff:8.8.8.8",
		"2002:7f00:1::", "2001::1", "64:ff9b::0.0.0.0"};
	auto_egress struct egress g = {0};
	struct err e = {0};

	(void)state;
	expect_ok(egress_add_private(&g, "inside.example", &e), &e);
	for (size_t i = 0; i < ARRAY_SIZE(never); i++)
		assert_int_equal(
			check_address(&g, "inside.example", never[i]), EGRESS_ADDRESS_REFUSED);
}

static void test_every_verdict_has_a_word(void **state)
{
	(void)state;
	for (int v = 0; v < EGRESS_VERDICTS; v++)
		assert_non_null(egress_verdict_name((enum egress_verdict)v));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_special_addresses_of_ipv4_from_first_to_last),
		cmocka_unit_test(test_special_addresses_of_ipv6),
		cmocka_unit_test(test_an_address_survives_its_socket_address),
		cmocka_unit_test(test_an_address_in_any_spelling_is_refused),
		cmocka_unit_test(test_what_is_no_name_is_refused),
		cmocka_unit_test(test_the_length_of_a_name_is_bounded),
		cmocka_unit_test(test_a_name_has_one_form),
		cmocka_unit_test(test_messages_about_names),
		cmocka_unit_test(test_nothing_is_allowed_that_is_not_in_the_list),
		cmocka_unit_test(test_port_22_is_for_configured_targets),
		cmocka_unit_test(test_the_list_is_sorted_and_says_who_wanted_what),
		cmocka_unit_test(test_the_list_is_bounded),
		cmocka_unit_test(test_urls),
		cmocka_unit_test(test_wrong_urls),
		cmocka_unit_test(test_items_of_the_configuration),
		cmocka_unit_test(test_only_hosts_that_are_named_lead_to_private_addresses),
		cmocka_unit_test(test_some_addresses_are_for_no_host),
		cmocka_unit_test(test_every_verdict_has_a_word),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
