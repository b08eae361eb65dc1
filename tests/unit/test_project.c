/* SPDX-License-Identifier: Apache-2.0 */
#include "expect.h"

#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/limits.h"
#include "settings/project.h"

static void load(const char *path, struct project_list *list)
{
	struct err e = {0};

	expect_ok(project_load(path, list, &e), &e);
}

static struct project *find(struct project_list *list, const char *name)
{
	struct project *p = NULL;
	struct err e = {0};

	expect_ok(project_find(list, name, &p, &e), &e);
	return p;
}

/* The message is "PATH<message>", with the path of the file in front. */
static void expect_refused(const char *text, const char *message)
{
	auto_dir char *dir = expect_dir();
	auto_free char *path = expect_file(dir, "p.yaml", text);
	auto_free char *whole = mem_printf("%s%s", path, message);
	struct project_list list = {0};
	struct err e = {0};

	expect_err(project_load(path, &list, &e), &e, ERR_INPUT, whole);
	assert_null(list.root);
}

/* ---- the projects file ---- */

static void test_existing_files_load_unchanged(void **state)
{
	static const char text[] = "projects:\n"
				   "  hello:\n"
				   "    image: ~/images/debian.qcow2\n"
				   "    source: ~/src/hello\n"
				   "    pre_plan:\n"
				   "    - action: cargo_fetch\n"
				   "    - action: rustup\n"
				   "      channel: 1.95.0\n"
				   "    plan:\n"
				   "    - action: shell\n"
				   "      shell: |\n"
				   "        make check\n"
				   "    post_plan: []\n"
				   "    artifact_max_size: 1 GB\n"
				   "    cache_max_size: 10GB\n"
				   "  other:\n"
				   "    image: tiny\n"
				   "    source: ../other\n"
				   "    plan: [{action: pwd}]\n";
	auto_dir char *dir = expect_dir();
	auto_free char *path = expect_file(dir, "etc/projects.yaml", text);
	auto_free char *other = path_join(dir, "other");
	auto_project_list struct project_list list = {0};
	const struct project *p;

	(void)state;
	assert_int_equal(setenv("HOME", "/home/of", 1), 0);
	load(path, &list);
	assert_int_equal(list.count, 2);
	p = &list.items[0];
	assert_string_equal(p->name, "hello");
	assert_string_equal(p->source, "/home/of/src/hello");
	assert_string_equal(p->image_path, "/home/of/images/debian.qcow2");
	assert_int_equal(p->plans[PROJECT_PRE_PLAN]->count, 2);
	assert_int_equal(p->plans[PROJECT_PLAN]->count, 1);
	assert_int_equal(p->plans[PROJECT_POST_PLAN]->count, 0);
	assert_int_equal(p->plans[PROJECT_PLAN]->items[0]->line, 10);
	assert_true(p->plan_given);
	assert_string_equal(p->plan_file, path);
	assert_int_equal(p->artifacts_max, 1000000000);
	assert_int_equal(p->cache_max, 10000000000);
	assert_int_equal(p->deps_max, 0);
	p = &list.items[1];
	assert_string_equal(p->source, other);
	assert_string_equal(p->image, "tiny");
	assert_null(p->image_path);
	assert_null(p->plans[PROJECT_PRE_PLAN]);
}

static void test_our_own_keys_are_read(void **state)
{
	static const char text[] = "projects:\n"
				   "  a:\n"
				   "    image: tiny\n"
				   "    source: /s\n"
				   "    env: {CC: clang, LEVEL: 3}\n"
				   "    artifacts_max_size: 64KiB\n"
				   "    deps_max_size: 1GiB\n"
				   "    timeout: 45m\n"
				   "    action_timeout: 90s\n"
				   "    cpus: 2\n"
				   "    memory: 2GiB\n"
				   "    trust_source_plans: true\n";
	auto_dir char *dir = expect_dir();
	auto_free char *path = expect_file(dir, "p.yaml", text);
	auto_project_list struct project_list list = {0};
	const struct project *p;

	(void)state;
	load(path, &list);
	p = find(&list, "a");
	assert_string_equal(p->source, "/s");
	assert_string_equal(node_get_text(p->env, "CC", NULL), "clang");
	assert_string_equal(node_get_text(p->env, "LEVEL", NULL), "3");
	assert_int_equal(p->artifacts_max, 65536);
	assert_int_equal(p->deps_max, GIB);
	assert_int_equal(p->timeout_ms, 2700000);
	assert_int_equal(p->action_timeout_ms, 90000);
	assert_int_equal(p->cpus, 2);
	assert_int_equal(p->memory, 2 * GIB);
	assert_true(p->trust_source_plans);
	assert_false(p->plan_given);
}

