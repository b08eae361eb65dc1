/* SPDX-License-Identifier: Apache-2.0 */
#include "expect.h"

#include <sys/stat.h>
#include <unistd.h>

#include "base/text.h"
#include "settings/statefile.h"

static const struct {
	enum statefile_kind kind;
	const char *right; /* as the program writes it */
} kinds[] = {
	{STATEFILE_STATE,
		"{\"format\": 1, \"digest\": \"\", \"commit\": \"\", \"run_id\": \"r1\", "
		"\"finished\": \"2026-11-22T03:49:19.123456Z\"}"},
	{STATEFILE_RESULT,
		"{\"format\": 1, \"project\": null, \"run_id\": \"r1\", \"result\": "
		"\"passed\", \"exit_status\": 0, \"actions\": [], \"vms\": []}"},
	{STATEFILE_IMAGES, "{\"1:2:3:4.5:6.7\": \"abc\"}"},
	{STATEFILE_LINT,
		"{\"digest\": \"abc\", \"findings\": [{\"script\": 0, \"line\": 1, "
		"\"column\": 1, \"code\": 2045, \"message\": \"m\"}]}"},
	{STATEFILE_DEPSKEY,
		"{\"format\": 1, \"inputs\": \"abc\", \"contents\": \"abc\", \"bytes\": 1024}"},
	{STATEFILE_DEPS, "{\"format\": 1, \"project\": \"p\", \"bytes\": 1, \"sha256\": \"abc\"}"},
};

static void expect_known(enum statefile_kind kind, const char *text)
{
	auto_node struct node *n = NULL;
	struct err e = {0};

	expect_ok(statefile_parse(kind, text, strlen(text), "F", &n, &e), &e);
	assert_non_null(n);
}

/* Not understood: the message begins so, and ends in a remedy. */
static void expect_unknown(enum statefile_kind kind, const char *text, const char *message)
{
	struct node *n = NULL;
	struct err e = {0};

	if (statefile_parse(kind, text, strlen(text), "F", &n, &e) == 0)
		fail_msg("understood: %s", text);
	assert_null(n);
	assert_int_equal(e.kind, ERR_INPUT);
	assert_string_equal(e.reason, "state_unknown");
	assert_true(statefile_is_unknown(&e));
	if (strncmp(e.msg, message, strlen(message)) != 0)
		fail_msg("'%s' does not begin with '%s'", e.msg, message);
	if (kind != STATEFILE_DEPS)
		assert_non_null(strstr(e.msg, "; remove "));
}

static void test_what_the_program_writes_is_understood(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		expect_known(kinds[i].kind, kinds[i].right);
}

static void test_other_json_is_not_understood(void **state)
{
	static const char *const texts[] = {"", " ", "[]", "\"x\"", "null", "1", "true", "{",
		"{\"format\": 1, \"format\": 1}", "{\"format\": 1} {}", "\xff"};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		for (size_t k = 0; k < ARRAY_SIZE(texts); k++)
			expect_unknown(kinds[i].kind, texts[k], "F:");
}

static void test_other_formats_are_not_understood(void **state)
{
	static const char *const formats[] = {"3", "0", "18446744073709551615", "-1", "1.5",
		"\"1\"", "\"x\"", "true", "[1]", "{}", "99999999999999999999999"};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		for (size_t k = 0; k < ARRAY_SIZE(formats); k++) {
			auto_free char *text =
				mem_printf("{\"format\": %s, \"digest\": \"\", "
					   "\"run_id\": \"r\", \"result\": \"passed\", "
					   "\"bytes\": 1, \"sha256\": \"abc\"}",
					formats[k]);

			expect_unknown(kinds[i].kind, text, "F:");
		}
}

static void test_a_newer_format_is_called_that(void **state)
{
	(void)state;
	expect_unknown(STATEFILE_STATE, "{\"format\": 2, \"last\": {\"run_id\": \"a\"}}",
		"F: format 2 is not known, this version of ambient reads formats up to 1; "
		"remove the file, and the next run");
}

