/* SPDX-License-Identifier: Apache-2.0 */
/* Whole runs, as events, and what a pipe sees of them; test_screen.c has the terminals. */
#include "expect.h"

#include <fcntl.h>
#include <pty.h>
#include <unistd.h>

#include "base/clock.h"
#include "cli/screen/term.h"
#include "contract/event.h"
#include "data/jsonl.h"

struct fixture {
	struct term t;
	int fds[2];
	struct run_outcome outcome;
};

static void setup_on(struct fixture *f, int in, int out, bool quiet)
{
	*f = (struct fixture){.fds = {in, out}};
	term_init(&f->t, out, out, SCREEN_COLOR_NEVER, quiet);
	term_begin(&f->t, "hello");
	f->t.start_ms = INT64_MAX / 2; /* so that the whole time is no number of this test */
}

static void setup(struct fixture *f, bool quiet)
{
	int fds[2];

	(void)setenv("LANG", "C.UTF-8", 1);
	(void)unsetenv("LC_ALL");
	(void)unsetenv("LC_CTYPE");
	(void)setenv("TERM", "xterm", 1);
	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	setup_on(f, fds[0], fds[1], quiet);
}

/* An event with the fields of a JSON object. */
static void event(
	struct fixture *f, enum event_type type, enum plan_source source, const char *fields)
{
	auto_node struct node *n = NULL;
	struct event ev = {.type = type, .source = source};
	struct err e = {0};

	expect_ok(jsonl_parse(fields, strlen(fields), "fields", &n, &e), &e);
	ev.fields = n;
	f->t.view.sink.event(f->t.view.sink.arg, &ev);
}

static void output(struct fixture *f, bool is_stderr, const char *text)
{
	const struct event ev = {.type = EVENT_ACTION_OUTPUT,
		.source = SOURCE_PLAN,
		.is_stderr = is_stderr,
		.data = text,
		.len = strlen(text)};

	f->t.view.sink.event(f->t.view.sink.arg, &ev);
}

static void boot(struct fixture *f)
{
	event(f, EVENT_SOURCE, SOURCE_PRELUDE,
		"{\"path\":\"/src\",\"commit\":\"0123456789abcdef\",\"clean\":true,\"entries\":42,"
		"\"bytes\":1048576,\"duration_ms\":120}");
	event(f, EVENT_RUNNABLE_PLAN, SOURCE_PLAN,
		"{\"plan\":{\"source\":\"plan\",\"steps\":["
		"{\"origin\":{\"source\":\"prelude\",\"index\":7,\"action\":\"tar_extract\"}},"
		"{\"origin\":{\"source\":\"plan\",\"index\":0,\"action\":\"shell\"}},"
		"{\"origin\":{\"source\":\"plan\",\"index\":1,\"action\":\"shell\"}}]}}");
	event(f, EVENT_VM_STARTS, SOURCE_PLAN,
		"{\"kind\":\"plan\",\"accelerator\":\"tcg\",\"machine\":\"microvm\",\"image\":"
		"\"tiny\",\"cpus\":1,"
		"\"memory\":1073741824,\"argv\":[]}");
	event(f, EVENT_EXECUTOR_STARTS, SOURCE_PLAN, "{\"version\":\"x\",\"boot_ms\":2400}");
	event(f, EVENT_EXECUTE_ACTION, SOURCE_PRELUDE, "{\"action\":7,\"name\":\"tar_extract\"}");
	event(f, EVENT_ACTION_FINISHED, SOURCE_PRELUDE, "{\"exit_code\":0,\"duration_ms\":30}");
	event(f, EVENT_ACTION_SUCCEEDED, SOURCE_PRELUDE, "{}");
}