static void test_an_image_with_a_slash_or_the_ending_of_a_disk_is_a_path(void **state)
{
	static const struct {
		const char *image;
		const char *path; /* below the directory; NULL: a name */
	} cases[] = {{"tiny", NULL}, {"debian-12.1", NULL}, {"./tiny", "tiny"},
		{"images/tiny", "images/tiny"}, {"ci.qcow2", "ci.qcow2"}, {"ci.img", "ci.img"},
		{"qcow2", NULL}};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		auto_free char *text =
			mem_printf("projects: {a: {source: /s, image: %s}}\n", cases[i].image);
		auto_dir char *dir = expect_dir();
		auto_free char *path = expect_file(dir, "p.yaml", text);
		auto_free char *wanted = path_join(dir, cases[i].path ? cases[i].path : "");
		auto_project_list struct project_list list = {0};

		load(path, &list);
		assert_string_equal(list.items[0].image, cases[i].image);
		if (cases[i].path)
			assert_string_equal(list.items[0].image_path, wanted);
		else
			assert_null(list.items[0].image_path);
	}
}

static void test_no_projects_are_fine(void **state)
{
	auto_dir char *dir = expect_dir();
	auto_free char *path = expect_file(dir, "p.yaml", "projects: {}\n");
	auto_project_list struct project_list list = {0};

	(void)state;
	load(path, &list);
	assert_int_equal(list.count, 0);
}

#define HELLO "projects:\n  hello:\n    image: tiny\n    source: .\n"

static void test_refuses_wrong_keys_and_types(void **state)
{
	(void)state;
	expect_refused("projects:\n  hello:\n    image: tiny\n    sorce: .\n",
		":4:5: unknown key 'sorce', did you mean 'source'?");
	expect_refused("project: {}\n", ":1:1: unknown key 'project', did you mean 'projects'?");
	expect_refused("projects:\n  hello:\n    image: tiny\n", ":3:5: missing key 'source'");
	expect_refused("projects:\n  hello:\n    source: .\n", ":3:5: missing key 'image'");
	expect_refused(HELLO "    plan: make\n", ":5:11: 'plan' must be a list, not a string");
	expect_refused(HELLO "    post_plan: {action: pwd}\n",
		":5:16: 'post_plan' must be a list, not a mapping");
	expect_refused(
		"projects:\n  hello: tiny\n", ":2:10: a project must be a mapping, not a string");
	expect_refused("projects:\n  hello:\n", ":2:9: a project must be a mapping, not nothing");
	expect_refused("projects: []\n", ":1:11: 'projects' must be a mapping, not a list");
	expect_refused("projects:\n", ":1:1: 'projects' has no value");
	expect_refused("- projects\n", ":1:1: a mapping is needed here, not a list");
	expect_refused("{}\n", ":1:1: missing key 'projects'");
}

