/* SPDX-License-Identifier: Apache-2.0 */
#include "expect.h"

#include "base/buf.h"
#include "base/limits.h"
#include "data/jsonl.h"
#include "data/schema.h"
#include "data/yamlfile.h"

static const char *const colours[] = {"red", "green", "blue", NULL};

static const struct param item_table[] = {
	{.name = "url", .type = PARAM_STRING, .required = true, .help = "where"},
	{.name = "tries", .type = PARAM_UINT, .preset = "3", .help = "how often"},
	{0},
};

static const struct param table[] = {
	{.name = "source", .type = PARAM_PATH, .help = "a path"},
	{.name = "title", .type = PARAM_STRING, .not_empty = true, .preset = "none", .help = "x"},
	{.name = "flag", .type = PARAM_BOOL, .preset = "true", .help = "x"},
	{.name = "cpus", .type = PARAM_UINT, .min = 1, .max = 16, .preset = "2", .help = "x"},
	{.name = "size",
		.type = PARAM_SIZE,
		.min = 1024,
		.max = GIB,
		.preset = "1MiB",
		.help = "x"},
	{.name = "timeout", .type = PARAM_DURATION, .preset = "90s", .help = "x"},
	{.name = "colour", .type = PARAM_ENUM, .choices = colours, .help = "x"},
	{.name = "words", .type = PARAM_STRINGS, .not_empty = true, .help = "x"},
	{.name = "env", .type = PARAM_STRING_MAP, .help = "x"},
	{.name = "any", .type = PARAM_NODE, .help = "x"},
	{.name = "plan", .type = PARAM_LIST, .help = "x"},
	{.name = "sub", .type = PARAM_MAP, .sub = item_table, .help = "x"},
	{.name = "items", .type = PARAM_MAPS, .sub = item_table, .help = "x"},
	{0},
};

static struct node *parse(const char *yaml)
{
	struct node *n = NULL;
	struct err e = {0};

	expect_ok(yamlfile_parse(yaml, strlen(yaml), "t.yaml", &n, &e), &e);
	return n;
}

static void expect_right(const char *yaml)
{
	auto_node struct node *n = parse(yaml);
	struct err e = {0};

	expect_ok(schema_check(table, n, "t.yaml", &e), &e);
}

static void expect_wrong(const char *yaml, const char *message)
{
	auto_node struct node *n = parse(yaml);
	struct err e = {0};

	expect_err(schema_check(table, n, "t.yaml", &e), &e, ERR_INPUT, message);
}

static void test_accepts_every_type(void **state)
{
	(void)state;
	expect_right("source: ~/x\ntitle: 1.95\nflag: False\ncpus: '4'\nsize: 16 MB\n"
		     "timeout: 1h30m\ncolour: red\nwords: [a, 1, true]\nenv: {A: 1, B: x}\n"
		     "any: [{x: 1}]\nplan: [{action: x}, 3]\nsub: {url: x}\n"
		     "items: [{url: x, tries: 1}, {url: y}]\n");
	expect_right("{}");
}

static void test_null_counts_as_absent(void **state)
{
	auto_node struct node *n = parse("title:\ncpus: ~\nwords: null\nsub:\n");
	struct err e = {0};

	(void)state;
	expect_ok(schema_check(table, n, "t.yaml", &e), &e);
	assert_string_equal(schema_text(table, n, "title"), "none");
	assert_int_equal(schema_uint(table, n, "cpus"), 2);
}

static void test_unknown_keys_name_the_nearest(void **state)
{
	(void)state;
	expect_wrong("flag: true\nsorce: x\n",
		"t.yaml:2:1: unknown key 'sorce', did you mean 'source'?");
	expect_wrong("zzzzzzzz: x\n", "t.yaml:1:1: unknown key 'zzzzzzzz'");
	expect_wrong("sub:\n  url: x\n  trys: 1\n",
		"t.yaml:3:3: unknown key 'trys', did you mean 'tries'?");
	expect_wrong("items:\n- url: x\n- url: y\n  ulr: z\n",
		"t.yaml:4:3: unknown key 'ulr', did you mean 'url'?");
	expect_wrong("\"a\\e[31m\\u202e\": x\n", "t.yaml:1:1: unknown key 'a\\x1b[31m\\u202e'");
}

