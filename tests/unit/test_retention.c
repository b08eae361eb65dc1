/* SPDX-License-Identifier: Apache-2.0 */
#include "treemake.h"

#include <sys/file.h>

#include "base/clock.h"
#include "store/retention.h"
#include "store/store.h"

enum { DAY = 24 * 60 * 60 };

/* What the view was told: "r1: why\n" for each item, "!" behind the id when it failed. */
struct told {
	struct buf text;
	uint64_t bytes;
};

static void on_item(void *arg, const struct retention_item *item)
{
	struct told *t = arg;

	buf_addf(&t->text, "%s%s: %s\n", item->run_id ? item->run_id : "-", item->error ? "!" : "",
		item->why);
	t->bytes += item->bytes;
}

/* Apply, and expect exactly these items. */
static void expect_items(
	const char *dir, struct retention_policy policy, bool dry_run, const char *wanted)
{
	struct told told = {0};
	const struct retention_view view = {on_item, &told};
	unsigned failed;
	struct err e = {0};

	buf_init(&told.text, 10000);
	expect_ok(retention_apply(dir, "p", &policy, dry_run, &view, &failed, &e), &e);
	assert_string_equal(told.text.data, wanted);
	assert_int_equal(failed, strchr(told.text.data, '!') ? 1 : 0);
	buf_release(&told.text);
}

static char *run_path(const char *dir, const char *id)
{
	return mem_printf("%s/p/runs/%s", dir, id);
}

/* A run that ended so many seconds ago. */
static void make_run(const char *dir, const char *id, const char *result, int64_t age)
{
	auto_free char *log = mem_printf("p/runs/%s/run.jsonl", id);
	auto_free char *file = mem_printf("p/runs/%s/result.json", id);
	auto_free char *text = mem_printf("{\"format\": 1, \"result\": \"%s\"}", result);
	auto_free char *path = run_path(dir, id);

	free(expect_file(dir, "p/lock", ""));
	free(expect_file(dir, log, "{}\n"));
	free(expect_file(dir, file, text));
	treemake_time(AT_FDCWD, path, clock_utc_ns() / 1000000000 - age, 0);
}

static void make_runs(const char *dir, int count)
{
	for (int i = 1; i <= count; i++) {
		auto_free char *id = mem_printf("r%d", i);

		make_run(dir, id, "failed", (count - i) * DAY);
	}
}

/* The names in runs/, sorted and apart by spaces. */
static void expect_runs(const char *dir, const char *wanted)
{
	auto_free char *path = path_join(dir, "p/runs");
	struct dirent **entries;
	int count = scandir(path, &entries, NULL, alphasort);
	auto_buf struct buf found = {0};

	buf_init(&found, 10000);
	assert_true(count >= 0);
	for (int i = 0; i < count; i++) {
		if (entries[i]->d_name[0] != '.')
			buf_addf(&found, "%s%s", found.len ? " " : "", entries[i]->d_name);
		free(entries[i]);
	}
	free(entries);
	assert_string_equal(found.data, wanted);
}

static void test_the_newest_runs_are_kept(void **state)
{
	auto_dir char *dir = expect_dir();

	(void)state;
	make_runs(dir, 4);
	expect_items(dir, (struct retention_policy){.runs = 2}, false,
		"r1: more than 2 runs\nr2: more than 2 runs\n");
	expect_runs(dir, "r3 r4");
	expect_items(dir, (struct retention_policy){.runs = 2}, false, "");
}

static void test_a_dry_run_removes_nothing(void **state)
{
	auto_dir char *dir = expect_dir();

	(void)state;
	make_runs(dir, 2);
	free(expect_file(dir, "p/work/gen/cache", "half"));
	expect_items(dir, (struct retention_policy){.runs = 1}, true,
		"-: left by a killed run\nr1: more than 1 run\n");
	expect_runs(dir, "r1 r2");
	free(expect_file(dir, "p/work/gen/cache", "half"));
}

static void test_old_runs_go_by_age(void **state)
{
	auto_dir char *dir = expect_dir();

	(void)state;
	make_runs(dir, 5);
	expect_items(dir, (struct retention_policy){.runs = 100, .days = 3}, false,
		"r1: older than 3 days\nr2: older than 3 days\n");
	expect_runs(dir, "r3 r4 r5");
}

static void test_a_run_from_the_future_is_not_old(void **state)
{
	auto_dir char *dir = expect_dir();

	(void)state;
	make_run(dir, "r1", "passed", -1000 * DAY);
	expect_items(dir, (struct retention_policy){.runs = 1, .days = 1}, false, "");
}

