/* SPDX-License-Identifier: Apache-2.0 */
#include "expect.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "data/node.h"
#include "store/store.h"

static void lock(const char *state, struct store *s)
{
	struct err e = {0};

	expect_ok(store_lock(state, "p", s, &e), &e);
}

/* One run of a class that publishes a cache with this content. */
static void publish_as(const char *state, const char *class, const char *run_id, const char *name,
	const char *content)
{
	auto_store struct store s = STORE_NONE;
	auto_node struct node *n = node_map();
	auto_free char *path = NULL;
	struct err e = {0};

	lock(state, &s);
	expect_ok(store_begin_run(&s, run_id, &e), &e);
	path = store_next(&s, name, &e);
	assert_non_null(path);
	expect_ok(fd_write_file(path, content, strlen(content), 0600, &e), &e);
	node_set_int(n, "format", 1);
	node_set_string(n, "result", "passed");
	node_set_string(n, "run_id", run_id);
	expect_ok(store_publish(&s, class, n, &e), &e);
	expect_ok(store_write_result(&s, n, true, &e), &e);
}

static void publish(const char *state, const char *run_id, const char *name, const char *content)
{
	publish_as(state, NULL, run_id, name, content);
}

/* The last run of a class that published; NULL: there was none. */
static void expect_last(const struct store *s, const char *class, const char *run_id)
{
	auto_node struct node *n = NULL;
	struct err e = {0};

	expect_ok(store_last_success(s, class, &n, &e), &e);
	if (!run_id)
		assert_null(n);
	else
		assert_string_equal(node_get_text(n, "run_id", ""), run_id);
}

static void expect_content(const char *path, const char *wanted)
{
	auto_buf struct buf b = {0};
	struct err e = {0};

	assert_non_null(path);
	buf_init(&b, 100);
	expect_ok(fd_read_file(path, &b, &e), &e);
	assert_string_equal(b.data, wanted);
}

static void expect_gone(const char *dir, const char *name)
{
	auto_free char *path = path_join(dir, name);

	assert_int_equal(access(path, F_OK), -1);
}

static void test_a_published_cache_is_the_next_runs_input(void **state)
{
	auto_dir char *dir = expect_dir();
	auto_store struct store s = STORE_NONE;
	auto_free char *cache = NULL;

	(void)state;
	publish(dir, "r1", "cache", "one");
	publish(dir, "r2", "cache", "two");
	lock(dir, &s);
	cache = store_current(&s, "cache");
	expect_content(cache, "two");
	assert_int_equal(s.current, 2);
	expect_last(&s, NULL, "r2");
	expect_gone(dir, "p/gen-1");
}

static void test_classes_of_runs_do_not_see_each_other(void **state)
{
	auto_dir char *dir = expect_dir();
	auto_store struct store s = STORE_NONE;

	(void)state;
	publish(dir, "r1", "cache", "one");
	publish_as(dir, "ro", "r2", "deps", "two");
	publish_as(dir, "rw@x", "r3", "cache@x", "three");
	lock(dir, &s);
	expect_last(&s, NULL, "r1");
	expect_last(&s, "ro", "r2");
	expect_last(&s, "rw@x", "r3");
	expect_last(&s, "none", NULL);
}

static void test_what_a_run_does_not_make_is_kept(void **state)
{
	auto_dir char *dir = expect_dir();
	auto_store struct store s = STORE_NONE;
	auto_free char *cache = NULL, *scoped = NULL;

	(void)state;
	publish(dir, "r1", "cache", "own");
	publish(dir, "r2", "cache@patch", "stranger");
	lock(dir, &s);
	cache = store_current(&s, "cache");
	scoped = store_current(&s, "cache@patch");
	expect_content(cache, "own");
	expect_content(scoped, "stranger");
	assert_null(store_current(&s, "deps"));
}

static void test_what_was_not_published_is_gone(void **state)
{
	auto_dir char *dir = expect_dir();
	auto_free char *path = NULL, *cache = NULL;
	struct err e = {0};

	(void)state;
	publish(dir, "r1", "cache", "good");
	{
		auto_store struct store s = STORE_NONE;

		lock(dir, &s);
		path = store_next(&s, "cache", &e);
		expect_ok(fd_write_file(path, "bad", 3, 0600, &e), &e);
	}
	assert_int_equal(access(path, F_OK), -1);
	{
		auto_store struct store s = STORE_NONE;

		lock(dir, &s);
		cache = store_current(&s, "cache");
		expect_content(cache, "good");
	}
}

