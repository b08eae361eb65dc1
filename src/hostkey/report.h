/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The interface of the program ambient-hostkey: between src/agent, which starts it in a jail, and
 * src/hostkey/main.c.
 *
 *	ambient-hostkey HOST [TYPE]...
 *	ambient-hostkey --version
 *
 * It connects to HOST through the proxy at HOSTKEY_PROXY_PORT of its own loopback, and gets its
 * host key, of one of the given types if the host has one. It sends reports, one datagram each, to
 * the socket HOSTKEY_REPORTS. It never authenticates. Its output is untrusted: a hostile server may
 * have taken control of the program.
 */
#ifndef HOSTKEY_REPORT_H
#define HOSTKEY_REPORT_H

#include <stdint.h>

#define HOSTKEY_PROGRAM "ambient-hostkey"
/* The remedy if a library is missing; later versions of Debian provide this name too. */
#define HOSTKEY_REMEDY "on Debian: apt-get install libssh-4"

enum {
	HOSTKEY_REPORTS = 3,
	HOSTKEY_PROXY_PORT = 3128,
	HOSTKEY_SSH_PORT = 22,
	HOSTKEY_KEY_MAX = 4096, /* an rsa key of 16384 bits has 2071 bytes */
	HOSTKEY_TEXT_MAX = 256,
};

enum hostkey_report_kind {
	/* progress */
	HOSTKEY_CONNECTED = 1, /* the proxy has connected */
	HOSTKEY_GREETED,       /* the server sent an SSH identification string */
	/* the last report */
	HOSTKEY_KEY,           /* the key; the server proved that it has the private key */
	HOSTKEY_NO_CONNECTION, /* the proxy logged the cause */
	HOSTKEY_CLOSED,        /* the connection ended without a byte */
	HOSTKEY_NOT_SSH,       /* text: the first line received */
	HOSTKEY_FAILED,        /* text: why the key exchange failed */
};

struct hostkey_report {
	uint32_t kind;
	uint32_t key_len;
	uint8_t key[HOSTKEY_KEY_MAX]; /* the blob */
	char text[HOSTKEY_TEXT_MAX];
};

#endif
