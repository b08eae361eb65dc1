/* SPDX-License-Identifier: Apache-2.0 */
#include "egress/proxy_http.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/fit.h"
#include "base/mem.h"
#include "egress/limits.h"

enum { PORT_MAX = 65535, DIGITS_MAX = 18 };

#define VIA "Via: 1.1 ambient\r\n"
#define CLOSE "Connection: close\r\n"

/* A part of the head, without a NUL at its end. */
struct text {
	const char *s;
	size_t len;
};

struct head {
	struct text first; /* the request line or the status line */
	struct {
		struct text name, value;
	} fields[LIMIT_PROXY_FIELDS];
	size_t count;
	size_t bytes; /* the complete head, including the empty line */
};

static int complain(struct proxy_complaint *why, unsigned status, const char *fmt, ...)
	PRINTF_LIKE(3, 4);
static int complain(struct proxy_complaint *why, unsigned status, const char *fmt, ...)
{
	va_list ap;

	why->status = status;
	va_start(ap, fmt);
	fit_vformat(why->text, sizeof(why->text), fmt, ap);
	va_end(ap);
	return -1;
}

static bool is(struct text t, const char *word)
{
	return strlen(word) == t.len && strncasecmp(t.s, word, t.len) == 0;
}

static bool is_exactly(struct text t, const char *word)
{
	return strlen(word) == t.len && memcmp(t.s, word, t.len) == 0;
}

static bool same(struct text a, struct text b)
{
	return a.len == b.len && strncasecmp(a.s, b.s, a.len) == 0;
}

/*
 * Split at the first `c`, which is removed; *ret_front is the part before it. False if there is
 * none.
 */
static bool cut(struct text *rest, char c, struct text *ret_front)
{
	const char *at = rest->len ? memchr(rest->s, c, rest->len) : NULL;

	if (!at)
		return false;
	*ret_front = (struct text){rest->s, (size_t)(at - rest->s)};
	rest->len -= ret_front->len + 1;
	rest->s = at + 1;
	return true;
}

static struct text trim(struct text t)
{
	while (t.len && (t.s[0] == ' ' || t.s[0] == '\t')) {
		t.s++;
		t.len--;
	}
	while (t.len && (t.s[t.len - 1] == ' ' || t.s[t.len - 1] == '\t'))
		t.len--;
	return t;
}

/* A token of RFC 9110, 5.6.2. */
static bool is_token(struct text t)
{
	for (size_t i = 0; i < t.len; i++) {
		char c = t.s[i];

		if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
			    (c && strchr("!#$%&'*+-.^_`|~", c))))
			return false;
	}
	return t.len > 0;
}

static bool has_control(struct text t)
{
	for (size_t i = 0; i < t.len; i++) {
		unsigned char c = (unsigned char)t.s[i];

		if ((c < 0x20 && c != '\t') || c == 0x7f)
			return true;
	}
	return false;
}

/* ---- lines and fields ---- */

static int add_field(struct head *h, struct text line, struct proxy_complaint *why)
{
	struct text name;

	if (line.s[0] == ' ' || line.s[0] == '\t')
		return complain(why, 400, "a folded line");
	if (!cut(&line, ':', &name) || !is_token(name))
		return complain(why, 400, "a line that is not a field");
	if (h->count == LIMIT_PROXY_FIELDS)
		return complain(why, 431, "more than %d fields", LIMIT_PROXY_FIELDS);
	h->fields[h->count].name = name;
	h->fields[h->count++].value = trim(line);
	return 0;
}

/* Split a head into its lines. Return value: as in proxy_http.h. */
static ssize_t read_head(const char *data, size_t len, struct head *h, struct proxy_complaint *why)
{
	size_t limit = len < LIMIT_PROXY_HEAD ? len : LIMIT_PROXY_HEAD;
	struct text rest = {data, limit}, line;
	bool first = true;

	h->first = (struct text){"", 0};
	h->count = 0;
	while (cut(&rest, '\n', &line)) {
		if (line.len == 0 || line.s[line.len - 1] != '\r')
			return complain(why, 400, "a line that does not end in CR LF");
		line.len--;
		if (has_control(line))
			return complain(why, 400, "a control byte");
		if (line.len == 0 && !first) {
			h->bytes = (size_t)(rest.s - data);
			return (ssize_t)h->bytes;
		}
		if (!first && add_field(h, line, why) < 0)
			return -1;
		if (first)
			h->first = line;
		first = false;
	}
	if (limit == LIMIT_PROXY_HEAD)
		return complain(why, 431, "a head of more than %llu bytes",
			(unsigned long long)LIMIT_PROXY_HEAD);
	return 0;
}

