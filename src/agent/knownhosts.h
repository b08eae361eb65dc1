/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files of known hosts (sshd(8), "SSH_KNOWN_HOSTS FILE FORMAT"): the keys that a host may have.
 * Names may be patterns or hashed. A key that is `@revoked` for the host is not one of its keys. As
 * in ssh, `@cert-authority` lines and malformed lines are ignored.
 */
#ifndef AGENT_KNOWNHOSTS_H
#define AGENT_KNOWNHOSTS_H

#include "base/buf.h"
#include "data/sshwire.h"

struct knownhosts {
	struct buf *keys; /* blobs */
	size_t count;
};

/* Read the keys of a host, named in lower case, at port 22. The result may be empty. */
void knownhosts_read(const char *text, size_t len, const char *host, struct knownhosts *ret);
void knownhosts_release(struct knownhosts *k);
#define auto_knownhosts __attribute__((cleanup(knownhosts_release)))

bool knownhosts_have(const struct knownhosts *k, struct sshbytes key);

/*
 * The result of comparing the key that a host presents with the file. Authorities sign
 * certificates.
 */
enum knownhosts_match {
	KNOWNHOSTS_MATCHES, /* the key is listed for the host */
	KNOWNHOSTS_REVOKED, /* the key is revoked for the host */
	/* the host has an authority, and the key is not one of its other keys */
	KNOWNHOSTS_CERTIFIED,
	KNOWNHOSTS_DIFFERS,  /* the host has other keys only */
	KNOWNHOSTS_UNLISTED, /* the host has no keys */
};

enum knownhosts_match knownhosts_compare(
	const char *text, size_t len, const char *host, struct sshbytes key);

#endif
