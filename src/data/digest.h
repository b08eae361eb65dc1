/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SHA-256 (FIPS 180-4) of files and of values that a run depends on, and the other digests by which
 * registries name files (checksum.h). Only this module and agent/sshkey.c use libcrypto.
 */
#ifndef DATA_DIGEST_H
#define DATA_DIGEST_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

enum digest_algorithm { DIGEST_SHA256, DIGEST_SHA1, DIGEST_SHA384, DIGEST_SHA512 };

enum { DIGEST_BYTES_MAX = 64 };

struct digest_text {
	char s[65]; /* 64 lower-case hex digits */
};

struct digest; /* a digest in progress */

struct digest *digest_new(void);
struct digest *digest_new_of(enum digest_algorithm algorithm);
void digest_add(struct digest *d, const void *data, size_t len);
struct digest_text digest_end(struct digest *d); /* frees d, which is of SHA-256 */
/* Write the bytes of the digest to `raw`, which has DIGEST_BYTES_MAX. Returns their number. Frees d. */
size_t digest_end_raw(struct digest *d, unsigned char *raw);

struct digest_text digest_of(const void *data, size_t len);

/*
 * The digest of the first `bytes` bytes of a file. The offset of fd is not changed. ERR_HOST;
 * ERR_INTERRUPTED when a signal came.
 */
int digest_of_file(int fd, uint64_t bytes, struct digest_text *ret, struct err *e) NODISCARD;

/* Add the first `bytes` bytes of a file. Errors as of digest_of_file. */
int digest_add_file(struct digest *d, int fd, uint64_t bytes, struct err *e) NODISCARD;

/* As digest_of_file, of the bytes from `offset` on. */
int digest_of_part(
	int fd, uint64_t offset, uint64_t bytes, struct digest_text *ret, struct err *e) NODISCARD;

#endif
