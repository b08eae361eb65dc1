/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The ssh agent of a trusted VM: keys that stay on the host, and a process that signs with them
 * (draft-miller-ssh-agent). It is for `ssh_agent: true` of the configuration; docs/secrets.md tells
 * operators what it does.
 *
 * It signs one thing only: the login (RFC 4252, section 7) of a configured user at a configured
 * host. That it is that host's session is proved by what the client must say first, OpenSSH's
 * session-bind: the host's key, which must be one of the known hosts, and that key's signature of
 * the session, which is checked and must be the one that the login is for. Everything else is
 * refused with SSH_AGENT_FAILURE.
 *
 * The process is in a jail (jail.h) with nothing but a listening socket, which is in the network of
 * QEMU's jail, and a socket for reports. It gets the keys after its start, into a vault. Each
 * signature and each refusal becomes an event of the run log (EVENT_SSH_AGENT). Messages,
 * connections, signatures and events are bounded by LIMIT_AGENT_* of limits.h.
 */
#ifndef AGENT_SSHAGENT_H
#define AGENT_SSHAGENT_H

#include <stdint.h>
#include <sys/types.h>

#include "agent/knownhosts.h"
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

/* Who may log in where by which key. */
struct sshagent_login {
	const char *host, *user;
	size_t key; /* index of it */
	const struct knownhosts *known;
	struct sshbytes certificate; /* that the key may log in with; empty: none */
};

/* All that the rows point at is borrowed. */
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
	char refusal[256];  /* the first one, for people; "": there was none */
};

#define SSHAGENT_NONE ((struct sshagent){.sidecar = SIDECAR_NONE})

/*
 * Start it. listen_fd is borrowed until this returns; the rules, too. uid and gid: as in struct
 * jail. On failure nothing is left behind.
 */
int sshagent_start(int listen_fd, const struct sshagent_rules *rules, uid_t uid, gid_t gid,
	struct sshagent *ret_agent, struct err *e) NODISCARD;

/* For poll(2): readable when there are reports, or when it died. -1: it was never started. */
const int *sshagent_fd(const struct sshagent *a);

/*
 * Take what has been reported, without blocking; each report becomes an event with `source`.
 * ERR_HOST, reason "host_agent_died", when the process has gone.
 */
int sshagent_read(struct sshagent *a, const struct event_sink *sink, enum plan_source source,
	struct err *e) NODISCARD;

/*
 * The VM is gone: take the last reports, end it, reap it. ERR_HOST, reason "host_agent_died", when
 * it did not last until now. An agent that was never started is fine.
 */
int sshagent_stop(struct sshagent *a, const struct event_sink *sink, enum plan_source source,
	struct err *e) NODISCARD;

/* Kill and reap, without a word. The destructor. */
void sshagent_kill(struct sshagent *a);
#define auto_sshagent __attribute__((cleanup(sshagent_kill)))

#endif
