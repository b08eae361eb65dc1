/* SPDX-License-Identifier: Apache-2.0 */
/* What is made of ssh's own log, and nothing of what it prints for the server. */
#include "expect.h"

#include <sys/stat.h>

#include "transfer/sshcheck.h"

#define LOGIN "me@files.example"

/* An ssh that prints one thing, logs another, and ends with 255; or goes on for ever. */
static int check(const char *printed, const char *logged, const char *end, struct err *e)
{
	auto_dir char *dir = expect_dir();
	auto_free char *text = mem_printf("#!/bin/bash\nprintf '%s' >&2\nfor a; do case $a in -E*) "
					  "printf '%s' >>\"${a#-E}\";; esac; done\n%s\nexit 255\n",
		printed, logged, end);
	auto_free char *path = expect_file(dir, "ssh", text);
	/* Only what never ends is waited for. */
	const struct transfer_options o = {.stall_ms = *end ? 300 : 60 * 1000};
	auto_strv struct strv ssh = {0};

	assert_int_equal(chmod(path, 0755), 0);
	strv_push(&ssh, path);
	return sshcheck(&ssh, LOGIN, &sshcheck_of_upload, &o, e);
}

static void test_another_key_is_what_ssh_logs(void **state)
{
	static const char *const logs[] = {"Host key verification failed.\\r\\n",
		"@@@@@@@@\\n@ WARNING @\\r\\nHost key verification failed.\\r\\n"};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(logs); i++) {
		struct err e = {0};

		expect_err(check("", logs[i], "", &e), &e, ERR_INPUT,
			LOGIN " presents a host key that is not in known_hosts: nothing was sent "
			      "to it");
		assert_string_equal(e.reason, "upload_host_key");
	}
}

static void test_what_the_server_says_is_no_reason(void **state)
{
	static const struct {
		const char *printed, *logged;
	} cases[] = {{"", ""}, {"Host key verification failed.\\r\\n", ""},
		{"no connection to files.example, port 22: no\\n", "x\\n"},
		{"", "Received disconnect: 2: Host key verification failed.\\n"},
		{"", "Host key verification failed. Really.\\n"}};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct err e = {0};

		expect_ok(check(cases[i].printed, cases[i].logged, "", &e), &e);
	}
}

static void test_a_server_that_says_nothing_or_too_much_is_left(void **state)
{
	static const char *const ends[] = {"sleep 1000", "yes"};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(ends); i++) {
		struct err e = {0};

		expect_err(check("", "", ends[i], &e), &e, ERR_INPUT,
			LOGIN ": the ssh server did not answer within 0.3 s");
		assert_string_equal(e.reason, "upload_timeout");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_another_key_is_what_ssh_logs),
		cmocka_unit_test(test_what_the_server_says_is_no_reason),
		cmocka_unit_test(test_a_server_that_says_nothing_or_too_much_is_left),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
