/* SPDX-License-Identifier: Apache-2.0 */
#include "expect.h"

#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/node.h"
#include "host/store.h"

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
	expect_ok(store_describe(dir, &n, &e), &e);
	assert_int_equal(node_get_int(n, "project_count", -1), 1);
	expect_ok(store_find_run(dir, "p", NULL, &found, &e), &e);
	assert_string_equal(found, wanted);
	assert_int_equal(store_find_run(dir, "p", "nope", &found, &e), -1);
	assert_string_equal(e.reason, "no_run");
}

static void test_no_state_directory_is_no_projects(void **state)
{
	auto_dir char *dir = expect_dir();
	auto_free char *absent = path_join(dir, "absent");
	auto_node struct node *n = NULL;
	struct err e = {0};

	(void)state;
	expect_ok(store_describe(absent, &n, &e), &e);
	assert_int_equal(node_get_int(n, "project_count", -1), 0);
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
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
