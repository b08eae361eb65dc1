/* SPDX-License-Identifier: Apache-2.0 */
/* Heads of HTTP messages: what the proxy takes, what it passes on, and what it does not. */
#include "expect.h"

#include "base/limits.h"
#include "egress/limits.h"
#include "egress/proxy_http.h"

#define HOST "Host: a.example\r\n"
#define GET "GET http://a.example/ HTTP/1.1\r\n"

static void expect_request(const char *head, struct proxy_request *r)
{
	struct proxy_complaint why = {.text = "it is not whole"};

	if (proxy_read_request(head, strlen(head), r, &why) != (ssize_t)strlen(head))
		fail_msg("'%s': %u %s", head, why.status, why.text);
}

/* What goes to the server in place of this head. */
static void expect_passed_on(const char *head, const char *wanted)
{
	auto_buf struct buf out;
	struct proxy_request r;

	expect_request(head, &r);
	buf_init(&out, LIMIT_PROXY_BUFFER);
	proxy_write_request(&out, head, strlen(head), &r);
	assert_string_equal(out.data, wanted);
}

static void expect_refused(const char *head, unsigned status, const char *text)
{
	struct proxy_complaint why = {0};
	struct proxy_request r;
	ssize_t n = proxy_read_request(head, strlen(head), &r, &why);

	if (n != -1)
		fail_msg("'%s' gives %zd, expected: %s", head, n, text);
	assert_string_equal(why.text, text);
	assert_int_equal(why.status, status);
}

/* ---- requests ---- */

static void test_a_plain_request(void **state)
{
	struct proxy_request r;

	(void)state;
	expect_request("PUT http://A.example:80/x HTTP/1.1\r\nHost: a.example\r\n"
		       "Content-Length: 12\r\n\r\n",
		&r);
	assert_string_equal(r.method, "PUT");
	assert_string_equal(r.host, "A.example");
	assert_int_equal(r.port, 80);
	assert_int_equal(r.body, 12);
	assert_int_equal(r.minor, 1);
	assert_false(r.connect);
}

static void test_a_tunnel(void **state)
{
	struct proxy_request r;

	(void)state;
	expect_request("CONNECT a.example:443 HTTP/1.1\r\nHost: a.example:443\r\n"
		       "Proxy-Connection: Keep-Alive\r\n\r\n",
		&r);
	assert_true(r.connect);
	assert_string_equal(r.host, "a.example");
	assert_int_equal(r.port, 443);
	assert_int_equal(r.body, 0);
	expect_request("CONNECT a.example:443 HTTP/1.1\r\nHost: a.example\r\n\r\n", &r);
	expect_request("CONNECT a.example:443 HTTP/1.0\r\n\r\n", &r);
	assert_int_equal(r.minor, 0);
	expect_request("CONNECT [::1]:443 HTTP/1.1\r\nHost: [::1]:443\r\n\r\n", &r);
	assert_string_equal(r.host, "[::1]");
}

/* A request is read when its last byte is there, and not before. */
static void test_a_request_in_pieces(void **state)
{
	static const char head[] = GET HOST "Accept: */*\r\n\r\nbody";
	size_t whole = sizeof(head) - 1 - strlen("body");
	struct proxy_complaint why;
	struct proxy_request r;

	(void)state;
	for (size_t n = 0; n < whole; n++)
		assert_int_equal(proxy_read_request(head, n, &r, &why), 0);
	for (size_t n = whole; n < sizeof(head); n++)
		assert_int_equal(proxy_read_request(head, n, &r, &why), whole);
}

static void test_what_goes_to_the_server(void **state)
{
	(void)state;
	expect_passed_on("GET http://a.example/x?y=http://b HTTP/1.1\r\nhost:  a.example \r\n"
			 "X-A:1\r\nAccept: */*\r\n\r\n",
		"GET /x?y=http://b HTTP/1.1\r\nHost: a.example\r\nX-A: 1\r\nAccept: */*\r\n"
		"Via: 1.1 ambient\r\nConnection: close\r\n\r\n");
	expect_passed_on("GET HTTP://a.example:80 HTTP/1.0\r\n\r\n",
		"GET / HTTP/1.0\r\nHost: a.example:80\r\nVia: 1.1 ambient\r\n"
		"Connection: close\r\n\r\n");
	expect_passed_on("GET http://a.example?q HTTP/1.1\r\n" HOST "\r\n",
		"GET /?q HTTP/1.1\r\nHost: a.example\r\nVia: 1.1 ambient\r\n"
		"Connection: close\r\n\r\n");
	expect_passed_on("OPTIONS http://a.example HTTP/1.1\r\n" HOST "\r\n",
		"OPTIONS * HTTP/1.1\r\nHost: a.example\r\nVia: 1.1 ambient\r\n"
		"Connection: close\r\n\r\n");
}

