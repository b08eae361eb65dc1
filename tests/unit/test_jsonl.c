/* SPDX-License-Identifier: Apache-2.0 */
#include "expect.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/limits.h"
#include "data/jsonl.h"
#include "data/limits.h"

static struct node *parse(const char *text)
{
	struct node *n = NULL;
	struct err e = {0};

	expect_ok(jsonl_parse(text, strlen(text), "t.json", &n, &e), &e);
	return n;
}

static void expect_refused(const char *text, size_t len, const char *message)
{
	struct node *n = NULL;
	struct err e = {0};

	expect_err(jsonl_parse(text, len, "t.json", &n, &e), &e, ERR_INPUT, message);
	assert_null(n);
}

static void expect_written(const struct node *n, const char *line)
{
	auto_buf struct buf b;

	buf_init(&b, MIB);
	jsonl_add(&b, n);
	assert_false(b.overflow);
	assert_string_equal(b.data, line);
}

static void expect_escaped(const char *s, size_t len, const char *wanted)
{
	auto_buf struct buf b;

	buf_init(&b, MIB);
	jsonl_add_string(&b, s, len);
	assert_string_equal(b.data, wanted);
}

static void test_values_of_every_kind_come_back(void **state)
{
	static const char line[] = "{\"s\":\"x\",\"n\":null,\"t\":true,\"f\":false,\"i\":-12,"
				   "\"r\":1.95,\"l\":[1,[],{}],\"m\":{\"z\":1,\"a\":2}}";
	auto_node struct node *n = parse(line);

	(void)state;
	expect_written(n, line);
	assert_true(node_get(n, "s")->quoted);
	assert_false(node_get(n, "t")->quoted);
	assert_int_equal(node_get_int(n, "i", 0), -12);
	assert_string_equal(node_get_text(n, "r", NULL), "1.95");
	assert_int_equal(n->items[1]->kind, NODE_NULL);
}

static void test_pretty_is_for_people(void **state)
{
	auto_node struct node *n = parse("{\"a\":[1,2],\"b\":{},\"c\":[],\"d\":{\"e\":null}}");
	auto_buf struct buf b;

	(void)state;
	buf_init(&b, MIB);
	jsonl_add_pretty(&b, n);
	assert_string_equal(b.data,
		"{\n"
		"  \"a\": [\n"
		"    1,\n"
		"    2\n"
		"  ],\n"
		"  \"b\": {},\n"
		"  \"c\": [],\n"
		"  \"d\": {\n"
		"    \"e\": null\n"
		"  }\n"
		"}\n");
}

/* What is bare must read back as the same text, or `channel: 1.10` would become 1.1 on its way. */
static void test_plain_text_is_bare_only_when_it_survives(void **state)
{
	static const struct {
		const char *text;
		const char *json;
	} cases[] = {
		{"0", "0"},
		{"-7", "-7"},
		{"1.95", "1.95"},
		{"0.1", "0.1"},
		{"1.0", "1.0"},
		{"9223372036854775807", "9223372036854775807"},
		{"true", "true"},
		{"9223372036854775808", "\"9223372036854775808\""},
		{"-0", "\"-0\""},
		{"1.10", "\"1.10\""},
		{"010", "\"010\""},
		{"1.95.0", "\"1.95.0\""},
		{"1e3", "\"1e3\""},
		{"1.", "\"1.\""},
		{".5", "\".5\""},
		{"+1", "\"+1\""},
		{"-", "\"-\""},
		{"1e", "\"1e\""},
		{"1e999", "\"1e999\""},
		{"True", "\"True\""},
		{"nan", "\"nan\""},
		{"0x10", "\"0x10\""},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		auto_node struct node *n = node_plain(cases[i].text);
		auto_node struct node *back = NULL;

		expect_written(n, cases[i].json);
		back = parse(cases[i].json);
		assert_string_equal(back->text, cases[i].text);
	}
}

static void test_quoted_text_is_never_bare(void **state)
{
	auto_node struct node *n = node_string("12");

	(void)state;
	expect_written(n, "\"12\"");
}

static void test_escapes_what_json_and_terminals_ask_for(void **state)
{
	(void)state;
	expect_escaped("", 0, "\"\"");
	expect_escaped("a\"b\\c", 5, "\"a\\\"b\\\\c\"");
	expect_escaped("\n\r\t\b\0\x1f\x7f", 7, "\"\\n\\r\\t\\u0008\\u0000\\u001f\\u007f\"");
	expect_escaped("\xc2\x80\xc2\x9b\xc2\x9f\xc2\xa0", 8, "\"\\u0080\\u009b\\u009f\xc2\xa0\"");
	expect_escaped("\xe2\x80\xa8\xe2\x80\xa9", 6, "\"\\u2028\\u2029\"");
	expect_escaped("\xe2\x80\xae\xe2\x81\xa6\xd8\x9c", 8, "\"\\u202e\\u2066\\u061c\"");
	expect_escaped("\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80", 9,
		"\"\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80\"");
}

static void test_what_is_not_utf8_becomes_visible(void **state)
{
	(void)state;
	expect_escaped("a\xff"
		       "b",
		3, "\"a\\\\xffb\"");
	expect_escaped("\xc3", 1, "\"\\\\xc3\"");
	expect_escaped("\xe2\x80", 2, "\"\\\\xe2\\\\x80\"");
	expect_escaped("\xed\xa0\x80", 3, "\"\\\\xed\\\\xa0\\\\x80\"");
}

