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

/* What the file says of a key that the host presents; an authority is of certificates. */
enum knownhosts_match {
	KNOWNHOSTS_MATCHES,   /* it is the host's key */
	KNOWNHOSTS_REVOKED,   /* it is revoked for the host */
	KNOWNHOSTS_CERTIFIED, /* the host has an authority, and this is none of its other keys */
	KNOWNHOSTS_DIFFERS,   /* the host has other keys */
	KNOWNHOSTS_UNLISTED,  /* the host has no keys */
};

enum knownhosts_match knownhosts_compare(
	const char *text, size_t len, const char *host, struct sshbytes key);

#endif