static void first_action(struct fixture *f)
{
	event(f, EVENT_EXECUTE_ACTION, SOURCE_PLAN, "{\"action\":0,\"name\":\"shell\"}");
	output(f, true, "+ make\n");
	output(f, false, "made\n");
	event(f, EVENT_ACTION_FINISHED, SOURCE_PLAN, "{\"exit_code\":0,\"duration_ms\":1200}");
	event(f, EVENT_ACTION_SUCCEEDED, SOURCE_PLAN, "{}");
}

static void second_action(struct fixture *f, const char *finished, const char *failed)
{
	event(f, EVENT_EXECUTE_ACTION, SOURCE_PLAN, "{\"action\":1,\"name\":\"shell\"}");
	output(f, false, "no newline");
	event(f, EVENT_ACTION_FINISHED, SOURCE_PLAN, finished);
	event(f, EVENT_ACTION_FAILED, SOURCE_PLAN, failed);
	event(f, EVENT_EXECUTE_ACTION, SOURCE_EPILOG, "{\"action\":0,\"name\":\"tar_create\"}");
	event(f, EVENT_ACTION_FINISHED, SOURCE_EPILOG, "{\"exit_code\":0,\"duration_ms\":30}");
	event(f, EVENT_ACTION_SUCCEEDED, SOURCE_EPILOG, "{}");
}

/* End the run; whole output. Times of the whole run are the machine's, and become T. */
static void expect_end(struct fixture *f, enum verdict verdict, const char *wanted)
{
	auto_buf struct buf seen = {0};
	struct err e = {0};
	char *in;

	f->outcome.verdict = verdict;
	term_end(&f->t, &f->outcome);
	node_free(f->outcome.result);
	term_release(&f->t);
	fd_close(f->fds[1]);
	buf_init(&seen, 1 << 20);
	expect_ok(fd_read_to_end(f->fds[0], "pipe", &seen, &e), &e);
	fd_close(f->fds[0]);
	in = strstr(seen.data, " in -");
	if (in) {
		char *end = strchr(in, '\n');

		memcpy(in, " in T", 5);
		memmove(in + 5, end, strlen(end) + 1);
	}
	assert_string_equal(seen.data, wanted);
}

static void test_a_run_that_passes(void **state)
{
	static const char result[] = "{\"outputs\":{\"artifacts\":{\"path\":\"/state/hello/runs/1/"
				     "artifacts\",\"bytes\":2048}}}";
	struct fixture f;
	struct err e = {0};

	(void)state;
	setup(&f, false);
	boot(&f);
	first_action(&f);
	event(&f, EVENT_OUTPUT_KEPT, SOURCE_EPILOG,
		"{\"kind\":\"artifacts\",\"entries\":3,\"bytes\":2048}");
	expect_ok(jsonl_parse(result, strlen(result), "result", &f.outcome.result, &e), &e);
	f.outcome.log = f.t.project;
	expect_end(&f, VERDICT_PASSED,
		"hello  commit 0123456789 (clean), 42 files, 1.0 MiB, packed in 0.1 s\n"
		"hello  plan VM: tiny, tcg, 1 CPU, 1.0 GiB, up in 2.4 s\n"
		"  1/2 shell\n"
		"      + make\n"
		"      made\n"
		"\xe2\x9c\x93 1/2 shell  1.2 s\n"
		"hello  passed in T\n"
		"       artifacts  /state/hello/runs/1/artifacts (3 files, 2.0 KiB)\n");
}

static void test_one_file_is_not_files(void **state)
{
	static const char result[] =
		"{\"outputs\":{\"artifacts\":{\"path\":\"/a\",\"bytes\":1536}}}";
	struct fixture f;
	struct err e = {0};

	(void)state;
	setup(&f, false);
	event(&f, EVENT_SOURCE, SOURCE_PRELUDE,
		"{\"path\":\"/src\",\"entries\":1,\"bytes\":1536,\"duration_ms\":0}");
	event(&f, EVENT_OUTPUT_KEPT, SOURCE_EPILOG,
		"{\"kind\":\"artifacts\",\"entries\":1,\"bytes\":1536}");
	expect_ok(jsonl_parse(result, strlen(result), "result", &f.outcome.result, &e), &e);
	f.outcome.log = f.t.project;
	expect_end(&f, VERDICT_PASSED,
		"hello  source 1 file, 1.5 KiB, packed in 0.0 s\n"
		"hello  passed in T\n"
		"       artifacts  /a (1 file, 1.5 KiB)\n");
}

