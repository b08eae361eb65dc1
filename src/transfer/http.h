/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Transfers files from web servers into one directory. Only http.c uses libcurl.
 *
 * - At most `parallel` transfers run at a time, in the order of the list.
 * - A transfer succeeds only with a complete final response with a status of 200 to 299. Tables
 *   give the meaning of every other response, and whether a retry may succeed (answer.h, `codes` in
 *   http.c).
 * - An upload whose last answer has such a status, but does not end, has failed: it may be there,
 *   and is not sent again.
 * - If a retry may succeed, there are `tries` attempts in total, with a pause that doubles. A
 *   Retry-After header is obeyed, up to HTTP_RETRY_AFTER_MAX_MS. An interrupted transfer is
 *   resumed.
 * - Only bytes of the file count as progress. An attempt ends after `stall_ms` without progress. It
 *   is repeated only if the server was silent: one that talks would do so again.
 *   LIMIT_HTTP_HEADS, LIMIT_HTTP_UNWANTED and LIMIT_HTTP_OVERHEAD limit header sections, bodies
 *   that are not the file, and chunk extensions. All files together take at most `room`. Content
 *   encodings are rejected, so received data is never decompressed.
 * - A file gets its name only after its checksum was verified (open(2), O_TMPFILE), so no partial or
 *   wrong file is visible, even after a power failure. An existing file with the right digest is
 *   kept. Any other entry of that name is replaced by a rename from ".NAME.part".
 * - A file without a checksum is never resumed, since its parts may be of different versions. One that
 *   is there is asked for with If-Modified-Since, its time, and If-None-Match, its attribute
 *   HTTP_ETAG (RFC 9110, 13.1); with status 304 it is kept. Its time is that of Last-Modified.
 * - At most HTTP_REDIRECTS_MAX redirects are followed, never from https to http.
 * - Names are relative, without "." and "..", and no link is followed, so nothing is written outside
 *   the directory.
 *
 * The first failed item ends the whole transfer. Its error has a reason of docs/errors.md
 * (fetch_...).
 */
#ifndef TRANSFER_HTTP_H
#define TRANSFER_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/err.h"
#include "data/checksum.h"
#include "transfer/limits.h"

enum { HTTP_REDIRECTS_MAX = 5, HTTP_RETRY_AFTER_MAX_MS = 30000, HTTP_TELL_MS = 100 };

#define HTTP_ETAG "user.ambient.etag"

struct http_item {
	const char *url;  /* http:// or https:// */
	const char *name; /* the file's path in the directory; those above it must be there */
	const char *of;   /* what it is, in messages; NULL: its URL says it */
	struct checksum checksum; /* {0}: any contents */
};

struct transfer_options {
	int dir_fd;
	bool bounded;             /* `room` is a limit */
	uint64_t room;            /* maximum length of an archive of all fetched files */
	const char *proxy;        /* URL; NULL: none */
	const char *certificates; /* PEM file of certificate authorities; NULL: the system's */
	unsigned parallel;        /* at least 1, as all following numbers */
	unsigned tries;
	int64_t pause_ms;   /* before the second try */
	int64_t connect_ms; /* time limit for a connection */
	int64_t stall_ms;   /* time limit without a byte of the file */
	int64_t end_ms;     /* of clock_ms: no pause lasts until then; 0: any may */
	int64_t report_ms;  /* interval of progress lines of long transfers */
	/* Reports progress: a line, or all lines of HTTP_TELL_MS; without a final newline. */
	void (*tell)(void *arg, const char *lines);
	void *arg;
};

/* False: the pause would use up the time that is left, so the last failure counts. */
static inline bool transfer_may_pause(const struct transfer_options *o, int64_t pause_ms)
{
	return !o->end_ms || clock_ms() + pause_ms < o->end_ms;
}

/* Call it once per process, before all other functions of this module. */
int http_init(struct err *e) NODISCARD;

/*
 * Send a request and read only the header section of the response. `field` is a header field of the
 * request, "Name: value". Errors are those of http_get.
 */
int http_probe(const char *url, const char *field, const struct transfer_options *o,
	struct err *e) NODISCARD;

/* Check that the proxy connects to a port of a host. Sends nothing to it. Errors as in http_get. */
int http_tunnel(
	const char *host, unsigned port, const struct transfer_options *o, struct err *e) NODISCARD;

/*
 * PUT the file `name` of the directory to `url`, which ends in a slash, followed by the name.
 * Retries are as above, but start at the beginning of the file. Redirects are not followed.
 * Reasons: upload_refused, upload_failed.
 */
int http_put(const char *url, const char *name, const struct transfer_options *o,
	struct err *e) NODISCARD;

int http_get(const struct http_item *items, size_t count, const struct transfer_options *o,
	struct err *e) NODISCARD;

#endif
