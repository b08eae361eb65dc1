/* SPDX-License-Identifier: Apache-2.0 */
#include "expect.h"

#include <string.h>

#include "base/buf.h"
#include "source/gitconfig.h"

/* value NULL: there is none. */
static void expect_worktree(const char *text, const char *value)
{
	auto_free char *got = NULL;

	assert_int_equal(gitconfig_get(text, strlen(text), "core.worktree", &got), 0);
	if (value)
		assert_string_equal(got, value);
	else
		assert_null(got);
}

static void expect_wrong(const char *text)
{
	char *got = NULL;

	assert_int_equal(gitconfig_get(text, strlen(text), "core.worktree", &got), -1);
	assert_null(got);
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
		cmocka_unit_test(test_other_settings_are_not_it),
		cmocka_unit_test(test_what_git_refuses_is_wrong),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