static void test_a_run_that_fails(void **state)
{
	struct fixture f;

	(void)state;
	setup(&f, false);
	first_action(&f);
	second_action(&f, "{\"exit_code\":2,\"duration_ms\":300}",
		"{\"reason\":\"action_failed\",\"message\":\"exit code 2\"}");
	f.outcome.log = f.t.project;
	expect_end(&f, VERDICT_FAILED,
		"  1/1 shell\n"
		"      + make\n"
		"      made\n"
		"\xe2\x9c\x93 1/1 shell  1.2 s\n"
		"  2/2 shell\n"
		"      no newline\n"
		"\xe2\x9c\x97 2/2 shell  exit code 2, 0.3 s\n"
		"hello  FAILED in T\n"
		"       log        ambient log hello\n");
}

static void test_other_endings_of_an_action_are_told(void **state)
{
	struct fixture f;

	(void)state;
	setup(&f, false);
	second_action(&f, "{\"signal\":9,\"duration_ms\":300}",
		"{\"reason\":\"action_failed\",\"message\":\"killed\"}");
	second_action(&f, "{\"signal\":9,\"duration_ms\":300}",
		"{\"reason\":\"action_timeout\",\"message\":\"longer than 0.3 s \\u001b[2J\"}");
	expect_end(&f, VERDICT_TIMEOUT,
		"  2/2 shell\n      no newline\n"
		"\xe2\x9c\x97 2/2 shell  signal 9, 0.3 s\n"
		"  2/2 shell\n      no newline\n"
		"\xe2\x9c\x97 2/2 shell  longer than 0.3 s \\x1b[2J, 0.3 s\n"
		"hello  OUT OF TIME\n");
}

static void test_quiet_says_nothing_of_what_is_well(void **state)
{
	struct fixture f;

	(void)state;
	setup(&f, true);
	boot(&f);
	event(&f, EVENT_WARNING, SOURCE_PRELUDE, "{\"message\":\"deprecated\"}");
	first_action(&f);
	term_note(&f.t, "2 projects");
	expect_end(&f, VERDICT_PASSED, "");
	setup(&f, true);
	expect_end(&f, VERDICT_UNCHANGED, "");
}

static void test_quiet_shows_the_action_its_end_and_the_log(void **state)
{
	struct fixture f;
	auto_buf struct buf wanted = {0};

	(void)state;
	buf_init(&wanted, 1 << 16);
	setup(&f, true);
	boot(&f);
	first_action(&f);
	event(&f, EVENT_EXECUTE_ACTION, SOURCE_PLAN, "{\"action\":1,\"name\":\"shell\"}");
	for (int i = 1; i <= 60; i++) {
		auto_free char *line = mem_printf("line %d\n", i);

		output(&f, i & 1, line);
	}
	event(&f, EVENT_ACTION_FINISHED, SOURCE_PLAN, "{\"exit_code\":2,\"duration_ms\":300}");
	event(&f, EVENT_ACTION_FAILED, SOURCE_PLAN,
		"{\"reason\":\"action_failed\",\"message\":\"exit code 2\"}");
	event(&f, EVENT_EXECUTE_ACTION, SOURCE_EPILOG, "{\"action\":0,\"name\":\"tar_create\"}");
	output(&f, false, "of another action\n");
	f.outcome.log = f.t.project;
	buf_adds(&wanted, "hello  FAILED in T\n\xe2\x9c\x97 2/2 shell  exit code 2, 0.3 s\n");
	for (int i = 11; i <= 60; i++)
		buf_addf(&wanted, "      line %d\n", i);
	buf_adds(&wanted, "       log  hello\n");
	expect_end(&f, VERDICT_FAILED, wanted.data);
}