static void test_missing_keys_are_named(void **state)
{
	(void)state;
	expect_wrong("sub: {tries: 1}\n", "t.yaml:1:6: missing key 'url'");
	expect_wrong("items:\n- url: x\n- tries: 2\n", "t.yaml:3:3: missing key 'url'");
	expect_wrong("sub:\n  url:\n", "t.yaml:2:3: 'url' has no value");
}

static void test_wrong_types_say_what_is_needed(void **state)
{
	(void)state;
	expect_wrong("source: [x]\n", "t.yaml:1:9: 'source' must be a path, not a list");
	expect_wrong("title: {a: b}\n", "t.yaml:1:8: 'title' must be a string, not a mapping");
	expect_wrong("plan: x\n", "t.yaml:1:7: 'plan' must be a list, not a string");
	expect_wrong("words: x\n", "t.yaml:1:8: 'words' must be a list of strings, not a string");
	expect_wrong("env: [x]\n", "t.yaml:1:6: 'env' must be a mapping of strings, not a list");
	expect_wrong("sub: []\n", "t.yaml:1:6: 'sub' must be a mapping, not a list");
	expect_wrong(
		"items: {}\n", "t.yaml:1:8: 'items' must be a list of mappings, not a mapping");
	expect_wrong("cpus: [1]\n", "t.yaml:1:7: 'cpus' must be a whole number, not a list");
	expect_wrong("flag: {}\n", "t.yaml:1:7: 'flag' must be true or false, not a mapping");
	expect_wrong("words: [a, [b]]\n",
		"t.yaml:1:12: each item of 'words' must be a string, not a list");
	expect_wrong("env: {A: 1, B: }\n",
		"t.yaml:1:16: each value of 'env' must be a string, not nothing");
	expect_wrong("items: [{url: x}, y]\n",
		"t.yaml:1:19: each item of 'items' must be a mapping, not a string");
}

static void test_bad_values_are_shown(void **state)
{
	(void)state;
	expect_wrong("flag: yes\n", "t.yaml:1:7: 'flag' must be true or false, not 'yes'");
	expect_wrong("cpus: many\n", "t.yaml:1:7: 'cpus': 'many' is not a whole number");
	expect_wrong("cpus: -1\n", "t.yaml:1:7: 'cpus': '-1' is not a whole number");
	expect_wrong("cpus: 17\n", "t.yaml:1:7: 'cpus' must be at most 16, not 17");
	expect_wrong("cpus: 0\n", "t.yaml:1:7: 'cpus' must be at least 1, not 0");
	expect_wrong("size: 2 XB\n",
		"t.yaml:1:7: 'size': '2 XB' is not a size; write for example 512MiB, 2G or 16 GB "
		"(G is 10^9, GiB 2^30)");
	expect_wrong("size: 1000\n", "t.yaml:1:7: 'size' must be at least 1.0 KiB, not 1000 B");
	expect_wrong("size: 2GiB\n", "t.yaml:1:7: 'size' must be at most 1.0 GiB, not 2.0 GiB");
	expect_wrong("timeout: soon\n",
		"t.yaml:1:10: 'timeout': 'soon' is not a duration; write for example 90s, 45m, 2h "
		"or 1h30m (366 days at most)");
	expect_wrong("timeout: 0\n",
		"t.yaml:1:10: 'timeout': '0' is not a duration; write for example 90s, 45m, 2h or "
		"1h30m (366 days at most)");
	expect_wrong("colour: gren\n",
		"t.yaml:1:9: 'colour' must be one of red, green, blue, not 'gren', did you mean "
		"'green'?");
	expect_wrong("colour: xxxxxxxx\n",
		"t.yaml:1:9: 'colour' must be one of red, green, blue, not 'xxxxxxxx'");
	expect_wrong(
		"cpus: \"\\e[31m\"\n", "t.yaml:1:7: 'cpus': '\\x1b[31m' is not a whole number");
}

