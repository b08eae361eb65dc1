/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files of known hosts (sshd(8), "SSH_KNOWN_HOSTS FILE FORMAT"): which keys a host may have. Names
 * may be patterns or hashed; a key that is `@revoked` for the host is none of its keys;
 * `@cert-authority` is passed over, and so are lines that cannot be read, as ssh does.
 */
#ifndef AGENT_KNOWNHOSTS_H
#define AGENT_KNOWNHOSTS_H

#include "base/buf.h"
#include "data/sshwire.h"

struct knownhosts {
	struct buf *keys; /* blobs */
	size_t count;
};

/* The keys of this host, named in lower case, at port 22. Maybe none. */
void knownhosts_read(const char *text, size_t len, const char *host, struct knownhosts *ret);
void knownhosts_release(struct knownhosts *k);
#define auto_knownhosts __attribute__((cleanup(knownhosts_release)))

bool knownhosts_have(const struct knownhosts *k, struct sshbytes key);

#endif
