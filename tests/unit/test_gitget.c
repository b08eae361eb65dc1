/* SPDX-License-Identifier: Apache-2.0 */
/* What is shown of git's words: whole lines, because who masks secrets would not find half of one.
 */
#include "expect.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "transfer/answer.h"
#include "transfer/gitget.h"

enum { TOLD_MAX = 1 << 20, OUTPUT_MAX = 64 * 1024 };

/* Of a repository that is asked without a network. */
#define URL "file:///other.git"
#define SSH_URL "ssh://git.example.org/other.git"

struct world {
	char *dir, *path_before;
	struct buf told;
	struct transfer_options o;
};

static void take_line(void *arg, const char *line)
{
	buf_addf(arg, "%s\n", line);
}

/* A git that says what this script says, and fails. */
static void world_make(struct world *w, const char *script)
{
	auto_free char *text = mem_printf("#!/bin/bash\n%s\nexit 128\n", script);
	auto_free char *git = NULL, *path = NULL;

	w->dir = expect_dir();
	git = expect_file(w->dir, "bin/git", text);
	path = mem_printf("%s/bin:/usr/bin:/bin", w->dir);
	w->path_before = mem_strdup(getenv("PATH"));
	assert_int_equal(chmod(git, 0755), 0);
	assert_int_equal(setenv("PATH", path, 1), 0);
	buf_init(&w->told, TOLD_MAX);
	w->o = (struct transfer_options){.dir_fd = open(w->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC),
		.stall_ms = 1000,
		.tell = take_line,
		.arg = &w->told};
}

static void world_remove(struct world *w)
{
	(void)setenv("PATH", w->path_before, 1);
	free(w->path_before);
	fd_close(w->o.dir_fd);
	buf_release(&w->told);
	expect_dir_remove(&w->dir);
}
#define auto_world __attribute__((cleanup(world_remove)))

static void expect_failure_of(struct world *w, const char *url, const char *wanted)
{
	auto_strv struct strv ssh = {0};
	const struct gitget g = {.server = {.url = url, .ssh = &ssh},
		.commit = "0123456789abcdef0123456789abcdef01234567",
		.name = "other",
		.dir = w->dir};
	struct err e = {0};

	strv_push(&ssh, "false");
	expect_err(gitget(&g, &w->o, &e), &e, ERR_INPUT, wanted);
	assert_string_equal(e.reason, "fetch_failed");
}

static void expect_failure(struct world *w, const char *wanted)
{
	expect_failure_of(w, URL, wanted);
}

/* git, ssh and the server write to one stream. */
static void test_nothing_that_came_by_ssh_is_in_the_error(void **state)
{
	auto_world struct world w;

	(void)state;
	world_make(&w, "echo Host key verification failed.; echo 'fatal: three' >&2");
	expect_failure_of(&w, SSH_URL,
		SSH_URL ": git failed; the messages of git, ssh and the server are in the log");
	assert_string_equal(w.told.data, "Host key verification failed.\nfatal: three\n");
}

static void test_what_the_server_rejects_is_not_in_the_error(void **state)
{
	auto_world struct world w;

	(void)state;
	world_make(&w, "echo 'fatal: remote error: words of the server' >&2");
	expect_failure(&w, URL ": the server rejected the request; its message is in the log");
}

static void test_reports_of_git_have_a_reason(void **state)
{
	static const struct {
		const char *said, *reason;
		bool again;
	} cases[] = {
		{"error: RPC failed; HTTP 403 curl 22 The requested URL returned error: 403\n",
			"fetch_denied", false},
		{"warning: a\nerror: RPC failed; HTTP 503 curl 22\n", "fetch_server_error", true},
		{"error: RPC failed; HTTP 404\n", "fetch_not_found", false},
		{"error: RPC failed; HTTP 302\n", "fetch_redirect", false},
		{"error: RPC failed; HTTP 502\n", "fetch_server_error", true},
		{"error: RPC failed; curl 18 transfer closed\n", "fetch_cut", true},
		{"error: RPC failed; curl 56 Recv failure\n", "fetch_cut", true},
		{"error: RPC failed; curl 52 Empty reply\n", "fetch_cut", true},
		{"error: RPC failed; curl 28 timed out\n", "fetch_timeout", true},
		{"error: RPC failed; curl 1 x\n", "fetch_failed", false},
		{"remote: error: RPC failed; HTTP 503\n", NULL, false},
		{"fatal: remote error: no\nerror: RPC failed; HTTP 401 x\n", NULL, false},
		{"error: RPC failed; result=22, HTTP code = 503\n", NULL, false},
		{"", NULL, false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const struct answer *a = answer_of_git(cases[i].said);

		if (!a != !cases[i].reason)
			fail_msg("%s: a row where none is expected, or none", cases[i].said);
		if (!a)
			continue;
		assert_string_equal(a->reason, cases[i].reason);
		assert_int_equal(a->again, cases[i].again);
	}
}

static void test_the_error_is_the_first_line_that_is_no_aside(void **state)
{
	auto_world struct world w;

	(void)state;
	world_make(
		&w, "printf 'warning: one\\nremote: two\\n'; echo 'fatal: three' >&2; echo four");
	expect_failure(&w, URL ": fatal: three");
	assert_string_equal(w.told.data, "warning: one\nremote: two\nfatal: three\nfour\n");
}

static void test_git_without_a_word_is_told(void **state)
{
	auto_world struct world w;

	(void)state;
	world_make(&w, ":");
	expect_failure(&w, URL ": git failed without a word");
}

/* A line that would not fit into an error, as it is or made safe, is in the log, and only there. */
static void test_a_long_line_is_not_cut_for_the_error(void **state)
{
	static const struct {
		const char *script;
		size_t bytes;
	} cases[] = {{"printf '%0500d\\n' 7", 500}, {"printf '\\1%.0s' {1..200}; echo", 200}};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		auto_world struct world w;

		world_make(&w, cases[i].script);
		expect_failure(&w,
			URL
			": git failed; its output is too long to be shown here and is in the log");
		assert_int_equal(w.told.len, cases[i].bytes + 1);
	}
}

/* Lines of 100 bytes with their number at the end; of the one that does not fit nothing is shown.
 */
static void test_a_line_that_is_cut_by_the_limit_is_not_shown(void **state)
{
	auto_world struct world w;

	(void)state;
	world_make(&w, "for ((i = 0; i < 1000; i++)); do printf '%099d\\n' $i; done");
	expect_failure(&w,
		URL
		": "
		"0000000000000000000000000000000000000000000000000000000000000000000000000000000000"
		"00000000000000000");
	assert_int_equal(w.told.len, OUTPUT_MAX / 100 * 100);
	assert_string_equal(w.told.data + w.told.len - 4, "654\n");
}

static void test_a_line_without_end_is_not_shown(void **state)
{
	auto_world struct world w;

	(void)state;
	world_make(&w, "head -c 70000 /dev/zero | tr '\\0' x");
	expect_failure(&w, URL ": git failed without a word");
	assert_int_equal(w.told.len, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nothing_that_came_by_ssh_is_in_the_error),
		cmocka_unit_test(test_what_the_server_rejects_is_not_in_the_error),
		cmocka_unit_test(test_reports_of_git_have_a_reason),
		cmocka_unit_test(test_the_error_is_the_first_line_that_is_no_aside),
		cmocka_unit_test(test_git_without_a_word_is_told),
		cmocka_unit_test(test_a_long_line_is_not_cut_for_the_error),
		cmocka_unit_test(test_a_line_that_is_cut_by_the_limit_is_not_shown),
		cmocka_unit_test(test_a_line_without_end_is_not_shown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