static void test_fields_for_the_next_hop_stay_here(void **state)
{
	(void)state;
	expect_passed_on(GET HOST
		"Connection: keep-alive , X-Private\r\nConnection: x-other\r\nKeep-Alive: 5\r\n"
		"x-private: 1\r\nX-Other: 2\r\nProxy-Connection: keep-alive\r\n"
		"Proxy-Authorization: Basic c2VjcmV0\r\nTE: trailers\r\nUpgrade: h2c\r\n"
		"Authorization: kept\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: a.example\r\nAuthorization: kept\r\nVia: 1.1 ambient\r\n"
		"Connection: close\r\n\r\n");
}

static void test_request_lines_that_are_refused(void **state)
{
	static const char line[] = "an invalid request line";
	static const char form[] =
		"a proxy is asked for http://HOST/PATH, or with CONNECT for HOST:PORT";

	(void)state;
	expect_refused("\r\n\r\n", 400, line);
	expect_refused("GET\r\n\r\n", 400, line);
	expect_refused("GET http://a.example/\r\n\r\n", 400, line);
	expect_refused("GET  http://a.example/ HTTP/1.1\r\n\r\n", 400, line);
	expect_refused(
		"GET http://a.example/ x HTTP/1.1\r\n\r\n", 505, "a version other than HTTP/1.1");
	expect_refused(" GET http://a.example/ HTTP/1.1\r\n\r\n", 400, line);
	expect_refused("G(T http://a.example/ HTTP/1.1\r\n\r\n", 400, line);
	expect_refused("ABCDEFGHIJKLMNOPQRSTU http://a.example/ HTTP/1.1\r\n\r\n", 400, line);
	expect_refused("GET http://a.example/\xc3\xa4 HTTP/1.1\r\n\r\n", 400, line);
	expect_refused("GET http://a.example/#x HTTP/1.1\r\n\r\n", 400, line);
	expect_refused("GET / HTTP/1.1\r\n" HOST "\r\n", 400, form);
	expect_refused("GET https://a.example/ HTTP/1.1\r\n" HOST "\r\n", 400, form);
	expect_refused("GET file:///etc/passwd HTTP/1.1\r\n" HOST "\r\n", 400, form);
	expect_refused("GET a.example:80 HTTP/1.1\r\n" HOST "\r\n", 400, form);
	expect_refused("TRACE http://a.example/ HTTP/1.1\r\n" HOST "\r\n", 400,
		"TRACE, which is not forwarded");
	expect_refused("PRI * HTTP/2.0\r\n\r\n", 505, "a version other than HTTP/1.1");
	expect_refused(
		"GET http://a.example/ HTTP/0.9\r\n\r\n", 505, "a version other than HTTP/1.1");
	expect_refused(
		"GET http://a.example/ http/1.1\r\n\r\n", 505, "a version other than HTTP/1.1");
}

static void test_authorities_that_are_refused(void **state)
{
	(void)state;
	expect_refused("CONNECT a.example HTTP/1.1\r\n" HOST "\r\n", 400, "no port");
	expect_refused("CONNECT a.example:0 HTTP/1.1\r\n" HOST "\r\n", 400, "no port");
	expect_refused(
		"CONNECT a.example: HTTP/1.1\r\n" HOST "\r\n", 400, "a port that is not a number");
	expect_refused("CONNECT a.example:65536 HTTP/1.1\r\n" HOST "\r\n", 400,
		"a port that is not a number");
	expect_refused("CONNECT a.example:4+3 HTTP/1.1\r\n" HOST "\r\n", 400,
		"a port that is not a number");
	expect_refused("CONNECT a.example:443:443 HTTP/1.1\r\n" HOST "\r\n", 400,
		"a port that is not a number");
	expect_refused(
		"CONNECT :443 HTTP/1.1\r\n" HOST "\r\n", 400, "no host, or one that is too long");
	expect_refused(
		"CONNECT x@a.example:443 HTTP/1.1\r\n" HOST "\r\n", 400, "a user in an address");
	expect_refused("GET http://b.example@a.example/ HTTP/1.1\r\n" HOST "\r\n", 400,
		"a user in an address");
	expect_refused(
		"GET http:///x HTTP/1.1\r\n" HOST "\r\n", 400, "no host, or one that is too long");
}

