/* SPDX-License-Identifier: Apache-2.0 */
#include "expect.h"

#include <stdlib.h>

#include "source/gitplace.h"

static bool holds(const char *condition)
{
	return gitplace_holds(condition, "/etc/git/config", "/nowhere/work/x/.git");
}

static void test_a_place_is_told_as_git_tells_it(void **state)
{
	static const char *const yes[] = {"gitdir:/nowhere/work/", "gitdir:/nowhere/work/x/.git",
		"gitdir:/nowhere/*/x/.git", "gitdir:/nowhere/**/.git", "gitdir:/nowhere/**",
		"gitdir:work/", "gitdir:x/.git", "gitdir:**/x/**", "gitdir/i:/NOWHERE/Work/",
		"gitdir:/nowhere/w?rk/[xy]/", "gitdir:~/work/", "gitdir:"};
	static const char *const no[] = {"gitdir:/nowhere/work", "gitdir:/nowhere/wor/",
		"gitdir:/nowhere/*", "gitdir:/NOWHERE/work/", "gitdir:./", "gitdir:ork/",
		"gitdir:/nowhere/work/x/.git/y", "onbranch:main", "", "gitdir",
		"hasconfig:remote.*.url:x"};

	(void)state;
	assert_int_equal(setenv("HOME", "/nowhere", 1), 0);
	for (size_t i = 0; i < ARRAY_SIZE(yes); i++)
		if (!holds(yes[i]))
			fail_msg("%s", yes[i]);
	for (size_t i = 0; i < ARRAY_SIZE(no); i++)
		if (holds(no[i]))
			fail_msg("%s", no[i]);
	assert_true(gitplace_holds("gitdir:./work/", "/nowhere/config", "/nowhere/work/x/.git"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_place_is_told_as_git_tells_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
