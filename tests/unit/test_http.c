/* SPDX-License-Identifier: Apache-2.0 */
/* Against a server of this test's own, a process per connection, which sends bytes as they are. */
#include "transfer/http.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/mem.h"
#include "expect.h"
#include "os/fd.h"

/* of "hello" */
#define HELLO_SUM "sha256:2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"

#define REFUSAL                                                                                    \
	"HTTP/1.1 403 Forbidden\r\nProxy-Status: ambient; details=\"no \\\"way\\\"\"\r\n"          \
	"Content-Length: 0\r\n\r\n"

/* Long enough that our limit of a head's bytes comes before libcurl's own of 5000 fields
 * (since 8.6). */
#define LONG_FIELD "X: 0123456789012345678901234567890123456789012345678901234567890123456789\r\n"

static const struct {
	const char *path, *answer;
	bool stays;        /* the connection, after the answer */
	const char *again; /* is said for ever, behind the answer */
} answers[] = {
	{"/hello ", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", false, NULL},
	{"/gone ", "HTTP/1.1 410 Gone\r\nContent-Length: 0\r\n\r\n", false, NULL},
	{"/denied ", "HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n", false, NULL},
	{"/busy ", "HTTP/1.1 429 Too Many Requests\r\nContent-Length: 0\r\n\r\n", false, NULL},
	{"/silent ", "", true, NULL},
	{"/stall ", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", true, NULL},
	{"/cut ", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhe", false, NULL},
	{"/nothing ", "", false, NULL},
	{"/longer ", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello, and more", false, NULL},
	{"/file ",
		"HTTP/1.1 302 Found\r\nLocation: file:///etc/passwd\r\nContent-Length: 0\r\n\r\n",
		false, NULL},
	{"/later ",
		"HTTP/1.1 503 Later\r\nRetry-After: 9223372036854775807\r\n"
		"Content-Length: 0\r\n\r\n",
		false, NULL},
	{"/earlier ",
		"HTTP/1.1 503 Earlier\r\nRetry-After: Thu, 01 Jan 1970 00:00:01 GMT\r\n"
		"Content-Length: 0\r\n\r\n",
		false, NULL},
	{"/fields ", "HTTP/1.1 200 OK\r\n", false, LONG_FIELD},
	{"/interim ", "HTTP/1.1 103 Early Hints\r\n" LONG_FIELD "\r\n", false,
		"HTTP/1.1 103 Early Hints\r\n" LONG_FIELD "\r\n"},
	{"/like-the-proxy ", REFUSAL, false, NULL},
	{"CONNECT refused.test:80 ", REFUSAL, false, NULL},
};

enum { TLS_HANDSHAKE = 0x16 }; /* the first byte of a connection with TLS */

struct world {
	char *dir;
	int dir_fd;
	pid_t server;
	unsigned port;
	char said[4096]; /* what was told, a line each */
};

/* The client's side sees a reset. */
static NORETURN void cut_off(int fd)
{
	const struct linger at_once = {.l_onoff = 1};

	(void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
	_exit(0);
}

static NORETURN void answer(int fd)
{
	char head[4096] = "";
	size_t len = 0;

	while (!strstr(head, "\r\n\r\n") && len + 1 < sizeof(head)) {
		ssize_t n = read(fd, head + len, sizeof(head) - 1 - len);

		if (n <= 0)
			_exit(0);
		if (head[0] == TLS_HANDSHAKE)
			cut_off(fd);
		len += (size_t)n;
	}
	for (size_t i = 0; i < ARRAY_SIZE(answers); i++) {
		if (!strstr(head, answers[i].path))
			continue;
		(void)fd_write_all(fd, answers[i].answer, strlen(answers[i].answer));
		while (answers[i].again &&
			fd_write_all(fd, answers[i].again, strlen(answers[i].again)) == 0)
			continue;
		/* Until the client has had enough. */
		while (answers[i].stays && read(fd, head, sizeof(head)) > 0)
			continue;
	}
	_exit(0);
}

static NORETURN void serve(int listener)
{
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	(void)signal(SIGCHLD, SIG_IGN);
	for (;;) {
		int fd = accept(listener, NULL, NULL);

		if (fd >= 0 && fork() == 0)
			answer(fd);
		fd_close(fd);
	}
}

static int set_up(void **state)
{
	struct world *w = mem_alloc(sizeof(*w));
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(at);
	auto_fd int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct err e = {0};

	*w = (struct world){.dir = expect_dir()};
	w->dir_fd = open(w->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_int_equal(bind(listener, (struct sockaddr *)&at, len), 0);
	assert_int_equal(listen(listener, 64), 0);
	assert_int_equal(getsockname(listener, (struct sockaddr *)&at, &len), 0);
	w->port = ntohs(at.sin_port);
	expect_ok(http_init(&e), &e);
	w->server = fork();
	if (w->server == 0)
		serve(listener);
	*state = w;
	return 0;
}

static int tear_down(void **state)
{
	struct world *w = *state;

	(void)kill(w->server, SIGKILL);
	(void)waitpid(w->server, NULL, 0);
	fd_close(w->dir_fd);
	/* Each test removes what it has got, and there is no more. */
	assert_int_equal(rmdir(w->dir), 0);
	free(w->dir);
	free(w);
	return 0;
}

static void take(void *arg, const char *line)
{
	struct world *w = arg;
	size_t len = strlen(w->said);

	(void)snprintf(w->said + len, sizeof(w->said) - len, "%s\n", line);
}

static struct transfer_options options(struct world *w)
{
	return (struct transfer_options){.dir_fd = w->dir_fd,
		.parallel = 4,
		.tries = 2,
		.pause_ms = 1,
		.connect_ms = 20000,
		.stall_ms = 1000,
		.report_ms = 1000,
		.tell = take,
		.arg = w};
}

static struct checksum sum_of(const char *text)
{
	struct checksum sum = {0};

	if (text)
		assert_true(checksum_parse(text, &sum));
	return sum;
}

static int fetch(
	struct world *w, const char *path, const char *name, const char *sum, struct err *e)
{
	const struct transfer_options o = options(w);
	auto_free char *url = mem_printf("http://127.0.0.1:%u%s", w->port, path);
	const struct http_item item = {.url = url, .name = name, .checksum = sum_of(sum)};

	return http_get(&item, 1, &o, e);
}

static void expect_failure(struct world *w, const char *path, const char *reason, const char *text)
{
	struct err e = {0};

	assert_int_equal(fetch(w, path, "file", HELLO_SUM, &e), -1);
	assert_string_equal(e.reason, reason);
	if (!strstr(e.msg, text))
		fail_msg("'%s' is not in '%s'", text, e.msg);
}

/* A server's file goes to a directory below, if it is there and no link leads to it. */
static void test_a_name_may_have_directories(void **state)
{
	struct world *w = *state;
	struct err none = {0}, linked = {0}, e = {0};

	assert_int_equal(fetch(w, "/hello", "below/file", HELLO_SUM, &none), -1);
	assert_int_equal(mkdirat(w->dir_fd, "below", 0755), 0);
	assert_int_equal(symlinkat("below", w->dir_fd, "link"), 0);
	expect_ok(fetch(w, "/hello", "below/file", HELLO_SUM, &e), &e);
	assert_int_equal(unlinkat(w->dir_fd, "below/file", 0), 0);
	assert_int_equal(fetch(w, "/hello", "link/file", HELLO_SUM, &linked), -1);
	assert_int_equal(unlinkat(w->dir_fd, "link", 0), 0);
	/* Nothing is in it. */
	assert_int_equal(unlinkat(w->dir_fd, "below", AT_REMOVEDIR), 0);
}

static const char *const hello_sums[] = {
	"sha1:aaf4c61ddcc5e8a2dabede0f3b482cd9aea9434d",
	"sha384:59e1748777448c69de6b800d7a33bbfb9ff1b463e44354c3553bcdb9c666fa90125a3c79f90397bdf5"
	"f6a13de828684f",
	"sha512:9B71D224BD62F3785D96D46AD3EA3D73319BFBC2890CAADAE2DFF72519673CA72323C3D99BA5C11D7C"
	"7ACC6E14B8C5DA0C4663475C2E5C3ADEF46F73BCDEC043",
};

static void test_each_algorithm_verifies(void **state)
{
	struct world *w = *state;

	for (size_t i = 0; i < ARRAY_SIZE(hello_sums); i++) {
		auto_free char *wrong = mem_strdup(hello_sums[i]);
		struct err refused = {0}, e = {0};

		wrong[strlen(wrong) - 1] = '9';
		assert_int_equal(fetch(w, "/hello", "file", wrong, &refused), -1);
		assert_string_equal(refused.reason, "fetch_checksum");
		expect_ok(fetch(w, "/hello", "file", hello_sums[i], &e), &e);
		expect_ok(fetch(w, "/gone", "file", hello_sums[i], &e), &e); /* it is there */
		assert_int_equal(unlinkat(w->dir_fd, "file", 0), 0);
	}
}

static void test_each_failure_has_its_reason(void **state)
{
	expect_failure(*state, "/gone", "fetch_not_found", "(status 410)");
	expect_failure(*state, "/denied", "fetch_denied", "(status 403)");
	expect_failure(*state, "/busy", "fetch_server_error", "(status 429) (2 tries)");
	expect_failure(*state, "/cut", "fetch_cut", "(2 tries)");
	expect_failure(*state, "/nothing", "fetch_cut", "(2 tries)");
	expect_failure(*state, "/file", "fetch_redirect", "/file");
}

/* Others will come through: it is no fault of a certificate. */
static void test_a_handshake_that_is_cut_off_is_tried_again(void **state)
{
	struct world *w = *state;
	const struct transfer_options o = options(w);
	auto_free char *url = mem_printf("https://127.0.0.1:%u/", w->port);
	const struct http_item item = {.url = url, .name = "file", .checksum = sum_of(HELLO_SUM)};
	struct err e = {0};

	assert_int_equal(http_get(&item, 1, &o, &e), -1);
	assert_string_equal(e.reason, "fetch_cut");
	assert_non_null(strstr(e.msg, "(2 tries)"));
}

static void test_a_head_without_end_is_left(void **state)
{
	expect_failure(*state, "/fields", "fetch_failed", "the head of the answer has more than ");
	expect_failure(*state, "/interim", "fetch_failed", "the head of the answer has more than ");
}

/* Whatever a server says of when to come again: no number overflows, and no time is negative. */
static void test_any_time_to_come_again_is_taken(void **state)
{
	struct world *w = *state;
	struct transfer_options o = options(w);
	auto_free char *url = mem_printf("http://127.0.0.1:%u/later", w->port);
	const struct http_item item = {.url = url, .name = "file", .checksum = sum_of(HELLO_SUM)};
	struct err e = {0};

	o.tries = 1;
	assert_int_equal(http_get(&item, 1, &o, &e), -1);
	assert_string_equal(e.reason, "fetch_server_error");
	expect_failure(w, "/earlier", "fetch_server_error", "(2 tries)");
}

static void test_only_the_proxy_speaks_for_the_proxy(void **state)
{
	struct world *w = *state;
	struct transfer_options o = options(w);
	const struct http_item item = {
		.url = "http://refused.test/", .name = "file", .checksum = sum_of(HELLO_SUM)};
	auto_free char *proxy = mem_printf("http://127.0.0.1:%u", w->port);
	struct err e = {0};

	expect_failure(w, "/like-the-proxy", "fetch_denied", "the server refused it (status 403)");
	o.proxy = proxy;
	assert_int_equal(http_get(&item, 1, &o, &e), -1);
	assert_string_equal(e.reason, "fetch_refused");
	assert_string_equal(e.msg, "http://refused.test/: the proxy refused it: no \"way\"");
}

static void test_a_server_that_stalls_is_left(void **state)
{
	expect_failure(*state, "/silent", "fetch_timeout", "(2 tries)");
	expect_failure(*state, "/stall", "fetch_timeout", "(2 tries)");
}

static void test_a_file_has_its_name_when_it_is_right(void **state)
{
	struct world *w = *state;
	struct err e = {0};

	expect_ok(fetch(w, "/hello", "file", HELLO_SUM, &e), &e);
	assert_int_equal(unlinkat(w->dir_fd, "file", 0), 0);
	expect_ok(fetch(w, "/longer", "file", HELLO_SUM, &e), &e);
	assert_int_equal(unlinkat(w->dir_fd, "file", 0), 0);
	assert_int_equal(
		fetch(w, "/hello", "file",
			"sha256:0000000000000000000000000000000000000000000000000000000000000000",
			&e),
		-1);
	assert_string_equal(e.reason, "fetch_checksum");
}

static void test_what_is_there_and_right_is_not_asked_for(void **state)
{
	struct world *w = *state;
	struct transfer_options o = options(w);
	const struct http_item item = {
		.url = "http://127.0.0.1:1/", .name = "file", .checksum = sum_of(HELLO_SUM)};
	struct err e = {0};

	expect_ok(fetch(w, "/hello", "file", HELLO_SUM, &e), &e);
	w->said[0] = '\0';
	expect_ok(http_get(&item, 1, &o, &e), &e);
	assert_string_equal(w->said, "file: is there already, checksum right\n");
	assert_int_equal(unlinkat(w->dir_fd, "file", 0), 0);
	assert_int_equal(http_get(&item, 1, &o, &e), -1);
	assert_string_equal(e.reason, "fetch_unreachable");
}

static void test_a_link_is_replaced_and_not_followed(void **state)
{
	struct world *w = *state;
	struct err e = {0};
	struct stat st;

	assert_int_equal(symlinkat("/dev/full", w->dir_fd, "file"), 0);
	assert_int_equal(symlinkat("/dev/full", w->dir_fd, ".file.part"), 0);
	expect_ok(fetch(w, "/hello", "file", HELLO_SUM, &e), &e);
	assert_int_equal(fstatat(w->dir_fd, "file", &st, AT_SYMLINK_NOFOLLOW), 0);
	assert_true(S_ISREG(st.st_mode));
	assert_int_equal(unlinkat(w->dir_fd, "file", 0), 0);
}

static void test_names_that_lead_elsewhere_are_refused(void **state)
{
	static const char *const names[] = {
		"", ".", "..", "../x", "a/../b", "a//b", "a/", "/a", "a/./b", "a\nb"};
	struct world *w = *state;

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		struct err e = {0};

		assert_int_equal(fetch(w, "/hello", names[i], HELLO_SUM, &e), -1);
		assert_non_null(strstr(e.msg, "is not a valid name of a file"));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			test_a_name_may_have_directories, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_each_algorithm_verifies, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			test_each_failure_has_its_reason, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			test_a_handshake_that_is_cut_off_is_tried_again, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_a_head_without_end_is_left, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			test_any_time_to_come_again_is_taken, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			test_only_the_proxy_speaks_for_the_proxy, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			test_a_server_that_stalls_is_left, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			test_a_file_has_its_name_when_it_is_right, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			test_what_is_there_and_right_is_not_asked_for, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			test_a_link_is_replaced_and_not_followed, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			test_names_that_lead_elsewhere_are_refused, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