static void test_the_host_field_must_agree(void **state)
{
	static const char other[] = "Host is not the host of the request line";
	struct proxy_request r;

	(void)state;
	expect_refused(GET "\r\n", 400, "no field Host");
	expect_refused(GET "Host: b.example\r\n\r\n", 400, other);
	expect_refused(GET "Host: a.example:81\r\n\r\n", 400, other);
	expect_refused(GET "Host: a.example.\r\n\r\n", 400, other);
	expect_refused(GET "Host: a.example b.example\r\n\r\n", 400, other);
	expect_refused(GET "Host:\r\n\r\n", 400, "no host, or one that is too long");
	expect_refused(GET HOST HOST "\r\n", 400, "two fields host");
	expect_refused(GET HOST "hOST: b.example\r\n\r\n", 400, "two fields host");
	expect_refused("CONNECT a.example:443 HTTP/1.1\r\nHost: a.example:80\r\n\r\n", 400, other);
	expect_refused("CONNECT a.example:443 HTTP/1.1\r\nHost: b.example:443\r\n\r\n", 400, other);
	expect_request(GET "Host: A.EXAMPLE:80\r\n\r\n", &r);
}

/* What two readers count differently is how a second request is hidden in the first. */
static void test_lengths_that_can_be_read_in_two_ways_are_refused(void **state)
{
	static const char no_number[] = "a Content-Length that is not a number";

	(void)state;
	expect_refused(GET HOST "Content-Length: 5\r\nContent-Length: 5\r\n\r\n", 400,
		"two fields content-length");
	expect_refused(GET HOST "Content-Length: 5\r\nContent-Length: 6\r\n\r\n", 400,
		"two fields content-length");
	expect_refused(GET HOST "Content-Length: 5, 5\r\n\r\n", 400, no_number);
	expect_refused(GET HOST "Content-Length: +5\r\n\r\n", 400, no_number);
	expect_refused(GET HOST "Content-Length: -1\r\n\r\n", 400, no_number);
	expect_refused(GET HOST "Content-Length: 0x5\r\n\r\n", 400, no_number);
	expect_refused(GET HOST "Content-Length: 5 \x0b\r\n\r\n", 400, "a control byte");
	expect_refused(GET HOST "Content-Length:\r\n\r\n", 400, no_number);
	expect_refused(GET HOST "Content-Length: 1000000000000000000\r\n\r\n", 400, no_number);
	expect_refused(GET HOST "Transfer-Encoding: chunked\r\n\r\n", 411,
		"Transfer-Encoding: send a Content-Length");
	expect_refused(GET HOST "Transfer-Encoding: xchunked\r\n\r\n", 411,
		"Transfer-Encoding: send a Content-Length");
	expect_refused(GET HOST "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n", 400,
		"Content-Length beside Transfer-Encoding");
	expect_refused(
		GET HOST "Transfer-Encoding : chunked\r\n\r\n", 400, "a line that is not a field");
	expect_refused("CONNECT a.example:443 HTTP/1.1\r\n" HOST "Content-Length: 5\r\n\r\n", 400,
		"CONNECT with a body");
	expect_refused(GET HOST "Connection: Content-Length\r\nContent-Length: 5\r\n\r\n", 400,
		"Connection names content-length");
	expect_refused(GET HOST "Connection: close, host\r\n\r\n", 400, "Connection names host");
}

