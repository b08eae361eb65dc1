/* SPDX-License-Identifier: Apache-2.0 */
#include "expect.h"

#include <errno.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/base64.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/fit.h"
#include "base/limits.h"
#include "base/num.h"
#include "base/password.h"
#include "base/strv.h"
#include "base/text.h"
#include "os/inherit.h"
#include "os/proc.h"

/* ---- errors ---- */

static void test_an_error_is_wrapped_from_the_inside_out(void **state)
{
	struct err e = {0};

	(void)state;
	errno = ENOENT;
	assert_int_equal(err_sys(&e, "open %s", "x"), -1);
	assert_int_equal(err_wrap(&e, "pack"), -1);
	assert_string_equal(e.msg, "pack: open x: No such file or directory");
	assert_int_equal(e.kind, ERR_HOST);
	assert_int_equal(e.sys, ENOENT);
}

static void test_a_long_error_keeps_its_reason_and_its_remedy(void **state)
{
	static const char end[] = ": Not a directory; remove it, or set 'state'";
	char path[5000];
	struct err e = {0};

	(void)state;
	memset(path, 'a', sizeof(path) - 1);
	path[sizeof(path) - 1] = '\0';
	path[1] = '/';
	errno = ENOTDIR;
	(void)err_sys(&e, "open %s", path);
	(void)err_append(&e, "; remove it, or set '%s'", "state");
	assert_true(strncmp(e.msg, "open a/aaa", 10) == 0);
	assert_non_null(strstr(e.msg, "aaa...aaa"));
	for (int i = 0; i < 40; i++) {
		(void)err_wrap(&e, "%s: project '%s'", path, path);
		assert_true(strlen(e.msg) < ERR_MSG_MAX);
		assert_string_equal(e.msg + strlen(e.msg) - strlen(end), end);
		assert_non_null(strstr(e.msg, "open a/aaa"));
		assert_true(strncmp(e.msg, "a/aaa", 5) == 0);
	}
}

static void test_only_arguments_of_a_message_are_shortened(void **state)
{
	char fitting[64], whole[200];

	(void)state;
	fit_format(fitting, sizeof(fitting), "%s: no room for %s (%d%%); %s", "short",
		"0123456789012345678901234567890123456789", 7, "wait");
	assert_string_equal(
		fitting, "short: no room for 0123456789...01234567890123456789 (7%); wait");
	fit_format(whole, sizeof(whole), "%5s|%-5s|%.2s|%.*s|%*s|%s", "a", "b", "cut", 3, "stars",
		-4, "w", "");
	assert_string_equal(whole, "    a|b    |cu|sta|w   |");
	fit_format(whole, sizeof(whole), "%d %u %zu %ld %lld %c %02x %04o %08.3f %*d %-4d|", -1, 2u,
		(size_t)3, -4L, 5LL, 'c', 10, 8, 1.5, 3, 7, 9);
	assert_string_equal(whole, "-1 2 3 -4 5 c 0a 0010 0001.500   7 9   |");
}

static void test_a_terminal_obeys_no_argument_of_a_message(void **state)
{
	char message[200];

	(void)state;
	fit_format(message, sizeof(message), "a\n%s|%s|%s|%5s", "\x1b[2J\n\t", "\xc2\x9b\xff",
		"\xc3\xa4", "\x7f");
	assert_string_equal(message, "a\n\\x1b[2J\\n\\t|\\u009b\\xff|\xc3\xa4| \\x7f");
	fit_format(message, sizeof(message), "%.2s|%.3s|%.4s|%.1s", "\xc3\xa4\xc3\xb6",
		"\xc3\xa4\xc3\xb6", "\xc3\xa4\xc3\xb6", "\xc3");
	assert_string_equal(message, "\xc3\xa4|\xc3\xa4|\xc3\xa4\xc3\xb6|");
}

