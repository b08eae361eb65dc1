/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The name of the server in the first message of a TLS client: the ClientHello (RFC 8446, sections
 * 4.1.2 and 5.1; RFC 5246 has the same form), with the extension server_name (RFC 6066, section 3). A
 * machine with programs of others gives it; every byte is hostile.
 */
#ifndef EGRESS_CLIENTHELLO_H
#define EGRESS_CLIENTHELLO_H

#include <stddef.h>

enum {
	CLIENTHELLO_NAME_MAX = 255,
	/* Bytes of the message; the largest of today's clients have 2 KiB. */
	CLIENTHELLO_MAX = 15 * 1024,
};

enum clienthello_verdict {
	CLIENTHELLO_MORE,    /* it is not complete */
	CLIENTHELLO_WHOLE,   /* it is, and names its server */
	CLIENTHELLO_NO_NAME, /* it is, and does not */
	CLIENTHELLO_OTHER,   /* something else, or longer than CLIENTHELLO_MAX */
};

/*
 * Read what a client has sent so far. CLIENTHELLO_WHOLE: ret_name, which has room for
 * CLIENTHELLO_NAME_MAX + 1 bytes, is the name as the client wrote it, without a NUL in it. The message
 * may be in several records. More than one name, or bytes that another reader could take for
 * something else, are CLIENTHELLO_OTHER.
 */
enum clienthello_verdict clienthello_read(const char *data, size_t len, char *ret_name);

#endif
