/* SPDX-License-Identifier: Apache-2.0 */
#include "expect.h"

#include <fcntl.h>
#include <unistd.h>

#include "core/event.h"
#include "core/jsonl.h"
#include "host/runlog.h"

struct fixture {
	struct runlog log;
	int fd;
	struct node **lines;
	size_t count;
};

static void setup(struct fixture *f, uint64_t max)
{
	struct err e = {0};

	*f = (struct fixture){.fd = fd_memory("log", &e)};
	assert_true(f->fd >= 0);
	runlog_init(&f->log, f->fd, -1, max);
}

static void teardown(struct fixture *f)
{
	for (size_t i = 0; i < f->count; i++)
		node_free(f->lines[i]);
	free(f->lines);
	runlog_release(&f->log);
	fd_close(f->fd);
}

static void output(struct fixture *f, bool is_stderr, const char *data, size_t len)
{
	const struct event ev = {.type = EVENT_ACTION_OUTPUT,
		.source = SOURCE_PLAN,
		.utc_ns = 1,
		.action = 2,
		.is_stderr = is_stderr,
		.data = data,
		.len = len};

	runlog_event(&f->log, &ev);
}

/* Any event but output ends what is held back. */
static void flush(struct fixture *f)
{
	auto_node struct node *fields = node_map();
	const struct event ev = {
		.type = EVENT_WARNING, .source = SOURCE_PLAN, .utc_ns = 1, .fields = fields};

	node_set_string(fields, "message", "end");
	runlog_event(&f->log, &ev);
}

static void read_lines(struct fixture *f)
{
	auto_buf struct buf b = {0};
	struct err e = {0};
	char *save = NULL;

	buf_init(&b, 1 << 24);
	assert_int_equal(lseek(f->fd, 0, SEEK_SET), 0);
	expect_ok(fd_read_to_end(f->fd, "log", &b, &e), &e);
	for (char *line = strtok_r(b.data, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		f->lines = mem_resize(f->lines, f->count + 1, sizeof(*f->lines));
		expect_ok(jsonl_parse(line, strlen(line), "line", &f->lines[f->count++], &e), &e);
	}
}

static void expect_field(const struct fixture *f, size_t line, const char *key, const char *wanted)
{
	assert_true(line < f->count);
	assert_string_equal(node_get_text(f->lines[line], key, "(absent)"), wanted);
}

static void test_output_is_one_event_a_chunk(void **state)
{
	struct fixture f;

	(void)state;
	setup(&f, 1000);
	output(&f, false, "a\"b\n", 4);
	output(&f, true, "err", 3);
	read_lines(&f);
	assert_int_equal(f.count, 2);
	expect_field(&f, 0, "type", "action_output");
	expect_field(&f, 0, "source", "plan");
	expect_field(&f, 0, "timestamp", "1970-01-01T00:00:00.000000Z");
	expect_field(&f, 0, "action", "2");
	expect_field(&f, 0, "stream", "stdout");
	expect_field(&f, 0, "text", "a\"b\n");
	expect_field(&f, 1, "stream", "stderr");
	teardown(&f);
}

static void test_a_character_cut_in_two_is_put_together(void **state)
{
	struct fixture f;

	(void)state;
	setup(&f, 1000);
	output(&f, false, "x\xe2\x82", 3);
	output(&f, false, "\xacy", 2);
	flush(&f);
	read_lines(&f);
	assert_int_equal(f.count, 3);
	expect_field(&f, 0, "text", "x");
	expect_field(&f, 1, "text", "\xe2\x82\xacy");
	teardown(&f);
}

static void test_bytes_that_are_not_utf8_are_base64(void **state)
{
	struct fixture f;

	(void)state;
	setup(&f, 1000);
	output(&f, false, "\xff\x00z", 3);
	output(&f, false, "end\xe2\x82", 5);
	flush(&f);
	read_lines(&f);
	assert_int_equal(f.count, 4);
	expect_field(&f, 0, "base64", "/wB6");
	expect_field(&f, 0, "text", "(absent)");
	expect_field(&f, 1, "text", "end");
	expect_field(&f, 2, "base64", "4oI=");
	expect_field(&f, 3, "type", "warning");
	teardown(&f);
}

static void test_text_with_a_nul_is_base64(void **state)
{
	struct fixture f;

	(void)state;
	setup(&f, 1000);
	output(&f, false, "a\0b", 3);
	read_lines(&f);
	assert_int_equal(f.count, 1);
	expect_field(&f, 0, "base64", "YQBi");
	teardown(&f);
}

static void test_beyond_the_limit_it_is_marked_once_and_the_end_is_kept(void **state)
{
	struct fixture f;
	char line[32];
	size_t mark = 0;

	(void)state;
	setup(&f, 1000);
	for (int i = 0; i < 20000; i++) {
		(void)snprintf(line, sizeof(line), "line %05d\n", i);
		output(&f, false, line, strlen(line));
	}
	flush(&f);
	read_lines(&f);
	while (strcmp(node_get_text(f.lines[mark], "type", ""), "action_output") == 0)
		mark++;
	/* A line of the log is about 130 bytes long, of which the output is 11. */
	assert_in_range(mark, 5, 9);
	(void)snprintf(line, sizeof(line), "line %05zu\n", mark - 1);
	expect_field(&f, mark - 1, "text", line);
	expect_field(&f, mark, "type", "log_limit");
	expect_field(&f, mark, "limit", "1000");
	assert_int_equal(f.count, mark + 1 + 1 + 1);
	assert_int_equal(strlen(node_get_text(f.lines[mark + 1], "text", "")), RUNLOG_TAIL_BYTES);
	assert_string_equal(node_get_text(f.lines[mark + 1], "text", "") + RUNLOG_TAIL_BYTES - 11,
		"line 19999\n");
	teardown(&f);
}

static void test_progress_is_not_logged(void **state)
{
	auto_node struct node *fields = node_map();
	const struct event ev = {.type = EVENT_PROGRESS, .fields = fields};
	struct fixture f;

	(void)state;
	setup(&f, 100);
	runlog_event(&f.log, &ev);
	read_lines(&f);
	assert_int_equal(f.count, 0);
	teardown(&f);
}

static void test_a_log_that_cannot_be_written_is_an_error(void **state)
{
	int full = open("/dev/full", O_WRONLY | O_CLOEXEC);
	struct runlog log;
	struct fixture f = {0};

	(void)state;
	runlog_init(&log, full, -1, 100);
	f.log = log;
	output(&f, false, "x", 1);
	output(&f, false, "y", 1);
	assert_string_equal(
		f.log.error.msg, "write the run log /dev/full: No space left on device");
	assert_string_equal(f.log.error.reason, "host_disk");
	runlog_release(&f.log);
	fd_close(full);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_output_is_one_event_a_chunk),
		cmocka_unit_test(test_a_character_cut_in_two_is_put_together),
		cmocka_unit_test(test_bytes_that_are_not_utf8_are_base64),
		cmocka_unit_test(test_text_with_a_nul_is_base64),
		cmocka_unit_test(test_beyond_the_limit_it_is_marked_once_and_the_end_is_kept),
		cmocka_unit_test(test_progress_is_not_logged),
		cmocka_unit_test(test_a_log_that_cannot_be_written_is_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