static void test_the_middle_is_left_out_between_characters(void **state)
{
	char text[] = "\xc3\xa4\xc3\xb6\xc3\xbc\xc3\xa4\xc3\xb6\xc3\xbc\xc3\xa4\xc3\xb6\xc3\xbc";

	(void)state;
	for (size_t max = sizeof(text) - 1; max >= 8; max--) {
		char copy[sizeof(text)];

		memcpy(copy, text, sizeof(text));
		fit_middle(copy, max);
		assert_true(strlen(copy) <= max);
		assert_true(text_is_utf8(copy, strlen(copy)));
		assert_true((strstr(copy, "...") != NULL) == (max < sizeof(text) - 1));
	}
}

/* ---- buffers and vectors ---- */

static void test_a_buffer_never_exceeds_its_maximum(void **state)
{
	auto_buf struct buf b = {0};

	(void)state;
	buf_init(&b, 10);
	buf_adds(&b, "12345");
	buf_adds(&b, "67890");
	assert_false(b.overflow);
	buf_addc(&b, 'x');
	assert_true(b.overflow);
	assert_string_equal(b.data, "1234567890");
	buf_drop_front(&b, 4);
	assert_string_equal(b.data, "567890");
	buf_clear(&b);
	assert_false(b.overflow);
	buf_addf(&b, "%d-%s", 7, "y");
	assert_string_equal(b.data, "7-y");
}

static void test_an_environment_entry_is_replaced_by_name(void **state)
{
	auto_strv struct strv env = {0};

	(void)state;
	strv_push(&env, "PATH=/bin");
	strv_push(&env, "PATHS=x");
	strv_setenv(&env, "PATH", "/usr/bin");
	strv_setenv(&env, "HOME", "/root");
	assert_int_equal(env.count, 3);
	assert_string_equal(env.items[0], "PATH=/usr/bin");
	assert_string_equal(env.items[1], "PATHS=x");
	assert_string_equal(env.items[2], "HOME=/root");
	assert_null(env.items[3]);
}

/* ---- paths ---- */

static void expect_path(char *got, const char *wanted)
{
	assert_string_equal(got, wanted);
	free(got);
}

static void test_paths_are_joined_and_made_absolute(void **state)
{
	(void)state;
	expect_path(path_join("a", "b"), "a/b");
	expect_path(path_join("a//", "b"), "a/b");
	expect_path(path_join("/", "b"), "/b");
	expect_path(path_join("a", "/b"), "/b");
	expect_path(path_parent("/a/b"), "/a");
	expect_path(path_parent("/a"), "/");
	expect_path(path_parent("a"), ".");
	expect_path(path_absolute("/a/./b/../../c//d"), "/c/d");
	expect_path(path_absolute("/../.."), "/");
}

static void test_below_means_whole_components(void **state)
{
	(void)state;
	assert_true(path_is_below("/a/b", "/a"));
	assert_true(path_is_below("/a", "/a"));
	assert_true(path_is_below("/a", "/"));
	assert_false(path_is_below("/ab", "/a"));
	assert_false(path_is_below("/a", "/a/b"));
}

static void test_remove_tree_does_not_follow_links(void **state)
{
	auto_dir char *dir = expect_dir();
	auto_free char *kept = expect_file(dir, "outside/kept", "x");
	auto_free char *tree = path_join(dir, "tree");
	auto_free char *inner = expect_file(dir, "tree/deep/er/file", "y");
	auto_free char *link = path_join(dir, "tree/link");
	auto_free char *outside = path_join(dir, "outside");
	auto_free char *deep = path_join(dir, "tree/deep");
	struct err e = {0};

	(void)state;
	(void)inner;
	assert_int_equal(symlink(outside, link), 0);
	assert_int_equal(chmod(deep, 0500), 0);
	expect_ok(path_remove_tree(tree, &e), &e);
	assert_int_equal(access(tree, F_OK), -1);
	assert_int_equal(access(kept, F_OK), 0);
	expect_ok(path_remove_tree(tree, &e), &e);
}

/* ---- files ---- */

