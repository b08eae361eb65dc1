/* SPDX-License-Identifier: Apache-2.0 */
#include "expect.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/limits.h"
#include "data/jsonl.h"
#include "data/limits.h"
#include "data/yamlfile.h"

static struct node *parse(const char *text)
{
	struct node *n = NULL;
	struct err e = {0};

	expect_ok(yamlfile_parse(text, strlen(text), "t.yaml", &n, &e), &e);
	return n;
}

/* The same tree as compact JSON. */
static void expect_reads(const char *text, const char *json)
{
	auto_node struct node *n = parse(text);
	auto_buf struct buf b;

	buf_init(&b, MIB);
	jsonl_add(&b, n);
	assert_string_equal(b.data, json);
}

static void expect_refused_bytes(const char *text, size_t len, const char *message)
{
	struct node *n = NULL;
	struct err e = {0};

	expect_err(yamlfile_parse(text, len, "t.yaml", &n, &e), &e, ERR_INPUT, message);
	assert_null(n);
}

static void expect_refused(const char *text, const char *message)
{
	expect_refused_bytes(text, strlen(text), message);
}

/* ---- what is read ---- */

static void test_reads_maps_lists_and_scalars(void **state)
{
	(void)state;
	expect_reads("a: x\nb: [1, two]\nc:\n  d: |\n    one\n    two\n",
		"{\"a\":\"x\",\"b\":[1,\"two\"],\"c\":{\"d\":\"one\\ntwo\\n\"}}");
	expect_reads("plan: []\n", "{\"plan\":[]}");
}

static void test_scalars_keep_their_text_and_quotes(void **state)
{
	auto_node struct node *n = parse("a: 1.95.0\nb: \"1.95\"\nc: 1.10\nd: 'x'\ne: yes\n");

	(void)state;
	assert_string_equal(node_get_text(n, "a", NULL), "1.95.0");
	assert_string_equal(node_get_text(n, "b", NULL), "1.95");
	assert_string_equal(node_get_text(n, "c", NULL), "1.10");
	assert_string_equal(node_get_text(n, "e", NULL), "yes");
	assert_false(node_get(n, "a")->quoted);
	assert_true(node_get(n, "b")->quoted);
	assert_true(node_get(n, "d")->quoted);
}

static void test_null_is_a_plain_word(void **state)
{
	(void)state;
	expect_reads("{a: , b: ~, c: null, d: NULL, e: \"\", f: \"null\", g: nULL}",
		"{\"a\":null,\"b\":null,\"c\":null,\"d\":null,\"e\":\"\",\"f\":\"null\","
		"\"g\":\"nULL\"}");
}

static void test_nodes_know_their_places(void **state)
{
	auto_node struct node *n = parse("# comment\nkey: value\n\xc3\xa4: [x,\n  y]\n");
	const struct node *list = node_get(n, "\xc3\xa4");

	(void)state;
	assert_int_equal(n->line, 2);
	assert_int_equal(n->items[0]->key_line, 2);
	assert_int_equal(n->items[0]->key_column, 1);
	assert_int_equal(n->items[0]->line, 2);
	assert_int_equal(n->items[0]->column, 6);
	assert_int_equal(list->column, 4);
	assert_int_equal(list->items[1]->line, 4);
	assert_int_equal(list->items[1]->column, 3);
}

/* Where the character of this line and column of the text is; 0: that cannot be known. */
static void expect_place(const char *yaml, int line, int column, int file_line, int file_column)
{
	auto_node struct node *n = parse(yaml);
	const struct node *text = node_get(n, "k");
	bool known = node_text_position(text, line, column, &line, &column);

	assert_int_equal(known, file_line > 0);
	assert_int_equal(line, known ? file_line : text->line);
	assert_int_equal(column, known ? file_column : text->column);
}

static void test_texts_know_their_lines(void **state)
{
	(void)state;
	expect_place("k: a b", 1, 3, 1, 6);
	expect_place("k: '\xc3\xa4 b'", 1, 3, 1, 7);
	expect_place("x: 1\nk: \"a\"", 1, 1, 2, 5);
	expect_place("k: |\n  one\n\n  two\n", 3, 2, 4, 4);
	expect_place("k: |\r\n  one\r\n  two\r\n", 2, 1, 3, 3);
	expect_place("k: |+1\n\n   one\n two\n\n", 2, 3, 3, 4);
	expect_place("\xef\xbb\xbfk: |-\n  one", 1, 1, 2, 3);
	expect_place("a:\n- |\n  x\nk: |\n  y", 1, 1, 5, 3);
	expect_place("k: |\n  x", 1, 1, 2, 3);
}

