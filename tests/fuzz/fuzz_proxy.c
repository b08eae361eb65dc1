/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The heads that the egress proxy reads: after a first byte 'q' a request of the VM, else a
 * response of a server. What is accepted is the same without what follows it, was not accepted
 * before its last byte, and what is passed on in its place has one meaning: this is looked at by a
 * reader that is not the proxy's own.
 */
#include <string.h>
#include <strings.h>

#include "base/limits.h"
#include "egress/egress.h"
#include "egress/limits.h"
#include "egress/proxy_http.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* How many lines of a head begin so, and that each ends in CR LF. */
static unsigned count_fields(const struct buf *head, const char *name)
{
	const char *at = head->data, *end = head->data + head->len;
	unsigned count = 0;

	if (head->overflow || head->len < 4 || memcmp(end - 4, "\r\n\r\n", 4) != 0)
		BUG("a head without an end");
	while (at < end) {
		const char *line_end = memchr(at, '\n', (size_t)(end - at));

		if (!line_end || line_end == at || line_end[-1] != '\r' ||
			memchr(at, '\r', (size_t)(line_end - at)) != line_end - 1)
			BUG("a line that does not end in CR LF");
		if (line_end == at + 1 && line_end + 1 != end)
			BUG("an empty line in the middle");
		count += strncasecmp(at, name, strlen(name)) == 0;
		at = line_end + 1;
	}
	return count;
}

static void expect_count(const struct buf *head, const char *name, unsigned least, unsigned most)
{
	unsigned n = count_fields(head, name);

	if (n < least || n > most)
		BUG("%u fields %s in: %s", n, name, head->data);
}

/* A complaint fits its place, and has words. */
static void check_complaint(const struct proxy_complaint *why)
{
	auto_buf struct buf reply = {0};

	buf_init(&reply, LIMIT_PROXY_BUFFER);
	if (!why->text[0] || strlen(why->text) >= sizeof(why->text))
		BUG("a refusal without words");
	proxy_write_refusal(&reply, why->status, why->text);
	expect_count(&(struct buf){.data = reply.data, .len = reply.len - strlen(why->text) - 1},
		"Proxy-Status:", 1, 1);
}

/* ---- requests ---- */

static void check_host(const struct proxy_request *r)
{
	auto_egress struct egress g = {0};
	char name[EGRESS_HOST_MAX + 1];
	struct err e = {0};

	if (egress_add(&g, "a.example", 80, "", &e) < 0)
		BUG("%s", e.msg);
	if (egress_check(&g, r->host, r->port) != EGRESS_ALLOWED)
		return;
	if (egress_host_name(r->host, name, &e) < 0 || strcmp(name, "a.example") != 0 ||
		r->port != 80)
		BUG("allowed: '%s', port %u", r->host, r->port);
}

static void check_request(const char *head, size_t n, const struct proxy_request *r)
{
	struct proxy_complaint why;
	struct proxy_request again;
	auto_buf struct buf out = {0};

	if (proxy_read_request(head, n - 1, &again, &why) != 0)
		BUG("accepted or refused before its end");
	if (proxy_read_request(head, n, &again, &why) != (ssize_t)n ||
		strcmp(again.host, r->host) != 0 || again.body != r->body)
		BUG("read in another way without what follows");
	if (r->port == 0 || r->port > UINT16_MAX || !r->host[0] || (r->connect && r->body))
		BUG("'%s', port %u", r->host, r->port);
	check_host(r);
	if (r->connect)
		return;
	buf_init(&out, LIMIT_PROXY_BUFFER);
	proxy_write_request(&out, head, n, r);
	expect_count(&out, "Host:", 1, 1);
	expect_count(&out, "Connection:", 1, 1);
	expect_count(&out, "Transfer-Encoding:", 0, 0);
	expect_count(&out, "Content-Length:", r->body > 0, 1);
	expect_count(&out, "Proxy-", 0, 100);
	expect_count(&out, "Proxy-Authorization:", 0, 0);
}

static void try_request(const char *data, size_t size)
{
	struct proxy_complaint why = {0};
	struct proxy_request r;
	ssize_t n = proxy_read_request(data, size, &r, &why);

	if (n > (ssize_t)size)
		BUG("%zd of %zu bytes", n, size);
	if (n > 0)
		check_request(data, (size_t)n, &r);
	if (n < 0)
		check_complaint(&why);
	if (n == 0 && size >= LIMIT_PROXY_HEAD)
		BUG("more is wanted than may be");
}

/* ---- responses ---- */

/* What is passed on is itself a response that would be accepted, with the same status. */
static void check_response(const char *head, size_t n, const struct proxy_response *r)
{
	struct proxy_complaint why;
	struct proxy_response again;
	auto_buf struct buf out = {0};

	buf_init(&out, LIMIT_PROXY_BUFFER);
	proxy_write_response(&out, head, n, r);
	expect_count(&out, "Connection:", !r->interim, !r->interim);
	expect_count(&out, "Content-Length:", 0, 1);
	if (out.len > LIMIT_PROXY_HEAD)
		return; /* it has grown over the limit */
	if (proxy_read_response(out.data, out.len, &again, &why) < 0 &&
		strcmp(why.text, "more than 100 fields") != 0)
		BUG("what is passed on is refused: %s", why.text);
}

static void try_response(const char *data, size_t size)
{
	struct proxy_complaint why = {0};
	struct proxy_response r;
	ssize_t n = proxy_read_response(data, size, &r, &why);

	if (n > (ssize_t)size)
		BUG("%zd of %zu bytes", n, size);
	if (n > 0 && (r.status < 100 || r.status > 599 || r.interim != (r.status < 200)))
		BUG("status %u", r.status);
	if (n > 0)
		check_response(data, (size_t)n, &r);
	if (n < 0)
		check_complaint(&why);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 2)
		return 0;
	if (data[0] == 'q')
		try_request((const char *)data + 1, size - 1);
	else
		try_response((const char *)data + 1, size - 1);
	return 0;
}