static void test_the_oldest_go_until_the_others_are_small_enough(void **state)
{
	auto_dir char *dir = expect_dir();
	auto_free char *runs = path_join(dir, "p/runs");
	auto_fd int fd = -1;

	(void)state;
	make_runs(dir, 4);
	fd = treemake_open(runs);
	for (int i = 1; i <= 4; i++) {
		auto_free char *name = mem_printf("r%d", i);
		auto_fd int run = openat(fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

		treemake_file(run, "artifact", 0644, 1 << 20);
		treemake_time(fd, name, 1000 * (i + 1), 0);
	}
	expect_items(dir, (struct retention_policy){.runs = 100, .bytes = 5 << 19}, false,
		"r1: all together more than 2.5 MiB\nr2: all together more than 2.5 MiB\n");
	/* One that alone is too large stays: it is the one that somebody wants to look at. */
	expect_items(dir, (struct retention_policy){.runs = 100, .bytes = 1000}, false,
		"r3: all together more than 1000 B\n");
	expect_runs(dir, "r4");
}

static void test_the_latest_and_the_last_that_passed_are_kept(void **state)
{
	auto_dir char *dir = expect_dir();
	auto_free char *latest = path_join(dir, "p/latest");

	(void)state;
	make_runs(dir, 6);
	free(expect_file(dir, "p/state.json", "{\"format\": 1, \"run_id\": \"r2\"}"));
	expect_sys(symlink("runs/r3", latest));
	expect_items(dir, (struct retention_policy){.runs = 1, .days = 1, .bytes = 1}, false,
		"r1: more than 1 run\nr4: more than 1 run\nr5: more than 1 run\n");
	expect_runs(dir, "r2 r3 r6");
}

static const struct retention_policy strictest = {.runs = 1, .days = 1, .bytes = 1, .scopes = 1};

/* Nothing at all: no run, no scope, nothing that a killed run left. */
static void expect_refused(const char *dir, const char *file)
{
	struct told told = {0};
	const struct retention_view view = {on_item, &told};
	auto_free char *left = path_join(dir, "p/work/gen/cache");
	unsigned failed;
	struct err e = {0};

	free(expect_file(dir, "p/work/gen/cache", "half"));
	buf_init(&told.text, 10000);
	assert_int_equal(retention_apply(dir, "p", &strictest, false, &view, &failed, &e), -1);
	assert_non_null(strstr(e.msg, file));
	assert_int_equal(told.text.len, 0);
	buf_release(&told.text);
	expect_runs(dir, "r1 r2 r3");
	expect_sys(access(left, F_OK));
}

static void test_with_a_state_that_is_not_understood_nothing_is_removed(void **state)
{
	static const char *const texts[] = {"", "{\"run_id\": ", "[]", "\"x\"", "{}", "null", "1",
		"{\"format\": 2, \"last\": {\"run_id\": \"r1\"}}", "{\"format\": 1, \"run_id\": 7}",
		"{\"format\": 1, \"run_id\": [\"r1\"]}", "{\"format\": \"1\", \"run_id\": \"r1\"}",
		"{\"format\": 1, \"run_id\": \"../runs/r1\"}",
		"{\"format\": 1, \"run_id\": \"r9\"}"};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		auto_dir char *dir = expect_dir();

		make_runs(dir, 3);
		free(expect_file(dir, "p/state.json", texts[i]));
		expect_refused(dir, "p/state.json");
	}
}

static void test_with_a_scope_that_is_not_understood_nothing_is_removed(void **state)
{
	auto_dir char *dir = expect_dir();

	(void)state;
	make_runs(dir, 3);
	free(expect_file(dir, "p/state-ro@patch.json", "{\"format\": 2}"));
	expect_refused(dir, "p/state-ro@patch.json");
}

static void test_with_a_link_that_is_not_understood_nothing_is_removed(void **state)
{
	auto_dir char *dir = expect_dir();
	auto_free char *current = path_join(dir, "p/current");

	(void)state;
	make_runs(dir, 3);
	free(expect_file(dir, "p/gen-1/cache", "good"));
	expect_sys(symlink("generations/1", current));
	expect_refused(dir, "p/current");
}

