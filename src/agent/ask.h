/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ask ssh servers for their keys, as a virtual machine would reach them: through an egress proxy
 * that lets out connections to this host and port 22 only, and judges its addresses. The program
 * ambient-hostkey speaks to the server; it is in a jail, on whose network is nothing but the proxy,
 * and there is one for each server. Nobody logs in.
 */
#ifndef AGENT_ASK_H
#define AGENT_ASK_H

#include "base/buf.h"
#include "base/err.h"
#include "base/strv.h"

enum ask_outcome {
	ASK_KEY,         /* the server has this key */
	ASK_FORBIDDEN,   /* the host's addresses are not for machines (egress.allow_private) */
	ASK_UNREACHABLE, /* no connection */
	ASK_SILENT,      /* connected, but it took too long */
	ASK_NOT_SSH,     /* something else than an ssh server answers */
	ASK_FAILED,      /* an ssh server, but there was no key exchange */
};

struct ask_question {
	const char *host;         /* as egress_host_name has it */
	const struct strv *types; /* of keys that are preferred */

	enum ask_outcome outcome;
	struct buf key; /* of ASK_KEY: the blob */
	char *words;    /* of the others: what happened, about the host; on one line */
};

void ask_release(struct ask_question *q); /* the answer only */

/*
 * `program` is ambient-hostkey. All answers are there within LIMIT_HOSTKEY_MS for each
 * LIMIT_HOSTKEY_AT_ONCE questions, and the time that jails need to start. ERR_HOST: a jail cannot
 * be made; ERR_INTERRUPTED.
 */
int ask_hosts(const char *program, const struct strv *allow_private, struct ask_question *questions,
	size_t count, struct err *e) NODISCARD;

#endif