static void test_a_file_appears_whole(void **state)
{
	auto_dir char *dir = expect_dir();
	auto_free char *path = path_join(dir, "f");
	auto_free char *temporary = path_join(dir, "f.tmp");
	auto_buf struct buf b = {0};
	struct err e = {0};

	(void)state;
	expect_ok(fd_write_file(path, "old", 3, 0600, &e), &e);
	expect_ok(fd_write_file(path, "newer", 5, 0600, &e), &e);
	buf_init(&b, 5);
	expect_ok(fd_read_file(path, &b, &e), &e);
	assert_string_equal(b.data, "newer");
	assert_int_equal(access(temporary, F_OK), -1);
}

static void test_a_file_over_the_limit_is_refused(void **state)
{
	auto_dir char *dir = expect_dir();
	auto_free char *path = expect_file(dir, "f", "123456");
	auto_free char *wanted = mem_printf("%s: larger than 5 bytes", path);
	auto_free char *directory = mem_printf("%s: is a directory, a file is needed", dir);
	auto_buf struct buf b = {0};
	struct err e = {0};

	(void)state;
	buf_init(&b, 5);
	expect_err(fd_read_file(path, &b, &e), &e, ERR_INPUT, wanted);
	e = (struct err){0};
	expect_err(fd_read_file(dir, &b, &e), &e, ERR_INPUT, directory);
}

/* ---- numbers ---- */

static void expect_size(const char *text, uint64_t wanted)
{
	struct err e = {0};
	uint64_t bytes;

	expect_ok(num_parse_size(text, &bytes, &e), &e);
	assert_int_equal(bytes, wanted);
}

static void test_sizes_have_units_of_both_kinds(void **state)
{
	(void)state;
	expect_size("4096", 4096);
	expect_size("2G", 2000000000);
	expect_size("16 GB", 16000000000);
	expect_size("1TB", 1000000000000);
	expect_size("512MiB", 512ull << 20);
	expect_size("1.5 GiB", 3ull << 29);
	expect_size("1kib", 1024);
	expect_size("50Gi", 50ull << 30);
	expect_size("1.000001TB", 1000001000000);
	expect_size("0.0000001TB", 100000);
	expect_size("9223372036854775807", INT64_MAX);
}

static void test_wrong_sizes_are_refused_with_the_forms(void **state)
{
	static const char *const wrong[] = {"", "G", "1X", "-1", "1.", "1..2G",
		"99999999999999999999", "9000000TiB", "1 G B", "18446744.9TB",
		"18446744073709551616", "9223372036854775808", "9007199254740992Ki", "0.1B", "1.0",
		"0.0001K", "1.0000000000000000001G", "1e9GB", "+1", "0x10"};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		auto_free char *message =
			mem_printf("'%s' is not a size; write for example 512MiB, 2G or 16 "
				   "GB (G is 10^9, GiB 2^30)",
				wrong[i]);
		struct err e = {0};
		uint64_t bytes;

		expect_err(num_parse_size(wrong[i], &bytes, &e), &e, ERR_INPUT, message);
	}
}

static void test_sizes_that_are_compared_are_told_apart(void **state)
{
	const uint64_t most = 8ULL << 40;

	(void)state;
	assert_string_equal(num_show_size_beside(2048, 1024).s, "2.0 KiB");
	assert_string_equal(num_show_size_beside(most, most).s, "8.0 TiB");
	assert_string_equal(num_show_size_beside(most, most + 1).s, "8796093022208 bytes");
	assert_string_equal(num_show_size_beside(most + 1, most).s, "8796093022209 bytes");
}

static void expect_duration(const char *text, int64_t wanted)
{
	struct err e = {0};
	int64_t ms;

	expect_ok(num_parse_duration(text, &ms, &e), &e);
	assert_int_equal(ms, wanted);
}

static void test_durations_have_units(void **state)
{
	(void)state;
	expect_duration("90s", 90000);
	expect_duration("45m", 2700000);
	expect_duration("2h", 7200000);
	expect_duration("1h30m", 5400000);
	expect_duration("500ms", 500);
	expect_duration("1h2m3s4ms", 3723004);
	expect_duration("1h1s", 3601000);
	expect_duration("0h1s", 1000);
	expect_duration("8784h", 366LL * 24 * 3600 * 1000);
	expect_duration("7", 7000);
}