/* The others go. */
static void test_a_run_whose_result_is_not_understood_is_kept_and_told(void **state)
{
	auto_dir char *dir = expect_dir();
	auto_free char *path = NULL;
	struct told told = {0};
	const struct retention_view view = {on_item, &told};
	const struct retention_policy policy = {.runs = 1};
	unsigned failed;
	struct err e = {0};

	(void)state;
	make_runs(dir, 4);
	free(expect_file(dir, "p/runs/r2/result.json", "{\"format\": 2}"));
	path = run_path(dir, "r2");
	treemake_time(AT_FDCWD, path, 1000, 0);
	buf_init(&told.text, 10000);
	expect_ok(retention_apply(dir, "p", &policy, false, &view, &failed, &e), &e);
	assert_int_equal(failed, 1);
	assert_non_null(strstr(told.text.data, "r2!: kept\n"));
	assert_non_null(strstr(told.text.data, "r1: more than 1 run\n"));
	buf_release(&told.text);
	expect_runs(dir, "r2 r4");
}

/* Begun in this order, whatever their clocks said. */
static void test_runs_are_in_the_order_of_their_numbers(void **state)
{
	static const int64_t times[] = {INT64_C(8000000000), -1000, 0, 1000};
	auto_dir char *dir = expect_dir();

	(void)state;
	make_run(dir, "r0", "passed", -1000 * DAY); /* of an older version, without a number */
	for (int i = 0; i < 4; i++) {
		auto_free char *id = mem_printf("r%d", i + 1);
		auto_free char *number = mem_printf("p/runs/%s/number", id);
		auto_free char *text = mem_printf("%d\n", i + 1), *path = run_path(dir, id);

		make_run(dir, id, "passed", 0);
		free(expect_file(dir, number, text));
		treemake_time(AT_FDCWD, path, times[i], 0);
	}
	expect_items(dir, (struct retention_policy){.runs = 2}, false,
		"r0: more than 2 runs\nr1: more than 2 runs\nr2: more than 2 runs\n");
	expect_runs(dir, "r3 r4");
}

/* A timer that starts a run every minute finds nothing to do most of the time. */
static void test_unchanged_runs_push_no_real_ones_out(void **state)
{
	auto_dir char *dir = expect_dir();

	(void)state;
	make_run(dir, "real-1", "passed", 1000);
	make_run(dir, "real-2", "failed", 900);
	for (int i = 1; i <= 4; i++) {
		auto_free char *id = mem_printf("skip-%d", i);

		make_run(dir, id, "unchanged", 100 - i);
	}
	expect_items(dir, (struct retention_policy){.runs = 2}, false,
		"skip-1: more than 2 unchanged runs\nskip-2: more than 2 unchanged runs\n");
	expect_runs(dir, "real-1 real-2 skip-3 skip-4");
}

/* As a run in progress: it holds its directory from before it has its name. */
static void test_a_run_that_goes_on_is_not_touched(void **state)
{
	auto_dir char *dir = expect_dir();
	const struct retention_policy all = {.runs = 1, .days = 1, .bytes = 1};
	auto_store struct store s = STORE_NONE;
	auto_free char *next = NULL, *path = run_path(dir, "now");
	struct err e = {0};

	(void)state;
	make_runs(dir, 2);
	expect_ok(store_lock(dir, "p", &s, &e), &e);
	expect_ok(store_begin_run(&s, "now", &e), &e);
	next = store_next(&s, "cache", &e);
	expect_ok(fd_write_file(next, "half", 4, 0600, &e), &e);
	treemake_time(AT_FDCWD, path, 1000, 0);
	expect_items(dir, all, false, "r1: more than 1 run\nr2: more than 1 run\n");
	expect_runs(dir, "now");
	expect_sys(access(next, F_OK));
	store_release(&s);
	free(expect_file(dir, "p/runs/now/run.jsonl", ""));
	treemake_time(AT_FDCWD, path, 1000, 0);
	expect_items(dir, all, false, "now: older than 1 day\n");
}

/* As everybody may who can read it. */
static int hold(const char *dir, const char *id)
{
	auto_free char *path = run_path(dir, id);
	int fd = treemake_open(path);

	expect_sys(flock(fd, LOCK_SH | LOCK_NB));
	return fd;
}

/* The run is as old as before. */
static void remove_file(const char *dir, const char *id, const char *name)
{
	auto_free char *path = run_path(dir, id), *file = path_join(path, name);
	struct stat st;

	expect_sys(stat(path, &st));
	expect_sys(unlink(file));
	treemake_time(AT_FDCWD, path, st.st_mtim.tv_sec, 0);
}

