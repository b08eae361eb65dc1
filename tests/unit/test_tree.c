/* SPDX-License-Identifier: Apache-2.0 */
#include "treemake.h"

#include <sys/resource.h>

#include "os/tree.h"

enum { DEEP = 3000 };

/* A chain of directories that no path could name, with a file beside each on the way. */
static void make_chain(int top, const char *name, int levels)
{
	int fd = treemake_dir(top, name, 0755);

	for (int i = 0; i < levels; i++) {
		int next;

		treemake_file(fd, "a-file", 0444, 1);
		next = treemake_dir(fd, "next", 0755);
		treemake_file(fd, "z-file", 0444, 1);
		fd_close(fd);
		fd = next;
	}
	fd_close(fd);
}

static void expect_empty(int fd)
{
	auto_fd int copy = dup(fd);
	DIR *dir = fdopendir(copy);

	assert_non_null(dir);
	rewinddir(dir);
	for (struct dirent *entry; (entry = readdir(dir));)
		assert_int_equal(entry->d_name[0], '.');
	(void)fd_steal(&copy);
	(void)closedir(dir);
}

static void test_odd_trees_are_removed_whole(void **state)
{
	auto_dir char *path = expect_dir();
	auto_fd int top = treemake_open(path), tree = -1;
	struct err e = {0};

	(void)state;
	tree = treemake_dir(top, "tree", 0755);
	treemake_odd(tree);
	expect_ok(tree_remove(top, "tree", path, NULL, &e), &e);
	expect_empty(top);
	expect_ok(tree_remove(top, "tree", path, NULL, &e), &e);
}

static void test_a_tree_deeper_than_any_path_needs_few_descriptors(void **state)
{
	const struct rlimit few = {TREE_OPEN_DIRS + 16, TREE_OPEN_DIRS + 16};
	auto_dir char *path = expect_dir();
	auto_fd int top = treemake_open(path);
	struct rlimit before;
	uint64_t bytes;
	struct err e = {0};
	int removed, measured;

	(void)state;
	make_chain(top, "deep", DEEP);
	expect_sys(getrlimit(RLIMIT_NOFILE, &before));
	expect_sys(setrlimit(RLIMIT_NOFILE, &(struct rlimit){few.rlim_cur, before.rlim_max}));
	measured = tree_measure(top, "deep", path, &bytes, &e);
	removed = measured < 0 ? -1 : tree_remove(top, "deep", path, NULL, &e);
	expect_sys(setrlimit(RLIMIT_NOFILE, &before));
	expect_ok(removed, &e);
	expect_empty(top);
}