static void test_texts_that_were_folded_do_not(void **state)
{
	(void)state;
	expect_place("k: >\n  one\n  two\n", 1, 1, 0, 0);
	expect_place("k: one\n  two\n", 1, 1, 0, 0);
	expect_place("k: \"\\x61b\"", 1, 2, 0, 0);
	expect_place("k: \"a\\nb\"", 2, 1, 0, 0);
	expect_place("k: 'it''s'", 1, 5, 0, 0);
	expect_place("k: &a word", 1, 1, 0, 0);
	expect_place("k: |\n\n\n", 1, 1, 0, 0);
	/* What libyaml takes for the end of a line, and others do not. */
	expect_place("x: |\n  \xe2\x80\xa8  b\nk: |\n  one\n", 1, 1, 0, 0);
}

static void test_empty_documents_are_null(void **state)
{
	static const char *const texts[] = {
		"", "\n\n", "# only a comment\n", "---\n", "---\n...\n"};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		auto_node struct node *n = parse(texts[i]);

		assert_int_equal(n->kind, NODE_NULL);
	}
}

static void test_aliases_are_copies(void **state)
{
	(void)state;
	expect_reads("a: &x {k: [1]}\nb: *x\nc: *x\n",
		"{\"a\":{\"k\":[1]},\"b\":{\"k\":[1]},\"c\":{\"k\":[1]}}");
	expect_reads("[&x one, *x, &x two, *x]", "[\"one\",\"one\",\"two\",\"two\"]");
}

static void test_merge_keys_are_refused(void **state)
{
	(void)state;
	expect_refused("a: &x {k: 1}\nb: {<<: *x}\n",
		"t.yaml:2:5: merge keys (<<) are not supported; write out what is meant");
	expect_reads("{'<<': <<}", "{\"<<\":\"<<\"}");
}

static void test_a_byte_order_mark_is_passed_over(void **state)
{
	(void)state;
	expect_reads("\xef\xbb\xbf"
		     "a: 1\nb: 2\n",
		"{\"a\":1,\"b\":2}");
	expect_reads("\xef\xbb\xbf", "null");
}

static void test_core_tags_are_read(void **state)
{
	(void)state;
	expect_reads("{a: !!str 12, b: !!int 12, c: ! 12, d: !!seq [1], e: !!map {}, f: !!null ''}",
		"{\"a\":\"12\",\"b\":12,\"c\":\"12\",\"d\":[1],\"e\":{},\"f\":null}");
}

/* ---- what is refused ---- */

static void test_refuses_bad_syntax_with_its_place(void **state)
{
	(void)state;
	expect_refused("a: [1\nb: 2\n",
		"t.yaml:2:2: not valid YAML: while parsing a flow sequence, did not find expected "
		"',' or ']'");
	expect_refused("a: b: c\n",
		"t.yaml:1:5: not valid YAML: mapping values are not allowed in this context");
	expect_refused("a:\n\t- b\n",
		"t.yaml:2:1: not valid YAML: while scanning for the next token, found character "
		"that cannot start any token");
	expect_refused("a: \x01\n",
		"t.yaml: not valid YAML: control characters are not allowed (at byte 3)");
}

static void test_refuses_a_key_that_is_there_twice(void **state)
{
	(void)state;
	expect_refused("projects:\n  one: {}\n  two: {}\n  one: {}\n",
		"t.yaml:4:3: the key 'one' is here a second time, the first is in line 2");
	expect_refused("{a: 1, \"a\": 2}",
		"t.yaml:1:8: the key 'a' is here a second time, the first is in line 1");
}

static void test_refuses_what_is_not_utf8(void **state)
{
	(void)state;
	expect_refused("a: b\nc: d\xff\n", "t.yaml:2:5: not UTF-8: byte 0xff");
	expect_refused("a: \xc3", "t.yaml:1:4: not UTF-8: byte 0xc3");
	expect_refused("\xff\xfe"
		       "a",
		"t.yaml:1:1: not UTF-8: byte 0xff");
}

