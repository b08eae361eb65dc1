/* SPDX-License-Identifier: Apache-2.0 */
#include "treemake.h"

#include "base/num.h"
#include "upkeep/usage.h"

static struct usage measure(const char *dir, bool remembered)
{
	auto_free char *state = path_join(dir, "state"), *store = path_join(dir, "images");
	const struct usage_request request = {
		.state = state, .store = store, .remembered = remembered, .remember = remembered};
	struct usage usage;
	struct err e = {0};

	expect_ok(usage_measure(&request, &usage, &e), &e);
	return usage;
}

static void make_file(const char *dir, const char *name, size_t bytes)
{
	auto_free char *path = expect_file(dir, name, "");

	expect_sys(unlink(path));
	treemake_file(AT_FDCWD, path, 0600, bytes);
}

static void make_run(const char *dir, const char *id)
{
	auto_free char *log = mem_printf("state/p/runs/%s/run.jsonl", id);
	auto_free char *result = mem_printf("state/p/runs/%s/result.json", id);
	auto_free char *artifact = mem_printf("state/p/runs/%s/artifacts/a", id);

	free(expect_file(dir, log, "{}\n"));
	free(expect_file(dir, result, "{}\n"));
	make_file(dir, artifact, 100000);
}

static void test_each_file_has_a_kind(void **state)
{
	auto_dir char *dir = expect_dir();
	struct usage u;

	(void)state;
	make_run(dir, "r1");
	make_file(dir, "state/p/gen-1/cache", 200000);
	make_file(dir, "state/p/gen-1/cache@x", 200000);
	make_file(dir, "state/p/gen-1/deps", 300000);
	make_file(dir, "state/p/work/gen/deps", 500000);
	make_file(dir, "state/p/state.json", 10);
	make_file(dir, "state/.kvm", 10);
	make_file(dir, "images/.kernel/vmlinux", 700000);
	make_file(dir, "images/tiny/root", 700000);
	make_file(dir, "images/.x.new.abcdef/image/root", 500000);
	u = measure(dir, false);
	assert_in_range(u.bytes[USAGE_RUNS], 100000, 200000);
	assert_in_range(u.bytes[USAGE_CACHES], 400000, 450000);
	assert_in_range(u.bytes[USAGE_DEPS], 300000, 350000);
	assert_in_range(u.bytes[USAGE_WORK], 1000000, 1200000);
	assert_in_range(u.bytes[USAGE_IMAGES], 1400000, 1500000);
	assert_in_range(u.bytes[USAGE_OTHER], 1, 100000);
	assert_in_range(usage_total(&u), 3200000, 3700000);
}

static void test_nothing_takes_nothing(void **state)
{
	auto_dir char *dir = expect_dir();
	struct usage u = measure(dir, true);

	(void)state;
	assert_int_equal(usage_total(&u), 0);
}

static void test_a_store_in_the_state_directory_counts_once(void **state)
{
	auto_dir char *dir = expect_dir();
	auto_free char *store = path_join(dir, "state/images");
	auto_free char *top = path_join(dir, "state");
	const struct usage_request request = {.state = top, .store = store};
	struct usage u;
	struct err e = {0};

	(void)state;
	make_file(dir, "state/images/tiny/root", 700000);
	expect_ok(usage_measure(&request, &u, &e), &e);
	assert_in_range(usage_total(&u), 700000, 800000);
}

/* A run in progress, and one whose removal has begun, are measured each time. */
static void test_only_complete_runs_are_remembered(void **state)
{
	auto_dir char *dir = expect_dir();
	auto_free char *memory = path_join(dir, "state/.disk-usage.json");
	auto_free char *going = path_join(dir, "state/p/runs/going/result.json");
	auto_free char *rubble = path_join(dir, "state/p/runs/rubble/run.jsonl");
	auto_buf struct buf text = {0};
	struct usage before, after;
	struct err e = {0};

	(void)state;
	make_run(dir, "done");
	make_run(dir, "going");
	make_run(dir, "rubble");
	expect_sys(unlink(going));
	expect_sys(unlink(rubble));
	before = measure(dir, true);
	buf_init(&text, 10000);
	expect_ok(fd_read_file(memory, &text, &e), &e);
	assert_non_null(strstr(text.data, "\"done\""));
	assert_null(strstr(text.data, "\"going\""));
	assert_null(strstr(text.data, "\"rubble\""));
	/* Of the run that is remembered, nothing deeper than its directory is looked at. */
	make_file(dir, "state/p/runs/done/artifacts/more", 300000);
	make_file(dir, "state/p/runs/going/artifacts/more", 300000);
	after = measure(dir, true);
	assert_in_range(after.bytes[USAGE_RUNS], before.bytes[USAGE_RUNS] + 300000,
		before.bytes[USAGE_RUNS] + 350000);
	after = measure(dir, false);
	assert_in_range(after.bytes[USAGE_RUNS], before.bytes[USAGE_RUNS] + 600000,
		before.bytes[USAGE_RUNS] + 650000);
}

static void test_a_sum_does_not_wrap(void **state)
{
	struct usage u = {.bytes = {UINT64_MAX - 1, 1, 1}};

	(void)state;
	assert_true(usage_total(&u) == UINT64_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_file_has_a_kind),
		cmocka_unit_test(test_nothing_takes_nothing),
		cmocka_unit_test(test_a_store_in_the_state_directory_counts_once),
		cmocka_unit_test(test_only_complete_runs_are_remembered),
		cmocka_unit_test(test_a_sum_does_not_wrap),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
