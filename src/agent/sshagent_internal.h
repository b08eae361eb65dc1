/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Between the files of the agent's process only: sshagent_message.c reads what clients say,
 * sshagent_answer.c decides, sshagent_serve.c is the process with its connections.
 */
#ifndef AGENT_SSHAGENT_INTERNAL_H
#define AGENT_SSHAGENT_INTERNAL_H

#include <stdbool.h>
#include <stdint.h>

#include "agent/sshagent.h"
#include "base/limits.h"

/* ---- messages (draft-miller-ssh-agent, section 3 and 5.1) ---- */

enum sshagent_type {
	SSHAGENT_FAILURE = 5,
	SSHAGENT_SUCCESS = 6,
	SSHAGENT_REQUEST_IDENTITIES = 11,
	SSHAGENT_IDENTITIES_ANSWER = 12,
	SSHAGENT_SIGN_REQUEST = 13,
	SSHAGENT_SIGN_RESPONSE = 14,
	SSHAGENT_EXTENSION = 27,
};

enum { SSHAGENT_FLAG_SHA256 = 2, SSHAGENT_FLAG_SHA512 = 4 };

enum sshagent_kind {
	SSHAGENT_ASKS_KEYS,
	SSHAGENT_ASKS_SIGNATURE,
	SSHAGENT_BINDS, /* session-bind@openssh.com (OpenSSH's PROTOCOL.agent, section 1) */
	SSHAGENT_ASKS_OTHER,
	SSHAGENT_MALFORMED,
};

/* Points into the message. */
struct sshagent_request {
	enum sshagent_kind kind;
	uint8_t type;
	struct sshbytes key, data; /* of a signature */
	uint32_t flags;
	struct sshbytes host_key, session, signature; /* of a binding */
	bool forwarding;
};

/* A message without its length. */
void sshagent_read_request(struct sshbytes message, struct sshagent_request *ret);

/* What is signed to log in: RFC 4252, section 7; OpenSSH's PROTOCOL, section 2.11. */
struct sshagent_userauth {
	struct sshbytes session, user, algorithm, key;
	struct sshbytes host_key; /* of publickey-hostbound-v00@openssh.com; else empty */
};

/* False: the data are anything else. */
bool sshagent_read_userauth(struct sshbytes data, struct sshagent_userauth *ret);

/* ---- what the parent is told: one datagram each ---- */

enum sshagent_verdict { SSHAGENT_SIGNED, SSHAGENT_REFUSED, SSHAGENT_VERDICTS };

struct sshagent_report {
	uint32_t verdict; /* enum sshagent_verdict */
	/* Texts end in a NUL and are "" when there is nothing to say. */
	char host[256];
	char user[72];
	char key[64]; /* its fingerprint */
	char reason[32];
	char message[200];
};

/* ---- deciding ---- */

enum { SSHAGENT_SESSION_MIN = 16, SSHAGENT_SESSION_MAX = 64 };

/* Of one connection. */
struct sshagent_session {
	bool bound;
	uint8_t id[SSHAGENT_SESSION_MAX];
	size_t id_len;
	struct buf host_key;
};

void sshagent_session_init(struct sshagent_session *s);
void sshagent_session_release(struct sshagent_session *s);

struct sshagent_state {
	const struct sshagent_rules *rules;
	const struct sshkey *keys; /* one for each of the rules */
	unsigned signatures;       /* so far */
};

/*
 * Answer one message: `reply`, which is empty, becomes a message without its length. True: the
 * parent must be told *ret_report.
 */
bool sshagent_answer(struct sshagent_state *a, struct sshagent_session *s, struct sshbytes message,
	struct buf *reply, struct sshagent_report *ret_report);

/* ---- the process ---- */

struct sshagent_setup {
	int listen_fd;
	int reports;
	int keys; /* of each key the length, 4 bytes of the host, and its text */
	const struct sshagent_rules *rules;
};

/* Its whole life; a struct sshagent_setup. The result is its exit status. */
int sshagent_inside(void *setup);

#endif
