/* SPDX-License-Identifier: Apache-2.0 */
/* Users of an image: what its passwd and group say, and what they do not. */
#include "tests/unit/expect.h"

#include "contract/user.h"
#include "executor/job/account.h"
#include "executor/limits.h"

static const char passwd[] = "root:x:0:0:root:/root:/bin/bash\n"
			     "short:x:1\n"
			     "mad:x:-1:5:::\n"
			     "madder:x:4294967295:5:::\n"
			     "build:x:1234:1300:Build:/home/build:/bin/sh\n"
			     "build:x:1:1:second:/:/bin/sh\n"
			     "nologin:x:7:8::/nonexistent";
static const char group[] = "root:x:0:\nwheel:x:10:root,build\nbuild:x:1300:\nodd:x\n"
			    "bad:x:many:build\nextra:x:1400:other,build,build\nlast:x:1500:build";

/* "uid gid name home further groups" */
static char *show(const struct account *a)
{
	auto_buf struct buf b = {0};

	buf_init(&b, 10000);
	buf_addf(&b, "%u %u %s %s", a->uid, a->gid, a->name, a->home ? a->home : "-");
	for (size_t i = 0; i < a->group_count; i++)
		buf_addf(&b, " %u", a->groups[i]);
	return buf_detach(&b, NULL);
}

static void expect_account(const char *etc, const char *user, const char *wanted)
{
	auto_account struct account a = {0};
	auto_free char *shown = NULL;
	struct err e = {0};

	expect_ok(account_find(etc, user, &a, &e), &e);
	shown = show(&a);
	assert_string_equal(shown, wanted);
}

static void expect_refusal(const char *etc, const char *user, const char *wanted)
{
	auto_account struct account a = {0};
	struct err e = {0};

	expect_err(account_find(etc, user, &a, &e), &e, ERR_INPUT, wanted);
}

static void test_names_and_numbers_are_looked_up(void **state)
{
	auto_dir char *dir = expect_dir();

	(void)state;
	free(expect_file(dir, "passwd", passwd));
	free(expect_file(dir, "group", group));
	expect_account(dir, "build", "1234 1300 build /home/build 10 1400 1500");
	expect_account(dir, "1234", "1234 1300 build /home/build 10 1400 1500");
	expect_account(dir, "build:extra", "1234 1400 build /home/build");
	expect_account(dir, "build:77", "1234 77 build /home/build");
	expect_account(dir, "99", "99 0 99 -");
	expect_account(dir, "99:extra", "99 1400 99 -");
	expect_account(dir, "root", "0 0 root /root 10");
	expect_account(dir, "nologin", "7 8 nologin /nonexistent");
	expect_refusal(dir, "nobody",
		"the user 'nobody' is not in /etc/passwd of this image; name one that is, or a "
		"number");
	expect_refusal(dir, "short",
		"the user 'short' is not in /etc/passwd of this image; name one that is, or a "
		"number");
	expect_refusal(dir, "mad",
		"the user 'mad' is not in /etc/passwd of this image; name one that is, or a "
		"number");
	expect_refusal(dir, "madder",
		"the user 'madder' is not in /etc/passwd of this image; name one that is, or a "
		"number");
	expect_refusal(dir, "build:bad",
		"the group 'bad' is not in /etc/group of this image; name one that is, or a "
		"number");
}

static void test_an_image_without_accounts_has_root_and_numbers(void **state)
{
	auto_dir char *dir = expect_dir();

	(void)state;
	expect_account(dir, "root", "0 0 root -");
	expect_account(dir, "0", "0 0 root -");
	expect_account(dir, "5:6", "5 6 5 -");
	expect_refusal(dir, "build",
		"the user 'build' is not in /etc/passwd of this image; name one that is, or a "
		"number");
}

static void test_many_groups_are_limited(void **state)
{
	auto_dir char *dir = expect_dir();
	struct account found = {0};
	struct err e = {0};
	struct buf text;

	(void)state;
	free(expect_file(dir, "passwd", passwd));
	buf_init(&text, 1 << 20);
	for (int i = 0; i < 2 * ACCOUNT_GROUPS_MAX; i++)
		buf_addf(&text, "g%d:x:%d:build\n", i, i);
	free(expect_file(dir, "group", text.data));
	buf_release(&text);
	expect_ok(account_find(dir, "build", &found, &e), &e);
	assert_int_equal(found.group_count, ACCOUNT_GROUPS_MAX);
	account_release(&found);
}

static void test_a_file_that_is_no_list_is_refused(void **state)
{
	auto_dir char *dir = expect_dir();
	auto_free char *passwd_dir = path_join(dir, "passwd");
	auto_account struct account a = {0};
	struct err e = {0};

	(void)state;
	expect_ok(path_make_dirs(passwd_dir, 0755, &e), &e);
	assert_int_equal(account_find(dir, "5", &a, &e), -1);
	assert_int_equal(e.kind, ERR_INPUT);
}

static void expect_env(const struct account *a, const char *const *before, const char *const *after)
{
	auto_strv struct strv env = {0};

	for (; *before; before++)
		strv_push(&env, *before);
	account_set_env(a, &env);
	for (size_t i = 0; after[i]; i++)
		assert_string_equal(env.items[i], after[i]);
}

static void test_variables_of_root_become_those_of_the_user(void **state)
{
	static char name[] = "build", home[] = "/etc", missing[] = "/nothing/here";
	const struct account build = {.uid = 5, .name = name, .home = home};
	const struct account homeless = {.uid = 5, .name = name, .home = missing};
	const char *const of_root[] = {"HOME=/root", "USER=root", "LOGNAME=root", "A=root", NULL};
	const char *const own[] = {"HOME=/ci/src", "USER=me", "LOGNAME=you", NULL};

	(void)state;
	expect_env(&build, of_root,
		(const char *const[]){"HOME=/etc", "USER=build", "LOGNAME=build", "A=root", NULL});
	expect_env(&homeless, of_root,
		(const char *const[]){"HOME=/tmp", "USER=build", "LOGNAME=build", "A=root", NULL});
	expect_env(&build, own, own);
}

static void test_which_texts_are_users(void **state)
{
	static const char *const good[] = {"build", "_apt", "a.b-c", "0", "1000", "1000:100",
		"build:wheel", "4294967294", NULL};
	static const char *const bad[] = {"", ":", "build:", ":wheel", "a:b:c", "-1", "a b", "a\n",
		"a/b", "4294967295", "99999999999999999999", "caf\xc3\xa9",
		"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", NULL};

	(void)state;
	for (size_t i = 0; good[i]; i++)
		if (!user_is_valid(good[i]))
			fail_msg("'%s' is refused", good[i]);
	for (size_t i = 0; bad[i]; i++)
		if (user_is_valid(bad[i]))
			fail_msg("'%s' is not refused", bad[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names_and_numbers_are_looked_up),
		cmocka_unit_test(test_an_image_without_accounts_has_root_and_numbers),
		cmocka_unit_test(test_many_groups_are_limited),
		cmocka_unit_test(test_a_file_that_is_no_list_is_refused),
		cmocka_unit_test(test_variables_of_root_become_those_of_the_user),
		cmocka_unit_test(test_which_texts_are_users),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
