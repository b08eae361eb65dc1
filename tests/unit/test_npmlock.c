/* SPDX-License-Identifier: Apache-2.0 */
#include "actions/ecosystems/npmlock.h"

#include <string.h>

#include "actions/limits.h"
#include "base/buf.h"
#include "base/mem.h"
#include "data/jsonl.h"
#include "expect.h"

#define REGISTRY "http://registry.test/npm"

static int parse(const char *text, struct node **ret, struct err *e)
{
	return npmlock_parse(text, strlen(text), "lock", REGISTRY, ret, e);
}

/* The text is JSON with ' for ". */
static char *with_quotes(const char *text)
{
	char *json = mem_strdup(text);

	for (char *p = json; *p; p++)
		*p = *p == '\'' ? '"' : *p;
	return json;
}

/* "PLACE URL CHECKSUM" of each item, a line each; "-": no checksum. */
static char *list(const char *text)
{
	auto_free char *json = with_quotes(text);
	auto_node struct node *items = NULL;
	auto_buf struct buf lines = {0};
	const struct node *item;
	struct err e = {0};

	buf_init(&lines, MIB);
	expect_ok(parse(json, &items, &e), &e);
	node_each (items, item) {
		const char *of = node_get_text(item, "of", "");
		auto_free char *file = mem_printf("%s.tgz", of);

		assert_string_equal(node_get_text(item, "filename", ""), file);
		buf_addf(&lines, "%s %s %s\n", of, node_get_text(item, "url", ""),
			node_get_text(item, "checksum", "-"));
	}
	return buf_detach(&lines, NULL);
}

static const struct {
	const char *packages, *items;
} forms[] = {
	/* the client's own registry stands for the one that is set, others stand for themselves */
	{"'node_modules/a': {'resolved': 'https://registry.npmjs.org/a/-/a-1.tgz'}",
		"node_modules/a http://registry.test/npm/a/-/a-1.tgz -\n"},
	{"'node_modules/a': {'resolved': 'https://b.test/a-1.tgz?x=1#y'}",
		"node_modules/a https://b.test/a-1.tgz?x=1#y -\n"},
	/* a URL that is missing follows from name and version */
	{"'node_modules/a': {'version': '1.0.0'}",
		"node_modules/a http://registry.test/npm/a/-/a-1.0.0.tgz -\n"},
	{"'node_modules/a/node_modules/@s/b': {'version': '1.0.0-rc.1'}",
		"node_modules/a/node_modules/@s/b "
		"http://registry.test/npm/@s/b/-/b-1.0.0-rc.1.tgz -\n"},
	{"'node_modules/x': {'name': '@s/a', 'version': '2'}",
		"node_modules/x http://registry.test/npm/@s/a/-/a-2.tgz -\n"},
	{"'packages/w/node_modules/a': {'version': '1'}",
		"packages/w/node_modules/a http://registry.test/npm/a/-/a-1.tgz -\n"},
	/* the strongest checksum that is known */
	{"'node_modules/a': {'version': '1', 'integrity': 'md5-AAAA "
	 "sha1-AAAAAAAAAAAAAAAAAAAAAAAAAAA= "
	 "sha256-AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=?opt  sha512-bad'}",
		"node_modules/a http://registry.test/npm/a/-/a-1.tgz "
		"sha256:0101010101010101010101010101010101010101010101010101010101010101\n"},
	/* what is in the source, or in the archive of another */
	{"'': {'name': 'x'}, 'packages/w': {'version': '1'}, '../w': {'version': '1'}, "
	 "'node_modules/w': {'resolved': 'packages/w', 'link': true}, "
	 "'node_modules/a/node_modules/b': {'version': '1', 'inBundle': true}, "
	 "'node_modules/l': {'version': 'file:l.tgz', 'resolved': 'file:l.tgz'}",
		""},
	/* no key of these kinds is a place of a package */
	{"'node_modules/': {}, 'node_modules/a/b': {}, 'node_modules/@s/a/b': {}, 'a': {}", ""},
};

static void test_packages_of_versions_two_and_three(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(forms); i++) {
		auto_free char *text =
			mem_printf("{'lockfileVersion': 3, 'dependencies': {'b': {}}, "
				   "'packages': {%s}}",
				forms[i].packages);
		auto_free char *items = list(text);

		assert_string_equal(items, forms[i].items);
	}
}

