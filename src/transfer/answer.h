/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an answer of a server or of the proxy means: one table for each, by the status. A row has
 * the reason of docs/errors.md, the words for the message, and whether a second try may help.
 * What libcurl says without a status is in a table of http.c, with the same kind of rows.
 */
#ifndef TRANSFER_ANSWER_H
#define TRANSFER_ANSWER_H

#include <stdbool.h>

struct answer {
	const char *reason;
	const char *words;
	bool again; /* a second try may help */
};

/*
 * The row of a server's last status that is no success: anything but 200 to 299. A 3xx is here
 * because it names no place to go to; other redirects are followed before anybody asks.
 */
const struct answer *answer_of_server(long status);

/* The row of the proxy's own refusal of a connection. */
const struct answer *answer_of_proxy(long status);

/*
 * The row for what git reports of a request that failed, in a line of its own: "error: RPC failed; HTTP 503 ..." or
 * "...; curl 56 ...", with the number of libcurl's error. NULL: it reports none. What a server says through git has
 * "remote: " before each line.
 */
const struct answer *answer_of_git(const char *said);

#endif
