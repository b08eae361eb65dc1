/* SPDX-License-Identifier: Apache-2.0 */
/* What is taken of a container image's configuration, and read back from image.yaml. */
#include "tests/unit/expect.h"

#include "contract/user.h"
#include "data/jsonl.h"
#include "settings/defaults.h"
#include "settings/limits.h"

static struct node *parse(const char *json)
{
	struct node *node = NULL;
	struct err e = {0};

	expect_ok(jsonl_parse(json, strlen(json), "test", &node, &e), &e);
	return node;
}

/* The defaults as JSON, and the warnings, one line each. Read back, they are the same. */
static void expect_taken(const char *config, const char *wanted)
{
	auto_node struct node *node = parse(config), *map = NULL;
	auto_defaults struct image_defaults d = {0}, again = {0};
	auto_strv struct strv warnings = {0};
	auto_buf struct buf shown = {0};
	struct err e = {0};

	buf_init(&shown, 10000);
	expect_ok(defaults_from_container(node, &d, &warnings, &e), &e);
	map = defaults_to_node(&d);
	if (map)
		jsonl_add(&shown, map);
	strv_each (&warnings, text)
		buf_addf(&shown, "\n%s", *text);
	assert_string_equal(shown.data, wanted);
	expect_ok(defaults_from_node(map, "image.yaml", &again, &e), &e);
	assert_int_equal(again.env.count, d.env.count);
}

#define LEFT_OUT                                                                                   \
	"variables of the image were left out, because they would steer a loader, a shell or a "   \
	"client, or are no variables: "

static void test_takes_what_is_there(void **state)
{
	(void)state;
	expect_taken("{}", "");
	expect_taken("{\"Env\":null,\"User\":\"\",\"WorkingDir\":\"\"}", "");
	expect_taken("{\"Env\":[\"PATH=/a:/b\",\"EMPTY=\",\"A=1\",\"A=2=3\"],\"User\":\"u:g\","
		     "\"WorkingDir\":\"/srv\",\"Cmd\":[\"x\"]}",
		"{\"env\":{\"PATH\":\"/a:/b\",\"EMPTY\":\"\",\"A\":\"2=3\"},\"directory\":\"/srv\","
		"\"user\":\"u:g\"}");
}

static void test_leaves_out_what_steers(void **state)
{
	static const char *const names[] = {"LD_PRELOAD", "LD_LIBRARY_PATH", "BASH_ENV", "ENV",
		"http_proxy", "HTTPS_PROXY", "No_Proxy", "GIT_SSH", "SSL_CERT_FILE", "PERL5OPT",
		"PYTHONSTARTUP", "NODE_OPTIONS", "_JAVA_OPTIONS", "MAKEFLAGS", "IFS", "GCONV_PATH",
		"BASH_FUNC_ls", NULL};
	static const char *const kept[] = {"PATH", "PYTHONPATH", "PROXY", "LDX", "GITHUB", "LANG",
		"CARGO_HOME", "ENVIRONMENT", NULL};

	(void)state;
	for (const char *const *name = names; *name; name++) {
		auto_free char *config = mem_printf("{\"Env\":[\"%s=x\"]}", *name);
		auto_free char *wanted = mem_printf("\n" LEFT_OUT "%s", *name);

		expect_taken(config, wanted);
	}
	for (const char *const *name = kept; *name; name++) {
		auto_free char *config = mem_printf("{\"Env\":[\"%s=x\"]}", *name);
		auto_free char *wanted = mem_printf("{\"env\":{\"%s\":\"x\"}}", *name);

		expect_taken(config, wanted);
	}
}

static void test_leaves_out_what_is_none(void **state)
{
	(void)state;
	expect_taken("{\"Env\":[\"A\",\"=x\",\"1=x\",\"a.b=x\",\"\\u001b[=x\",7,[]]}",
		"\n" LEFT_OUT "A, , 1, a.b, \\x1b[, 7, ");
	expect_taken("{\"WorkingDir\":\"srv\"}", "\nWorkingDir of the image was left out: 'srv'");
	expect_taken("{\"WorkingDir\":\"/s\\nrv\"}",
		"\nWorkingDir of the image was left out: '/s\\nrv'");
}

static void expect_not_taken(const char *config, const char *wanted)
{
	auto_node struct node *node = parse(config);
	auto_defaults struct image_defaults d = {0};
	auto_strv struct strv warnings = {0};
	struct err e = {0};

	expect_err(defaults_from_container(node, &d, &warnings, &e), &e, ERR_INPUT, wanted);
}

#define NOT_IN " in the configuration of the image is not "

static void test_a_user_that_is_none_is_refused(void **state)
{
	static const char *const users[] = {
		"a b", "99999999999", "4294967295", ":", "u:", ":g", "-u", "u:g:h"};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(users); i++) {
		auto_free char *config = mem_printf("{\"User\":\"%s\"}", users[i]);
		auto_free char *wanted = mem_printf(
			"the configuration of the image has the user '%s', which is not " USER_RULE
			"; a number is at most 4294967294",
			users[i]);

		expect_not_taken(config, wanted);
	}
}

static void test_values_of_other_types_are_refused(void **state)
{
	(void)state;
	expect_not_taken("{\"Env\":\"A=1\"}", "Env" NOT_IN "an array");
	expect_not_taken("{\"Env\":{\"A\":\"1\"}}", "Env" NOT_IN "an array");
	expect_not_taken("{\"User\":0}", "User" NOT_IN "a string");
	expect_not_taken("{\"User\":[\"u\"]}", "User" NOT_IN "a string");
	expect_not_taken("{\"WorkingDir\":true}", "WorkingDir" NOT_IN "a string");
	expect_not_taken("[]", "'config'" NOT_IN "a JSON object");
}

static void test_limits(void **state)
{
	auto_buf struct buf text = {0};
	auto_defaults struct image_defaults d = {0};
	auto_strv struct strv warnings = {0};
	auto_node struct node *node = NULL;
	struct err e = {0};

	(void)state;
	buf_init(&text, 1 << 20);
	buf_adds(&text, "{\"Env\":[\"A=\"");
	for (int i = 0; i < LIMIT_DEFAULTS_VARIABLES; i++)
		buf_addf(&text, ",\"A%d=\"", i);
	buf_adds(&text, "]}");
	node = parse(text.data);
	expect_err(defaults_from_container(node, &d, &warnings, &e), &e, ERR_INPUT,
		"the image has 1001 variables of 5893 bytes; the limits are 1000 and 256.0 KiB");
}

static void expect_refused(const char *json, const char *wanted)
{
	auto_node struct node *node = parse(json);
	auto_defaults struct image_defaults d = {0};
	struct err e = {0};

	expect_err(defaults_from_node(node, "image.yaml", &d, &e), &e, ERR_INPUT, wanted);
}

static void test_image_yaml_has_no_others(void **state)
{
	(void)state;
	expect_refused("{\"env\":{\"LD_PRELOAD\":\"x\"}}",
		"image.yaml: 'defaults': the variable 'LD_PRELOAD' is not allowed here");
	expect_refused("{\"user\":\"a b\"}",
		"image.yaml: 'defaults': 'user' has a value that is not allowed here");
	expect_refused("{\"directory\":\"x\"}",
		"image.yaml: 'defaults': 'directory' has a value that is not allowed here");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_takes_what_is_there),
		cmocka_unit_test(test_leaves_out_what_steers),
		cmocka_unit_test(test_leaves_out_what_is_none),
		cmocka_unit_test(test_a_user_that_is_none_is_refused),
		cmocka_unit_test(test_values_of_other_types_are_refused),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_image_yaml_has_no_others),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