static void test_who_may_only_read_keeps_no_run(void **state)
{
	auto_dir char *dir = expect_dir();
	auto_free char *third = run_path(dir, "r3");
	auto_fd int ended = -1, rubble = -1, killed = -1;

	(void)state;
	make_runs(dir, 4);
	remove_file(dir, "r2", "run.jsonl");
	remove_file(dir, "r2", "result.json");
	free(expect_file(dir, "p/runs/r3/lock", ""));
	treemake_time(AT_FDCWD, third, clock_utc_ns() / 1000000000 - DAY, 0);
	remove_file(dir, "r3", "result.json");
	ended = hold(dir, "r1");
	rubble = hold(dir, "r2");
	killed = hold(dir, "r3");
	expect_items(dir, (struct retention_policy){.runs = 1}, false,
		"r1: more than 1 run\nr2: an unfinished removal\nr3: more than 1 run\n");
	expect_runs(dir, "r4");
}

/* It holds its directory, and has no file for that. */
static void test_a_run_of_an_older_version_that_goes_on_is_not_touched(void **state)
{
	auto_dir char *dir = expect_dir();
	const struct retention_policy one = {.runs = 1};
	int going;

	(void)state;
	make_runs(dir, 3);
	remove_file(dir, "r1", "result.json");
	going = hold(dir, "r1");
	expect_items(dir, one, false, "r2: more than 1 run\n");
	fd_close(going);
	expect_items(dir, one, false, "r1: more than 1 run\n");
}

static void test_an_unfinished_removal_is_finished(void **state)
{
	auto_dir char *dir = expect_dir();
	auto_free char *log = path_join(dir, "p/runs/r2/run.jsonl");

	(void)state;
	make_runs(dir, 2);
	expect_sys(unlink(log));
	expect_items(
		dir, (struct retention_policy){.runs = 5}, false, "r2: an unfinished removal\n");
	expect_runs(dir, "r1");
}

static void test_what_killed_runs_left_is_removed(void **state)
{
	auto_dir char *dir = expect_dir();
	auto_free char *current = path_join(dir, "p/current"), *work = path_join(dir, "p/work");
	auto_free char *old = path_join(dir, "p/gen-3"), *kept = path_join(dir, "p/gen-4/cache");

	(void)state;
	make_runs(dir, 1);
	free(expect_file(dir, "p/work/gen/cache", "half"));
	free(expect_file(dir, "p/gen-3/cache", "old"));
	free(expect_file(dir, "p/gen-4/cache", "good"));
	expect_sys(symlink("gen-4", current));
	expect_items(dir, (struct retention_policy){.runs = 5}, false, "-: left by a killed run\n");
	assert_int_equal(access(work, F_OK), -1);
	assert_int_equal(access(old, F_OK), -1);
	expect_sys(access(kept, F_OK));
	expect_items(dir, (struct retention_policy){.runs = 5}, false, "");
}

static void test_hostile_artifacts_are_removed_whole(void **state)
{
	auto_dir char *dir = expect_dir();
	auto_free char *outside = expect_file(dir, "outside", "kept");
	auto_free char *path = run_path(dir, "r1");
	auto_fd int run = -1, artifacts = -1;

	(void)state;
	make_runs(dir, 2);
	run = treemake_open(path);
	artifacts = treemake_dir(run, "artifacts", 0755);
	treemake_odd(artifacts);
	expect_sys(symlinkat("../../../../outside", artifacts, "to-outside"));
	expect_sys(fchmod(artifacts, 0500));
	treemake_time(AT_FDCWD, path, 1000, 0);
	expect_items(dir, (struct retention_policy){.runs = 1}, false, "r1: more than 1 run\n");
	expect_runs(dir, "r2");
	expect_sys(access(outside, F_OK));
}

/* What stands beside runs, or as a link to one, is not ours. */
static void test_what_is_no_run_is_left_alone(void **state)
{
	auto_dir char *dir = expect_dir();
	auto_free char *link = run_path(dir, "a-link"), *file = run_path(dir, "notes.txt");

	(void)state;
	make_runs(dir, 2);
	expect_sys(symlink("r1", link));
	free(expect_file(dir, "p/runs/notes.txt", "mine"));
	expect_items(dir, (struct retention_policy){.runs = 1}, false, "r1: more than 1 run\n");
	expect_runs(dir, "a-link notes.txt r2");
	expect_sys(access(file, F_OK));
}

static void test_a_project_without_runs_has_nothing_to_remove(void **state)
{
	auto_dir char *dir = expect_dir();

	(void)state;
	free(expect_file(dir, "p/lock", ""));
	expect_items(dir, (struct retention_policy){.runs = 1}, false, "");
}