/* Every byte at every place of a word, against what one byte alone gives. */
static void test_words_and_bytes_agree(void **state)
{
	(void)state;
	for (unsigned c = 0; c < 0x80; c++) {
		for (size_t at = 0; at < 17; at++) {
			char text[18] = "aaaaaaaaaaaaaaaaa", wanted[64];
			auto_buf struct buf one;

			buf_init(&one, 100);
			text[at] = (char)c;
			jsonl_add_escaped(&one, &text[at], 1);
			(void)snprintf(wanted, sizeof(wanted), "\"%.*s%s%.*s\"", (int)at,
				"aaaaaaaaaaaaaaaaa", one.data, (int)(16 - at), "aaaaaaaaaaaaaaaaa");
			expect_escaped(text, 17, wanted);
		}
	}
}

static void test_strings_survive_the_way_there_and_back(void **state)
{
	static const char text[] = "tab\t nl\n quote\" back\\ del\x7f csi\xc2\x9b sep\xe2\x80\xa8 "
				   "\xf0\x9f\x98\x80";
	auto_node struct node *n = node_string(text);
	auto_node struct node *back = NULL;
	auto_buf struct buf b;

	(void)state;
	buf_init(&b, MIB);
	jsonl_add(&b, n);
	back = parse(b.data);
	assert_string_equal(back->text, text);
}

static void test_refuses_what_is_not_json(void **state)
{
	(void)state;
	expect_refused("", 0, "t.json: is empty, a JSON value is needed");
	expect_refused(" \n", 2, "t.json: is empty, a JSON value is needed");
	expect_refused("\0", 1, "t.json:1:1: not valid JSON: invalid token near end of file");
	expect_refused("{} x", 4, "t.json:1:4: not valid JSON: end of file expected near 'x'");
	expect_refused("{\"a\":1,\n\"a\":2}", 14,
		"t.json:2:3: not valid JSON: duplicate object key near '\"a\"'");
	expect_refused("[01]", 4, "t.json:1:2: not valid JSON: invalid token near '0'");
	expect_refused("[\"\\u0000\"]", 10, "t.json:1:9: a NUL character is not allowed");
	expect_refused("[\"\xff\"]", 5,
		"t.json:1:2: not valid JSON: unable to decode byte 0xff near '\"'");
	expect_refused("[\"\\ud800\"]", 10,
		"t.json:1:9: not valid JSON: invalid Unicode '\\uD800' near '\"\\ud800\"'");
	expect_refused("[99999999999999999999]", 22,
		"t.json:1:21: not valid JSON: too big integer near '99999999999999999999'");
	expect_refused("[1", 2, "t.json:1:2: not valid JSON: ']' expected near end of file");
}

static void test_refuses_depth_and_count_before_parsing(void **state)
{
	auto_buf struct buf b;

	(void)state;
	buf_init(&b, 16 * MIB);
	for (int i = 0; i < LIMIT_NODE_DEPTH - 1; i++)
		buf_addc(&b, '[');
	for (int i = 0; i < LIMIT_NODE_DEPTH - 1; i++)
		buf_addc(&b, ']');
	node_free(parse(b.data));
	buf_clear(&b);
	for (int i = 0; i < LIMIT_NODE_DEPTH; i++)
		buf_addc(&b, '[');
	expect_refused(b.data, b.len, "t.json: nested deeper than 64 levels");
	buf_clear(&b);
	buf_addc(&b, '[');
	for (int i = 0; i < LIMIT_NODE_COUNT; i++)
		buf_adds(&b, "1,");
	expect_refused(b.data, b.len, "t.json: more than 100000 values");
	buf_clear(&b);
	buf_adds(&b, "[\"");
	while (b.len <= LIMIT_NODE_BYTES)
		buf_adds(&b, "[[[[,,,,{{{{[[[[");
	buf_adds(&b, "\"]");
	expect_refused(b.data, b.len, "t.json: larger than 8388608 bytes");
}

static void test_brackets_in_strings_do_not_count(void **state)
{
	auto_buf struct buf b;

	(void)state;
	buf_init(&b, MIB);
	buf_adds(&b, "[\"\\\"");
	for (int i = 0; i < 2000; i++)
		buf_adds(&b, "[{,");
	buf_adds(&b, "\"]");
	node_free(parse(b.data));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_values_of_every_kind_come_back),
		cmocka_unit_test(test_pretty_is_for_people),
		cmocka_unit_test(test_plain_text_is_bare_only_when_it_survives),
		cmocka_unit_test(test_quoted_text_is_never_bare),
		cmocka_unit_test(test_escapes_what_json_and_terminals_ask_for),
		cmocka_unit_test(test_what_is_not_utf8_becomes_visible),
		cmocka_unit_test(test_words_and_bytes_agree),
		cmocka_unit_test(test_strings_survive_the_way_there_and_back),
		cmocka_unit_test(test_refuses_what_is_not_json),
		cmocka_unit_test(test_refuses_depth_and_count_before_parsing),
		cmocka_unit_test(test_brackets_in_strings_do_not_count),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