static void test_wrong_durations_are_refused(void **state)
{
	static const char *const wrong[] = {"", "0", "0s", "-5s", "5x", "s", "9999999999h", "1h-1m",
		"1h1h", "1m1h", "30m1h", "1h1m1h", "1h30", "30s1", "1ms1s", "0h0h1s", "8785h",
		"1h "};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		struct err e = {0};
		int64_t ms;

		assert_int_equal(num_parse_duration(wrong[i], &ms, &e), -1);
		assert_non_null(strstr(e.msg, "is not a duration; write for example 90s, 45m, 2h"));
	}
}

static void test_sizes_and_durations_are_shown_for_people(void **state)
{
	(void)state;
	assert_string_equal(num_show_size(831).s, "831 B");
	assert_string_equal(num_show_size(1258291).s, "1.2 MiB");
	assert_string_equal(num_show_duration(400).s, "0.4 s");
	assert_string_equal(num_show_duration(123000).s, "2 min 03 s");
	assert_string_equal(num_show_duration(3720000).s, "1 h 02 min");
}

static void test_moments_are_utc(void **state)
{
	const int64_t moment = 1700000000123456789;

	(void)state;
	assert_string_equal(clock_rfc3339(moment).s, "2023-11-14T22:13:20.123456Z");
	assert_string_equal(clock_compact(moment).s, "20231114T221320.123456Z");
}

static void test_moments_before_1970_and_behind_2262_are_shown(void **state)
{
	(void)state;
	assert_string_equal(clock_rfc3339(-1).s, "1969-12-31T23:59:59.999999Z");
	assert_string_equal(clock_rfc3339(-1500000000).s, "1969-12-31T23:59:58.500000Z");
	assert_string_equal(clock_compact(INT64_MIN).s, "16770921T001243.145224Z");
	assert_string_equal(clock_compact(INT64_MAX).s, "22620411T234716.854775Z");
	assert_string_equal(clock_show(&(struct timespec){.tv_sec = 16725225600}).s,
		"2500-01-01T00:00:00.000000Z");
	assert_string_equal(clock_show(&(struct timespec){.tv_sec = INT64_MAX}).s,
		"9999-12-31T23:59:59.999999Z");
	assert_string_equal(clock_show(&(struct timespec){.tv_sec = INT64_MIN}).s,
		"0000-01-01T00:00:00.000000Z");
}

static void test_times_of_files_are_compared_without_overflow(void **state)
{
	const struct timespec first = {.tv_sec = INT64_MIN}, last = {.tv_sec = INT64_MAX};
	const struct timespec a = {.tv_sec = 5, .tv_nsec = 1}, b = {.tv_sec = 5, .tv_nsec = 2};

	(void)state;
	assert_true(clock_compare(&first, &last) < 0);
	assert_true(clock_compare(&last, &first) > 0);
	assert_true(clock_compare(&a, &b) < 0);
	assert_int_equal(clock_compare(&a, &a), 0);
	assert_true(clock_ns_of(&first) == INT64_MIN);
	assert_true(clock_ns_of(&last) == INT64_MAX);
	assert_true(clock_ns_of(&a) == 5000000001);
}

/* ---- text ---- */

static void expect_safe(const char *text, const char *wanted)
{
	auto_free char *safe = text_safe(text, 1000);

	assert_string_equal(safe, wanted);
}

static void test_hostile_text_is_made_visible(void **state)
{
	(void)state;
	expect_safe("plain \xc3\xa4", "plain \xc3\xa4");
	expect_safe("\x1b[2Jx", "\\x1b[2Jx");
	expect_safe("a\nb\tc\rd", "a\\nb\\tc\\rd");
	expect_safe("\xff\xc3", "\\xff\\xc3");
	expect_safe("\xc2\x9b"
		    "31m",
		"\\u009b31m");
	expect_safe("\xe2\x80\xae"
		    "evil",
		"\\u202eevil");
	expect_safe("\xed\xa0\x80", "\\xed\\xa0\\x80");
	expect_safe("\xc0\xaf", "\\xc0\\xaf");
}

