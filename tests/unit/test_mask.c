/* SPDX-License-Identifier: Apache-2.0 */
#include "expect.h"

#include "base/base64.h"
#include "secrets/mask.h"

#define SECRET "hunter2/K\"ey+0 1"
#define KEY                                                                                        \
	"-----BEGIN "                                                                              \
	"KEY-----\nMIIEvQIBADANBgkqhkiG9w0BAQEFAASC\nBKcwggSjAgEAAoIBAQC7VJTUt9Us8cKj\n"           \
	"Ag==\nx\n-----END KEY-----\n"

struct fixture {
	struct mask *mask;
	struct mask_stream *stream;
	struct buf out;
	struct mask_sink sink;
};

static void collect(void *arg, const char *data, size_t len)
{
	buf_add(arg, data, len);
}

static void setup(struct fixture *f, const char *const *secrets)
{
	*f = (struct fixture){.mask = mask_new()};
	for (; *secrets; secrets++)
		mask_add(f->mask, *secrets, strlen(*secrets));
	mask_ready(f->mask);
	f->stream = mask_stream_new(f->mask);
	buf_init(&f->out, 1 << 24);
	f->sink = (struct mask_sink){collect, &f->out};
}

static void teardown(struct fixture *f)
{
	mask_stream_free(f->stream);
	mask_free(f->mask);
	buf_release(&f->out);
}

static void write_text(struct fixture *f, const char *text)
{
	mask_write(f->stream, text, strlen(text), &f->sink);
}

/* What is out by now; it is forgotten. */
static void expect_out(struct fixture *f, const char *wanted)
{
	assert_string_equal(f->out.data, wanted);
	buf_clear(&f->out);
}

static void expect_masked(const char *secret, const char *text, const char *wanted)
{
	struct fixture f;

	setup(&f, (const char *[]){secret, NULL});
	write_text(&f, text);
	mask_end(f.stream, &f.sink);
	expect_out(&f, wanted);
	/* Whatever the reads are, the same comes out. */
	for (const char *p = text; *p; p++)
		mask_write(f.stream, p, 1, &f.sink);
	mask_end(f.stream, &f.sink);
	expect_out(&f, wanted);
	teardown(&f);
}

static void test_a_value_is_covered_and_nothing_else(void **state)
{
	(void)state;
	expect_masked("hunter2", "a hunter2 b hunter3 hunter", "a *** b hunter3 hunter");
	expect_masked("hunter2", "hunter2", "***");
	expect_masked("hunter2", "hhunthunter2hunter2", "hhunt***");
	expect_masked("aaaa", "aaaaaaaab", "***b");
	expect_masked("hunter2", "", "");
}

static void test_white_space_around_a_value_is_no_part_of_it(void **state)
{
	(void)state;
	expect_masked("hunter2\n", "[hunter2]", "[***]");
	assert_true(mask_can("abcd\n", 5));
	assert_false(mask_can("abc\n", 4));
	assert_false(mask_can(" \n\n\t   ", 7));
}

static void test_each_line_of_a_value_is_covered(void **state)
{
	(void)state;
	expect_masked(KEY, "1 BKcwggSjAgEAAoIBAQC7VJTUt9Us8cKj 2", "1 *** 2");
	expect_masked(KEY, "1\n" KEY "2\n", "1\n***\n2\n");
	expect_masked("first line\r\n  second\r\n", "second first line", "*** ***");
}

static void test_lines_that_many_keys_have_are_not_covered(void **state)
{
	(void)state;
	expect_masked(KEY, "-----BEGIN KEY----- Ag== -----END KEY-----",
		"-----BEGIN KEY----- Ag== -----END KEY-----");
	expect_masked("-----BEGIN K-----\nProc-Type: 4,ENCRYPTED\n\nMIIEvQIBADAN\nhQAB\n-----END K",
		"Proc-Type: 4,ENCRYPTED hQAB MIIEvQIBADAN", "Proc-Type: 4,ENCRYPTED hQAB ***");
	/* Elsewhere a line is a secret, however short. */
	expect_masked("one: two\n4711\nAg==\n", "one: two 4711 Ag==", "*** *** Ag==");
	expect_masked("-----BEGIN KEY-----\n", "-----BEGIN KEY-----", "***");
	expect_masked("Ag==\n", "Ag==", "***");
}

static void test_counts_short_lines_that_are_covered(void **state)
{
	(void)state;
	assert_int_equal(mask_count_short("allowed\nCONNECT\r\nand a long line\nabc\n", 38), 2);
	assert_int_equal(mask_count_short("allowed\n", 8), 0);
	assert_int_equal(mask_count_short(KEY, strlen(KEY)), 0);
}

