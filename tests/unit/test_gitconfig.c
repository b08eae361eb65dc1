/* SPDX-License-Identifier: Apache-2.0 */
#include "expect.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "source/gitconfig.h"

static int take_worktree(void *arg, const char *key, const char *value)
{
	char **last = arg;

	if (strcmp(key, "core.worktree") == 0) {
		free(*last);
		*last = value ? mem_strdup(value) : NULL;
	}
	return 0;
}

/* value NULL: there is none. */
static void expect_worktree(const char *text, const char *value)
{
	auto_free char *got = NULL;
	bool understood = false;

	assert_int_equal(gitconfig_each(text, strlen(text), take_worktree, &got, &understood), 0);
	assert_true(understood);
	if (value)
		assert_string_equal(got, value);
	else
		assert_null(got);
}

static int forget(void *arg, const char *key, const char *value)
{
	(void)arg;
	(void)key;
	(void)value;
	return 0;
}

static void expect_wrong(const char *text)
{
	bool understood = true;

	assert_int_equal(gitconfig_each(text, strlen(text), forget, NULL, &understood), 0);
	assert_false(understood);
}

static int add_all(void *arg, const char *key, const char *value)
{
	buf_addf(arg, "%s=%s\n", key, value ? value : "(none)");
	return strcmp(key, "last.one") == 0 ? 7 : 0;
}

static void test_all_settings_are_told_in_order_until_somebody_has_enough(void **state)
{
	static const char text[] = "[Include]\npath = a\n[includeIf \"gitdir:~/X/\"]\n\tPath = b\n"
				   "path\n[last] one = 1\none = 2\n[wrong";
	auto_buf struct buf told = {0};
	bool understood = false;

	(void)state;
	buf_init(&told, 1000);
	assert_int_equal(gitconfig_each(text, strlen(text), add_all, &told, &understood), 7);
	assert_true(understood);
	assert_string_equal(told.data,
		"include.path=a\nincludeif.gitdir:~/X/.path=b\n"
		"includeif.gitdir:~/X/.path=(none)\nlast.one=1\n");
}

static void test_a_value_is_found_however_it_is_written(void **state)
{
	(void)state;
	expect_worktree("[core]\n\tworktree = /a b\n", "/a b");
	expect_worktree("[CORE]worktree=/a", "/a");
	expect_worktree("\xef\xbb\xbf[core] # [x]\r\n WorkTree \t = \"/a \" ; c\r\n", "/a ");
	expect_worktree("[core]\nworktree = /a\\\n/b\\t\\\\\\\"\\n  # c\n", "/a/b\t\\\"\n");
	expect_worktree("[core]\nworktree = a\" # b\"c   d\n", "a # bc   d");
	expect_worktree("[core]\nworktree = a\n[x]\n[core]\nbare\nworktree = b\n", "b");
	expect_worktree("[core]\nworktree =\n", "");
	expect_worktree("[core]\nworktree = a\\", "a");
	expect_worktree("; [core]\n# x\n\n  [core] bare = 1\n\tworktree = a", "a");
}

static void test_other_settings_are_not_it(void **state)
{
	(void)state;
	expect_worktree("", NULL);
	expect_worktree("\n# [core]\n#worktree = a\n", NULL);
	expect_worktree("[core \"x\"]\nworktree = a\n", NULL);
	expect_worktree("[core.x]\nworktree = a\n", NULL);
	expect_worktree(
		"[core]\nworktrees = a\nwork-tree = b\n[x \"a\\\"]\\\\\"]\nworktree = c\n", NULL);
	expect_worktree("[core]\nbare = a\\\nworktree = b\n", NULL);
	expect_worktree("[core]\nworktree\n", NULL);
	expect_worktree("[core]\nworktree = a\nworktree\n", NULL);
}

static void test_what_git_refuses_is_wrong(void **state)
{
	static const char *const texts[] = {"[core", "[core\n]", "[core x]", "[core \"x]\n", "[c_]",
		"[core \"x\" ]\n", "[core]\n1 = 2\n", "[core]\nx y\n", "[core]\nx = \"a\n",
		"[core]\nx = \\a\n", "[core \"x\\\n\"]", "]", "[core \n\"x\"]"};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		expect_wrong(texts[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_value_is_found_however_it_is_written),
		cmocka_unit_test(test_all_settings_are_told_in_order_until_somebody_has_enough),
		cmocka_unit_test(test_other_settings_are_not_it),
		cmocka_unit_test(test_what_git_refuses_is_wrong),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