static void test_refuses_nul_characters(void **state)
{
	(void)state;
	expect_refused("a: \"x\\0y\"\n", "t.yaml:1:4: a NUL character is not allowed");
	expect_refused("\"x\\0y\": 1\n", "t.yaml:1:1: a NUL character is not allowed");
	expect_refused_bytes("a: \0\n", 5,
		"t.yaml: not valid YAML: control characters are not allowed (at byte 3)");
}

static void test_refuses_keys_that_are_no_words(void **state)
{
	(void)state;
	expect_refused("? [a]\n: 1\n", "t.yaml:1:3: a key must be a word or a string, not a list");
	expect_refused(
		"? {a: b}\n: 1\n", "t.yaml:1:3: a key must be a word or a string, not a mapping");
	expect_refused(
		"a: &x y\n*x : 1\n", "t.yaml:2:1: a key must be a word or a string, not an alias");
	expect_refused("\"\": 1\n", "t.yaml:1:1: a key must not be empty");
	expect_refused("&k a: 1\n", "t.yaml:1:1: an anchor on a key is not supported");
}

static void test_refuses_foreign_tags(void **state)
{
	(void)state;
	expect_refused("a: !!python/object:os.system x\n",
		"t.yaml:1:4: the tag 'tag:yaml.org,2002:python/object:os.system' is not supported "
		"here");
	expect_refused("a: !mine {}\n", "t.yaml:1:4: the tag '!mine' is not supported here");
	expect_refused("a: !!seq x\n",
		"t.yaml:1:4: the tag 'tag:yaml.org,2002:seq' is not supported here");
	expect_refused("!!int a: 1\nb: !!binary eA==\n",
		"t.yaml:2:4: the tag 'tag:yaml.org,2002:binary' is not supported here");
}

static void test_refuses_a_second_document(void **state)
{
	(void)state;
	expect_refused("a: 1\n---\nb: 2\n",
		"t.yaml:2:1: a second document begins here; one document is needed");
}

static void test_refuses_aliases_without_and_within_their_anchor(void **state)
{
	(void)state;
	expect_refused("a: *x\n", "t.yaml:1:4: the alias '*x' has no anchor");
	expect_refused("a: &x [1, *x]\n", "t.yaml:1:11: the alias '*x' contains itself");
}

/* Nine levels of ten aliases each: a thousand million values, were they copied. */
static void test_aliases_that_multiply_end_early(void **state)
{
	auto_buf struct buf b;

	(void)state;
	buf_init(&b, MIB);
	buf_adds(&b, "l0: &l0 [x,x,x,x,x,x,x,x,x,x]\n");
	for (int i = 1; i < 10; i++) {
		buf_addf(&b, "l%d: &l%d [*l%d", i, i, i - 1);
		for (int j = 1; j < 10; j++)
			buf_addf(&b, ",*l%d", i - 1);
		buf_adds(&b, "]\n");
	}
	expect_refused(b.data, "t.yaml:5:38: more than 100000 values, aliases included");
}

static void test_aliases_to_long_text_end_early(void **state)
{
	auto_buf struct buf b;

	(void)state;
	buf_init(&b, MIB);
	buf_adds(&b, "a: &a ");
	while (b.len < 512 * KIB)
		buf_adds(&b, "0123456789abcdef");
	buf_adds(&b, "\nb: [*a");
	for (int i = 0; i < 1000; i++)
		buf_adds(&b, ",*a");
	buf_adds(&b, "]\n");
	expect_refused(b.data, "t.yaml:2:47: more than 8388608 bytes of text, aliases included");
}

static void test_refuses_depth(void **state)
{
	auto_buf struct buf b;

	(void)state;
	buf_init(&b, MIB);
	for (int i = 0; i < LIMIT_NODE_DEPTH; i++)
		buf_addc(&b, '[');
	for (int i = 0; i < LIMIT_NODE_DEPTH; i++)
		buf_addc(&b, ']');
	node_free(parse(b.data));
	buf_clear(&b);
	for (int i = 0; i < 100000; i++)
		buf_addc(&b, '[');
	expect_refused(b.data, "t.yaml:1:65: nested deeper than 64 levels");
	buf_clear(&b);
	buf_adds(&b,
		"x: &x [[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]\n"
		"y: [[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[*x]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]\n");
	expect_refused(b.data, "t.yaml:2:36: nested deeper than 64 levels");
}

