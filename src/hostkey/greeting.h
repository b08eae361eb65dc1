/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The data before SSH on a connection: the proxy's response, and the lines that a server may send
 * before its identification string (RFC 4253, section 4.2). No bytes after these are read from the
 * socket. All functions block without a time limit; the parent kills the process after a time
 * limit.
 */
#ifndef HOSTKEY_GREETING_H
#define HOSTKEY_GREETING_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/err.h"

enum {
	GREETING_HEAD_MAX = 16 * 1024,  /* of the proxy's response */
	GREETING_LINES_MAX = 64 * 1024, /* all lines before the identification string */
	GREETING_SHOWN_MAX = 120,       /* of the first of these lines */
};

/* Request a connection from the proxy. *ret_open: it was established. -1: a socket error. */
int greeting_tunnel(
	int fd, const char *host, unsigned port, bool *ret_open, struct err *e) NODISCARD;

enum greeting {
	GREETING_SSH,    /* the identification string is next */
	GREETING_CLOSED, /* the connection ended without a byte */
	GREETING_OTHER,  /* other data */
};

/*
 * Skip lines up to the identification string. The beginning of the first line is appended to
 * `first`.
 */
enum greeting greeting_wait(int fd, struct buf *first);

#endif
