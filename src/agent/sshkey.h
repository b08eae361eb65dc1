/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SSH keys: reading a private key in the format of ssh-keygen ("BEGIN OPENSSH PRIVATE KEY",
 * OpenSSH's PROTOCOL.key), signing with it, and verifying signatures by other keys. Supported are
 * ed25519, rsa of 2048 to 16384 bits (with SHA-2 only), and ecdsa on the three NIST curves.
 *
 * A private key is only in a vault and, while a signature is made, in libcrypto's memory, which
 * libcrypto clears. Only this file and data/digest.c use libcrypto.
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
	struct sshbytes type; /* "ssh-ed25519", ... */
	/* the blob that identifies the key in the agent and ssh protocols */
	struct sshbytes public_key;
	struct sshbytes fields; /* the data after the type in the private part */
};

/*
 * Read a private key. ERR_INPUT: not a key, with a passphrase, of an unsupported type or size, or
 * damaged. `text` is borrowed.
 */
int sshkey_parse(const char *text, size_t len, struct sshkey *ret, struct err *e) NODISCARD;

/*
 * Check that ssh(1) can read a private key: text in OpenSSH's format or in PEM, of any type, and
 * without a passphrase. Append the blob of its public key; nothing for PEM, which has none.
 * ERR_INPUT with the remedy. `text` is borrowed.
 */
int sshkey_check(const char *text, size_t len, struct buf *ret_public, struct err *e) NODISCARD;
void sshkey_release(struct sshkey *k); /* overwrites the key; accepts a zeroed struct */
#define auto_sshkey __attribute__((cleanup(sshkey_release)))

/*
 * Append the signature of `data` in SSH format (algorithm and bytes). `algorithm` is the type of
 * the key, or for rsa rsa-sha2-256 or rsa-sha2-512. ERR_INPUT for another algorithm, ERR_HOST when
 * libcrypto fails.
 */
int sshkey_sign(const struct sshkey *k, struct sshbytes algorithm, struct sshbytes data,
	struct buf *ret_signature, struct err *e) NODISCARD;

/* Can a key of this type sign with this algorithm? */
bool sshkey_knows(struct sshbytes type, struct sshbytes algorithm);

/*
 * Was this signature of these bytes made with this public key? False, too, when an argument is
 * malformed.
 */
bool sshkey_verify(struct sshbytes public_key, struct sshbytes data, struct sshbytes signature);

/* Append the fingerprint, "SHA256:...", in the format of ssh-keygen -l. */
void sshkey_fingerprint(struct buf *b, struct sshbytes public_key);

/*
 * Append the blob of a line in the format of authorized_keys, TYPE BASE64 [COMMENT]: a public key,
 * a certificate, a known host. -1: the line is malformed, or the blob has another type.
 */
int sshkey_read_line(const char *line, size_t len, struct buf *ret_blob);

/*
 * Make libcrypto keep its secrets in memory that is not swapped out, where the limit of locked
 * memory permits. For a process that signs.
 */
void sshkey_use_locked_memory(void);

/* Is this blob a user certificate for this key? The signer is not checked; the server does that. */
bool sshkey_certifies(struct sshbytes certificate, struct sshbytes public_key);
bool sshkey_is_certificate(struct sshbytes blob); /* for any key */
#define SSHKEY_CERTIFICATE_SUFFIX "-cert-v01@openssh.com"

/* HMAC-SHA1, which is used to hash host names in known_hosts. */
enum { SSHKEY_HMAC_BYTES = 20 };
void sshkey_hmac(struct sshbytes key, struct sshbytes data, uint8_t ret[SSHKEY_HMAC_BYTES]);

#endif