/* What is seen of a text is what the mask looks at: colours and returns are not. */
static void test_colours_in_a_secret_do_not_hide_it(void **state)
{
	(void)state;
	expect_masked("hunter2", "a hun\033[01;31m\033[Kter\033[m\033[K2 b", "a *** b");
	expect_masked(
		"hunter2", "\033[1mh\033[0m\033[38;2;255;128;0mu\033(Bn\033=ter2", "\033[1m***");
	expect_masked("hunter2", "hun\r\r\nter2 hun\rter2", "hun\r\r\nter2 ***");
	expect_masked("ab\ncd", "ab\r\ncd", "***");
	expect_masked("ab\r\ncd", "ab\ncd ab\r\ncd", "*** ***");
	expect_masked("hun\033[1mter2", "hunter2 hun\033[1mter2", "*** ***");
	expect_masked("hunter2", "hunt\033]8;;http://x\033\\er2\033]8;;\a", "***\033]8;;\a");
	expect_masked(SECRET, "hunter2%\033[7m2F\033[mK%22ey%2B0%201", "***");
	expect_masked("hunter2hunter2!", "aHVud\033[7mGVyMmh1bnRlcjIh", "***");
	expect_masked("hunter2", "6875\033[7m6e74657\033[m232", "***");
}

static void test_a_secret_in_a_sequence_or_behind_half_of_one_is_found(void **state)
{
	(void)state;
	expect_masked("hunter2", "\033]0;curl -u x:hunter2\a", "\033]0;curl -u x:***\a");
	expect_masked("hunter2", "\033[hunter2", "\033[***");
	expect_masked("31mabc", "\033[31mabc \03331mabc", "\033[*** \033***");
	expect_masked("hunter2", "\033P1hunter2 \033", "\033P1*** \033");
}

static void test_many_colours_between_two_letters_do_not_hide_a_secret(void **state)
{
	enum { TIMES = 200000 };
	struct fixture f;

	(void)state;
	setup(&f, (const char *[]){"hunter2-and-more", NULL});
	write_text(&f, "hunter");
	for (int i = 0; i < TIMES; i++)
		write_text(&f, "\033[m");
	write_text(&f, "2-and-more");
	mask_end(f.stream, &f.sink);
	assert_null(strstr(f.out.data, "hunter"));
	teardown(&f);
}

static void test_url_escapes_are_read(void **state)
{
	(void)state;
	expect_masked(SECRET, "?k=hunter2%2FK%22ey%2B0%201&b", "?k=***&b");
	expect_masked(SECRET, "?k=hunter2%2fK%22ey%2b0%201&b", "?k=***&b");
	expect_masked(SECRET, "?k=hunter2/K%22ey%2B0+1&b", "?k=***&b");
	expect_masked(SECRET, "%68%75%6e%74%65%72%32%2f%4b%22%65%79%2b%30%20%31%", "***%");
	expect_masked("a%41b%4", "a%41b%4", "***");
}

static void test_escapes_of_json_and_shells_are_read(void **state)
{
	(void)state;
	expect_masked(SECRET, "{\"k\":\"hunter2/K\\\"ey+0 1\"}", "{\"k\":\"***\"}");
	expect_masked(SECRET, "hunter2\\/K\\u0022ey\\u002B0 1", "***");
	expect_masked(SECRET, "hunter2/K\\\"ey+0\\ 1", "***");
	expect_masked("p\xc3\xa4ss\xf0\x9f\x98\x80", "\"p\\u00e4ss\\ud83d\\ude00\"", "\"***\"");
	expect_masked(
		"p\xc3\xa4ss\xf0\x9f\x98\x80", "$'p\\303\\244ss\\360\\237\\230\\200'", "$'***'");
	expect_masked("p\xc3\xa4ss", "b'p\\xc3\\xa4ss'", "b'***'");
	expect_masked("one\ntwo", "\"one\\ntwo\"", "\"***\"");
	expect_masked("p\xc3\xa4ss", "\\ud83d \\ud8 \\x4 \\3 \\", "\\ud83d \\ud8 \\x4 \\3 \\");
}

/* Reference: what base64 of `before`, the secret and `after` looks like. */
static void expect_base64_masked(const char *before, const char *after, bool url)
{
	auto_free char *text = mem_printf("%s%s%s", before, SECRET, after);
	struct buf encoded;
	struct fixture f;

	buf_init(&encoded, 1000);
	base64_add(&encoded, text, strlen(text));
	for (char *p = encoded.data; url && *p; p++)
		*p = *p == '+' ? '-' : *p == '/' ? '_' : *p;
	setup(&f, (const char *[]){SECRET, NULL});
	write_text(&f, encoded.data);
	mask_end(f.stream, &f.sink);
	/* At most the digits that mix bits of the secret with others are left. */
	assert_non_null(strstr(f.out.data, "***"));
	assert_in_range(strlen(f.out.data), 3,
		3 + (strlen(before) * 4 + 2) / 3 + (strlen(after) * 4 + 2) / 3 + 4);
	teardown(&f);
	buf_release(&encoded);
}

