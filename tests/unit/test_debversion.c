/* SPDX-License-Identifier: Apache-2.0 */
#include "expect.h"

#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "os/proc.h"
#include "upkeep/debversion.h"

static int sign(int n)
{
	return (n > 0) - (n < 0);
}

/* The order in both directions. */
static void expect_order(const char *a, const char *b, int order)
{
	if (sign(debversion_compare(a, b)) != order || sign(debversion_compare(b, a)) != -order)
		fail_msg("'%s' and '%s' are not in the order %d", a, b, order);
}

/* Each is before the next one. */
static void test_versions_have_debians_order(void **state)
{
	static const char *const ascending[] = {"0~~", "0~~a", "0~", "0", "0a", "0+", "1.0~rc1",
		"1.0", "1.0-1", "1.0-1+b1", "1.0-1.1", "1.0-2", "1.0-10", "1.0a", "1.0+deb12u1",
		"1.0.1", "1.2", "1.9", "1.10", "2-1~bpo12+1", "2-1", "2-1+deb12u1", "2-1.1",
		"10000000000000000000000001", "10000000000000000000000002", "1:0", "1:0.1", "2:0",
		"10:0"};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(ascending); i++)
		for (size_t j = i; j < ARRAY_SIZE(ascending); j++)
			expect_order(ascending[i], ascending[j], i == j ? 0 : -1);
}

static void test_what_is_written_in_two_ways_is_the_same(void **state)
{
	(void)state;
	expect_order("1.0", "0:1.0", 0);
	expect_order("1.0", "1.0-0", 0);
	expect_order("1.0-1", "1.00-01", 0);
	expect_order("01:1", "1:1", 0);
	expect_order("", "0", 0);
	expect_order("0~", "", -1);
}

/* The last dash begins the revision, the first colon ends the epoch. */
static void test_a_version_is_split_as_debian_does(void **state)
{
	(void)state;
	expect_order("1.0-1-1", "1.0-1-2", -1);
	expect_order("1.0-2-1", "1.0-1-2", 1);
	expect_order("1:1:2", "1:1:1", 1);
	expect_order("9", "1:1", -1);
}

/* The same numbers on each host, from 0 to `count` - 1. */
static unsigned pick(unsigned count)
{
	static uint64_t state = 20261130;

	state = state * 6364136223846793005 + 1442695040888963407;
	return (unsigned)(state >> 33) % count;
}

static const char *random_version(char *buf, size_t len)
{
	static const char most[] = "0123456789aZ.+~";
	size_t n = 0;

	if (pick(4) == 0)
		n += (size_t)snprintf(buf, len, "%u:", pick(3));
	buf[n++] = (char)('0' + pick(10));
	for (unsigned i = pick(6); i > 0; i--)
		buf[n++] = most[pick(sizeof(most) - 1)];
	if (pick(2))
		n += (size_t)snprintf(buf + n, len - n, "-%u%s", pick(12), pick(2) ? "~a" : "");
	buf[n] = '\0';
	return buf;
}

static bool dpkg_says(const char *a, const char *relation, const char *b)
{
	auto_strv struct strv argv = {0};
	auto_buf struct buf output = {0};
	struct err e = {0};
	int status;

	buf_init(&output, 1000);
	strv_push(&argv, "dpkg");
	strv_push(&argv, "--compare-versions");
	strv_push(&argv, a);
	strv_push(&argv, relation);
	strv_push(&argv, b);
	status = proc_run(&argv, EXPECT_PATIENCE_MS, &output, &e);
	if (status != 0 && status != 1)
		fail_msg("dpkg: %s%s", e.msg, output.len ? output.data : "");
	return status == 0;
}

static void test_the_order_is_that_of_dpkg(void **state)
{
	char a[64], b[64];

	(void)state;
	for (int i = 0; i < 300; i++) {
		random_version(a, sizeof(a));
		random_version(b, sizeof(b));
		if ((debversion_compare(a, b) < 0) != dpkg_says(a, "lt", b))
			fail_msg("dpkg has another order of '%s' and '%s'", a, b);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_versions_have_debians_order),
		cmocka_unit_test(test_what_is_written_in_two_ways_is_the_same),
		cmocka_unit_test(test_a_version_is_split_as_debian_does),
		cmocka_unit_test(test_the_order_is_that_of_dpkg),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
