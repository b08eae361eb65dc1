/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ask ssh servers for their host keys, under the conditions of a virtual machine: the connection
 * goes through an egress proxy, which allows only this host with port 22, and checks its addresses.
 * The program ambient-hostkey talks to the server. One instance runs for each server, in a jail
 * whose network contains only the proxy. No login takes place.
 */
#ifndef AGENT_ASK_H
#define AGENT_ASK_H

#include "agent/limits.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/strv.h"

enum ask_outcome {
	ASK_KEY, /* the server has the key `key` */
	/* the host's addresses are not allowed for machines (egress.allow_private) */
	ASK_FORBIDDEN,
	ASK_UNREACHABLE, /* the connection failed */
	ASK_SILENT,      /* connected, but the time limit expired */
	ASK_NOT_SSH,     /* the server is not an ssh server */
	ASK_FAILED,      /* an ssh server, but the key exchange failed */
};

struct ask_question {
	const char *host;         /* in the form of egress_host_name */
	const struct strv *types; /* preferred types of keys */

	enum ask_outcome outcome;
	struct buf key; /* ASK_KEY: the blob */
	char *words;    /* other outcomes: the reason, with the host; one line */
};

void ask_release(struct ask_question *q); /* frees the answer only */

/*
 * Ask all questions. `program` is the path of ambient-hostkey. The call takes at most
 * LIMIT_HOSTKEY_MS for each LIMIT_HOSTKEY_AT_ONCE questions, plus the time to start the jails.
 * ERR_HOST: a jail cannot be created; ERR_INTERRUPTED.
 */
int ask_hosts(const char *program, const struct strv *allow_private, struct ask_question *questions,
	size_t count, struct err *e) NODISCARD;

#endif