static void test_a_wrong_type_is_not_understood(void **state)
{
	(void)state;
	expect_unknown(STATEFILE_STATE, "{}", "F: missing key 'format'");
	expect_unknown(STATEFILE_STATE, "{\"format\": 1}", "F: missing key 'run_id'");
	expect_unknown(
		STATEFILE_STATE, "{\"format\": 1, \"run_id\": null}", "F: 'run_id' has no value");
	expect_unknown(STATEFILE_STATE, "{\"format\": 1, \"run_id\": 7}",
		"F: 'run_id' must be a string, not '7'");
	expect_unknown(STATEFILE_STATE, "{\"format\": 1, \"run_id\": [\"a\"]}",
		"F: 'run_id' must be a string, not a list");
	expect_unknown(STATEFILE_STATE, "{\"format\": 1, \"run_id\": \"\"}",
		"F: 'run_id' must not be empty");
	expect_unknown(STATEFILE_STATE, "{\"format\": 1, \"run_id\": \"a\", \"digest\": {}}",
		"F: 'digest' must be a string, not a mapping");
	expect_unknown(STATEFILE_RESULT, "{\"format\": 1, \"result\": true}",
		"F: 'result' must be a string, not 'true'");
	expect_unknown(STATEFILE_RESULT, "{\"format\": 1, \"result\": \"x\", \"vms\": {}}",
		"F: 'vms' must be a list, not a mapping");
	expect_unknown(STATEFILE_LINT, "{\"digest\": \"a\", \"findings\": [7]}", "F: a mapping");
	expect_unknown(STATEFILE_LINT, "{\"digest\": \"a\", \"findings\": [{\"script\": \"0\"}]}",
		"F: 'script' must be a whole number, not '0'");
	expect_unknown(STATEFILE_DEPS, "{\"format\": 1, \"bytes\": \"1\", \"sha256\": \"a\"}",
		"F: 'bytes' must be a whole number, not '1'");
}

static void test_keys_of_later_versions_are_ignored(void **state)
{
	(void)state;
	expect_known(STATEFILE_STATE,
		"{\"format\": 1, \"run_id\": \"r1\", \"new\": {\"a\": [1, null]}}");
	expect_known(STATEFILE_RESULT, "{\"format\": 1, \"result\": \"passed\", \"new\": 1.5}");
}

static void test_only_a_file_that_is_not_there_is_absent(void **state)
{
	auto_dir char *dir = expect_dir();
	auto_free char *absent = path_join(dir, "absent"), *link = path_join(dir, "link");
	auto_free char *loop = path_join(dir, "loop/state.json"), *self = path_join(dir, "loop");
	struct node *n = NULL;
	struct err e = {0};

	(void)state;
	expect_ok(statefile_read(STATEFILE_STATE, absent, &n, &e), &e);
	assert_null(n);
	assert_int_equal(symlink("nowhere", link), 0);
	assert_int_equal(statefile_read(STATEFILE_STATE, link, &n, &e), -1);
	assert_false(statefile_is_unknown(&e));
	e = (struct err){0};
	assert_int_equal(symlink("loop", self), 0);
	assert_int_equal(statefile_read(STATEFILE_STATE, loop, &n, &e), -1);
	e = (struct err){0};
	assert_int_equal(statefile_read(STATEFILE_STATE, dir, &n, &e), -1);
	assert_false(statefile_is_unknown(&e));
	assert_null(n);
}

static void test_a_file_that_is_too_large_is_not_understood(void **state)
{
	auto_dir char *dir = expect_dir();
	auto_free char *path = expect_file(dir, "state.json", "{}");
	struct node *n = NULL;
	struct err e = {0};

	(void)state;
	assert_int_equal(truncate(path, STATEFILE_BYTES + 1), 0);
	assert_int_equal(statefile_read(STATEFILE_STATE, path, &n, &e), -1);
	assert_true(statefile_is_unknown(&e));
	assert_non_null(strstr(e.msg, path));
}

static void test_a_damaged_memory_is_none(void **state)
{
	auto_dir char *dir = expect_dir();
	auto_free char *path = expect_file(dir, "m.json", "{\"format\": 2}");

	(void)state;
	assert_null(statefile_recall(STATEFILE_IMAGES, path));
	assert_null(statefile_recall(STATEFILE_LINT, dir));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_the_program_writes_is_understood),
		cmocka_unit_test(test_other_json_is_not_understood),
		cmocka_unit_test(test_other_formats_are_not_understood),
		cmocka_unit_test(test_a_newer_format_is_called_that),
		cmocka_unit_test(test_a_wrong_type_is_not_understood),
		cmocka_unit_test(test_keys_of_later_versions_are_ignored),
		cmocka_unit_test(test_only_a_file_that_is_not_there_is_absent),
		cmocka_unit_test(test_a_file_that_is_too_large_is_not_understood),
		cmocka_unit_test(test_a_damaged_memory_is_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
