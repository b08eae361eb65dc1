/* SPDX-License-Identifier: Apache-2.0 */
#include "expect.h"

#include <unistd.h>

#include "cli/log/loghtml.h"
#include "cli/log/logread.h"
#include "contract/event.h"
#include "contract/runlog.h"

struct fixture {
	char *dir;
	char *path;
	struct logread r;
	struct buf out;
};

/* A log with these bytes. */
static void setup(struct fixture *f, const char *text, size_t len)
{
	struct err e = {0};

	f->dir = expect_dir();
	f->path = path_join(f->dir, "run.jsonl");
	expect_ok(fd_write_file(f->path, text, len, 0644, &e), &e);
	expect_ok(logread_open(&f->r, f->path, &e), &e);
	buf_init(&f->out, LOGREAD_LINE_MAX);
}

static void teardown(struct fixture *f)
{
	logread_release(&f->r);
	buf_release(&f->out);
	free(f->path);
	expect_dir_remove(&f->dir);
}

/* Read it to its end: the number of events; what actions wrote is in f->out. */
static unsigned read_all(struct fixture *f)
{
	const struct node *event;
	struct err e = {0};
	unsigned count = 0;
	int more;

	while ((more = logread_next(&f->r, &event, &e)) > 0) {
		count++;
		(void)logread_output(&f->r, event, &f->out);
	}
	expect_ok(more, &e);
	return count;
}

static void read_text(struct fixture *f, const char *text)
{
	setup(f, text, strlen(text));
}

static void test_output_comes_back_byte_for_byte(void **state)
{
	static const char parts[][6] = {
		"text\n", "\xff\xfe", "nul\0x", "\xe2\x82\xac", "cut\xe2\x82"};
	struct fixture f;
	struct runlog log;
	struct err e = {0};
	auto_buf struct buf bytes = {0};
	auto_fd int fd = fd_memory("log", &e);

	(void)state;
	runlog_init(&log, fd, -1, 1 << 20);
	for (size_t i = 0; i < ARRAY_SIZE(parts); i++) {
		const struct event ev = {.type = EVENT_ACTION_OUTPUT,
			.source = SOURCE_PLAN,
			.data = parts[i],
			.len = 5,
			.is_stderr = i & 1};
		const struct event flush = {.type = EVENT_EXECUTOR_SUCCEEDS, .source = SOURCE_PLAN};

		runlog_event(&log, &ev);
		runlog_event(&log, &flush);
	}
	runlog_release(&log);
	assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
	buf_init(&bytes, 1 << 20);
	expect_ok(fd_read_to_end(fd, "log", &bytes, &e), &e);
	setup(&f, bytes.data, bytes.len);
	assert_true(read_all(&f) >= 10);
	assert_int_equal(f.r.damaged, 0);
	assert_false(f.r.cut);
	assert_int_equal(f.out.len, 25);
	for (size_t i = 0; i < ARRAY_SIZE(parts); i++)
		assert_memory_equal(f.out.data + 5 * i, parts[i], 5);
	teardown(&f);
}

static void test_a_cut_last_line_is_left_out(void **state)
{
	struct fixture f;

	(void)state;
	read_text(&f, "{\"type\":\"action_output\",\"text\":\"a\"}\n{\"type\":\"action_out");
	assert_int_equal(read_all(&f), 1);
	assert_string_equal(f.out.data, "a");
	assert_true(f.r.cut);
	assert_int_equal(f.r.damaged, 0);
	teardown(&f);
}

static void test_damaged_lines_are_counted_and_passed_over(void **state)
{
	struct fixture f;

	(void)state;
	read_text(&f,
		"garbage\n\n{}\n[1]\n{\"type\":7}\n{\"type\":{}}\n"
		"{\"type\":\"action_output\",\"base64\":\"!!!\"}\n"
		"{\"type\":\"action_output\",\"text\":\"b\"}\n"
		"{\"type\":\"of a later version\",\"text\":\"c\"}\n");
	assert_int_equal(read_all(&f), 4);
	assert_string_equal(f.out.data, "b");
	assert_int_equal(f.r.damaged, 6);
	assert_false(f.r.cut);
	teardown(&f);
}

static void test_a_line_without_end_does_not_fill_the_memory(void **state)
{
	static const char good[] = "{\"type\":\"action_output\",\"text\":\"good\"}\n";
	size_t len = 3 * LOGREAD_LINE_MAX;
	auto_free char *text = mem_alloc(len + sizeof(good));
	struct fixture f;

	(void)state;
	memset(text, 'x', len);
	text[len - 1] = '\n';
	memcpy(text + len, good, sizeof(good));
	setup(&f, text, len + sizeof(good) - 1);
	assert_int_equal(read_all(&f), 1);
	assert_string_equal(f.out.data, "good");
	assert_int_equal(f.r.damaged, 1);
	assert_true(f.r.data.size < 2 * LOGREAD_LINE_MAX + (1 << 20));
	teardown(&f);
}

static void test_a_log_that_is_not_there(void **state)
{
	struct logread r;
	struct err e = {0};

	(void)state;
	expect_err(logread_open(&r, "/nonexistent/log", &e), &e, ERR_INPUT,
		"/nonexistent/log: No such file or directory");
}

static void test_html_escapes_what_strangers_wrote(void **state)
{
	struct fixture f;
	const struct node *event;
	struct err e = {0};
	auto_buf struct buf page = {0};

	(void)state;
	buf_init(&page, 1 << 20);
	read_text(&f,
		"{\"type\":\"run_ci\",\"project_name\":\"<script>\"}\n"
		"{\"type\":\"action_output\",\"stream\":\"stderr\",\"text\":\"<b>&\\\"\\u001b["
		"2J\\u202e\\n\"}\n"
		"{\"type\":\"action_failed\",\"message\":\"</p><script>\"}\n");
	while (logread_next(&f.r, &event, &e) > 0)
		loghtml_event(&page, &f.r, event);
	assert_string_equal(page.data,
		"<h1>&lt;script&gt;</h1>\n"
		"<pre class=\"stderr\">\n&lt;b&gt;&amp;&quot;\\x1b[2J\\u202e\n</pre>\n"
		"<p class=\"bad\">&lt;/p&gt;&lt;script&gt;</p>\n");
	teardown(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_output_comes_back_byte_for_byte),
		cmocka_unit_test(test_a_cut_last_line_is_left_out),
		cmocka_unit_test(test_damaged_lines_are_counted_and_passed_over),
		cmocka_unit_test(test_a_line_without_end_does_not_fill_the_memory),
		cmocka_unit_test(test_a_log_that_is_not_there),
		cmocka_unit_test(test_html_escapes_what_strangers_wrote),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
