/* SPDX-License-Identifier: Apache-2.0 */
/* SHA-256 (FIPS 180-4) of files and of what a run depends on. The one user of libcrypto. */
#ifndef DATA_DIGEST_H
#define DATA_DIGEST_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct digest_text {
	char s[65]; /* 64 lower-case hex digits */
};

struct digest; /* a digest in the making */

struct digest *digest_new(void);
void digest_add(struct digest *d, const void *data, size_t len);
struct digest_text digest_end(struct digest *d); /* also frees d */

struct digest_text digest_of(const void *data, size_t len);

/* Of the first `bytes` bytes of a file, its offset untouched. ERR_HOST; ERR_INTERRUPTED by a
 * signal. */
int digest_of_file(int fd, uint64_t bytes, struct digest_text *ret, struct err *e) NODISCARD;

#endif
