/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keys of SSH: a private one, in the form that ssh-keygen writes ("BEGIN OPENSSH PRIVATE KEY",
 * OpenSSH's PROTOCOL.key), signatures by it, and the check of somebody else's signature. ed25519,
 * rsa of 2048 to 16384 bits (with SHA-2 only), and ecdsa on the three NIST curves.
 *
 * A private key is in a vault and nowhere else but, while a signature is made, in libcrypto's
 * memory, which clears it. This file and data/digest.c are the users of libcrypto.
 */
#ifndef AGENT_SSHKEY_H
#define AGENT_SSHKEY_H

#include "base/buf.h"
#include "base/err.h"
#include "data/sshwire.h"
#include "os/vault.h"

/* The bytes are in the vault: a key is moved, not copied. */
struct sshkey {
	struct vault vault;
	struct sshbytes type;       /* "ssh-ed25519", ... */
	struct sshbytes public_key; /* the blob, as agents and servers name the key */
	struct sshbytes fields;     /* what stands behind the type in the private part */
};

/*
 * Read one. ERR_INPUT: no such key, one with a passphrase, of another kind or size, or damaged.
 * `text` is borrowed.
 */
int sshkey_parse(const char *text, size_t len, struct sshkey *ret, struct err *e) NODISCARD;
void sshkey_release(struct sshkey *k); /* wipes; a zeroed struct is fine */
#define auto_sshkey __attribute__((cleanup(sshkey_release)))

/*
 * The signature of `data` in its form for SSH (algorithm and bytes), appended. `algorithm` is one
 * of the key's: its type, for rsa rsa-sha2-256 or rsa-sha2-512. ERR_INPUT for another one, ERR_HOST
 * when libcrypto fails.
 */
int sshkey_sign(const struct sshkey *k, struct sshbytes algorithm, struct sshbytes data,
	struct buf *ret_signature, struct err *e) NODISCARD;

/* Can a key of this type sign by this algorithm? */
bool sshkey_knows(struct sshbytes type, struct sshbytes algorithm);

/* Has the owner of this public key signed these bytes? Anything that is not well-formed: no. */
bool sshkey_verify(struct sshbytes public_key, struct sshbytes data, struct sshbytes signature);

/* "SHA256:..." as ssh-keygen -l shows it, appended. */
void sshkey_fingerprint(struct buf *b, struct sshbytes public_key);

/*
 * The blob of a line in the form of authorized_keys, TYPE BASE64 [COMMENT], appended: of public
 * keys, certificates, known hosts. -1 when it is none, or the blob is of another type.
 */
int sshkey_read_line(const char *line, size_t len, struct buf *ret_blob);

/*
 * From now on libcrypto keeps what is secret in memory that is not swapped out, where the limit of
 * locked memory allows it. For a process that signs.
 */
void sshkey_use_locked_memory(void);

/* Is this blob a user certificate for that key? Who has signed it is the server's business. */
bool sshkey_certifies(struct sshbytes certificate, struct sshbytes public_key);
#define SSHKEY_CERTIFICATE_SUFFIX "-cert-v01@openssh.com"

/* HMAC-SHA1, which hides names in known_hosts. */
enum { SSHKEY_HMAC_BYTES = 20 };
void sshkey_hmac(struct sshbytes key, struct sshbytes data, uint8_t ret[SSHKEY_HMAC_BYTES]);

#endif