static void test_dependencies_of_version_one(void **state)
{
	auto_free char *items =
		list("{'lockfileVersion': 1, 'dependencies': {"
		     "'a': {'version': '1', 'resolved': 'https://registry.npmjs.org/a/-/a-1.tgz', "
		     "'requires': {'b': '1'}, 'dependencies': {"
		     "'@s/b': {'version': '2', 'dependencies': {'c': {'version': '3'}}}, "
		     "'d': {'version': '4', 'bundled': true}}}, "
		     "'e': {'version': 'npm:@s/f@5'}, "
		     "'g': {'version': 'https://b.test/g.tgz'}, "
		     "'h': {'version': 'file:../h'}}}");

	(void)state;
	assert_string_equal(items,
		"node_modules/a http://registry.test/npm/a/-/a-1.tgz -\n"
		"node_modules/a/node_modules/@s/b http://registry.test/npm/@s/b/-/b-2.tgz -\n"
		"node_modules/a/node_modules/@s/b/node_modules/c "
		"http://registry.test/npm/c/-/c-3.tgz -\n"
		"node_modules/e http://registry.test/npm/@s/f/-/f-5.tgz -\n"
		"node_modules/g https://b.test/g.tgz -\n");
}

#define PLACE "lock: 'node_modules/a' "

static const struct {
	const char *text, *message;
} refused[] = {
	{"{'packages': {'node_modules/a': {}}}", PLACE "has neither a version nor a URL"},
	{"{'packages': {'node_modules/a': {'resolved': 'git+ssh://git@b.test/a.git#0'}}}",
		PLACE "is not an archive on a server, and npm_get fetches no other: bring it with "
		      "git_get, or depend on a release of it"},
	{"{'lockfileVersion': 1, 'dependencies': {'a': {'version': 'github:x/a#0'}}}",
		PLACE "is not an archive on a server, and npm_get fetches no other: bring it with "
		      "git_get, or depend on a release of it"},
	{"{'packages': {'node_modules/a': {'resolved': 'http://me:pw@b.test/a.tgz'}}}",
		PLACE "is at a URL with credentials, which are not used"},
	{"{'packages': {'node_modules/a': {'resolved': 'http://me@b.test/a.tgz'}}}",
		PLACE "is at a URL with credentials, which are not used"},
	{"{'packages': {'node_modules/a': {'resolved': 'http://b.test/a b.tgz'}}}",
		PLACE "is at a malformed URL"},
	{"{'packages': {'node_modules/a': {'version': '1\\u0001'}}}",
		PLACE "is at a malformed URL"},
	{"{'packages': {'node_modules/a': {'version': '1', 'integrity': 'md5-AAAA'}}}",
		PLACE "has an integrity without a hash that is known"},
	{"{'packages': {'node_modules/a': {'version': '1', 'integrity': 'sha512-AAAA'}}}",
		PLACE "has an integrity without a hash that is known"},
	{"{'packages': {'node_modules/a/../node_modules/b': {'version': '1'}}}",
		"lock: 'node_modules/a/../node_modules/b' is not the name of a package"},
	{"{'packages': {'node_modules//node_modules/b': {'version': '1'}}}",
		"lock: 'node_modules//node_modules/b' is not the name of a package"},
	{"{'packages': {'/node_modules/b': {'version': '1'}}}",
		"lock: '/node_modules/b' is not the name of a package"},
	{"{'packages': {'node_modules/..': {'version': '1'}}}",
		"lock: 'node_modules/..' is not the name of a package"},
	{"{'packages': {'node_modules/a\\nb': {'version': '1'}}}",
		"lock: 'node_modules/a\\nb' is not the name of a package"},
	{"{'lockfileVersion': 1, 'dependencies': {'../a': {'version': '1'}}}",
		"lock: 'node_modules/../a' is not the name of a package"},
	{"{'name': 'x'}", "lock: is not a lock file of npm"},
	{"[]", "lock: is not a lock file of npm"},
};

static void test_what_is_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(refused); i++) {
		auto_free char *json = with_quotes(refused[i].text);
		auto_node struct node *items = NULL;
		struct err e = {0};

		expect_err(parse(json, &items, &e), &e, ERR_INPUT, refused[i].message);
		assert_string_equal(e.reason, "fetch_lock_file");
		assert_null(items);
	}
}

static void refuse_many(const char *head, const char *each, int count, const char *message)
{
	auto_node struct node *items = NULL;
	auto_buf struct buf b = {0};
	struct err e = {0};

	buf_init(&b, 16 * MIB);
	buf_adds(&b, head);
	for (int i = 0; i < count; i++)
		buf_addf(&b, each, i);
	buf_adds(&b, "'x': {}}}");
	for (char *p = b.data; *p; p++)
		*p = *p == '\'' ? '"' : *p;
	expect_err(parse(b.data, &items, &e), &e, ERR_INPUT, message);
}

static void test_limits(void **state)
{
	(void)state;
	refuse_many("{'packages': {", "'node_modules/p%d': {'version': '1'},",
		LIMIT_LOCK_PACKAGES + 1, "lock: more than 20000 packages");
	refuse_many(
		"{'packages': {", "'p%d': {},", LIMIT_LOCK_VALUES, "lock: more than 500000 values");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_packages_of_versions_two_and_three),
		cmocka_unit_test(test_dependencies_of_version_one),
		cmocka_unit_test(test_what_is_refused),
		cmocka_unit_test(test_limits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