static void test_long_text_is_cut_in_its_middle_between_characters(void **state)
{
	auto_free char *safe = text_safe("abc\xc3\xa4\xc3\xa4\xc3\xa4", 8);

	(void)state;
	assert_string_equal(safe, "a...\xc3\xa4\xc3\xa4");
}

static void test_the_nearest_name_is_found(void **state)
{
	static const char *const names[] = {"source", "image", "plan", NULL};
	static const char *const short_names[] = {"log", "run", NULL};

	(void)state;
	assert_string_equal(text_nearest("sorce", names), "source");
	assert_string_equal(text_nearest("plna", names), "plan");
	assert_null(text_nearest("whatever", names));
	assert_string_equal(text_nearest("lo", short_names), "log");
	assert_string_equal(text_nearest("rnu", short_names), "run");
	assert_null(text_nearest("foo", short_names));
}

static void test_base64_goes_both_ways(void **state)
{
	static const char *const pairs[][2] = {
		{"", ""}, {"f", "Zg=="}, {"fo", "Zm8="}, {"foo", "Zm9v"}, {"foobar", "Zm9vYmFy"}};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(pairs); i++) {
		auto_buf struct buf text = {0}, back = {0};

		buf_init(&text, 100);
		buf_init(&back, 100);
		base64_add(&text, pairs[i][0], strlen(pairs[i][0]));
		assert_string_equal(text.data, pairs[i][1]);
		assert_int_equal(base64_decode(&back, text.data, text.len), 0);
		assert_string_equal(back.data, pairs[i][0]);
	}
}

static void test_what_is_no_base64_is_refused(void **state)
{
	static const char *const wrong[] = {
		"Zg", "Zg=", "Z===", "Zh==", "Zm9=", "Zm 9", "=Zm9", "Zg==Zg=="};
	auto_buf struct buf back = {0};

	(void)state;
	buf_init(&back, 100);
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++)
		assert_int_equal(base64_decode(&back, wrong[i], strlen(wrong[i])), -1);
}

/* ---- programs ---- */

static int run_shell_for(int64_t limit_ms, const char *script, struct buf *output, struct err *e)
{
	auto_strv struct strv argv = {0};

	strv_push(&argv, "sh");
	strv_push(&argv, "-c");
	strv_push(&argv, script);
	return proc_run(&argv, limit_ms, output, e);
}

static int run_shell(const char *script, struct buf *output, struct err *e)
{
	return run_shell_for(EXPECT_PATIENCE_MS, script, output, e);
}

static void test_a_program_is_run_with_its_output_bounded(void **state)
{
	auto_buf struct buf output = {0};
	struct err e = {0};

	(void)state;
	buf_init(&output, 8);
	assert_int_equal(run_shell("echo out; echo err >&2; exit 3", &output, &e), 3);
	assert_string_equal(output.data, "out\nerr\n");
	buf_clear(&output);
	assert_int_equal(run_shell("echo 123456789; kill -TERM $$", &output, &e), 128 + 15);
	assert_string_equal(output.data, "12345678");
}

/* The last two: it has ended, but not what it started; it says no more, but does not end. */
static void test_a_program_that_does_not_answer_is_killed(void **state)
{
	static const char *const scripts[] = {"echo some; exec sleep 60", "sleep 60; true",
		"trap '' TERM; while :; do sleep 60; done", "sleep 60 &",
		"exec >/dev/null 2>&1; sleep 60"};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(scripts); i++) {
		auto_buf struct buf output = {0};
		int64_t begin = clock_ms();
		struct err e = {0};

		buf_init(&output, 100);
		expect_err(run_shell_for(200, scripts[i], &output, &e), &e, ERR_HOST,
			"sh did not answer within 0.2 s");
		assert_true(clock_ms() - begin < 30 * 1000);
	}
}