static void test_refuses_bad_sizes_times_and_numbers(void **state)
{
	(void)state;
	expect_refused(HELLO "    cache_max_size: 2 bags\n",
		":5:21: 'cache_max_size': '2 bags' is not a size; write for example 512MiB, 2G or "
		"16 GB (G is 10^9, GiB 2^30)");
	expect_refused(HELLO "    timeout: 5 minutes\n",
		":5:14: 'timeout': '5 minutes' is not a duration; write for example 90s, 45m, 2h "
		"or "
		"1h30m (366 days at most)");
	expect_refused(HELLO "    cpus: 1000\n", ":5:11: 'cpus' must be at most 255, not 1000");
	expect_refused(HELLO "    memory: 1MiB\n",
		":5:13: 'memory' must be at least 128.0 MiB, not 1.0 MiB");
	expect_refused(HELLO "    artifacts_max_size: 1G\n    artifact_max_size: 1G\n",
		":6:5: 'artifact_max_size' and 'artifacts_max_size' are the same; give one");
	expect_refused(HELLO "    env: {1A: x}\n",
		":5:11: '1A' is not the name of an environment variable: letters, digits and _, "
		"not "
		"beginning with a digit");
	expect_refused(HELLO "    env: {'A=B': x}\n",
		":5:11: 'A=B' is not the name of an environment variable: letters, digits and _, "
		"not beginning with a digit");
}

static void test_refuses_a_project_that_is_there_twice(void **state)
{
	(void)state;
	expect_refused(HELLO "  hello:\n    image: tiny\n    source: .\n",
		":5:3: the key 'hello' is here a second time, the first is in line 2");
}

static void test_refuses_files_that_are_none(void **state)
{
	auto_dir char *dir = expect_dir();
	auto_free char *missing = path_join(dir, "none.yaml");
	auto_free char *no_file = mem_printf("%s: No such file or directory", missing);
	auto_free char *no_dir = mem_printf("%s: is a directory, a file is needed", dir);
	struct project_list list = {0};
	struct err e = {0};

	(void)state;
	expect_refused("", ": is empty; the key 'projects' is needed");
	expect_refused("# nothing\n", ": is empty; the key 'projects' is needed");
	expect_refused("projects: {a: \xff}\n", ":1:15: not UTF-8: byte 0xff");
	expect_err(project_load(missing, &list, &e), &e, ERR_INPUT, no_file);
	e = (struct err){0};
	expect_err(project_load(dir, &list, &e), &e, ERR_INPUT, no_dir);
}

#define NAME_RULE                                                                                  \
	"; a name is at most 200 bytes of text, without a slash and not beginning with a dot"

static void expect_name_refused(const char *name, const char *message)
{
	struct err e = {0};

	expect_err(project_check_name(name, &e), &e, ERR_INPUT, message);
}

static void test_names_become_directories(void **state)
{
	char longest[LIMIT_NAME_BYTES + 2] = "";
	struct err e = {0};

	(void)state;
	expect_ok(project_check_name("hello world-1.0_\xc3\xa4", &e), &e);
	memset(longest, 'x', LIMIT_NAME_BYTES);
	expect_ok(project_check_name(longest, &e), &e);
	longest[LIMIT_NAME_BYTES] = 'x';
	expect_name_refused(longest,
		"the name 'xxxxxxxxxxxxxxxxxxx...xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx' is too "
		"long" NAME_RULE);
	expect_name_refused("", "the name '' is empty" NAME_RULE);
	expect_name_refused(".", "the name '.' begins with a dot" NAME_RULE);
	expect_name_refused("..", "the name '..' begins with a dot" NAME_RULE);
	expect_name_refused("a/b", "the name 'a/b' has a slash in it" NAME_RULE);
	expect_name_refused(
		"a\nb", "the name 'a\\nb' has control characters in it, or is not UTF-8" NAME_RULE);
	expect_name_refused("a\xe2\x80\xae",
		"the name 'a\\u202e' has control characters in it, or is not UTF-8" NAME_RULE);
	expect_name_refused("a\xff",
		"the name 'a\\xff' has control characters in it, or is not UTF-8" NAME_RULE);
	expect_refused("projects:\n  ../x:\n    image: tiny\n    source: .\n",
		":2:3: the name '../x' begins with a dot" NAME_RULE);
	expect_refused("projects:\n  x:\n    image: .tiny\n    source: .\n",
		":3:12: 'image': the name '.tiny' begins with a dot" NAME_RULE);
}