static void test_what_is_measured_is_what_becomes_free(void **state)
{
	auto_dir char *path = expect_dir();
	auto_fd int top = treemake_open(path), tree = -1;
	uint64_t measured, freed;
	struct err e = {0};

	(void)state;
	make_chain(top, "tree", 3 * TREE_OPEN_DIRS);
	tree = openat(top, "tree", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	treemake_file(tree, "large", 0600, 100000);
	treemake_file(tree, "linked", 0600, 50000);
	expect_sys(linkat(tree, "linked", tree, "again", 0));
	expect_ok(tree_measure(top, "tree", path, &measured, &e), &e);
	assert_in_range(measured, 150000, 10000000);
	expect_ok(tree_remove(top, "tree", path, &freed, &e), &e);
	assert_int_equal(freed, measured);
	expect_ok(tree_measure(top, "tree", path, &measured, &e), &e);
	assert_int_equal(measured, 0);
}

static void test_what_has_a_name_elsewhere_does_not_become_free(void **state)
{
	auto_dir char *path = expect_dir();
	auto_fd int top = treemake_open(path), tree = -1;
	uint64_t freed;
	struct err e = {0};

	(void)state;
	tree = treemake_dir(top, "tree", 0755);
	treemake_file(tree, "linked", 0600, 500000);
	expect_sys(linkat(tree, "linked", top, "elsewhere", 0));
	expect_ok(tree_remove(top, "tree", path, &freed, &e), &e);
	assert_in_range(freed, 0, 100000);
	expect_sys(faccessat(top, "elsewhere", F_OK, 0));
}

/* Two trees, and a name outside: each file counts in the first tree that has it. */
static void test_a_file_in_two_trees_counts_once(void **state)
{
	auto_dir char *path = expect_dir();
	auto_fd int top = treemake_open(path), one = -1, two = -1;
	auto_tree_seen struct tree_seen seen = {0};
	uint64_t first, second, again, share;
	struct err e = {0};

	(void)state;
	one = treemake_dir(top, "one", 0755);
	two = treemake_dir(top, "two", 0755);
	treemake_file(one, "kernel", 0600, 500000);
	expect_sys(linkat(one, "kernel", two, "kernel", 0));
	expect_sys(linkat(one, "kernel", two, "other", 0));
	expect_sys(linkat(one, "kernel", top, "outside", 0));
	treemake_file(two, "own", 0600, 100000);
	expect_ok(tree_measure_once(top, "one", path, &seen, &first, &e), &e);
	expect_ok(tree_measure_once(top, "two", path, &seen, &second, &e), &e);
	expect_ok(tree_measure_once(top, "two", path, &seen, &again, &e), &e);
	assert_in_range(first, 500000, 600000);
	assert_in_range(second, 100000, 200000);
	/* Only what has one name. */
	assert_int_equal(again, second);
	expect_ok(tree_measure_freed(top, "two", path, &share, &e), &e);
	assert_int_equal(share, second);
}

/* More than the first room of the set, and all of them again. */
static void test_many_files_with_two_names_count_once(void **state)
{
	enum { FILES = 500 };
	auto_dir char *path = expect_dir();
	auto_fd int top = treemake_open(path), one = -1, two = -1;
	auto_tree_seen struct tree_seen seen = {0};
	uint64_t bytes, empty;
	struct err e = {0};

	(void)state;
	one = treemake_dir(top, "one", 0755);
	two = treemake_dir(top, "two", 0755);
	for (int i = 0; i < FILES; i++) {
		auto_free char *name = mem_printf("f%d", i);

		treemake_file(one, name, 0600, 10000);
		expect_sys(linkat(one, name, two, name, 0));
	}
	expect_ok(tree_measure_once(top, "one", path, &seen, &bytes, &e), &e);
	assert_int_equal(seen.count, FILES);
	assert_in_range(bytes, FILES * 10000, FILES * 20000);
	expect_ok(tree_measure_once(top, "two", path, &seen, &bytes, &e), &e);
	assert_int_equal(seen.count, FILES);
	expect_ok(tree_measure_freed(top, "two", path, &empty, &e), &e);
	assert_int_equal(bytes, empty);
}

static void test_a_link_is_removed_and_not_followed(void **state)
{
	auto_dir char *path = expect_dir();
	auto_fd int top = treemake_open(path), outside = -1, tree = -1;
	uint64_t bytes;
	struct err e = {0};

	(void)state;
	outside = treemake_dir(top, "outside", 0755);
	treemake_file(outside, "kept", 0644, 100000);
	tree = treemake_dir(top, "tree", 0755);
	expect_sys(symlinkat("../outside", tree, "link"));
	expect_sys(symlinkat("outside", top, "link"));
	expect_ok(tree_measure(top, "tree", path, &bytes, &e), &e);
	assert_in_range(bytes, 0, 50000);
	expect_ok(tree_remove(top, "tree", path, NULL, &e), &e);
	expect_ok(tree_remove(top, "link", path, NULL, &e), &e);
	expect_sys(faccessat(outside, "kept", F_OK, 0));
}

static void test_directories_without_any_permission_are_emptied(void **state)
{
	auto_dir char *path = expect_dir();
	auto_fd int top = treemake_open(path), tree = -1, closed = -1;
	struct err e = {0};

	(void)state;
	tree = treemake_dir(top, "tree", 0755);
	closed = treemake_dir(tree, "closed", 0700);
	treemake_file(closed, "inside", 0, 1);
	expect_sys(fchmod(closed, 0));
	expect_sys(fchmod(tree, 0500));
	expect_ok(tree_remove(top, "tree", path, NULL, &e), &e);
	expect_empty(top);
}

static void test_what_cannot_be_removed_is_named(void **state)
{
	auto_fd int kernel = treemake_open("/proc");
	struct err e = {0};

	(void)state;
	/* A directory of the kernel, where not even root can remove anything. */
	assert_int_equal(tree_remove(kernel, "version", "/proc", NULL, &e), -1);
	assert_int_equal(e.kind, ERR_HOST);
	assert_non_null(strstr(e.msg, "remove /proc/version: "));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_odd_trees_are_removed_whole),
		cmocka_unit_test(test_a_tree_deeper_than_any_path_needs_few_descriptors),
		cmocka_unit_test(test_what_is_measured_is_what_becomes_free),
		cmocka_unit_test(test_what_has_a_name_elsewhere_does_not_become_free),
		cmocka_unit_test(test_a_file_in_two_trees_counts_once),
		cmocka_unit_test(test_many_files_with_two_names_count_once),
		cmocka_unit_test(test_a_link_is_removed_and_not_followed),
		cmocka_unit_test(test_directories_without_any_permission_are_emptied),
		cmocka_unit_test(test_what_cannot_be_removed_is_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
