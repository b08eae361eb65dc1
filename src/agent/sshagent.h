/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The ssh agent of a trusted VM: a process on the host that signs with keys that never leave the
 * host (draft-miller-ssh-agent). It is used for `ssh_agent: true` of the configuration;
 * docs/secrets.md describes it for operators.
 *
 * It signs only one kind of data: the login (RFC 4252, section 7) of a configured user at a
 * configured host. The client must prove that the session belongs to that host by OpenSSH's
 * session-bind request, which must come first. It contains the host's key, which must be in
 * known_hosts, and a signature of the session by that key. The signature is verified, and the login
 * must be for that session. All other requests are rejected with SSH_AGENT_FAILURE.
 *
 * The process runs in a jail (jail.h) with only a listening socket, which is in the network
 * namespace of QEMU's jail, and a socket for reports. It receives the keys after its start and
 * keeps them in a vault. Each signature and each refusal becomes an event of the run log
 * (EVENT_SSH_AGENT). Messages, connections, signatures and events are limited by LIMIT_AGENT_* of
 * limits.h.
 */
#ifndef AGENT_SSHAGENT_H
#define AGENT_SSHAGENT_H

#include <stdint.h>
#include <sys/types.h>

#include "agent/knownhosts.h"
#include "agent/limits.h"
#include "agent/sshkey.h"
#include "base/err.h"
#include "base/strv.h"
#include "contract/event.h"
#include "jail/sidecar.h"

struct sshagent_key {
	const char *name; /* of the secret */
	const char *text; /* the private key, in the caller's vault */
	size_t len;
	struct sshbytes public_key;
};

/* A permitted login: host, user and key. */
struct sshagent_login {
	const char *host, *user;
	size_t key; /* index in the keys */
	const struct knownhosts *known;
	struct sshbytes certificate; /* a certificate for logins with the key; empty: none */
};

/* All pointers in the items are borrowed. */
struct sshagent_rules {
	struct sshagent_key *keys;
	size_t key_count;
	struct sshagent_login *logins;
	size_t login_count;
};

void sshagent_rules_release(struct sshagent_rules *r);
#define auto_sshagent_rules __attribute__((cleanup(sshagent_rules_release)))

struct sshagent {
	struct sidecar sidecar;
	uint64_t told;      /* events sent */
	uint64_t kept_back; /* reports beyond LIMIT_AGENT_EVENTS */
	char refusal[256];  /* the first one, for people; "": none */
};

#define SSHAGENT_NONE ((struct sshagent){.sidecar = SIDECAR_NONE})

/*
 * Start the agent. listen_fd and rules are borrowed until this returns. uid and gid: as in struct
 * jail. On failure nothing is left running.
 */
int sshagent_start(int listen_fd, const struct sshagent_rules *rules, uid_t uid, gid_t gid,
	struct sshagent *ret_agent, struct err *e) NODISCARD;

/*
 * The descriptor for poll(2): readable when there are reports, or when the process has ended. -1:
 * it was never started.
 */
const int *sshagent_fd(const struct sshagent *a);

/*
 * Receive pending reports, without blocking. Each report becomes an event with `source`. ERR_HOST,
 * reason "host_agent_died", when the process has ended.
 */
int sshagent_read(struct sshagent *a, const struct event_sink *sink, enum plan_source source,
	struct err *e) NODISCARD;

/*
 * Call this after the VM has ended: receives the last reports, and stops and reaps the agent.
 * ERR_HOST, reason "host_agent_died", when the process ended before. An agent that was never
 * started is ignored.
 */
int sshagent_stop(struct sshagent *a, const struct event_sink *sink, enum plan_source source,
	struct err *e) NODISCARD;

/* Kill and reap without an error. The destructor. */
void sshagent_kill(struct sshagent *a);
#define auto_sshagent __attribute__((cleanup(sshagent_kill)))

#endif