static void test_refuses_count_and_anchors_and_size(void **state)
{
	auto_buf struct buf b;

	(void)state;
	buf_init(&b, 11 * MIB);
	for (int i = 0; i < LIMIT_NODE_COUNT; i++)
		buf_adds(&b, "- 1\n");
	expect_refused(b.data, "t.yaml:100000:3: more than 100000 values, aliases included");
	buf_clear(&b);
	for (int i = 0; i <= LIMIT_YAML_ANCHORS; i++)
		buf_addf(&b, "- &a%d x\n", i);
	expect_refused(b.data, "t.yaml:1001:3: more than 1000 anchors");
	buf_clear(&b);
	while (b.len < 10 * MIB)
		buf_adds(&b, "- 0123456789\n");
	expect_refused(b.data, "t.yaml: larger than 1048576 bytes");
}

/* ---- files ---- */

static void expect_file_refused(const char *path, const char *what)
{
	auto_free char *message = mem_printf("%s: %s", path, what);
	struct node *n = NULL;
	struct err e = {0};

	expect_err(yamlfile_read(path, &n, &e), &e, ERR_INPUT, message);
}

static void test_refuses_what_is_no_readable_file(void **state)
{
	auto_dir char *dir = expect_dir();
	auto_free char *missing = path_join(dir, "missing.yaml");
	auto_free char *fifo = path_join(dir, "fifo.yaml");
	auto_free char *below = path_join(missing, "x.yaml");

	(void)state;
	expect_file_refused(missing, "No such file or directory");
	expect_file_refused(below, "No such file or directory");
	expect_file_refused(dir, "is a directory, a file is needed");
	assert_int_equal(mkfifo(fifo, 0600), 0);
	expect_file_refused(fifo, "not a regular file");
	expect_file_refused("/dev/zero", "not a regular file");
}

static void test_refuses_a_file_that_may_not_be_read(void **state)
{
	auto_dir char *dir = expect_dir();
	auto_free char *path = expect_file(dir, "secret.yaml", "a: 1\n");

	(void)state;
	assert_int_equal(chmod(dir, 0755), 0);
	assert_int_equal(chmod(path, 0), 0);
	/* root reads everything, so root asks as somebody else */
	if (geteuid() == 0)
		assert_int_equal(seteuid(65534), 0);
	expect_file_refused(path, "Permission denied");
	if (getuid() == 0)
		assert_int_equal(seteuid(0), 0);
}

static void test_refuses_a_large_file(void **state)
{
	auto_dir char *dir = expect_dir();
	auto_free char *path = expect_file(dir, "large.yaml", "");

	(void)state;
	assert_int_equal(truncate(path, 10 * (off_t)MIB), 0);
	expect_file_refused(path, "larger than 1048576 bytes");
}

static void test_reads_from_a_descriptor(void **state)
{
	auto_dir char *dir = expect_dir();
	auto_free char *path = expect_file(dir, "a.yaml", "a: 1\n");
	auto_fd int fd = open(path, O_RDONLY | O_CLOEXEC);
	auto_node struct node *n = NULL;
	struct err e = {0};

	(void)state;
	expect_ok(yamlfile_read_fd(fd, "name", &n, &e), &e);
	assert_int_equal(node_get_int(n, "a", 0), 1);
}

/* ---- writing ---- */

static void expect_survives(const struct node *n)
{
	auto_buf struct buf b;
	auto_node struct node *back = NULL;
	struct err e = {0};

	buf_init(&b, MIB);
	yamlfile_add(&b, n);
	expect_ok(yamlfile_parse(b.data, b.len, "written", &back, &e), &e);
	if (!node_equal(n, back))
		fail_msg("read back as another tree:\n%s", b.data);
}

static void test_writes_for_people(void **state)
{
	auto_node struct node *n =
		parse("{name: x, shell: \"one\\ntwo\\n\", count: 12, flag: true, "
		      "s: \"12\", u: \"true\", l: [a, {b: c}], e: [], z: ~}");
	auto_buf struct buf b;

	(void)state;
	buf_init(&b, MIB);
	yamlfile_add(&b, n);
	assert_string_equal(b.data,
		"name: x\n"
		"shell: |\n"
		"  one\n"
		"  two\n"
		"count: 12\n"
		"flag: true\n"
		"s: \"12\"\n"
		"u: \"true\"\n"
		"l:\n"
		"- a\n"
		"- b: c\n"
		"e: []\n"
		"z: null\n");
}