static void test_lines_that_are_refused(void **state)
{
	static const char ends[] = "a line that does not end in CR LF";

	(void)state;
	expect_refused("GET http://a.example/ HTTP/1.1\n" HOST "\r\n", 400, ends);
	expect_refused(GET "Host: a.example\n\r\n", 400, ends);
	expect_refused(GET HOST "\n", 400, ends);
	expect_refused(GET HOST "X: a\rb\r\n\r\n", 400, "a control byte");
	expect_refused(GET HOST "X: a\x1b[2J\r\n\r\n", 400, "a control byte");
	expect_refused(GET HOST "X: a\x7f\r\n\r\n", 400, "a control byte");
	expect_refused(GET HOST " folded\r\n\r\n", 400, "a folded line");
	expect_refused(GET HOST "\tfolded\r\n\r\n", 400, "a folded line");
	expect_refused(GET HOST "X\r\n\r\n", 400, "a line that is not a field");
	expect_refused(GET HOST ": x\r\n\r\n", 400, "a line that is not a field");
	expect_refused(GET HOST "X Y: x\r\n\r\n", 400, "a line that is not a field");
}

static void test_a_nul_is_a_control_byte(void **state)
{
	static const char head[] = GET HOST "X: a\0b\r\n\r\n";
	struct proxy_complaint why;
	struct proxy_request r;

	(void)state;
	assert_int_equal(proxy_read_request(head, sizeof(head) - 1, &r, &why), -1);
	assert_string_equal(why.text, "a control byte");
}

static void test_heads_are_bounded(void **state)
{
	auto_buf struct buf b;
	struct proxy_complaint why;
	struct proxy_request r;

	(void)state;
	buf_init(&b, MIB);
	buf_adds(&b, GET HOST);
	for (unsigned i = 1; i < LIMIT_PROXY_FIELDS; i++)
		buf_adds(&b, "X: y\r\n");
	buf_adds(&b, "\r\n");
	assert_int_equal(proxy_read_request(b.data, b.len, &r, &why), b.len);
	b.len -= 2;
	buf_adds(&b, "X: y\r\n\r\n");
	assert_int_equal(proxy_read_request(b.data, b.len, &r, &why), -1);
	assert_string_equal(why.text, "more than 100 fields");
	assert_int_equal(why.status, 431);

	buf_clear(&b);
	buf_adds(&b, GET HOST "X: ");
	while (b.len < LIMIT_PROXY_HEAD - 4)
		buf_addc(&b, 'x');
	buf_adds(&b, "\r\n\r\n");
	assert_int_equal(proxy_read_request(b.data, b.len, &r, &why), LIMIT_PROXY_HEAD);
	buf_clear(&b);
	while (b.len < LIMIT_PROXY_HEAD)
		buf_addc(&b, 'x');
	assert_int_equal(proxy_read_request(b.data, b.len - 1, &r, &why), 0);
	assert_int_equal(proxy_read_request(b.data, b.len, &r, &why), -1);
	assert_string_equal(why.text, "a head of more than 15360 bytes");
}

static void test_a_host_of_any_length_fits_or_is_refused(void **state)
{
	auto_buf struct buf b;
	struct proxy_complaint why;
	struct proxy_request r;

	(void)state;
	for (size_t len = PROXY_HOST_MAX - 2; len <= PROXY_HOST_MAX + 2; len++) {
		buf_init(&b, MIB);
		buf_adds(&b, "CONNECT ");
		for (size_t i = 0; i < len; i++)
			buf_addc(&b, 'h');
		buf_adds(&b, ":443 HTTP/1.0\r\n\r\n");
		if (len <= PROXY_HOST_MAX)
			assert_int_equal(proxy_read_request(b.data, b.len, &r, &why), b.len);
		else
			assert_int_equal(proxy_read_request(b.data, b.len, &r, &why), -1);
		assert_int_equal(strlen(r.host), len <= PROXY_HOST_MAX ? len : 0);
		buf_release(&b);
	}
}

/* ---- responses ---- */

static void expect_answer(const char *head, const char *wanted)
{
	struct proxy_complaint why = {.text = "it is not whole"};
	struct proxy_response r;
	auto_buf struct buf out;

	if (proxy_read_response(head, strlen(head), &r, &why) != (ssize_t)strlen(head))
		fail_msg("'%s': %s", head, why.text);
	buf_init(&out, LIMIT_PROXY_BUFFER);
	proxy_write_response(&out, head, strlen(head), &r);
	assert_string_equal(out.data, wanted);
}

