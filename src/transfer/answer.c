/* SPDX-License-Identifier: Apache-2.0 */
#include "transfer/answer.h"

#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"

struct row {
	long from, to;
	struct answer answer;
};

/* The first row that matches counts. The last row matches all. */
static const struct row server[] = {
	{300, 399, {"fetch_redirect", "the server redirects and does not say where to", false}},
	{404, 404, {"fetch_not_found", "the server has no such file", false}},
	{410, 410, {"fetch_not_found", "the server has no such file any more", false}},
	{401, 401, {"fetch_denied", "the server wants a login", false}},
	{407, 407, {"fetch_denied", "the server wants a login as a proxy does", false}},
	{408, 408, {"fetch_server_error", "the server waited too long for the request", true}},
	{416, 416, {"fetch_denied", "the server has no such part of the file", false}},
	{425, 425, {"fetch_server_error", "the server wants the request later", true}},
	{429, 429, {"fetch_server_error", "the server gets too many requests", true}},
	{400, 499, {"fetch_denied", "the server refused it", false}},
	{501, 501, {"fetch_server_error", "the server cannot do this", false}},
	{505, 505, {"fetch_server_error", "the server does not speak HTTP/1.1", false}},
	{507, 507, {"fetch_server_error", "the server has no space left", true}},
	{511, 511, {"fetch_denied", "a network on the way wants a login", false}},
	{500, 599, {"fetch_server_error", "the server failed", true}},
	{0, 999999, {"fetch_failed", "the server answered with a status that is none", false}},
};

/* proxy_http.c and proxy_conn.c send these (docs/egress.md). */
static const struct row proxy[] = {
	{403, 403, {"fetch_refused", "the proxy refused it", false}},
	{408, 408, {"fetch_timeout", "the proxy waited too long for the request", true}},
	{400, 499, {"fetch_failed", "the proxy rejected the request", false}},
	{502, 502, {"fetch_unreachable", "the proxy did not reach it", true}},
	{504, 504, {"fetch_timeout", "the proxy gave up", true}},
	{0, 999999, {"fetch_failed", "the proxy rejected the request", false}},
};

static const struct answer *find(const struct row *rows, size_t count, long status)
{
	for (size_t i = 0; i < count; i++)
		if (status >= rows[i].from && status <= rows[i].to)
			return &rows[i].answer;
	return &rows[count - 1].answer;
}

const struct answer *answer_of_server(long status)
{
	return find(server, ARRAY_SIZE(server), status);
}

const struct answer *answer_of_proxy(long status)
{
	return find(proxy, ARRAY_SIZE(proxy), status);
}

/* Codes of libcurl: see libcurl-errors(3). */
static const struct row curl[] = {
	{7, 7, {"fetch_unreachable", "no connection to it can be made", true}},
	{18, 18, {"fetch_cut", "the connection was cut", true}},
	{28, 28, {"fetch_timeout", "the server did not answer in time", true}},
	{52, 52, {"fetch_cut", "the server ended the connection without an answer", true}},
	{55, 56, {"fetch_cut", "the connection was cut", true}},
	{92, 92, {"fetch_cut", "the connection was cut", true}},
	{0, 999999, {"fetch_failed", "the request failed", false}},
};

/* From the proxy, if the server did not answer, or from the server itself. */
static const struct answer no_gateway = {
	"fetch_server_error", "the server did not answer, or it failed", true};

const struct answer *answer_of_git(const char *said)
{
	static const char http[] = "HTTP ", code[] = "curl ";
	const char *line = strstr(said, "error: RPC failed; ");
	const char *what = line ? strchr(line, ';') + 2 : "";
	long status;

	if (line && line != said && line[-1] != '\n')
		return NULL;
	/* The text after this is from the server, and may contain newlines. */
	if (strstr(said, "remote error:"))
		return NULL;
	if (strncmp(what, code, strlen(code)) == 0)
		return find(curl, ARRAY_SIZE(curl), strtol(what + strlen(code), NULL, 10));
	if (strncmp(what, http, strlen(http)) != 0)
		return NULL;
	status = strtol(what + strlen(http), NULL, 10);
	return status == 502 ? &no_gateway : answer_of_server(status);
}
