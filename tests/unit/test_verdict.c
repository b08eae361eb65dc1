/* SPDX-License-Identifier: Apache-2.0 */
#include "expect.h"

#include <glob.h>
#include <signal.h>

#include "run/verdict.h"

static const struct verdict_reason *find(const char *reason)
{
	for (const struct verdict_reason *r = verdict_reasons; r->reason; r++)
		if (strcmp(r->reason, reason) == 0)
			return r;
	return NULL;
}

static void test_statuses_are_those_of_the_contract(void **state)
{
	static const int statuses[VERDICTS] = {
		[VERDICT_PASSED] = 0,
		[VERDICT_UNCHANGED] = 0,
		[VERDICT_FAILED] = 1,
		[VERDICT_INPUT_ERROR] = 2,
		[VERDICT_BROKEN] = 3,
		[VERDICT_TIMEOUT] = 4,
		[VERDICT_BUSY] = 5,
		[VERDICT_INTERRUPTED] = 143,
	};

	(void)state;
	for (int v = 0; v < VERDICTS; v++)
		assert_int_equal(verdict_exit_status((enum verdict)v, 0), statuses[v]);
	assert_int_equal(verdict_exit_status(VERDICT_INTERRUPTED, SIGINT), 130);
	assert_int_equal(verdict_exit_status(VERDICT_INTERRUPTED, SIGTERM), 143);
	assert_int_equal(verdict_exit_status(VERDICT_FAILED, SIGINT), 1);
}

/* 130/143, 3, 2, 4, 5, 1, 0 */
static void test_the_worst_status_wins(void **state)
{
	static const int order[] = {0, 1, 5, 4, 2, 3, 143};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(order); i++)
		for (size_t j = 0; j < ARRAY_SIZE(order); j++)
			assert_int_equal(
				verdict_worst_status(order[i], order[j]), order[i > j ? i : j]);
	assert_int_equal(verdict_worst_status(3, 130), 130);
	assert_int_equal(verdict_worst_status(130, 3), 130);
}

static void test_kinds_of_errors_have_a_verdict_and_a_reason(void **state)
{
	static const struct {
		enum err_kind kind;
		enum verdict verdict;
	} kinds[] = {
		{ERR_INPUT, VERDICT_INPUT_ERROR},
		{ERR_HOST, VERDICT_BROKEN},
		{ERR_GUEST, VERDICT_BROKEN},
		{ERR_BUSY, VERDICT_BUSY},
		{ERR_INTERRUPTED, VERDICT_INTERRUPTED},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		struct err e = {0};

		(void)err_set(&e, kinds[i].kind, "x");
		assert_int_equal(verdict_of_error(&e), kinds[i].verdict);
		assert_non_null(find(verdict_reason_of_error(&e)));
		assert_int_equal(find(verdict_reason_of_error(&e))->verdict, kinds[i].verdict);
	}
}

static void test_a_reason_says_more_than_the_kind(void **state)
{
	struct err e = {0};

	(void)state;
	(void)err_reason(&e, ERR_GUEST, "guest_timeout", "x");
	assert_int_equal(verdict_of_error(&e), VERDICT_TIMEOUT);
	assert_string_equal(verdict_reason_of_error(&e), "guest_timeout");
}

static void test_outcomes_of_steps(void **state)
{
	static const enum verdict wanted[STEP_OUTCOMES] = {
		[STEP_PASSED] = VERDICT_PASSED,
		[STEP_FAILED] = VERDICT_FAILED,
		[STEP_TIMED_OUT] = VERDICT_TIMEOUT,
		[STEP_OUT_OF_TIME] = VERDICT_TIMEOUT,
		[STEP_STOPPED] = VERDICT_INTERRUPTED,
		[STEP_NO_MEMORY] = VERDICT_FAILED,
		[STEP_NO_PROCESSES] = VERDICT_FAILED,
		[STEP_TOO_LARGE] = VERDICT_FAILED,
		[STEP_BROKEN] = VERDICT_BROKEN,
	};

	(void)state;
	assert_null(message_reason(STEP_PASSED));
	for (int o = 0; o < STEP_OUTCOMES; o++) {
		assert_int_equal(verdict_of_outcome((enum step_outcome)o), wanted[o]);
		if (o != STEP_PASSED)
			assert_non_null(find(message_reason((enum step_outcome)o)));
	}
}