static void test_find_names_the_nearest_project(void **state)
{
	auto_dir char *dir = expect_dir();
	auto_free char *path = expect_file(dir, "p.yaml", HELLO);
	auto_free char *near =
		mem_printf("%s: unknown project 'helo', did you mean 'hello'?", path);
	auto_free char *far = mem_printf(
		"%s: unknown project 'something'; 'ambient projects' lists those that there are",
		path);
	auto_project_list struct project_list list = {0};
	struct project *p = NULL;
	struct err e = {0};

	(void)state;
	load(path, &list);
	assert_ptr_equal(find(&list, "hello"), &list.items[0]);
	expect_err(project_find(&list, "helo", &p, &e), &e, ERR_INPUT, near);
	e = (struct err){0};
	expect_err(project_find(&list, "something", &p, &e), &e, ERR_INPUT, far);
	assert_null(p);
}

static void expect_source(const char *dir, const char *source, const char *problem)
{
	auto_free char *text =
		mem_printf("projects:\n  a:\n    image: tiny\n    source: %s\n", source);
	auto_free char *path = expect_file(dir, "p.yaml", text);
	auto_free char *message =
		mem_printf("%s:4:13: source %s/%s%s", path, dir, source, problem ? problem : "");
	auto_project_list struct project_list list = {0};
	struct err e = {0};

	load(path, &list);
	if (problem)
		expect_err(project_check_source(&list.items[0], &e), &e, ERR_INPUT, message);
	else
		expect_ok(project_check_source(&list.items[0], &e), &e);
}

static void test_a_source_is_a_directory(void **state)
{
	auto_dir char *dir = expect_dir();
	auto_free char *file = expect_file(dir, "src/file", "");

	(void)state;
	assert_int_equal(access(file, F_OK), 0);
	expect_source(dir, "src", NULL);
	expect_source(dir, "none", ": No such file or directory");
	expect_source(dir, "src/file", " is not a directory");
}

/* ---- the plan of a source tree ---- */

/* A directory with a projects file of one project `a`, whose source is `src` in it. */
struct tree {
	char *dir;
	char *source;
	char *plan_path;
	struct project_list list;
	struct project *project;
	struct strv warnings;
};

static void tree_make(struct tree *t, const char *more, const char *plan)
{
	auto_free char *text =
		mem_printf("projects:\n  a:\n    image: tiny\n    source: src\n%s", more);
	auto_free char *path = NULL;
	struct err e = {0};

	*t = (struct tree){.dir = expect_dir()};
	path = expect_file(t->dir, "p.yaml", text);
	t->source = path_join(t->dir, "src");
	t->plan_path = path_join(t->source, ".radicle/ambient.yaml");
	expect_ok(path_make_dirs(t->source, 0755, &e), &e);
	if (plan)
		free(expect_file(t->source, ".radicle/ambient.yaml", plan));
	load(path, &t->list);
	t->project = &t->list.items[0];
}

static void tree_release(struct tree *t)
{
	project_list_release(&t->list);
	strv_release(&t->warnings);
	expect_dir_remove(&t->dir);
	free(t->source);
	free(t->plan_path);
}
#define auto_tree __attribute__((cleanup(tree_release)))

static void adopt(struct tree *t)
{
	struct err e = {0};

	expect_ok(project_adopt_source_plan(t->project, &t->warnings, &e), &e);
}

static void expect_plan_refused(struct tree *t, const char *message)
{
	auto_free char *whole = mem_printf("%s%s", t->plan_path, message);
	struct err e = {0};

	expect_err(project_adopt_source_plan(t->project, &t->warnings, &e), &e, ERR_INPUT, whole);
}

#define SOURCE_PLANS                                                                               \
	"pre_plan:\n- action: cargo_fetch\nplan:\n- action: pwd\npost_plan:\n- action: rsync\n"

static void test_a_plan_of_the_source_is_taken_where_none_is_given(void **state)
{
	auto_tree struct tree t;

	(void)state;
	tree_make(&t, "", "plan:\n- action: pwd\n");
	adopt(&t);
	assert_int_equal(t.warnings.count, 0);
	assert_int_equal(t.project->plans[PROJECT_PLAN]->count, 1);
	assert_int_equal(t.project->plans[PROJECT_PLAN]->items[0]->line, 2);
	assert_string_equal(t.project->plan_file, t.plan_path);
}