static void test_what_is_written_reads_back_the_same(void **state)
{
	static const char *const texts[] = {"", " ", "x", " x", "x ", "\n", "\n\n", "x\n", "\nx",
		"x\n\n", " x\ny", "x\n y\n", "x \ny\n", "x\ty", "\t", "# x", "a: b", "- a", "[a",
		"{", "&a", "*a", "!x", "%x", "@x", "`x", "---", "...", "null", "~", "true", "yes",
		"1", "1.5", "0x1", "'", "\"", "\\", "x\x7fy", "x\rz", "\r\n", "\xc2\x85",
		"\xc2\x9b", "\xc3\xa4", "\xe2\x80\xa8",
		"\xe2\x80\xae"
		"evil",
		"\xef\xbb\xbf", "\xef\xbf\xbe", "\xf0\x9f\x98\x80", "a\x1b[31mb",
		"a long line that goes on and on, beyond the eighty columns where emitters like to "
		"fold, "
		"and a bit further still"};
	auto_node struct node *map = node_map();

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		auto_node struct node *alone = node_string(texts[i]);

		/* a string that goes without quotes comes back as a plain one */
		if (strcmp(texts[i], "x") != 0)
			expect_survives(alone);
		node_set_string(node_set_map(map, *texts[i] ? texts[i] : "empty"), "k", texts[i]);
	}
	node_remove(map, "x");
	expect_survives(map);
}

static void test_harmless_for_a_terminal_when_written(void **state)
{
	auto_node struct node *n = node_map();
	auto_buf struct buf b;

	(void)state;
	buf_init(&b, MIB);
	node_set_string(n, "a", "x\xe2\x80\xae\x1b[0m \xc3\xa4");
	yamlfile_add(&b, n);
	assert_string_equal(b.data, "a: \"x\\u202E\\e[0m \\xE4\"\n");
	buf_clear(&b);
	node_set_string(n, "a", "nur \xc3\xa4");
	yamlfile_add(&b, n);
	assert_string_equal(b.data, "a: \"nur \xc3\xa4\"\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_reads_maps_lists_and_scalars),
		cmocka_unit_test(test_scalars_keep_their_text_and_quotes),
		cmocka_unit_test(test_null_is_a_plain_word),
		cmocka_unit_test(test_nodes_know_their_places),
		cmocka_unit_test(test_texts_know_their_lines),
		cmocka_unit_test(test_texts_that_were_folded_do_not),
		cmocka_unit_test(test_empty_documents_are_null),
		cmocka_unit_test(test_aliases_are_copies),
		cmocka_unit_test(test_merge_keys_are_refused),
		cmocka_unit_test(test_a_byte_order_mark_is_passed_over),
		cmocka_unit_test(test_core_tags_are_read),
		cmocka_unit_test(test_refuses_bad_syntax_with_its_place),
		cmocka_unit_test(test_refuses_a_key_that_is_there_twice),
		cmocka_unit_test(test_refuses_what_is_not_utf8),
		cmocka_unit_test(test_refuses_nul_characters),
		cmocka_unit_test(test_refuses_keys_that_are_no_words),
		cmocka_unit_test(test_refuses_foreign_tags),
		cmocka_unit_test(test_refuses_a_second_document),
		cmocka_unit_test(test_refuses_aliases_without_and_within_their_anchor),
		cmocka_unit_test(test_aliases_that_multiply_end_early),
		cmocka_unit_test(test_aliases_to_long_text_end_early),
		cmocka_unit_test(test_refuses_depth),
		cmocka_unit_test(test_refuses_count_and_anchors_and_size),
		cmocka_unit_test(test_refuses_what_is_no_readable_file),
		cmocka_unit_test(test_refuses_a_file_that_may_not_be_read),
		cmocka_unit_test(test_refuses_a_large_file),
		cmocka_unit_test(test_reads_from_a_descriptor),
		cmocka_unit_test(test_writes_for_people),
		cmocka_unit_test(test_what_is_written_reads_back_the_same),
		cmocka_unit_test(test_harmless_for_a_terminal_when_written),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