static void test_a_program_may_say_nothing_for_a_while(void **state)
{
	auto_buf struct buf output = {0};
	struct err e = {0};

	(void)state;
	buf_init(&output, 100);
	assert_int_equal(run_shell("exec 3>&1 >/dev/null 2>&1; sleep 0.3; echo late >&3; "
				   "exec 3>&-; sleep 0.3; exit 7",
				 &output, &e),
		7);
	assert_string_equal(output.data, "late\n");
}

static void test_a_missing_program_is_an_error(void **state)
{
	auto_strv struct strv argv = {0};
	struct err e = {0};

	(void)state;
	strv_push(&argv, "no-such-program-here");
	expect_err(proc_run_ok(&argv, EXPECT_PATIENCE_MS, &e), &e, ERR_HOST,
		"no-such-program-here: not installed");
}

static void expect_hidden(const char *text, const char *shown)
{
	auto_free char *hidden = password_hide(text), *safe = text_safe(text, 1000);
	char message[1000];

	if (!hidden)
		fail_msg("'%s' has no password", text);
	assert_string_equal(hidden, shown);
	assert_string_equal(safe, shown);
	fit_format(message, sizeof(message), "%s|%.*s", text, (int)strlen(text), text);
	assert_memory_equal(message, shown, strlen(shown));
	assert_string_equal(message + strlen(shown) + 1, shown);
}

static void test_passwords_of_urls_and_targets_are_hidden(void **state)
{
	(void)state;
	expect_hidden("https://u:pw@h/x", "https://u:***@h/x");
	expect_hidden("ftp://u:pw@h", "ftp://u:***@h");
	expect_hidden("https://u%3Apw@h/x", "https://u%3A***@h/x");
	expect_hidden("https://u:123@h/x", "https://u:***@h/x");
	expect_hidden("https://u:p@w/@h/x", "https://u:***@h/x");
	expect_hidden("https://u:p w?#@h/x", "https://u:***@h/x");
	expect_hidden("u:pw@h:/x", "u:***@h:/x");
	expect_hidden("u:p/w@h:/x", "u:***@h:/x");
	expect_hidden("u@mail.example:pw@h:/x", "u@mail.example:***@h:/x");
	/* As a part of a path, a word of a script, a message in a message. */
	expect_hidden("/home/x/https:/u:pw@h/x: Not a directory",
		"/home/x/https:/u:***@h/x: Not a directory");
	expect_hidden("/home/x/u:pw@h:x", "/home/x/u:***@h:x");
	expect_hidden("curl 'https://u:pw@h/a' ssh://v:px@h/b",
		"curl 'https://u:***@h/a' ssh://v:***@h/b");
	expect_hidden("a.yaml:3:5: source https://u:***@h/x: write to a@b",
		"a.yaml:3:5: source https://u:***@h/x: write to a@b");
}

static void test_what_has_no_password_is_not_hidden(void **state)
{
	static const char *const texts[] = {"", "u@h", "ssh://git@h.example/a", "u@h:/srv/x",
		"https://h:8443/@scope/a", "p.yaml:3:5: 'x' is wrong", "mail: a@b.example",
		"https://h/x: write to: a@b", "https://u@h: write to a@b", "debian@sha256:0123",
		"/srv/a@b/c", "a: b@c", "@"};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		auto_free char *hidden = password_hide(texts[i]);

		if (hidden)
			fail_msg("'%s' became '%s'", texts[i], hidden);
	}
}

/* A source may have texts of any kind: hiding takes time in proportion to their length. */
static void test_hiding_is_linear(void **state)
{
	enum { COUNT = 200000 };
	static const char *const parts[] = {":", "a:/", "a:/b:", ":@", "a:b@ ", "/a:", "%3a"};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(parts); i++) {
		auto_buf struct buf b = {0};
		auto_free char *hidden = NULL;
		int64_t start = clock_ms();

		buf_init(&b, (size_t)COUNT * 8);
		for (size_t n = 0; n < COUNT; n++)
			buf_adds(&b, parts[i]);
		buf_adds(&b, "@");
		hidden = password_hide(b.data);
		assert_true(!hidden || strchr(hidden, '@'));
		assert_true(clock_ms() - start < 5000);
	}
}

