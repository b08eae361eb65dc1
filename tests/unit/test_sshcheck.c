/* SPDX-License-Identifier: Apache-2.0 */
/* What ssh says when no login comes about, and what is made of it. */
#include "expect.h"

#include <sys/stat.h>

#include "net/sshcheck.h"

#define LOGIN "me@files.example"

/* An ssh that says this and exits with 255. */
static int check(const char *said, const char *login, struct err *e)
{
	auto_dir char *dir = expect_dir();
	auto_free char *text = mem_printf("#!/bin/bash\nprintf '%s' >&2\nexit 255\n", said);
	auto_free char *path = expect_file(dir, "ssh", text);
	auto_strv struct strv ssh = {0};

	assert_int_equal(chmod(path, 0755), 0);
	strv_push(&ssh, path);
	return sshcheck(&ssh, login, e);
}

static void test_another_key_and_no_connection_have_reasons(void **state)
{
	static const struct {
		const char *said, *reason, *message;
	} cases[] = {
		{"Host key verification failed.\\r\\n", "upload_host_key",
			LOGIN ": the key of the host is none that known_hosts has for it: nothing "
			      "was uploaded"},
		{"@@@@@@@@\\n@ WARNING @\\r\\nHost key verification failed.\\r\\n",
			"upload_host_key",
			LOGIN ": the key of the host is none that known_hosts has for it: nothing "
			      "was uploaded"},
		{"ambient-execute-plan: no connection to files.example, port 22: not allowed\\n"
		 "Connection closed by UNKNOWN port 65535\\r\\n",
			"upload_unreachable",
			LOGIN ": no connection to files.example, port 22: not allowed"},
		{"x: no connection to files.example: \\033[31m", "upload_unreachable",
			LOGIN ": no connection to files.example: \\x1b[31m"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct err e = {0};

		expect_err(check(cases[i].said, LOGIN, &e), &e, ERR_INPUT, cases[i].message);
		assert_string_equal(e.reason, cases[i].reason);
	}
}

static void test_other_words_are_no_reason(void **state)
{
	static const char *const said[] = {"", "x",
		"me@files.example: Permission denied (publickey).\\n",
		"She said: Host key verification", "a Host key verification failed.",
		"no no connection to x"};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(said); i++) {
		struct err e = {0};

		expect_ok(check(said[i], LOGIN, &e), &e);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_another_key_and_no_connection_have_reasons),
		cmocka_unit_test(test_other_words_are_no_reason),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