static void test_base64_is_read_at_every_place(void **state)
{
	static const char *const around[] = {"", "a", "ab", "abc", "\xff\xfe\xfd\xfc"};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(around); i++) {
		for (size_t k = 0; k < ARRAY_SIZE(around); k++) {
			expect_base64_masked(around[i], around[k], false);
			expect_base64_masked(around[i], around[k], true);
		}
	}
}

static void test_base64_is_read_over_the_ends_of_lines(void **state)
{
	(void)state;
	expect_masked("hunter2hunter2!", "aHVudGVyMmh1bnRlcjIh", "***");
	expect_masked("hunter2hunter2!", "aHVudG\nVyMmh1\n    bnRlcjIh\n", "***\n");
	expect_masked("hunter2hunter2!", "aHVudG|VyMmh1bnRlcjIh", "aHVudG|VyMmh1bnRlcjIh");
}

static void test_hexadecimal_is_read(void **state)
{
	(void)state;
	expect_masked("hunter2", "68756e74657232", "***");
	expect_masked("hunter2", "0x68756E74657232;", "0x***;");
	expect_masked("hunter2", "68:75:6e:74:65:72:32", "***");
	expect_masked("hunter2", "6875 6e74\n6572 32", "***");
	expect_masked("hunter2", "f68756e74657232", "f***");
}

static void test_too_large_a_gap_ends_a_disguise(void **state)
{
	(void)state;
	expect_masked(
		"hunter2", "6875                 6e74657232", "6875                 6e74657232");
}

static void test_only_a_beginning_is_held_back(void **state)
{
	struct fixture f;

	(void)state;
	setup(&f, (const char *[]){"hunter2-and-more", NULL});
	write_text(&f, "one hunter2");
	expect_out(&f, "one ");
	write_text(&f, "-and-less");
	expect_out(&f, "hunter2-and-less");
	write_text(&f, " hunter2-and");
	expect_out(&f, " ");
	write_text(&f, "-more.");
	expect_out(&f, "***.");
	teardown(&f);
}

static void test_idle_shows_the_end_of_a_line_but_not_half_a_secret(void **state)
{
	struct fixture f;

	(void)state;
	setup(&f, (const char *[]){"hunter2-and-more", NULL});
	write_text(&f, "ready h");
	expect_out(&f, "ready ");
	mask_idle(f.stream, &f.sink);
	expect_out(&f, "h");
	write_text(&f, "unter2");
	mask_idle(f.stream, &f.sink);
	expect_out(&f, "");
	write_text(&f, "-and-more");
	mask_end(f.stream, &f.sink);
	expect_out(&f, "***");
	teardown(&f);
}

static void test_idle_lets_an_escape_go(void **state)
{
	struct fixture f;

	(void)state;
	setup(&f, (const char *[]){"hunter2", NULL});
	write_text(&f, "100%");
	mask_idle(f.stream, &f.sink);
	expect_out(&f, "100%");
	write_text(&f, "68unter2\\");
	mask_idle(f.stream, &f.sink);
	expect_out(&f, "***\\");
	teardown(&f);
}

static void test_a_stream_that_ended_starts_anew(void **state)
{
	struct fixture f;

	(void)state;
	setup(&f, (const char *[]){"hunter2", NULL});
	write_text(&f, "hunt");
	mask_end(f.stream, &f.sink);
	write_text(&f, "er2 hunter2");
	mask_end(f.stream, &f.sink);
	expect_out(&f, "hunter2 ***");
	teardown(&f);
}

static void test_many_secrets_are_found_beside_and_over_each_other(void **state)
{
	struct fixture f;

	(void)state;
	setup(&f, (const char *[]){"abcdef", "defghi", "cdefx", NULL});
	write_text(&f, "1abcdefghi2cdefx3abcdefdefghi4");
	mask_end(f.stream, &f.sink);
	expect_out(&f, "1***2***3***4");
	teardown(&f);
}

static void test_a_tree_is_masked_in_all_its_texts(void **state)
{
	struct node *tree = node_map();
	struct mask *m = mask_new();

	(void)state;
	mask_add(m, "hunter2", 7);
	mask_ready(m);
	node_set_string(tree, "message", "password hunter2 refused");
	node_add_string(node_set_list(tree, "list"), "hunter2");
	node_set_int(tree, "count", 7);
	mask_node(m, tree);
	assert_string_equal(node_get_text(tree, "message", ""), "password *** refused");
	assert_string_equal(node_child(node_get(tree, "list"), 0)->text, "***");
	assert_int_equal(node_get_int(tree, "count", 0), 7);
	node_free(tree);
	mask_free(m);
}