static void test_trusted_phases_of_the_source_are_ignored_visibly(void **state)
{
	auto_tree struct tree t;
	auto_free char *first = NULL, *second = NULL;

	(void)state;
	tree_make(&t, "", SOURCE_PLANS);
	first = mem_printf("%s:1:1: 'pre_plan' is ignored; the projects file can allow it with "
			   "trust_source_plans: true",
		t.plan_path);
	second = mem_printf("%s:5:1: 'post_plan' is ignored; the projects file can allow it with "
			    "trust_source_plans: true",
		t.plan_path);
	adopt(&t);
	assert_int_equal(t.warnings.count, 2);
	assert_string_equal(t.warnings.items[0], first);
	assert_string_equal(t.warnings.items[1], second);
	assert_null(t.project->plans[PROJECT_PRE_PLAN]);
	assert_null(t.project->plans[PROJECT_POST_PLAN]);
	assert_int_equal(t.project->plans[PROJECT_PLAN]->count, 1);
}

static void test_the_operator_can_trust_the_plans_of_a_source(void **state)
{
	auto_tree struct tree t;

	(void)state;
	tree_make(&t, "    trust_source_plans: true\n", SOURCE_PLANS);
	adopt(&t);
	assert_int_equal(t.warnings.count, 0);
	assert_int_equal(t.project->plans[PROJECT_PRE_PLAN]->count, 1);
	assert_int_equal(t.project->plans[PROJECT_POST_PLAN]->count, 1);
}

static void test_a_given_plan_wins_even_an_empty_one(void **state)
{
	auto_tree struct tree t;

	(void)state;
	tree_make(&t, "    plan: []\n", SOURCE_PLANS);
	adopt(&t);
	assert_int_equal(t.project->plans[PROJECT_PLAN]->count, 0);
	assert_string_equal(t.project->plan_file, t.list.file);
	assert_null(t.project->source_plan);
}

static void test_no_plan_anywhere_is_an_error(void **state)
{
	auto_tree struct tree t;
	auto_free char *message = NULL;
	struct err e = {0};

	(void)state;
	tree_make(&t, "", NULL);
	message = mem_printf("%s:2:3: project 'a' has no plan, and its source has no "
			     ".radicle/ambient.yaml",
		t.list.file);
	expect_err(project_adopt_source_plan(t.project, &t.warnings, &e), &e, ERR_INPUT, message);
}