static void test_empty_values_where_that_is_no_use(void **state)
{
	(void)state;
	expect_wrong("source: ''\n", "t.yaml:1:9: 'source' must not be empty");
	expect_wrong("title: ''\n", "t.yaml:1:8: 'title' must not be empty");
	expect_wrong("words: []\n", "t.yaml:1:8: 'words' must not be empty");
	expect_right("plan: []\n");
}

static void test_what_is_checked_must_be_a_mapping(void **state)
{
	(void)state;
	expect_wrong("[a]\n", "t.yaml:1:1: a mapping is needed here, not a list");
	expect_wrong("x\n", "t.yaml:1:1: a mapping is needed here, not a string");
	expect_wrong("\n", "t.yaml: a mapping is needed here, not nothing");
}

static void test_a_second_table_adds_keys(void **state)
{
	static const struct param common[] = {
		{.name = "action", .type = PARAM_STRING, .required = true, .help = "x"},
		{0},
	};
	auto_node struct node *right = parse("{action: x, url: y}");
	auto_node struct node *missing = parse("{url: y}");
	auto_node struct node *wrong = parse("{actoin: x, url: y}");
	struct err e = {0};

	(void)state;
	expect_ok(schema_check_both(item_table, common, right, "t.yaml", &e), &e);
	expect_err(schema_check_both(item_table, common, missing, "t.yaml", &e), &e, ERR_INPUT,
		"t.yaml:1:1: missing key 'action'");
	e = (struct err){0};
	expect_err(schema_check_both(item_table, common, wrong, "t.yaml", &e), &e, ERR_INPUT,
		"t.yaml:1:2: unknown key 'actoin', did you mean 'action'?");
}

static void test_values_come_from_the_file_or_the_preset(void **state)
{
	auto_node struct node *given = parse("{flag: false, cpus: 3, size: 2M, timeout: 2m}");
	auto_node struct node *none = parse("{}");

	(void)state;
	assert_false(schema_bool(table, given, "flag"));
	assert_int_equal(schema_uint(table, given, "cpus"), 3);
	assert_int_equal(schema_size(table, given, "size"), 2000000);
	assert_int_equal(schema_duration(table, given, "timeout"), 120000);
	assert_true(schema_bool(table, none, "flag"));
	assert_int_equal(schema_uint(table, none, "cpus"), 2);
	assert_int_equal(schema_size(table, none, "size"), MIB);
	assert_int_equal(schema_duration(table, none, "timeout"), 90000);
	assert_string_equal(schema_text(table, NULL, "title"), "none");
	assert_null(schema_text(table, none, "source"));
	assert_int_equal(schema_uint(item_table, none, "tries"), 3);
}

static void test_fill_gives_every_key_in_the_order_of_the_table(void **state)
{
	auto_node struct node *n =
		parse("{items: [{url: 12}], cpus: '3', title: 1.10, size: 4096}");
	auto_node struct node *filled = schema_fill(table, n);
	auto_buf struct buf b;

	(void)state;
	buf_init(&b, MIB);
	jsonl_add(&b, filled);
	assert_string_equal(b.data,
		"{\"source\":null,\"title\":\"1.10\",\"flag\":true,\"cpus\":3,\"size\":4096,"
		"\"timeout\":\"90s\",\"colour\":null,\"words\":null,\"env\":null,\"any\":null,"
		"\"plan\":null,\"sub\":{\"url\":null,\"tries\":3},"
		"\"items\":[{\"url\":\"12\",\"tries\":3}]}");
}