static void test_long_streams_pass_unchanged(void **state)
{
	enum { LENGTH = 1 << 20 };
	auto_free char *text = mem_alloc(LENGTH + 1);
	struct fixture f;

	(void)state;
	for (size_t i = 0; i < LENGTH; i++)
		text[i] = (char)(' ' + i * i % 91);
	setup(&f, (const char *[]){KEY, SECRET, NULL});
	write_text(&f, text);
	mask_end(f.stream, &f.sink);
	assert_int_equal(f.out.len, LENGTH);
	assert_memory_equal(f.out.data, text, LENGTH);
	teardown(&f);
}

static void count(void *arg, const char *data, size_t len)
{
	size_t *told = arg;

	(void)data;
	(void)len;
	++*told;
}

/* As many steps for each byte of a stream that is full of secrets, however long it is. */
static uint64_t steps_of(const char *text, size_t times, size_t piece)
{
	size_t len = strlen(text) * times, told = 0, writes = 0;
	auto_free char *stream = mem_alloc(len + 1);
	const struct mask_sink sink = {count, &told};
	struct fixture f;
	uint64_t steps;

	for (size_t i = 0; i < times; i++)
		memcpy(stream + i * strlen(text), text, strlen(text));
	setup(&f, (const char *[]){KEY, "aaaaaaaaaaaaaaaab", NULL});
	for (size_t at = 0; at < len; at += piece, writes++)
		mask_write(f.stream, stream + at, len - at < piece ? len - at : piece, &sink);
	mask_end(f.stream, &sink);
	/* One event a write, and one for the end. */
	assert_in_range(told, 1, writes + 1);
	steps = mask_stream_steps(f.stream);
	teardown(&f);
	return steps;
}

static void test_the_time_is_linear_however_many_secrets_there_are(void **state)
{
	static const char *const texts[] = {"MIIEvQIBADANBgkqhkiG9w0BAQEFAASC\n",
		"MIIEvQIBADANBgkqhkiG9w0BAQEFAASC\033[1m x\r\n", "aaaaaaaaaaaaaaaa",
		"aaaaaaa\033[31maaaaaaaa"};
	enum { TIMES = 1000, MORE = 16, PER_BYTE = 2 * 6 + 12 };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		for (size_t piece = MASK_SLICE; piece >= 64; piece /= 32) {
			uint64_t few = steps_of(texts[i], TIMES, piece),
				 many = steps_of(texts[i], MORE * TIMES, piece);

			assert_in_range(many, 1, MORE * few + few);
			assert_in_range(
				many, 1, (uint64_t)PER_BYTE * strlen(texts[i]) * MORE * TIMES);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_value_is_covered_and_nothing_else),
		cmocka_unit_test(test_white_space_around_a_value_is_no_part_of_it),
		cmocka_unit_test(test_each_line_of_a_value_is_covered),
		cmocka_unit_test(test_lines_that_many_keys_have_are_not_covered),
		cmocka_unit_test(test_counts_short_lines_that_are_covered),
		cmocka_unit_test(test_colours_in_a_secret_do_not_hide_it),
		cmocka_unit_test(test_a_secret_in_a_sequence_or_behind_half_of_one_is_found),
		cmocka_unit_test(test_many_colours_between_two_letters_do_not_hide_a_secret),
		cmocka_unit_test(test_url_escapes_are_read),
		cmocka_unit_test(test_escapes_of_json_and_shells_are_read),
		cmocka_unit_test(test_base64_is_read_at_every_place),
		cmocka_unit_test(test_base64_is_read_over_the_ends_of_lines),
		cmocka_unit_test(test_hexadecimal_is_read),
		cmocka_unit_test(test_too_large_a_gap_ends_a_disguise),
		cmocka_unit_test(test_only_a_beginning_is_held_back),
		cmocka_unit_test(test_idle_shows_the_end_of_a_line_but_not_half_a_secret),
		cmocka_unit_test(test_idle_lets_an_escape_go),
		cmocka_unit_test(test_a_stream_that_ended_starts_anew),
		cmocka_unit_test(test_many_secrets_are_found_beside_and_over_each_other),
		cmocka_unit_test(test_a_tree_is_masked_in_all_its_texts),
		cmocka_unit_test(test_long_streams_pass_unchanged),
		cmocka_unit_test(test_the_time_is_linear_however_many_secrets_there_are),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
