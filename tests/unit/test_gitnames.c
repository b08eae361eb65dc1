/* SPDX-License-Identifier: Apache-2.0 */
#include "actions/ecosystems/gitnames.h"

#include <string.h>

#include "actions/limits.h"
#include "base/buf.h"
#include "base/mem.h"
#include "expect.h"

#define HASH "0123456789abcdef0123456789abcdef01234567"
#define LONG_HASH HASH "0123456789abcdef01234567"

static const char *file = "lock";

static int find(const char *text, struct gitnames *ret, struct err *e)
{
	auto_strv struct strv places = {0};

	strv_push(&places, "git@h.test");
	strv_push(&places, "me@b.test/srv");
	strv_push(&places, "me@b.test/g/p.git");
	return gitnames_find(text, file, &places, ret, e);
}

/* "LOGIN PATH COMMIT..." of each, a line each; then "other LOGIN". */
static char *list(const char *text)
{
	auto_gitnames struct gitnames names = {0};
	auto_buf struct buf lines = {0};
	struct err e = {0};

	buf_init(&lines, MIB);
	expect_ok(find(text, &names, &e), &e);
	for (size_t i = 0; i < names.count; i++) {
		buf_addf(&lines, "%s%s%s %s", names.items[i].module ? "module " : "",
			names.items[i].https ? "https " : "", names.items[i].login,
			names.items[i].path);
		strv_each (&names.items[i].commits, commit)
			buf_addf(&lines, " %s", *commit);
		buf_adds(&lines, "\n");
	}
	strv_each (&names.others, other)
		buf_addf(&lines, "other %s\n", *other);
	return buf_detach(&lines, NULL);
}

static void expect_names(const char *text, const char *names)
{
	auto_free char *found = list(text);

	assert_string_equal(found, names);
}

/* As clients write them. */
static void test_forms(void **state)
{
	(void)state;
	expect_names("source = \"git+ssh://git@h.test/g/p.git?branch=main#" HASH "\"\n",
		"git@h.test g/p.git " HASH "\n");
	expect_names("\"resolved\": \"git+ssh://git@h.test/g/p.git#" LONG_HASH "\",",
		"git@h.test g/p.git " LONG_HASH "\n");
	expect_names("name @ git+ssh://git@h.test/g/p@v1#egg=name", "git@h.test g/p\n");
	expect_names("\turl = git@h.test:g/p.git\n", "git@h.test g/p.git\n");
	expect_names("url = \"me@b.test:/srv/p.git\"", "me@b.test srv/p.git\n");
	expect_names("git+ssh://git@h.test:g/p.git", "git@h.test g/p.git\n");
	expect_names("git+https://h.test/g/p.git#" HASH, "https git@h.test g/p.git " HASH "\n");
	expect_names("{git = \"ssh://git@h.test/~me/a+b/\"}", "git@h.test ~me/a+b\n");
	expect_names("ssh://git@h.test/p", "git@h.test p\n");
	expect_names("git@h.test:g/.github", "git@h.test g/.github\n");
	expect_names("ssh://git@h.test:22/g/p", "git@h.test g/p\n");
}

static void test_names_come_once(void **state)
{
	(void)state;
	expect_names("git@h.test:g/p\nssh://git@h.test/g/p#" HASH "\nssh://git@h.test/g/p#" HASH,
		"git@h.test g/p " HASH "\n");
	expect_names("git@h.test:g/p me@b.test:srv/p", "git@h.test g/p\nme@b.test srv/p\n");
}

static void test_what_is_no_name(void **state)
{
	(void)state;
	expect_names("", "");
	expect_names("https://h.test/g/p.git", "");
	expect_names("mail git@h.test now, or git@h.test: at once", "");
	expect_names("xgit@h.test:g/p git@h.test.org:g/p ssh://git@ah.test/g/p",
		"other git@ah.test\nother git@h.test.org\n");
	expect_names("h.test/g/p v1", "");
	expect_names("ssh://git@c.test/g/p ssh://git@c.test/x ssh:///x", "other git@c.test\n");
	/* neither a shortened hash nor a longer one */
	expect_names("ssh://git@h.test/p#0123456", "git@h.test p\n");
	expect_names("ssh://git@h.test/p#" HASH "f", "git@h.test p\n");
	expect_names("ssh://git@h.test/p #" HASH, "git@h.test p\n");
}

