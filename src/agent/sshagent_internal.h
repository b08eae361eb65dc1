/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shared by the files of the agent's process only: sshagent_message.c parses requests of clients,
 * sshagent_answer.c decides about them, and sshagent_serve.c is the process with its connections.
 */
#ifndef AGENT_SSHAGENT_INTERNAL_H
#define AGENT_SSHAGENT_INTERNAL_H

#include <stdbool.h>
#include <stdint.h>

#include "agent/sshagent.h"
#include "base/limits.h"

/* ---- messages (draft-miller-ssh-agent, sections 3 and 5.1) ---- */

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

/* All pointers point into the message. */
struct sshagent_request {
	enum sshagent_kind kind;
	uint8_t type;
	struct sshbytes key, data; /* of a request for a signature */
	uint32_t flags;
	struct sshbytes host_key, session, signature; /* of a session-bind request */
	bool forwarding;
};

/* Parse a message, given without its length field. */
void sshagent_read_request(struct sshbytes message, struct sshagent_request *ret);

/* The data that is signed for a login: RFC 4252, section 7; OpenSSH's PROTOCOL, section 2.11. */
struct sshagent_userauth {
	struct sshbytes session, user, algorithm, key;
	struct sshbytes host_key; /* of publickey-hostbound-v00@openssh.com; else empty */
};

/* False: the data is not a login. */
bool sshagent_read_userauth(struct sshbytes data, struct sshagent_userauth *ret);

/* ---- reports to the parent: one datagram each ---- */

enum sshagent_verdict { SSHAGENT_SIGNED, SSHAGENT_REFUSED, SSHAGENT_VERDICTS };

struct sshagent_report {
	uint32_t verdict; /* enum sshagent_verdict */
	/* Each text ends in a NUL and may be "". */
	char host[256];
	char user[72];
	char key[64]; /* its fingerprint */
	char reason[32];
	char message[200];
};

/* ---- decisions ---- */

enum { SSHAGENT_SESSION_MIN = 16, SSHAGENT_SESSION_MAX = 64 };

/* The state of one connection. */
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
	const struct sshkey *keys; /* one for each key of the rules */
	unsigned signatures;       /* so far */
};

/*
 * Answer one message. `reply` must be empty; it becomes the answer, without its length field. True:
 * *ret_report must be sent to the parent.
 */
bool sshagent_answer(struct sshagent_state *a, struct sshagent_session *s, struct sshbytes message,
	struct buf *reply, struct sshagent_report *ret_report);

/* ---- the process ---- */

struct sshagent_setup {
	int listen_fd;
	int reports;
	int keys; /* for each key: the length, 4 bytes in host byte order, and the text */
	const struct sshagent_rules *rules;
};

/* The process's main function. `setup` is a struct sshagent_setup. Returns the exit status. */
int sshagent_inside(void *setup);

#endif
