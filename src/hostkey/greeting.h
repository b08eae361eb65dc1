/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What comes before SSH on a connection: the proxy's answer, and the lines that a server may send
 * before its identification (RFC 4253, section 4.2). Nothing behind the line that is looked for is
 * taken from the socket. All of it waits; the caller is killed when it takes too long.
 */
#ifndef HOSTKEY_GREETING_H
#define HOSTKEY_GREETING_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/err.h"

enum {
	GREETING_HEAD_MAX = 16 * 1024,  /* of the proxy's answer */
	GREETING_LINES_MAX = 64 * 1024, /* before the identification, together */
	GREETING_SHOWN_MAX = 120,       /* of the first of them */
};

/* Ask the proxy for a connection. *ret_open: there is one. -1: the socket fails. */
int greeting_tunnel(
	int fd, const char *host, unsigned port, bool *ret_open, struct err *e) NODISCARD;

enum greeting {
	GREETING_SSH,    /* the identification is what comes next */
	GREETING_CLOSED, /* the end came, and nothing before it */
	GREETING_OTHER,  /* something else came */
};

/* Skip lines up to the identification. The beginning of the first line is appended to `first`. */
enum greeting greeting_wait(int fd, struct buf *first);

#endif