static void test_wrong_plans_of_a_source_are_refused(void **state)
{
	static const struct {
		const char *plan;
		const char *message;
	} cases[] = {
		{"", ": is empty; the key 'plan' is needed"},
		{"plan: x\n", ":1:7: 'plan' must be a list, not a string"},
		{"plan: []\nsource: /etc\n", ":2:1: unknown key 'source'"},
		{"plna: []\n", ":1:1: unknown key 'plna', did you mean 'plan'?"},
		{"\"\\e[31m\": []\n", ":1:1: unknown key '\\x1b[31m'"},
		{"- x\n", ":1:1: a mapping is needed here, not a list"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		auto_tree struct tree t;

		tree_make(&t, "", cases[i].plan);
		expect_plan_refused(&t, cases[i].message);
	}
}

#define LINK_MESSAGE ": a symbolic link is on the way; the plan must be in the source itself"

static void test_links_of_a_source_are_not_followed(void **state)
{
	auto_tree struct tree t;
	auto_free char *outside = NULL, *radicle = NULL;

	(void)state;
	tree_make(&t, "", "plan: []\n");
	outside = expect_file(t.dir, "elsewhere/ambient.yaml", "plan: []\n");
	radicle = path_join(t.source, ".radicle");
	assert_int_equal(unlink(t.plan_path), 0);
	assert_int_equal(symlink(outside, t.plan_path), 0);
	expect_plan_refused(&t, LINK_MESSAGE);
	assert_int_equal(unlink(t.plan_path), 0);
	assert_int_equal(symlink("ambient.yaml", t.plan_path), 0);
	expect_plan_refused(&t, LINK_MESSAGE);
	assert_int_equal(unlink(t.plan_path), 0);
	assert_int_equal(rmdir(radicle), 0);
	assert_int_equal(symlink("../elsewhere", radicle), 0);
	expect_plan_refused(&t, LINK_MESSAGE);
}

static void test_odd_files_of_a_source_are_not_opened(void **state)
{
	auto_tree struct tree t;

	(void)state;
	tree_make(&t, "", "plan: []\n");
	assert_int_equal(unlink(t.plan_path), 0);
	assert_int_equal(mkfifo(t.plan_path, 0644), 0);
	expect_plan_refused(&t, ": not a regular file");
	assert_int_equal(unlink(t.plan_path), 0);
	assert_int_equal(mkdir(t.plan_path, 0755), 0);
	expect_plan_refused(&t, ": not a regular file");
	assert_int_equal(rmdir(t.plan_path), 0);
	free(expect_file(t.source, ".radicle/ambient.yaml", ""));
	assert_int_equal(truncate(t.plan_path, (off_t)GIB), 0);
	expect_plan_refused(&t, ": larger than 1048576 bytes");
}

static void test_a_file_in_place_of_the_directory_is_no_plan(void **state)
{
	auto_tree struct tree t;
	auto_node struct node *plan = NULL;
	struct err e = {0};

	(void)state;
	tree_make(&t, "", NULL);
	free(expect_file(t.source, ".radicle", "x"));
	expect_ok(project_read_source_plan(t.source, PROJECT_SOURCE_PLAN, &plan, &e), &e);
	assert_null(plan);
}

static void test_every_row_has_help(void **state)
{
	(void)state;
	for (const struct param *row = project_params; row->name; row++)
		assert_true(row->help || row->same_as || row->no_effect);
}

static void test_the_examples_of_the_page_load(void **state)
{
	auto_dir char *dir = expect_dir();
	auto_free char *text = expect_example("docs/format-projects.md", 0);
	auto_free char *path = expect_file(dir, "p.yaml", text);
	auto_free char *plan = expect_example("docs/format-projects.md", 1);
	auto_project_list struct project_list list = {0};
	auto_tree struct tree t;

	(void)state;
	load(path, &list);
	assert_int_equal(list.count, 2);
	assert_int_equal(find(&list, "hello")->plans[PROJECT_PLAN]->count, 2);
	tree_make(&t, "", plan);
	adopt(&t);
	assert_int_equal(t.project->plans[PROJECT_PLAN]->count, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_existing_files_load_unchanged),
		cmocka_unit_test(test_our_own_keys_are_read),
		cmocka_unit_test(test_an_image_with_a_slash_or_the_ending_of_a_disk_is_a_path),
		cmocka_unit_test(test_no_projects_are_fine),
		cmocka_unit_test(test_refuses_wrong_keys_and_types),
		cmocka_unit_test(test_refuses_bad_sizes_times_and_numbers),
		cmocka_unit_test(test_refuses_a_project_that_is_there_twice),
		cmocka_unit_test(test_refuses_files_that_are_none),
		cmocka_unit_test(test_names_become_directories),
		cmocka_unit_test(test_find_names_the_nearest_project),
		cmocka_unit_test(test_a_source_is_a_directory),
		cmocka_unit_test(test_a_plan_of_the_source_is_taken_where_none_is_given),
		cmocka_unit_test(test_trusted_phases_of_the_source_are_ignored_visibly),
		cmocka_unit_test(test_the_operator_can_trust_the_plans_of_a_source),
		cmocka_unit_test(test_a_given_plan_wins_even_an_empty_one),
		cmocka_unit_test(test_no_plan_anywhere_is_an_error),
		cmocka_unit_test(test_wrong_plans_of_a_source_are_refused),
		cmocka_unit_test(test_links_of_a_source_are_not_followed),
		cmocka_unit_test(test_odd_files_of_a_source_are_not_opened),
		cmocka_unit_test(test_a_file_in_place_of_the_directory_is_no_plan),
		cmocka_unit_test(test_every_row_has_help),
		cmocka_unit_test(test_the_examples_of_the_page_load),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