static void expect_bad_answer(const char *head, const char *text)
{
	struct proxy_complaint why = {0};
	struct proxy_response r;

	assert_int_equal(proxy_read_response(head, strlen(head), &r, &why), -1);
	assert_string_equal(why.text, text);
	assert_int_equal(why.status, 502);
}

static void test_answers(void **state)
{
	(void)state;
	expect_answer("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: keep-alive, X-Hop\r\n"
		      "X-Hop: 1\r\nKeep-Alive: timeout=5\r\nX-End: 2\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-End: 2\r\nVia: 1.1 ambient\r\n"
		"Connection: close\r\n\r\n");
	expect_answer("HTTP/1.0 404\r\n\r\n",
		"HTTP/1.0 404\r\nVia: 1.1 ambient\r\nConnection: close\r\n\r\n");
	expect_answer("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X\r\n\r\n",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X\r\nVia: 1.1 "
		"ambient\r\n"
		"Connection: close\r\n\r\n");
	expect_answer("HTTP/1.1 100 Continue\r\n\r\n",
		"HTTP/1.1 100 Continue\r\nVia: 1.1 ambient\r\n\r\n");
}

static void test_answers_that_are_refused(void **state)
{
	(void)state;
	expect_bad_answer("220 mail.example ESMTP\r\n\r\n", "an answer that is not HTTP/1");
	expect_bad_answer("HTTP/2 200\r\n\r\n", "an answer that is not HTTP/1");
	expect_bad_answer("HTTP/1.1\r\n\r\n", "an answer that is not HTTP/1");
	expect_bad_answer("HTTP/1.1 2000\r\n\r\n", "an answer without a status");
	expect_bad_answer("HTTP/1.1 20 OK\r\n\r\n", "an answer without a status");
	expect_bad_answer("HTTP/1.1 099 OK\r\n\r\n", "an answer without a status");
	expect_bad_answer("HTTP/1.1 600 OK\r\n\r\n", "an answer without a status");
	expect_bad_answer("HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n",
		"an answer that changes the protocol");
	expect_bad_answer("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n",
		"two fields content-length");
	expect_bad_answer(
		"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
		"Content-Length beside Transfer-Encoding");
	expect_bad_answer("HTTP/1.1 200 OK\r\nConnection: Transfer-Encoding\r\n"
			  "Transfer-Encoding: chunked\r\n\r\n",
		"Connection names transfer-encoding");
	expect_bad_answer("HTTP/1.1 200 OK\n\n", "a line that does not end in CR LF");
}

static void test_a_refusal_says_why_twice(void **state)
{
	auto_buf struct buf out;

	(void)state;
	buf_init(&out, LIMIT_PROXY_BUFFER);
	proxy_write_refusal(&out, 403, "not \"a\\b\"");
	assert_string_equal(out.data,
		"HTTP/1.1 403 Forbidden\r\nContent-Type: text/plain\r\nContent-Length: 10\r\n"
		"Proxy-Status: ambient; details=\"not \\\"a\\\\b\\\"\"\r\n"
		"Connection: close\r\n\r\nnot \"a\\b\"\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_plain_request),
		cmocka_unit_test(test_a_tunnel),
		cmocka_unit_test(test_a_request_in_pieces),
		cmocka_unit_test(test_what_goes_to_the_server),
		cmocka_unit_test(test_fields_for_the_next_hop_stay_here),
		cmocka_unit_test(test_request_lines_that_are_refused),
		cmocka_unit_test(test_authorities_that_are_refused),
		cmocka_unit_test(test_the_host_field_must_agree),
		cmocka_unit_test(test_lengths_that_can_be_read_in_two_ways_are_refused),
		cmocka_unit_test(test_lines_that_are_refused),
		cmocka_unit_test(test_a_nul_is_a_control_byte),
		cmocka_unit_test(test_heads_are_bounded),
		cmocka_unit_test(test_a_host_of_any_length_fits_or_is_refused),
		cmocka_unit_test(test_answers),
		cmocka_unit_test(test_answers_that_are_refused),
		cmocka_unit_test(test_a_refusal_says_why_twice),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
