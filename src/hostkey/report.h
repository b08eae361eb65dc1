/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the program ambient-hostkey is given and what it says: the agreement between src/agent,
 * which starts it in a jail, and src/hostkey/main.c.
 *
 *	ambient-hostkey HOST [TYPE]...
 *	ambient-hostkey --version
 *
 * It asks HOST, through the proxy at HOSTKEY_PROXY_PORT of its own loopback, for its key, one of
 * these types if the host has one, and sends reports, one datagram each, to the socket
 * HOSTKEY_REPORTS. It never authenticates. All that it says is a claim: the server may have taken
 * it over.
 */
#ifndef HOSTKEY_REPORT_H
#define HOSTKEY_REPORT_H

#include <stdint.h>

#define HOSTKEY_PROGRAM "ambient-hostkey"
/* Where it does not start for the lack of a library; later versions of Debian have the name, too. */
#define HOSTKEY_REMEDY "on Debian: apt-get install libssh-4"

enum {
	HOSTKEY_REPORTS = 3,
	HOSTKEY_PROXY_PORT = 3128,
	HOSTKEY_SSH_PORT = 22,
	HOSTKEY_KEY_MAX = 4096, /* an rsa key of 16384 bits has 2071 bytes */
	HOSTKEY_TEXT_MAX = 256,
};

enum hostkey_report_kind {
	/* on the way */
	HOSTKEY_CONNECTED = 1, /* the proxy has a connection */
	HOSTKEY_GREETED,       /* the server sent an identification of SSH */
	/* the last one */
	HOSTKEY_KEY, /* the key is there, and the server proved that it has its secret part */
	HOSTKEY_NO_CONNECTION, /* the proxy says why */
	HOSTKEY_CLOSED,        /* the connection ended before a byte came */
	HOSTKEY_NOT_SSH,       /* text: the first line of what came */
	HOSTKEY_FAILED,        /* text: why there was no key exchange */
};

struct hostkey_report {
	uint32_t kind;
	uint32_t key_len;
	uint8_t key[HOSTKEY_KEY_MAX]; /* the blob */
	char text[HOSTKEY_TEXT_MAX];
};

#endif