/* "r1 r2": those that a limit over all projects may remove. */
static void expect_removable(const char *dir, const char *wanted)
{
	auto_retention_runs struct retention_runs runs = {0};
	auto_buf struct buf found = {0};
	struct err e = {0};

	buf_init(&found, 10000);
	expect_ok(retention_removable(dir, "p", &runs, &e), &e);
	for (size_t i = 0; i < runs.count; i++)
		buf_addf(&found, "%s%s", i ? " " : "", runs.items[i].id);
	assert_string_equal(found.len ? found.data : "", wanted);
}

static void test_runs_that_nothing_keeps_are_removable_one_by_one(void **state)
{
	auto_dir char *dir = expect_dir();
	auto_free char *latest = path_join(dir, "p/latest");
	auto_free char *lock = NULL;
	auto_fd int held = -1;
	uint64_t bytes;
	bool gone;
	struct err e = {0};

	(void)state;
	make_runs(dir, 6);
	expect_sys(symlink("runs/r5", latest));
	free(expect_file(dir, "p/state.json", "{\"format\": 1, \"run_id\": \"r2\"}"));
	lock = expect_file(dir, "p/runs/r4/" STORE_RUN_LOCK, "");
	held = open(lock, O_RDWR | O_CLOEXEC);
	expect_sys(flock(held, LOCK_EX | LOCK_NB));
	expect_removable(dir, "r1 r3 r6");
	expect_ok(retention_remove(dir, "p", "r4", false, &bytes, &gone, &e), &e);
	assert_false(gone);
	expect_ok(retention_remove(dir, "p", "r1", true, &bytes, &gone, &e), &e);
	assert_true(gone && bytes > 0);
	expect_runs(dir, "r1 r2 r3 r4 r5 r6");
	expect_ok(retention_remove(dir, "p", "r1", false, &bytes, &gone, &e), &e);
	assert_true(gone && bytes > 0);
	expect_ok(retention_remove(dir, "p", "r1", false, &bytes, &gone, &e), &e);
	assert_false(gone);
	expect_runs(dir, "r2 r3 r4 r5 r6");
	expect_ok(retention_remove(dir, "nosuch", "r1", false, &bytes, &gone, &e), &e);
	assert_false(gone);
}

static void test_nothing_is_removable_of_a_state_that_is_not_understood(void **state)
{
	auto_dir char *dir = expect_dir();
	auto_retention_runs struct retention_runs runs = {0};
	struct err e = {0};

	(void)state;
	make_runs(dir, 2);
	free(expect_file(dir, "p/state.json", "{"));
	assert_int_equal(retention_removable(dir, "p", &runs, &e), -1);
	assert_int_equal(runs.count, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_newest_runs_are_kept),
		cmocka_unit_test(test_a_dry_run_removes_nothing),
		cmocka_unit_test(test_old_runs_go_by_age),
		cmocka_unit_test(test_a_run_from_the_future_is_not_old),
		cmocka_unit_test(test_the_oldest_go_until_the_others_are_small_enough),
		cmocka_unit_test(test_the_latest_and_the_last_that_passed_are_kept),
		cmocka_unit_test(test_unchanged_runs_push_no_real_ones_out),
		cmocka_unit_test(test_a_run_that_goes_on_is_not_touched),
		cmocka_unit_test(test_who_may_only_read_keeps_no_run),
		cmocka_unit_test(test_a_run_of_an_older_version_that_goes_on_is_not_touched),
		cmocka_unit_test(test_an_unfinished_removal_is_finished),
		cmocka_unit_test(test_what_killed_runs_left_is_removed),
		cmocka_unit_test(test_hostile_artifacts_are_removed_whole),
		cmocka_unit_test(test_what_is_no_run_is_left_alone),
		cmocka_unit_test(test_a_project_without_runs_has_nothing_to_remove),
		cmocka_unit_test(test_with_a_state_that_is_not_understood_nothing_is_removed),
		cmocka_unit_test(test_with_a_scope_that_is_not_understood_nothing_is_removed),
		cmocka_unit_test(test_with_a_link_that_is_not_understood_nothing_is_removed),
		cmocka_unit_test(test_a_run_whose_result_is_not_understood_is_kept_and_told),
		cmocka_unit_test(test_runs_are_in_the_order_of_their_numbers),
		cmocka_unit_test(test_runs_that_nothing_keeps_are_removable_one_by_one),
		cmocka_unit_test(test_nothing_is_removable_of_a_state_that_is_not_understood),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
