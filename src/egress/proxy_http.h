/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading and writing the heads of HTTP/1.x messages (RFC 9110, RFC 9112). Both the VM and the
 * servers are hostile. Request smuggling is possible where two readers interpret a head
 * differently. So only one form is accepted, and everything else is rejected:
 *
 * - lines end in CR LF; no control bytes, no folded lines, no blank before a colon,
 * - at most LIMIT_PROXY_HEAD bytes and LIMIT_PROXY_FIELDS fields,
 * - Host exactly once, and the same as in the request line,
 * - Content-Length at most once, digits only; no Transfer-Encoding in a request, and in a response
 *   not together with a Content-Length,
 * - hop-by-hop fields, and fields listed in Connection, are removed.
 */
#ifndef EGRESS_PROXY_HTTP_H
#define EGRESS_PROXY_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/buf.h"
#include "egress/limits.h"

enum { PROXY_METHOD_MAX = 20, PROXY_HOST_MAX = 300, PROXY_TEXT_MAX = 160 };

struct proxy_request {
	char method[PROXY_METHOD_MAX + 1];
	bool connect;
	unsigned minor;                /* of HTTP/1.0 or HTTP/1.1 */
	char host[PROXY_HOST_MAX + 1]; /* as written, not checked yet */
	unsigned port;
	uint64_t body; /* bytes that follow the head; 0 for CONNECT */
};

struct proxy_response {
	unsigned status;
	bool interim; /* 1xx: another head follows */
};

/* Why a head is rejected. */
struct proxy_complaint {
	/* the status of the response to the client: 400, 411, 431, 505 */
	unsigned status;
	char text[PROXY_TEXT_MAX]; /* "two fields Content-Length" */
};

/*
 * Read the head at the start of data. Its length, including the empty line at its end; 0 when more
 * bytes are needed; -1 when it is rejected, also when it is longer than allowed.
 */
ssize_t proxy_read_request(
	const char *data, size_t len, struct proxy_request *ret, struct proxy_complaint *ret_why);
ssize_t proxy_read_response(
	const char *data, size_t len, struct proxy_response *ret, struct proxy_complaint *ret_why);

/*
 * Append the head that is forwarded instead of `head`, which was read before. A request is
 * converted to the form for an origin server. At most LIMIT_PROXY_BUFFER bytes.
 */
void proxy_write_request(
	struct buf *out, const char *head, size_t len, const struct proxy_request *r);
void proxy_write_response(
	struct buf *out, const char *head, size_t len, const struct proxy_response *r);

/* Append a complete response of the proxy itself: a status, and a sentence for people. */
void proxy_write_refusal(struct buf *out, unsigned status, const char *text);

#endif