/* The only field with this name; false if there is none. Two are an error. */
static bool find_field(
	const struct head *h, const char *name, struct text *ret_value, struct proxy_complaint *why)
{
	bool found = false;

	for (size_t i = 0; i < h->count; i++) {
		if (!is(h->fields[i].name, name))
			continue;
		if (found)
			(void)complain(why, 400, "two fields %s", name);
		*ret_value = h->fields[i].value;
		found = true;
	}
	return found;
}

static int read_number(struct text t, uint64_t max, uint64_t *ret)
{
	uint64_t value = 0;

	if (t.len == 0 || t.len > DIGITS_MAX)
		return -1;
	for (size_t i = 0; i < t.len; i++) {
		if (t.s[i] < '0' || t.s[i] > '9')
			return -1;
		value = value * 10 + (uint64_t)(t.s[i] - '0');
	}
	if (value > max)
		return -1;
	*ret = value;
	return 0;
}

/* The fields that determine the length of the message (RFC 9112, 6.3). */
static int read_length(
	const struct head *h, uint64_t *ret_body, bool *ret_encoded, struct proxy_complaint *why)
{
	struct text value;

	*ret_body = 0;
	why->status = 0;
	*ret_encoded = find_field(h, "transfer-encoding", &value, why);
	if (find_field(h, "content-length", &value, why)) {
		if (*ret_encoded)
			return complain(why, 400, "Content-Length beside Transfer-Encoding");
		if (read_number(value, INT64_MAX, ret_body) < 0)
			return complain(why, 400, "a Content-Length that is not a number");
	}
	return why->status ? -1 : 0;
}

/* ---- fields for the next hop only ---- */

static const char *const hop_fields[] = {"connection", "proxy-connection", "keep-alive",
	"proxy-authorization", "proxy-authenticate", "te", "upgrade"};

static bool is_hop_field(struct text name)
{
	for (size_t i = 0; i < ARRAY_SIZE(hop_fields); i++)
		if (is(name, hop_fields[i]))
			return true;
	return false;
}

/* The next item of a comma-separated list. False at its end. */
static bool next_word(struct text *list, struct text *ret_word)
{
	if (list->len == 0)
		return false;
	if (!cut(list, ',', ret_word)) {
		*ret_word = *list;
		*list = (struct text){"", 0};
	}
	*ret_word = trim(*ret_word);
	return true;
}

static bool is_named_by_connection(const struct head *h, struct text name)
{
	for (size_t i = 0; i < h->count; i++) {
		struct text list = h->fields[i].value, word;

		if (!is(h->fields[i].name, "connection"))
			continue;
		while (next_word(&list, &word))
			if (same(word, name))
				return true;
	}
	return false;
}

/* Removing these fields would change the length of the message or its recipient. */
static int check_connection(const struct head *h, struct proxy_complaint *why)
{
	static const char *const fixed[] = {"host", "content-length", "transfer-encoding"};

	for (size_t i = 0; i < ARRAY_SIZE(fixed); i++)
		if (is_named_by_connection(h, (struct text){fixed[i], strlen(fixed[i])}))
			return complain(why, 400, "Connection names %s", fixed[i]);
	return 0;
}

static void add_text(struct buf *out, struct text t)
{
	buf_add(out, t.s, t.len);
}

/*
 * Write all fields to be forwarded, except `except`; `last`: the connection is closed after this
 * message.
 */
static void write_fields(struct buf *out, const struct head *h, const char *except, bool last)
{
	for (size_t i = 0; i < h->count; i++) {
		struct text name = h->fields[i].name;

		if (is(name, except) || is_hop_field(name) || is_named_by_connection(h, name))
			continue;
		add_text(out, name);
		buf_adds(out, ": ");
		add_text(out, h->fields[i].value);
		buf_adds(out, "\r\n");
	}
	buf_adds(out, last ? VIA CLOSE "\r\n" : VIA "\r\n");
}

/* ---- requests ---- */

/* "HOST" or "HOST:PORT"; the default port is `preset`; 0: the port is required. */
static int read_authority(struct text t, unsigned preset, struct text *ret_host, unsigned *ret_port,
	struct proxy_complaint *why)
{
	const char *bracket = t.len && t.s[0] == '[' ? memchr(t.s, ']', t.len) : NULL;
	size_t skip = bracket ? (size_t)(bracket - t.s) : 0;
	const char *colon = t.len ? memchr(t.s + skip, ':', t.len - skip) : NULL;
	uint64_t port = preset;