/* As a kill leaves it: files in work/, and a generation that nothing points to. */
static void test_what_a_killed_run_left_is_removed(void **state)
{
	auto_dir char *dir = expect_dir();
	auto_store struct store s = STORE_NONE;
	auto_free char *cache = NULL;

	(void)state;
	publish(dir, "r1", "cache", "good");
	free(expect_file(dir, "p/work/gen/cache", "half"));
	free(expect_file(dir, "p/gen-2/cache", "not yet current"));
	free(expect_file(dir, "p/gen-9/cache", "not yet current"));
	lock(dir, &s);
	expect_gone(dir, "p/work/gen");
	expect_gone(dir, "p/gen-2");
	expect_gone(dir, "p/gen-9");
	cache = store_current(&s, "cache");
	expect_content(cache, "good");
}

static void test_a_second_run_is_told_who_holds_the_lock(void **state)
{
	auto_dir char *dir = expect_dir();
	auto_store struct store s = STORE_NONE;
	auto_free char *holder = mem_printf(
		"project p is locked by another run: process %d, started ", (int)getpid());
	struct store other;
	struct err e = {0};

	(void)state;
	lock(dir, &s);
	assert_int_equal(store_lock(dir, "p", &other, &e), -1);
	assert_int_equal(e.kind, ERR_BUSY);
	assert_string_equal(e.reason, "locked");
	assert_memory_equal(e.msg, holder, strlen(holder));
}

static void test_a_lock_ends_with_its_process(void **state)
{
	auto_dir char *dir = expect_dir();
	auto_store struct store s = STORE_NONE;
	struct err e = {0};
	pid_t pid = fork();
	int status;

	(void)state;
	if (pid == 0) {
		struct store mine;

		_exit(store_lock(dir, "p", &mine, &e) < 0 ? 1 : 0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	lock(dir, &s);
}

static void test_a_run_id_is_used_once_and_is_a_file_name(void **state)
{
	auto_dir char *dir = expect_dir();
	auto_store struct store s = STORE_NONE;
	struct err e = {0};

	(void)state;
	lock(dir, &s);
	expect_ok(store_begin_run(&s, "r1", &e), &e);
	free(s.run_dir);
	s.run_dir = NULL;
	expect_err(store_begin_run(&s, "r1", &e), &e, ERR_INPUT, "run id r1 is used already");
	e = (struct err){0};
	assert_int_equal(store_begin_run(&s, "../x", &e), -1);
	assert_int_equal(e.kind, ERR_INPUT);
}

static void test_describe_and_find_read_what_runs_wrote(void **state)
{
	auto_dir char *dir = expect_dir();
	auto_node struct node *n = NULL;
	auto_free char *found = NULL, *wanted = path_join(dir, "p/latest");
	struct err e = {0};

	(void)state;
	publish(dir, "r1", "cache", "x");
	n = store_describe_project(dir, "p");
	assert_non_null(node_get(n, "last_success"));
	assert_null(node_get(n, "error"));
	expect_ok(store_find_run(dir, "p", NULL, &found, &e), &e);
	assert_string_equal(found, wanted);
	assert_int_equal(store_find_run(dir, "p", "nope", &found, &e), -1);
	assert_string_equal(e.reason, "no_run");
}

static void test_no_state_directory_is_no_projects(void **state)
{
	auto_dir char *dir = expect_dir();
	auto_free char *absent = path_join(dir, "absent");
	auto_strv struct strv names = {0};
	struct err e = {0};

	(void)state;
	expect_ok(store_list(absent, &names, &e), &e);
	assert_int_equal(names.count, 0);
}

/* ---- what is not understood ---- */

/* A project at a generation, by the name of the directory. */
static void make_generation(const char *dir, const char *name)
{
	auto_free char *cache = mem_printf("p/%s/cache", name);
	auto_free char *current = path_join(dir, "p/current");

	free(expect_file(dir, cache, "old"));
	assert_int_equal(symlink(name, current), 0);
}

static void test_the_largest_generation_number_has_no_next(void **state)
{
	auto_dir char *dir = expect_dir();
	auto_free char *cache = path_join(dir, "p/gen-18446744073709551615/cache");
	auto_store struct store s = STORE_NONE;
	struct err e = {0};

	(void)state;
	make_generation(dir, "gen-18446744073709551615");
	expect_ok(store_check(dir, "p", &e), &e);
	assert_int_equal(store_lock(dir, "p", &s, &e), -1);
	assert_int_equal(e.kind, ERR_INPUT);
	assert_non_null(strstr(e.msg, "largest generation number"));
	assert_non_null(strstr(e.msg, "remove "));
	expect_content(cache, "old");
}

/* A pre-plan and a plan each publish one. */
static void test_the_last_but_one_generation_has_one_next(void **state)
{
	auto_dir char *dir = expect_dir();
	auto_store struct store s = STORE_NONE;
	struct err e = {0};

	(void)state;
	make_generation(dir, "gen-18446744073709551614");
	lock(dir, &s);
	free(store_next(&s, "cache", &e));
	expect_ok(store_publish_outputs(&s, &e), &e);
	assert_true(s.current == UINT64_MAX);
	free(store_next(&s, "cache", &e));
	assert_int_equal(store_publish_outputs(&s, &e), -1);
	assert_string_equal(e.reason, "state_unknown");
}

static void test_a_name_that_only_looks_like_a_generation_is_none(void **state)
{
	static const char *const names[] = {"gen-18446744073709551616", "gen-01", "gen-", "gen-1x",
		"gen--1", "gen-0",
		"gen-99999999999999999999999999999999999999999999999999999999999", "gen2-1",
		"../p/gen-1", "gen-1/"};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		auto_dir char *dir = expect_dir();
		auto_free char *good = NULL, *current = path_join(dir, "p/current");
		auto_store struct store s = STORE_NONE;
		uint64_t bytes;
		struct err e = {0};

		good = expect_file(dir, "p/gen-1/cache", "good");
		assert_int_equal(symlink(names[i], current), 0);
		assert_int_equal(store_check(dir, "p", &e), -1);
		e = (struct err){0};
		assert_int_equal(store_lock(dir, "p", &s, &e), -1);
		e = (struct err){0};
		assert_int_equal(store_sweep(dir, "p", false, &bytes, &e), -1);
		assert_non_null(strstr(e.msg, "p/current"));
		expect_content(good, "good");
	}
}

/* Directories beside the current one that are not named as ours are not ours to remove. */
static void test_only_our_generations_are_leftovers(void **state)
{
	auto_dir char *dir = expect_dir();
	auto_free char *other = NULL, *large = NULL;
	auto_store struct store s = STORE_NONE;

	(void)state;
	make_generation(dir, "gen-2");
	other = expect_file(dir, "p/gen-001/cache", "kept");
	large = expect_file(dir, "p/gen-18446744073709551616/cache", "kept");
	free(expect_file(dir, "p/gen-18446744073709551615/cache", "a killed run's"));
	lock(dir, &s);
	expect_content(other, "kept");
	expect_content(large, "kept");
	expect_gone(dir, "p/gen-18446744073709551615");
}

static void test_each_state_file_must_be_understood(void **state)
{
	static const char *const names[] = {"p/state.json", "p/state-ro.json", "p/state-rw@x.json"};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		auto_dir char *dir = expect_dir();
		auto_free char *path = NULL;
		struct err e = {0};

		publish(dir, "r1", "cache", "x");
		expect_ok(store_check(dir, "p", &e), &e);
		path = expect_file(dir, names[i], "{\"format\": 2}");
		assert_int_equal(store_check(dir, "p", &e), -1);
		assert_string_equal(e.reason, "state_unknown");
		assert_non_null(strstr(e.msg, path));
	}
}