/* What a guest says is taken of trusted machines, and only words that are about transfers. */
static void test_trusted_guests_may_say_why_a_transfer_failed(void **state)
{
	static const struct {
		enum plan_source source;
		enum step_outcome outcome;
		const char *said, *reason;
	} cases[] = {
		{SOURCE_PRE_PLAN, STEP_FAILED, "fetch_not_found", "fetch_not_found"},
		{SOURCE_PRE_PLAN, STEP_FAILED, "fetch_nonsense", "pre_plan_failed"},
		{SOURCE_PRE_PLAN, STEP_FAILED, "host_disk", "pre_plan_failed"},
		{SOURCE_PRE_PLAN, STEP_FAILED, "", "pre_plan_failed"},
		{SOURCE_POST_PLAN, STEP_FAILED, "locked", "post_plan_failed"},
		{SOURCE_PLAN, STEP_FAILED, "fetch_not_found", "action_failed"},
		{SOURCE_PRE_PLAN, STEP_TIMED_OUT, "fetch_not_found", "action_timeout"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		assert_string_equal(
			verdict_reason_of_step(cases[i].source, cases[i].outcome, cases[i].said),
			cases[i].reason);
	assert_int_equal(verdict_of_reason("fetch_not_found"), VERDICT_FAILED);
}

static void test_rows_are_whole_and_reasons_unique(void **state)
{
	(void)state;
	for (const struct verdict_reason *r = verdict_reasons; r->reason; r++) {
		assert_true(strlen(r->reason) < ERR_REASON_MAX);
		assert_true(strlen(r->help) > 20);
		assert_true(r->verdict != VERDICT_PASSED && r->verdict != VERDICT_UNCHANGED);
		assert_ptr_equal(find(r->reason), r);
		/* The first word of a reason of status 3 says who is to blame. */
		if (r->verdict == VERDICT_BROKEN)
			assert_memory_equal(r->reason, r->fault, strlen(r->fault));
	}
}

/* Every reason that the sources give stands behind a call of one of these, as the first text. */
static unsigned check_calls(const char *file, const char *text, const char *call)
{
	unsigned calls = 0;

	for (const char *p = strstr(text, call); p; p = strstr(p + 1, call)) {
		const char *begin = strchr(p, '"');
		size_t len = begin ? strspn(begin + 1, "abcdefghijklmnopqrstuvwxyz_") : 0;
		auto_free char *reason = begin ? mem_strndup(begin + 1, len) : NULL;

		if (!reason || begin[1 + len] != '"')
			continue; /* the declaration */
		if (!find(reason))
			fail_msg("%s: reason '%s' is not in verdict_reasons", file, reason);
		calls++;
	}
	return calls;
}

static void test_every_reason_of_the_sources_is_in_the_table(void **state)
{
	unsigned calls = 0;
	glob_t files;

	(void)state;
	assert_int_equal(glob("src/*/*.c", 0, NULL, &files), 0);
	for (size_t i = 0; i < files.gl_pathc; i++) {
		auto_buf struct buf text = {0};
		struct err e = {0};

		buf_init(&text, 1 << 20);
		expect_ok(fd_read_file(files.gl_pathv[i], &text, &e), &e);
		calls += check_calls(files.gl_pathv[i], text.data, "err_reason(");
		calls += check_calls(files.gl_pathv[i], text.data, "err_because(");
	}
	globfree(&files);
	assert_true(calls > 20);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_statuses_are_those_of_the_contract),
		cmocka_unit_test(test_the_worst_status_wins),
		cmocka_unit_test(test_kinds_of_errors_have_a_verdict_and_a_reason),
		cmocka_unit_test(test_a_reason_says_more_than_the_kind),
		cmocka_unit_test(test_outcomes_of_steps),
		cmocka_unit_test(test_trusted_guests_may_say_why_a_transfer_failed),
		cmocka_unit_test(test_rows_are_whole_and_reasons_unique),
		cmocka_unit_test(test_every_reason_of_the_sources_is_in_the_table),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
