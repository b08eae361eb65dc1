/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files from web servers into one directory. The one user of libcurl.
 *
 * - At most `parallel` transfers at a time, in the order of the list.
 * - Success is a last answer with a status of 200 to 299 that is whole, and nothing else. What each
 *   other answer means, and whether a second try may help, is in tables (answer.h, `codes` here).
 * - Where one may help there are `tries` in all, with a pause that doubles. A Retry-After of the
 *   server, up to HTTP_RETRY_AFTER_MAX_MS, is waited for. A transfer is resumed where it was cut.
 * - Progress is bytes of the file. Without one for `stall_ms` a try ends; heads, bodies that are
 *   not the file, and what chunks have around them are bounded by LIMIT_HTTP_HEADS,
 *   LIMIT_HTTP_UNWANTED and LIMIT_HTTP_OVERHEAD. All files together take at most `room`. Encodings
 *   that nobody asked for are refused, so nothing grows on its way to the disk.
 * - A file has no name before its SHA-256 is right (open(2), O_TMPFILE), so nothing partial or
 *   wrong is ever there, not even after a power cut. One that is there already and is right is left
 *   as it is; what else has the name is replaced by a rename, from ".NAME.part".
 * - Redirects are followed, HTTP_REDIRECTS_MAX of them, never from https to http.
 * - Names lead out of the directory in no way: they are single components, and no link is followed.
 *
 * The first item that cannot be had ends everything. Its error has a reason of docs/errors.md
 * (fetch_...).
 */
#ifndef TRANSFER_HTTP_H
#define TRANSFER_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "transfer/limits.h"

#include "base/err.h"

enum { HTTP_REDIRECTS_MAX = 5, HTTP_RETRY_AFTER_MAX_MS = 30000, HTTP_TELL_MS = 100 };

struct http_item {
	const char *url;    /* http:// or https:// */
	const char *name;   /* of the file: one component */
	const char *sha256; /* 64 hexadecimal digits of either case */
};

struct transfer_options {
	int dir_fd;
	bool bounded;             /* by room */
	uint64_t room;            /* bytes of an archive of all files that are fetched */
	const char *proxy;        /* URL; NULL: none */
	const char *certificates; /* a PEM file of authorities; NULL: the system's */
	unsigned parallel;        /* at least 1; each of the following, too */
	unsigned tries;
	int64_t pause_ms;   /* before the second try */
	int64_t connect_ms; /* the longest that a connection may take */
	int64_t stall_ms;   /* the longest without a byte of the file */
	int64_t report_ms;  /* how often long transfers are told about */
	/* Progress, for people: a line, or several that came within HTTP_TELL_MS; no last newline.
	 */
	void (*tell)(void *arg, const char *lines);
	void *arg;
};

/* Once per process, before anything else of this module. */
int http_init(struct err *e) NODISCARD;

/*
 * Ask for something, and be content with the head of the answer. `field` is a line of the request,
 * "Name: value". It fails as http_get does.
 */
int http_probe(const char *url, const char *field, const struct transfer_options *o,
	struct err *e) NODISCARD;

/* Does the proxy connect to this port of a host? Nothing is sent there. It fails as http_get. */
int http_tunnel(
	const char *host, unsigned port, const struct transfer_options *o, struct err *e) NODISCARD;

/*
 * PUT the file `name` of the directory to `url`, which ends in a slash, followed by the name. It
 * is tried again as above, from its beginning, and redirects are not followed. Reasons:
 * upload_refused, upload_failed.
 */
int http_put(const char *url, const char *name, const struct transfer_options *o,
	struct err *e) NODISCARD;

int http_get(const struct http_item *items, size_t count, const struct transfer_options *o,
	struct err *e) NODISCARD;

#endif