/* ---- order ---- */

static void expect_number(const char *dir, const char *run_id, uint64_t wanted)
{
	auto_free char *runs = path_join(dir, "p/runs");
	auto_fd int fd = open(runs, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct err e = {0};
	uint64_t number;

	assert_true(fd >= 0);
	expect_ok(store_run_number(fd, run_id, &number, &e), &e);
	assert_true(number == wanted);
}

/* Not none, as that of an old run, but one that is not understood. */
static void expect_no_number(const char *dir, const char *run_id)
{
	auto_free char *runs = path_join(dir, "p/runs");
	auto_fd int fd = open(runs, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct err e = {0};
	uint64_t number;

	assert_int_equal(store_run_number(fd, run_id, &number, &e), -1);
	assert_string_equal(e.reason, "state_unknown");
}

static void test_runs_are_numbered_in_their_order(void **state)
{
	auto_dir char *dir = expect_dir();

	(void)state;
	publish(dir, "99990101T000000.000000Z", "cache", "x");
	publish(dir, "20261122T034919.123456Z", "cache", "x");
	publish(dir, "19691231T235959.000000Z", "cache", "x");
	expect_number(dir, "99990101T000000.000000Z", 1);
	expect_number(dir, "20261122T034919.123456Z", 2);
	expect_number(dir, "19691231T235959.000000Z", 3);
	expect_number(dir, "absent", 0);
}

static void test_a_damaged_number_does_not_end_the_counting(void **state)
{
	static const char *const texts[] = {"", "x\n", "-1\n", "18446744073709551615\n",
		"99999999999999999999999999999999999\n", "9223372036854775808\n"};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		auto_dir char *dir = expect_dir();

		publish(dir, "r1", "cache", "x");
		publish(dir, "r2", "cache", "x");
		free(expect_file(dir, "p/runs/r2/number", texts[i]));
		publish(dir, "r3", "cache", "x");
		expect_no_number(dir, "r2");
		expect_number(dir, "r3", 2);
	}
}

static void test_the_largest_number_is_not_wrapped(void **state)
{
	auto_dir char *dir = expect_dir();

	(void)state;
	free(expect_file(dir, "p/runs/r1/number", "9223372036854775807\n"));
	publish(dir, "r2", "cache", "x");
	expect_number(dir, "r2", INT64_MAX);
}

/* `latest` of a project, turned so many seconds from now. */
static void make_latest(const char *dir, const char *project, int64_t seconds)
{
	auto_free char *lock_file = mem_printf("%s/lock", project);
	auto_free char *path = mem_printf("%s/%s/latest", dir, project);
	struct timespec times[2] = {clock_now(), clock_now()};

	free(expect_file(dir, lock_file, ""));
	assert_int_equal(symlink("runs/r", path), 0);
	times[1].tv_sec += seconds;
	assert_int_equal(utimensat(AT_FDCWD, path, times, AT_SYMLINK_NOFOLLOW), 0);
}

static void expect_last_project(const char *dir, const char *wanted)
{
	auto_free char *last = NULL;
	struct err e = {0};

	expect_ok(store_last_project(dir, &last, &e), &e);
	assert_string_equal(last, wanted);
}

static void test_the_last_project_is_not_the_one_from_the_future(void **state)
{
	auto_dir char *dir = expect_dir();
	char *none = NULL;
	struct err e = {0};

	(void)state;
	assert_int_equal(store_last_project(dir, &none, &e), -1);
	assert_string_equal(e.reason, "no_run");
	make_latest(dir, "future", 100000);
	expect_last_project(dir, "future");
	make_latest(dir, "b", -10);
	make_latest(dir, "a", -20);
	expect_last_project(dir, "b");
}

/* Only what is not there is no project. */
static void test_a_project_that_cannot_be_looked_at_is_one(void **state)
{
	auto_dir char *dir = expect_dir();
	auto_free char *loop = path_join(dir, "loop"), *found = NULL;
	auto_strv struct strv names = {0};
	auto_node struct node *n = NULL;
	struct err e = {0};

	(void)state;
	publish(dir, "r1", "cache", "x");
	free(expect_file(dir, "a-file", ""));
	free(expect_file(dir, "a-directory/file", ""));
	assert_int_equal(symlink("loop", loop), 0);
	expect_ok(store_list(dir, &names, &e), &e);
	assert_int_equal(names.count, 2);
	assert_string_equal(names.items[0], "loop");
	n = store_describe_project(dir, "loop");
	assert_non_null(node_get_text(n, "error", NULL));
	assert_int_equal(store_find_run(dir, "loop", NULL, &found, &e), -1);
	assert_int_equal(e.kind, ERR_HOST);
	expect_last_project(dir, "p");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_published_cache_is_the_next_runs_input),
		cmocka_unit_test(test_classes_of_runs_do_not_see_each_other),
		cmocka_unit_test(test_what_a_run_does_not_make_is_kept),
		cmocka_unit_test(test_what_was_not_published_is_gone),
		cmocka_unit_test(test_what_a_killed_run_left_is_removed),
		cmocka_unit_test(test_a_second_run_is_told_who_holds_the_lock),
		cmocka_unit_test(test_a_lock_ends_with_its_process),
		cmocka_unit_test(test_a_run_id_is_used_once_and_is_a_file_name),
		cmocka_unit_test(test_describe_and_find_read_what_runs_wrote),
		cmocka_unit_test(test_no_state_directory_is_no_projects),
		cmocka_unit_test(test_the_largest_generation_number_has_no_next),
		cmocka_unit_test(test_the_last_but_one_generation_has_one_next),
		cmocka_unit_test(test_a_name_that_only_looks_like_a_generation_is_none),
		cmocka_unit_test(test_only_our_generations_are_leftovers),
		cmocka_unit_test(test_each_state_file_must_be_understood),
		cmocka_unit_test(test_runs_are_numbered_in_their_order),
		cmocka_unit_test(test_a_damaged_number_does_not_end_the_counting),
		cmocka_unit_test(test_the_largest_number_is_not_wrapped),
		cmocka_unit_test(test_the_last_project_is_not_the_one_from_the_future),
		cmocka_unit_test(test_a_project_that_cannot_be_looked_at_is_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