	*ret_host = t;
	if (t.len && memchr(t.s, '@', t.len))
		return complain(why, 400, "a user in an address");
	if (colon) {
		struct text digits = {colon + 1, (size_t)(t.s + t.len - colon - 1)};

		ret_host->len = (size_t)(colon - t.s);
		if (read_number(digits, PORT_MAX, &port) < 0)
			return complain(why, 400, "a port that is not a number");
	}
	if (port == 0)
		return complain(why, 400, "no port");
	if (ret_host->len == 0 || ret_host->len > PROXY_HOST_MAX)
		return complain(why, 400, "no host, or one that is too long");
	*ret_port = (unsigned)port;
	return 0;
}

/* Split "http://authority/path". */
static int split_target(struct text target, struct text *ret_authority, struct text *ret_path,
	struct proxy_complaint *why)
{
	static const char scheme[] = "http://";
	size_t skip = sizeof(scheme) - 1, n = 0;

	if (target.len < skip || strncasecmp(target.s, scheme, skip) != 0)
		return complain(why, 400,
			"a proxy is asked for http://HOST/PATH, or with CONNECT for HOST:PORT");
	target.s += skip;
	target.len -= skip;
	while (n < target.len && !strchr("/?", target.s[n]))
		n++;
	*ret_authority = (struct text){target.s, n};
	*ret_path = (struct text){target.s + n, target.len - n};
	return 0;
}

static bool is_printable(struct text t)
{
	for (size_t i = 0; i < t.len; i++)
		if (t.s[i] <= ' ' || t.s[i] >= 0x7f || t.s[i] == '#')
			return false;
	return t.len > 0;
}

/* METHOD SP TARGET SP VERSION */
static int split_request_line(struct text line, struct text *ret_method, struct text *ret_target,
	struct text *ret_version)
{
	if (!cut(&line, ' ', ret_method) || !cut(&line, ' ', ret_target))
		return -1;
	*ret_version = line;
	return 0;
}

static int read_request_line(const struct head *h, struct proxy_request *r, struct text *ret_host,
	struct proxy_complaint *why)
{
	struct text method, target, version, authority, path;

	if (split_request_line(h->first, &method, &target, &version) < 0 || !is_token(method) ||
		method.len > PROXY_METHOD_MAX || !is_printable(target))
		return complain(why, 400, "an invalid request line");
	r->minor = is_exactly(version, "HTTP/1.1");
	if (!r->minor && !is_exactly(version, "HTTP/1.0"))
		return complain(why, 505, "a version other than HTTP/1.1");
	memcpy(r->method, method.s, method.len);
	r->connect = is_exactly(method, "CONNECT");
	if (is_exactly(method, "TRACE"))
		return complain(why, 400, "TRACE, which is not forwarded");
	if (r->connect)
		return read_authority(target, 0, ret_host, &r->port, why);
	if (split_target(target, &authority, &path, why) < 0)
		return -1;
	return read_authority(authority, 80, ret_host, &r->port, why);
}

/* Servers choose the site by the Host field, so it must equal the host that was checked. */
static int check_host(const struct head *h, const struct proxy_request *r, struct text host,
	struct proxy_complaint *why)
{
	struct text value, named = {"", 0};
	unsigned port = 0;

	why->status = 0;
	if (!find_field(h, "host", &value, why))
		return r->minor ? complain(why, 400, "no field Host") : 0;
	if (why->status)
		return -1;
	if (read_authority(value, r->connect ? r->port : 80, &named, &port, why) < 0)
		return -1;
	if (!same(named, host) || port != r->port)
		return complain(why, 400, "Host is not the host of the request line");
	return 0;
}

static int check_request(const struct head *h, struct proxy_request *r, struct proxy_complaint *why)
{
	struct text host = {"", 0};
	bool encoded;

	if (read_request_line(h, r, &host, why) < 0 || check_host(h, r, host, why) < 0 ||
		check_connection(h, why) < 0 || read_length(h, &r->body, &encoded, why) < 0)
		return -1;
	if (encoded)
		return complain(why, 411, "Transfer-Encoding: send a Content-Length");
	if (r->connect && r->body > 0)
		return complain(why, 400, "CONNECT with a body");
	memcpy(r->host, host.s, host.len);
	return 0;
}

ssize_t proxy_read_request(
	const char *data, size_t len, struct proxy_request *ret, struct proxy_complaint *ret_why)
{
	struct head h;
	ssize_t n = read_head(data, len, &h, ret_why);

	*ret = (struct proxy_request){.minor = 1};
	if (n <= 0)
		return n;
	return check_request(&h, ret, ret_why) < 0 ? -1 : n;
}

