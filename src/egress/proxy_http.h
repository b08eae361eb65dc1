/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The heads of HTTP/1.x messages (RFC 9110, RFC 9112) as the proxy reads and writes them. Both the
 * VM and the servers are hostile, and what two readers understand differently is how requests are
 * smuggled; so there is one form, and everything else is refused:
 *
 * - lines end in CR LF; no control bytes, no folded lines, no blank before a colon,
 * - at most LIMIT_PROXY_HEAD bytes and LIMIT_PROXY_FIELDS fields,
 * - Host once, and the same as in the request line,
 * - Content-Length at most once, digits only; Transfer-Encoding in no request, and in a response
 *   not beside a Content-Length,
 * - fields that are meant for the next hop only are removed, and those that Connection names.
 */
#ifndef EGRESS_PROXY_HTTP_H
#define EGRESS_PROXY_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/buf.h"

enum { PROXY_METHOD_MAX = 20, PROXY_HOST_MAX = 300, PROXY_TEXT_MAX = 160 };

struct proxy_request {
	char method[PROXY_METHOD_MAX + 1];
	bool connect;
	unsigned minor;                /* of HTTP/1.0 or HTTP/1.1 */
	char host[PROXY_HOST_MAX + 1]; /* as written, not yet judged */
	unsigned port;
	uint64_t body; /* bytes that follow the head; of CONNECT always 0 */
};

struct proxy_response {
	unsigned status;
	bool interim; /* 1xx: another head follows */
};

/* Why a head is refused. */
struct proxy_complaint {
	unsigned status;           /* what a client is told: 400, 411, 431, 505 */
	char text[PROXY_TEXT_MAX]; /* "two fields Content-Length" */
};

/*
 * The head that data begins with. Its length with the empty line at its end; 0 when more bytes are
 * needed; -1 when it is refused, also when it is longer than it may be.
 */
ssize_t proxy_read_request(
	const char *data, size_t len, struct proxy_request *ret, struct proxy_complaint *ret_why);
ssize_t proxy_read_response(
	const char *data, size_t len, struct proxy_response *ret, struct proxy_complaint *ret_why);

/*
 * Append what is passed on in place of a head that was read: `head` is exactly that head. A request
 * gets the form for the server itself. At most LIMIT_PROXY_BUFFER bytes.
 */
void proxy_write_request(
	struct buf *out, const char *head, size_t len, const struct proxy_request *r);
void proxy_write_response(
	struct buf *out, const char *head, size_t len, const struct proxy_response *r);

/* Append a whole response of the proxy's own: status, and a sentence for people. */
void proxy_write_refusal(struct buf *out, unsigned status, const char *text);

#endif
