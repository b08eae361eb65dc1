/* SPDX-License-Identifier: Apache-2.0 */
/* What comes before SSH on a connection: the proxy's answer, and the lines of a server. */
#include "expect.h"

#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "hostkey/greeting.h"
#include "os/fd.h"

/* A connection whose other end has sent this, and then has closed its side. */
static int connection(const char *sent, size_t len, int *ret_peer)
{
	int ends[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
	assert_int_equal(fd_write_all(ends[1], sent, len), 0);
	assert_int_equal(shutdown(ends[1], SHUT_WR), 0);
	*ret_peer = ends[1];
	return ends[0];
}

static void expect_rest(int fd, const char *rest)
{
	char text[256];
	ssize_t n = fd_read_full(fd, text, sizeof(text) - 1);

	assert_true(n >= 0);
	text[n] = '\0';
	assert_string_equal(text, rest);
}

static enum greeting wait_for(const char *sent, size_t len, const char *first, const char *rest)
{
	auto_fd int peer = -1;
	auto_fd int fd = connection(sent, len, &peer);
	auto_buf struct buf line = {0};
	enum greeting g;

	buf_init(&line, GREETING_SHOWN_MAX);
	g = greeting_wait(fd, &line);
	assert_string_equal(line.data, first);
	expect_rest(fd, rest);
	return g;
}

static void test_hostkey_skips_lines_before_the_identification(void **state)
{
	static const struct {
		const char *sent;
		enum greeting greeting;
		const char *first, *rest;
	} rows[] = {
		{"SSH-2.0-x\r\n", GREETING_SSH, "", "SSH-2.0-x\r\n"},
		{"hello\r\nSSH-2.0-x\r\nmore", GREETING_SSH, "hello", "SSH-2.0-x\r\nmore"},
		{"\nSSH-", GREETING_SSH, "", "SSH-"},
		{"a\nb SSH-2.0\nSSH-1.5-x\n", GREETING_SSH, "a", "SSH-1.5-x\n"},
		{"", GREETING_CLOSED, "", ""},
		{"S", GREETING_OTHER, "S", ""},
		{"SSH", GREETING_OTHER, "SSH", ""},
		{"ssh-2.0-x\n", GREETING_OTHER, "ssh-2.0-x", ""},
		{" SSH-2.0-x\n", GREETING_OTHER, " SSH-2.0-x", ""},
		{"HTTP/1.1 400 Bad\r\nServer: x\r\n\r\n", GREETING_OTHER, "HTTP/1.1 400 Bad", ""},
		{"\x1b[2J\x07\r\n", GREETING_OTHER, "\x1b[2J\x07", ""},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		assert_int_equal(
			wait_for(rows[i].sent, strlen(rows[i].sent), rows[i].first, rows[i].rest),
			rows[i].greeting);
}

/* A line, or lines, without end: both are left, and only the beginning is shown. */
static void test_hostkey_leaves_lines_without_end(void **state)
{
	static const char identification[] = {'S', 'S', 'H', '-'};
	enum { LEN = GREETING_LINES_MAX + 4 };
	auto_free char *sent = mem_alloc(LEN + 1), *first = mem_alloc(GREETING_SHOWN_MAX + 1);

	(void)state;
	memset(sent, 'a', LEN - 4);
	memcpy(sent + LEN - 4, identification, 4);
	memset(first, 'a', GREETING_SHOWN_MAX);
	assert_int_equal(wait_for(sent, LEN, first, "SSH-"), GREETING_OTHER);
	memset(sent, '\n', LEN - 4);
	assert_int_equal(wait_for(sent, LEN, "", "SSH-"), GREETING_OTHER);
	/* One byte less is in time. */
	assert_int_equal(wait_for(sent + 1, LEN - 1, "", "SSH-"), GREETING_SSH);
}

static void test_hostkey_takes_the_answer_of_the_proxy_and_no_more(void **state)
{
	static const struct {
		const char *sent;
		int result;
		bool open;
		const char *rest;
	} rows[] = {
		{"HTTP/1.1 200 Connection established\r\n\r\nSSH-2.0", 0, true, "SSH-2.0"},
		{"HTTP/1.1 200 OK\r\nX: y\r\n\r\n\r\n", 0, true, "\r\n"},
		{"HTTP/1.1 403 Forbidden\r\n\r\nwhy", 0, false, "why"},
		{"HTTP/1.1 2000 \r\n\r\n", 0, false, ""},
		{"HTTP/1.1 200 OK\r\n", -1, false, ""},
		{"", -1, false, ""},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		auto_fd int peer = -1;
		auto_fd int fd = connection(rows[i].sent, strlen(rows[i].sent), &peer);
		bool open = false;
		struct err e = {0};

		assert_int_equal(greeting_tunnel(fd, "a.test", 22, &open, &e), rows[i].result);
		assert_int_equal(open, rows[i].open);
		expect_rest(fd, rows[i].rest);
		assert_int_equal(shutdown(fd, SHUT_WR), 0);
		expect_rest(peer, "CONNECT a.test:22 HTTP/1.1\r\nHost: a.test:22\r\n\r\n");
	}
}

static void test_hostkey_answer_without_end(void **state)
{
	auto_free char *sent = mem_alloc(GREETING_HEAD_MAX + 2);
	auto_fd int peer = -1, fd = -1;
	struct err e = {0};
	bool open = false;

	(void)state;
	memset(sent, 'a', GREETING_HEAD_MAX + 1);
	fd = connection(sent, GREETING_HEAD_MAX + 1, &peer);
	assert_int_equal(greeting_tunnel(fd, "a.test", 22, &open, &e), -1);
	assert_string_equal(e.msg, "the proxy's answer has no end");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_hostkey_skips_lines_before_the_identification),
		cmocka_unit_test(test_hostkey_leaves_lines_without_end),
		cmocka_unit_test(test_hostkey_takes_the_answer_of_the_proxy_and_no_more),
		cmocka_unit_test(test_hostkey_answer_without_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