static void test_quiet_shows_what_ran_when_the_machine_died(void **state)
{
	struct fixture f;

	(void)state;
	setup(&f, true);
	boot(&f);
	event(&f, EVENT_EXECUTE_ACTION, SOURCE_PLAN, "{\"action\":1,\"name\":\"shell\"}");
	output(&f, false, "going down\n");
	event(&f, EVENT_VM_DIED, SOURCE_PLAN,
		"{\"kind\":\"plan\",\"reason\":\"guest_panic\",\"message\":\"x\"}");
	expect_end(&f, VERDICT_BROKEN, "hello  BROKEN\n  2/2 shell\n      going down\n");
}

static void test_a_flood_while_quiet_takes_little_memory(void **state)
{
	struct fixture f;
	auto_free char *chunk = mem_alloc(65537);

	(void)state;
	memset(chunk, 'x', 65536);
	setup(&f, true);
	event(&f, EVENT_EXECUTE_ACTION, SOURCE_PLAN, "{\"action\":0,\"name\":\"shell\"}");
	for (int i = 0; i < 1000; i++)
		output(&f, false, chunk);
	assert_true(f.t.tail.text.size <= 1 << 20);
	event(&f, EVENT_ACTION_FINISHED, SOURCE_PLAN, "{\"exit_code\":0,\"duration_ms\":1}");
	event(&f, EVENT_ACTION_SUCCEEDED, SOURCE_PLAN, "{}");
	expect_end(&f, VERDICT_PASSED, "");
}

static void test_warnings_of_the_run_are_shown(void **state)
{
	struct fixture f;

	(void)state;
	setup(&f, false);
	event(&f, EVENT_WARNING, SOURCE_PRELUDE, "{\"message\":\"pre_plan is ignored\"}");
	event(&f, EVENT_CLOCK_SKEW, SOURCE_PLAN, "{\"guest_ms\":5000,\"host_ms\":10000}");
	event(&f, EVENT_LOG_LIMIT, SOURCE_PLAN, "{\"limit\":1024}");
	expect_end(&f, VERDICT_UNCHANGED,
		"WARNING: pre_plan is ignored\n"
		"WARNING: the guest's clock ran for 5.0 s while the host's ran for 10.0 s\n"
		"WARNING: the run log is full (1.0 KiB): what follows is not in it\n"
		"hello  unchanged since the last run that passed; --force runs it again\n");
}

static void test_unchanged_dependencies_are_one_line(void **state)
{
	struct fixture f;

	(void)state;
	setup(&f, false);
	event(&f, EVENT_DEPS_UNCHANGED, SOURCE_PRELUDE,
		"{\"machines\":[\"pre_plan\",\"fetch\"],\"all\":true}");
	event(&f, EVENT_DEPS_UNCHANGED, SOURCE_PRELUDE,
		"{\"machines\":[\"pre_plan\"],\"all\":false}");
	event(&f, EVENT_DEPS_UNCHANGED, SOURCE_PRELUDE, "{\"machines\":[\"fetch\"],\"all\":false}");
	expect_end(&f, VERDICT_UNCHANGED,
		"hello  dependencies unchanged\n"
		"hello  dependencies unchanged (pre-plan)\n"
		"hello  dependencies unchanged (fetch)\n"
		"hello  unchanged since the last run that passed; --force runs it again\n");
}

static void setup_terminal(struct fixture *f)
{
	struct winsize size = {.ws_row = 24, .ws_col = 80};
	struct termios raw;
	int master, slave;

	(void)setenv("TERM", "xterm", 1);
	(void)setenv("LANG", "C.UTF-8", 1);
	assert_int_equal(openpty(&master, &slave, NULL, NULL, &size), 0);
	assert_int_equal(tcgetattr(slave, &raw), 0);
	cfmakeraw(&raw);
	assert_int_equal(tcsetattr(slave, TCSANOW, &raw), 0);
	setup_on(f, master, slave, false);
}