void proxy_write_request(
	struct buf *out, const char *head, size_t len, const struct proxy_request *r)
{
	struct proxy_complaint why;
	struct text method, target, version, authority = {"", 0}, path = {"", 0};
	struct head h;

	if (read_head(head, len, &h, &why) != (ssize_t)len ||
		split_request_line(h.first, &method, &target, &version) < 0 ||
		split_target(target, &authority, &path, &why) < 0)
		BUG("a request that was not read before");
	add_text(out, method);
	buf_addc(out, ' ');
	if (path.len == 0 && is_exactly(method, "OPTIONS"))
		buf_addc(out, '*'); /* RFC 9112, 3.2.4 */
	else if (path.len == 0 || path.s[0] != '/')
		buf_addc(out, '/');
	add_text(out, path);
	buf_addf(out, " HTTP/1.%u\r\nHost: ", r->minor);
	add_text(out, authority);
	buf_adds(out, "\r\n");
	write_fields(out, &h, "host", true);
}

/* ---- responses ---- */

static int read_status_line(struct text line, unsigned *ret_status, struct proxy_complaint *why)
{
	struct text version = {"", 0}, code = line;
	uint64_t status = 0;

	if (!cut(&code, ' ', &version) ||
		(!is_exactly(version, "HTTP/1.1") && !is_exactly(version, "HTTP/1.0")))
		return complain(why, 502, "an answer that is not HTTP/1");
	if (code.len > 3 && code.s[3] == ' ')
		code.len = 3;
	if (code.len != 3 || read_number(code, 599, &status) < 0 || status < 100)
		return complain(why, 502, "an answer without a status");
	if (status == 101)
		return complain(why, 502, "an answer that changes the protocol");
	*ret_status = (unsigned)status;
	return 0;
}

ssize_t proxy_read_response(
	const char *data, size_t len, struct proxy_response *ret, struct proxy_complaint *ret_why)
{
	struct head h;
	ssize_t n = read_head(data, len, &h, ret_why);
	uint64_t body;
	bool encoded;

	*ret = (struct proxy_response){0};
	if (n <= 0 || read_status_line(h.first, &ret->status, ret_why) < 0 ||
		check_connection(&h, ret_why) < 0 ||
		read_length(&h, &body, &encoded, ret_why) < 0) {
		ret_why->status = 502;
		return n > 0 ? -1 : n;
	}
	ret->interim = ret->status < 200;
	return n;
}

void proxy_write_response(
	struct buf *out, const char *head, size_t len, const struct proxy_response *r)
{
	struct proxy_complaint why;
	struct head h;

	if (read_head(head, len, &h, &why) != (ssize_t)len)
		BUG("a response that was not read before");
	add_text(out, h.first);
	buf_adds(out, "\r\n");
	write_fields(out, &h, "", !r->interim);
}

/* ---- the proxy's own responses ---- */

static const struct {
	unsigned status;
	const char *phrase;
} phrases[] = {
	{400, "Bad Request"},
	{403, "Forbidden"},
	{408, "Request Timeout"},
	{411, "Length Required"},
	{431, "Request Header Fields Too Large"},
	{502, "Bad Gateway"},
	{504, "Gateway Timeout"},
	{505, "HTTP Version Not Supported"},
};

static const char *phrase_of(unsigned status)
{
	for (size_t i = 0; i < ARRAY_SIZE(phrases); i++)
		if (phrases[i].status == status)
			return phrases[i].phrase;
	BUG("no phrase for status %u", status);
}

/* A string of RFC 8941, 3.3.3: printable ASCII; quotes and backslashes are escaped. */
static void add_quoted(struct buf *out, const char *text)
{
	buf_addc(out, '"');
	for (; *text; text++) {
		if (*text == '"' || *text == '\\')
			buf_addc(out, '\\');
		buf_addc(out, *text >= ' ' && *text < 0x7f ? *text : '?');
	}
	buf_addc(out, '"');
}

/*
 * The text is the body. It is also a field (RFC 9209), for clients that discard the body of a
 * refused CONNECT.
 */
void proxy_write_refusal(struct buf *out, unsigned status, const char *text)
{
	buf_addf(out, "HTTP/1.1 %u %s\r\nContent-Type: text/plain\r\nContent-Length: %zu\r\n",
		status, phrase_of(status), strlen(text) + 1);
	buf_adds(out, "Proxy-Status: ambient; details=");
	add_quoted(out, text);
	buf_addf(out, "\r\n" CLOSE "\r\n%s\n", text);
}