struct values {
	int not_of_a_row;
	char *path, *title, *absent;
	bool flag;
	uint64_t cpus, size;
	int64_t timeout;
	int colour;
	const struct node *env;
};

static const struct param stored[] = {
	{.name = "path", .type = PARAM_PATH, .offset = offsetof(struct values, path)},
	{.name = "title",
		.type = PARAM_STRING,
		.preset = "none",
		.offset = offsetof(struct values, title)},
	{.name = "absent", .type = PARAM_STRING, .offset = offsetof(struct values, absent)},
	{.name = "flag", .type = PARAM_BOOL, .offset = offsetof(struct values, flag)},
	{.name = "cpus",
		.type = PARAM_UINT,
		.preset = "2",
		.offset = offsetof(struct values, cpus)},
	{.name = "size", .type = PARAM_SIZE, .offset = offsetof(struct values, size)},
	{.name = "timeout", .type = PARAM_DURATION, .offset = offsetof(struct values, timeout)},
	{.name = "colour",
		.type = PARAM_ENUM,
		.choices = colours,
		.offset = offsetof(struct values, colour)},
	{.name = "env", .type = PARAM_STRING_MAP, .offset = offsetof(struct values, env)},
	{.name = "words", .type = PARAM_STRINGS},
	{0},
};

static void test_values_go_where_the_rows_say(void **state)
{
	auto_node struct node *n =
		parse("{path: /a, flag: true, size: 2KiB, timeout: 2s, colour: blue, "
		      "env: {A: b}, words: [c]}");
	struct values v = {.not_of_a_row = 7};

	(void)state;
	schema_load(stored, n, &v);
	assert_string_equal(v.path, "/a");
	assert_string_equal(v.title, "none");
	assert_null(v.absent);
	assert_true(v.flag);
	assert_int_equal(v.cpus, 2);
	assert_int_equal(v.size, 2048);
	assert_int_equal(v.timeout, 2000);
	assert_int_equal(v.colour, 2);
	assert_ptr_equal(v.env, node_get(n, "env"));
	assert_int_equal(v.not_of_a_row, 7);
	schema_release(stored, &v);
	assert_true(!v.path && !v.title);
}

static void test_types_have_names_for_people(void **state)
{
	auto_buf struct buf b;

	(void)state;
	buf_init(&b, MIB);
	for (const struct param *row = table; row->name; row++) {
		schema_add_type(&b, row);
		buf_addc(&b, '\n');
	}
	assert_string_equal(b.data,
		"a path\na string\ntrue or false\na whole number\na size\n"
		"a duration\none of red, green, blue\na list of strings\n"
		"a mapping of strings\nany value\na list\na mapping\n"
		"a list of mappings\n");
}

static void test_find_knows_the_rows(void **state)
{
	(void)state;
	assert_ptr_equal(schema_find(table, "flag"), &table[2]);
	assert_null(schema_find(table, "nothing"));
	assert_null(schema_find(NULL, "nothing"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_accepts_every_type),
		cmocka_unit_test(test_null_counts_as_absent),
		cmocka_unit_test(test_unknown_keys_name_the_nearest),
		cmocka_unit_test(test_missing_keys_are_named),
		cmocka_unit_test(test_wrong_types_say_what_is_needed),
		cmocka_unit_test(test_bad_values_are_shown),
		cmocka_unit_test(test_empty_values_where_that_is_no_use),
		cmocka_unit_test(test_what_is_checked_must_be_a_mapping),
		cmocka_unit_test(test_a_second_table_adds_keys),
		cmocka_unit_test(test_values_come_from_the_file_or_the_preset),
		cmocka_unit_test(test_fill_gives_every_key_in_the_order_of_the_table),
		cmocka_unit_test(test_values_go_where_the_rows_say),
		cmocka_unit_test(test_types_have_names_for_people),
		cmocka_unit_test(test_find_knows_the_rows),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
