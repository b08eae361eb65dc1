/* SPDX-License-Identifier: Apache-2.0 */
#include "expect.h"

#include <fcntl.h>
#include <unistd.h>

#include "contract/event.h"
#include "data/jsonl.h"
#include "run/limits.h"
#include "contract/runlog.h"

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

static void send(struct fixture *f, enum event_type type, struct node *fields)
{
	const struct event ev = {
		.type = type, .source = SOURCE_PLAN, .utc_ns = 1, .fields = fields};

	runlog_event(&f->log, &ev);
	node_free(fields);
}

/* The end of an action ends what is held back of its output. */
static void finish(struct fixture *f, int exit_code)
{
	struct node *fields = node_map();

	node_set_int(fields, "exit_code", exit_code);
	send(f, EVENT_ACTION_FINISHED, fields);
}

static void flush(struct fixture *f)
{
	finish(f, 0);
}

/* The plan that a machine is given: room for its actions is set aside. */
static void plan_of(struct fixture *f, int actions)
{
	struct node *fields = node_map();
	struct node *steps = node_set_list(node_set_map(fields, "plan"), "steps");

	for (int i = 0; i < actions; i++)
		(void)node_add_map(steps);
	send(f, EVENT_RUNNABLE_PLAN, fields);
}

static void message(struct fixture *f, enum event_type type, const char *text)
{
	struct node *fields = node_map();

	node_set_string(fields, "message", text);
	send(f, type, fields);
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
	expect_field(&f, 3, "type", "action_finished");
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

enum { MAX = 1 << 20 };

static uint64_t length(const struct fixture *f)
{
	return (uint64_t)lseek(f->fd, 0, SEEK_END);
}

static void test_beyond_the_limit_it_is_marked_once_and_the_end_is_kept(void **state)
{
	struct fixture f;
	char line[32];
	size_t mark = 0;

	(void)state;
	setup(&f, MAX);
	for (int i = 0; i < 20000; i++) {
		(void)snprintf(line, sizeof(line), "line %05d\n", i);
		output(&f, false, line, strlen(line));
	}
	flush(&f);
	assert_true(length(&f) <= MAX);
	read_lines(&f);
	while (strcmp(node_get_text(f.lines[mark], "type", ""), "action_output") == 0)
		mark++;
	/* A line of the log is about 130 bytes long, of which the output is 11. */
	assert_in_range(mark, 5000, 8000);
	(void)snprintf(line, sizeof(line), "line %05zu\n", mark - 1);
	expect_field(&f, mark - 1, "text", line);
	expect_field(&f, mark, "type", "log_limit");
	expect_field(&f, mark, "limit", "1048576");
	assert_int_equal(f.count, mark + 1 + 1 + 1);
	assert_true(strlen(node_get_text(f.lines[mark + 1], "text", "")) > RUNLOG_TAIL_BYTES / 4);
	assert_string_equal(
		strrchr(node_get_text(f.lines[mark + 1], "text", ""), 'l'), "line 19999\n");
	teardown(&f);
}

/* The sum: many small actions, each with an end that is kept, of bytes that JSON makes longer. */
static void test_the_limit_is_one_of_the_whole_log(void **state)
{
	enum { ACTIONS = 990, BYTES = 70000 };
	auto_free char *data = mem_alloc(BYTES);
	struct fixture f;

	(void)state;
	memset(data, 1, BYTES);
	setup(&f, MAX);
	plan_of(&f, ACTIONS);
	for (int i = 0; i < ACTIONS; i++) {
		message(&f, EVENT_EXECUTE_ACTION, "starts");
		output(&f, false, data, BYTES);
		output(&f, true, data, BYTES);
		message(&f, EVENT_WARNING, "the guest's remark");
		finish(&f, 0);
		message(&f, EVENT_ACTION_SUCCEEDED, "passed");
	}
	message(&f, EVENT_AMBIENT_SUCCEEDS, "the end");
	assert_in_range(length(&f), MAX / 4, MAX);
	read_lines(&f);
	expect_field(&f, f.count - 1, "type", "ambient_ends_succssfully");
	teardown(&f);
}

static void test_the_end_of_the_action_that_fails_is_kept_however_many_were_before_it(void **state)
{
	auto_free char *data = mem_alloc(BUFSIZ);
	struct fixture f;
	size_t found = 0;

	(void)state;
	memset(data, 'x', BUFSIZ);
	setup(&f, MAX);
	plan_of(&f, 300);
	for (int i = 0; i < 300; i++) {
		for (int k = 0; k < 10; k++)
			output(&f, false, data, BUFSIZ);
		if (i == 299)
			output(&f, true, "the reason", 10);
		finish(&f, i == 299);
	}
	assert_true(length(&f) <= MAX);
	read_lines(&f);
	for (size_t i = 0; i < f.count; i++)
		found += strcmp(node_get_text(f.lines[i], "text", ""), "the reason") == 0;
	assert_int_equal(found, 1);
	teardown(&f);
}

static void test_what_machines_remark_has_the_same_limit(void **state)
{
	struct fixture f;
	char text[900];

	(void)state;
	memset(text, '\\', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	setup(&f, MAX);
	plan_of(&f, 3);
	for (int i = 0; i < 10000; i++)
		message(&f, i % 2 ? EVENT_EGRESS : EVENT_DEBUG, text);
	message(&f, EVENT_AMBIENT_SUCCEEDS, "the end");
	assert_true(length(&f) <= MAX);
	read_lines(&f);
	expect_field(&f, f.count - 2, "type", "log_limit");
	expect_field(&f, f.count - 1, "message", "the end");
	teardown(&f);
}

static void test_a_line_that_no_reader_takes_is_an_error(void **state)
{
	auto_free char *text = mem_alloc(LIMIT_LOG_LINE + 1);
	struct fixture f;
	struct err e = {0};

	(void)state;
	memset(text, 'x', LIMIT_LOG_LINE);
	setup(&f, MAX);
	message(&f, EVENT_AMBIENT_STARTS, text);
	message(&f, EVENT_AMBIENT_SUCCEEDS, "the end");
	assert_int_equal(runlog_check(&f.log, &e), -1);
	assert_int_equal(e.kind, ERR_HOST);
	assert_non_null(strstr(e.msg, "an event of the run log is longer than 8388608 bytes"));
	/* It is left out, and the log is whole without it. */
	read_lines(&f);
	assert_int_equal(f.count, 1);
	expect_field(&f, 0, "message", "the end");
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

/* One place that cannot be written, as the log of the state or as its copy. */
static void expect_other_is_whole(enum runlog_place broken)
{
	int full = open("/dev/full", O_WRONLY | O_CLOEXEC);
	struct fixture f;
	struct err e = {0};

	setup(&f, MAX);
	f.log.fds[broken] = full;
	f.log.fds[broken == RUNLOG_STATE ? RUNLOG_COPY : RUNLOG_STATE] = f.fd;
	output(&f, false, "x", 1);
	output(&f, false, "y", 1);
	message(&f, EVENT_AMBIENT_SUCCEEDS, "the end");
	assert_int_equal(runlog_check(&f.log, &e), -1);
	assert_string_equal(e.msg, "write the run log /dev/full: No space left on device");
	read_lines(&f);
	assert_int_equal(f.count, 3);
	expect_field(&f, 1, "text", "y");
	expect_field(&f, 2, "message", "the end");
	teardown(&f);
	fd_close(full);
}

static void test_a_failing_place_does_not_stop_the_other(void **state)
{
	(void)state;
	expect_other_is_whole(RUNLOG_COPY);
	expect_other_is_whole(RUNLOG_STATE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_output_is_one_event_a_chunk),
		cmocka_unit_test(test_a_character_cut_in_two_is_put_together),
		cmocka_unit_test(test_bytes_that_are_not_utf8_are_base64),
		cmocka_unit_test(test_text_with_a_nul_is_base64),
		cmocka_unit_test(test_beyond_the_limit_it_is_marked_once_and_the_end_is_kept),
		cmocka_unit_test(test_the_limit_is_one_of_the_whole_log),
		cmocka_unit_test(
			test_the_end_of_the_action_that_fails_is_kept_however_many_were_before_it),
		cmocka_unit_test(test_what_machines_remark_has_the_same_limit),
		cmocka_unit_test(test_a_line_that_no_reader_takes_is_an_error),
		cmocka_unit_test(test_progress_is_not_logged),
		cmocka_unit_test(test_a_log_that_cannot_be_written_is_an_error),
		cmocka_unit_test(test_a_failing_place_does_not_stop_the_other),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