/* The process that sets it gives it to its children as their default. */
static void test_an_inherited_timer_slack_is_replaced(void **state)
{
	int status;
	pid_t pid;

	(void)state;
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		struct err e = {0};

		if (prctl(PR_SET_TIMERSLACK, 4000000000UL, 0, 0, 0) < 0 || inherit_mend(&e) < 0)
			_exit(1);
		_exit(prctl(PR_GET_TIMERSLACK, 0, 0, 0, 0) == 50000 ? 0 : 2);
	}
	assert_int_equal(proc_wait(pid, &status), 0);
	assert_int_equal(status, 0);
}

static void test_sums_of_sizes_do_not_wrap(void **state)
{
	(void)state;
	assert_int_equal(num_sum(1, 2), 3);
	assert_true(num_sum(UINT64_MAX, 1) == UINT64_MAX);
	assert_true(num_sum(UINT64_MAX - 1, UINT64_MAX - 1) == UINT64_MAX);
	assert_int_equal(num_less(3, 2), 1);
	assert_int_equal(num_less(2, 3), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_passwords_of_urls_and_targets_are_hidden),
		cmocka_unit_test(test_what_has_no_password_is_not_hidden),
		cmocka_unit_test(test_hiding_is_linear),
		cmocka_unit_test(test_an_error_is_wrapped_from_the_inside_out),
		cmocka_unit_test(test_a_long_error_keeps_its_reason_and_its_remedy),
		cmocka_unit_test(test_only_arguments_of_a_message_are_shortened),
		cmocka_unit_test(test_a_terminal_obeys_no_argument_of_a_message),
		cmocka_unit_test(test_the_middle_is_left_out_between_characters),
		cmocka_unit_test(test_a_buffer_never_exceeds_its_maximum),
		cmocka_unit_test(test_an_environment_entry_is_replaced_by_name),
		cmocka_unit_test(test_paths_are_joined_and_made_absolute),
		cmocka_unit_test(test_below_means_whole_components),
		cmocka_unit_test(test_remove_tree_does_not_follow_links),
		cmocka_unit_test(test_a_file_appears_whole),
		cmocka_unit_test(test_a_file_over_the_limit_is_refused),
		cmocka_unit_test(test_sizes_have_units_of_both_kinds),
		cmocka_unit_test(test_wrong_sizes_are_refused_with_the_forms),
		cmocka_unit_test(test_sizes_that_are_compared_are_told_apart),
		cmocka_unit_test(test_durations_have_units),
		cmocka_unit_test(test_wrong_durations_are_refused),
		cmocka_unit_test(test_sizes_and_durations_are_shown_for_people),
		cmocka_unit_test(test_moments_are_utc),
		cmocka_unit_test(test_moments_before_1970_and_behind_2262_are_shown),
		cmocka_unit_test(test_times_of_files_are_compared_without_overflow),
		cmocka_unit_test(test_hostile_text_is_made_visible),
		cmocka_unit_test(test_long_text_is_cut_in_its_middle_between_characters),
		cmocka_unit_test(test_the_nearest_name_is_found),
		cmocka_unit_test(test_base64_goes_both_ways),
		cmocka_unit_test(test_what_is_no_base64_is_refused),
		cmocka_unit_test(test_a_program_is_run_with_its_output_bounded),
		cmocka_unit_test(test_a_program_that_does_not_answer_is_killed),
		cmocka_unit_test(test_a_program_may_say_nothing_for_a_while),
		cmocka_unit_test(test_a_missing_program_is_an_error),
		cmocka_unit_test(test_an_inherited_timer_slack_is_replaced),
		cmocka_unit_test(test_sums_of_sizes_do_not_wrap),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