/* All that the terminal saw, up to the end of the last action. */
static void expect_terminal(struct fixture *f, const char *wanted)
{
	char seen[1024] = "";

	screen_finish(&f->t.screen);
	/* The kernel may hand it on in pieces. */
	for (size_t len = 0; len < strlen(wanted);) {
		ssize_t n = read(f->fds[0], seen + len, sizeof(seen) - 1 - len);

		assert_true(n > 0);
		len += (size_t)n;
	}
	assert_string_equal(seen, wanted);
	term_release(&f->t);
	fd_close(f->fds[0]);
	fd_close(f->fds[1]);
}

static void test_a_silent_action_leaves_one_line_on_a_terminal(void **state)
{
	struct fixture f;

	(void)state;
	setup_terminal(&f);
	event(&f, EVENT_EXECUTE_ACTION, SOURCE_PLAN, "{\"action\":0,\"name\":\"true\"}");
	event(&f, EVENT_ACTION_FINISHED, SOURCE_PLAN, "{\"exit_code\":0,\"duration_ms\":1000}");
	event(&f, EVENT_ACTION_SUCCEEDED, SOURCE_PLAN, "{}");
	expect_terminal(&f, "  1/1 true ...\r\033[K\xe2\x9c\x93 1/1 true  1.0 s\n");
}

/* As if what goes on had gone on for so long without a word, and the loop came round. */
static void pass(struct fixture *f, int64_t ms)
{
	f->t.waiting_ms = f->t.drawn_ms = clock_ms() - ms;
	f->t.source.after(f->t.source.arg);
}

static void test_the_time_of_a_silent_action_is_counted_on_a_terminal(void **state)
{
	struct fixture f;

	(void)state;
	setup_terminal(&f);
	event(&f, EVENT_EXECUTE_ACTION, SOURCE_PLAN, "{\"action\":0,\"name\":\"make\"}");
	pass(&f, 0);
	pass(&f, 3000);
	pass(&f, 65000);
	output(&f, false, "end\nhalf");
	pass(&f, 9000); /* not within a line of the guest */
	output(&f, false, "\n");
	event(&f, EVENT_ACTION_FINISHED, SOURCE_PLAN, "{\"exit_code\":0,\"duration_ms\":74000}");
	event(&f, EVENT_ACTION_SUCCEEDED, SOURCE_PLAN, "{}");
	pass(&f, 9000); /* nothing goes on */
	expect_terminal(&f,
		"  1/1 make ...\r\033[K  1/1 make ... 3 s\r\033[K  1/1 make ... 1 min 05 s"
		"\r\033[K  1/1 make\n      end\n      half\n"
		"\xe2\x9c\x93 1/1 make  1 min 14 s\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_run_that_passes),
		cmocka_unit_test(test_one_file_is_not_files),
		cmocka_unit_test(test_a_run_that_fails),
		cmocka_unit_test(test_other_endings_of_an_action_are_told),
		cmocka_unit_test(test_quiet_says_nothing_of_what_is_well),
		cmocka_unit_test(test_quiet_shows_the_action_its_end_and_the_log),
		cmocka_unit_test(test_quiet_shows_what_ran_when_the_machine_died),
		cmocka_unit_test(test_a_flood_while_quiet_takes_little_memory),
		cmocka_unit_test(test_warnings_of_the_run_are_shown),
		cmocka_unit_test(test_unchanged_dependencies_are_one_line),
		cmocka_unit_test(test_a_silent_action_leaves_one_line_on_a_terminal),
		cmocka_unit_test(test_the_time_of_a_silent_action_is_counted_on_a_terminal),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