/* Behind the address, or behind the path of a repository. */
static void test_commits(void **state)
{
	(void)state;
	expect_names(
		"p @ git+ssh://git@h.test/g/p.git@" HASH "#egg=p", "git@h.test g/p.git " HASH "\n");
	expect_names("p@git@h.test:g/p.git#commit=" HASH, "git@h.test g/p.git " HASH "\n");
	expect_names("?rev=1#" HASH " git@h.test:p", "git@h.test p\n");
}

/* The operator's key may open more than the source shall have. */
static void test_places_within_a_server(void **state)
{
	(void)state;
	expect_names("ssh://me@b.test/srv/a ssh://me@b.test/srv ssh://me@b.test/srvx "
		     "ssh://me@b.test/g/p.git "
		     "me@b.test:g/q.git",
		"me@b.test srv/a\nme@b.test srv\nme@b.test g/p.git\nother me@b.test/srvx\n"
		"other me@b.test/g/q.git\n");
}

static void test_modules_of_go(void **state)
{
	(void)state;
	file = "sub/go.mod";
	expect_names("module h.test/g/self\n\nrequire (\n\th.test/g/p v1.0.0\n"
		     "\th.test/g/q/part/v2 v2.0.0 // indirect\n\th.test/a/b/c.git/d v1.0.0\n)\n"
		     "replace x.test/y => h.test/g/r v1.0.0\nrequire ah.test/g/p v1.0.0\n",
		"module git@h.test g/p\nmodule git@h.test g/q\nmodule git@h.test a/b/c.git\nmodule "
		"git@h.test g/r\n");
	expect_names("require \"h.test/g/p\" v1", "module git@h.test g/p\n");
	/* a directory in the place of a module, a comment, the source itself */
	expect_names("require h.test/g/p v1.0.0\nrequire h.test/g/q v1.0.0\n"
		     "replace h.test/g/p => ../p\nreplace (\n\th.test/g/q v1.0.0 => /q\n)\n",
		"");
	expect_names(
		"// see h.test/g/p\nmodule\th.test/g/self\nrequire x.test/y v1 // h.test/g/q\n",
		"");
	file = "lock";
}

static const struct {
	const char *text, *message;
} refused[] = {
	{"ssh://git@h.test:2222/g/p\n",
		"lock names 'git@h.test:2222/g/p': the port of ssh is always 22 here"},
	{"x ssh://git@h.test/g/../p y",
		"lock names 'git@h.test/g/../p': this is not the path of a repository"},
	{"\"ssh://git@h.test/\"", "lock names 'git@h.test/': this is not the path of a repository"},
	{"git@h.test:./p", "lock names 'git@h.test:./p': this is not the path of a repository"},
	{"git@h.test:-p", "lock names 'git@h.test:-p': this is not the path of a repository"},
	{"git@h.test:g//p", "lock names 'git@h.test:g//p': this is not the path of a repository"},
	{"git@h.test:g/$(id)",
		"lock names 'git@h.test:g/$(id)': the path of a repository has letters, "
		"digits and . _ ~ + - alone"},
	{"git@h.test:g\\p",
		"lock names 'git@h.test:g\\p': the path of a repository has letters, "
		"digits and . _ ~ + - alone"},
};

static void test_what_is_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(refused); i++) {
		auto_gitnames struct gitnames names = {0};
		struct err e = {0};

		expect_err(find(refused[i].text, &names, &e), &e, ERR_INPUT, refused[i].message);
		assert_string_equal(e.reason, "fetch_lock_file");
	}
}

static void refuse_many(const char *each, int count, const char *message)
{
	auto_gitnames struct gitnames names = {0};
	auto_buf struct buf b = {0};
	struct err e = {0};

	buf_init(&b, MIB);
	for (int i = 0; i < count; i++)
		buf_addf(&b, each, i);
	expect_ok(find(b.data, &names, &e), &e);
	buf_addf(&b, each, count);
	expect_err(find(b.data, &names, &e), &e, ERR_INPUT, message);
}

static void test_limits(void **state)
{
	(void)state;
	refuse_many("git@h.test:p%d ", LIMIT_GIT_NAMES,
		"lock names 'git@h.test:p200': the source names too many repositories");
	refuse_many("ssh://git@h.test/p#"
		    "%040d ",
		LIMIT_GIT_COMMITS,
		"lock names 'git@h.test/p#0000000000000000000000000000000000000100': the source "
		"names "
		"too many commits of this repository");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_forms),
		cmocka_unit_test(test_names_come_once),
		cmocka_unit_test(test_what_is_no_name),
		cmocka_unit_test(test_commits),
		cmocka_unit_test(test_places_within_a_server),
		cmocka_unit_test(test_modules_of_go),
		cmocka_unit_test(test_what_is_refused),
		cmocka_unit_test(test_limits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
