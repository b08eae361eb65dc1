/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The meaning of responses of servers and of the proxy: one table for each, by status. A row has
 * the reason (docs/errors.md), the text for the message, and whether a retry may succeed. http.c
 * has a table with the same kind of rows for errors of libcurl without a status.
 */
#ifndef TRANSFER_ANSWER_H
#define TRANSFER_ANSWER_H

#include <stdbool.h>

struct answer {
	const char *reason;
	const char *words;
	bool again; /* a retry may succeed */
};

/*
 * The row for the final status of a server other than 200 to 299. A status of 300 to 399 is final
 * only if the response has no location; other redirects are followed.
 */
const struct answer *answer_of_server(long status);

/* The row for a status of the proxy that rejects a connection. */
const struct answer *answer_of_proxy(long status);

/*
 * The row for an error in the output of git, which is a separate line: "error: RPC failed; HTTP 503
 * ..." or "...; curl 56 ...", with the number of libcurl's error. NULL: no such line. Lines from
 * the server begin with "remote: " in git's output.
 */
const struct answer *answer_of_git(const char *said);

#endif
