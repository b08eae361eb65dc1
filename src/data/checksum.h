/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a plan or a lock file says that the digest of a file is: the name of an algorithm (sha256,
 * sha1, sha384, sha512), a colon, and hexadecimal digits: "sha256:9f86...".
 */
#ifndef DATA_CHECKSUM_H
#define DATA_CHECKSUM_H

#include <stdbool.h>
#include <stddef.h>

#include "data/digest.h"

struct checksum {
	enum digest_algorithm algorithm;
	unsigned char bytes[DIGEST_BYTES_MAX];
	size_t len; /* 0: none */
};

/* Of the longest name, a colon, the digits and the end. */
enum { CHECKSUM_TEXT_MAX = 8 + 2 * DIGEST_BYTES_MAX };

struct checksum_text {
	char s[CHECKSUM_TEXT_MAX];
};

/* Digits of either case. False: it is not a checksum. */
bool checksum_parse(const char *text, struct checksum *ret);

/*
 * Find an algorithm by name. Returns the bytes of its digest; 0: there is none of that name.
 */
size_t checksum_algorithm(const char *name, size_t name_len, enum digest_algorithm *ret);

/* In lower case. */
struct checksum_text checksum_show(const struct checksum *c);

/* The checksum of what was added to a digest of `algorithm`. Frees d. */
struct checksum checksum_end(enum digest_algorithm algorithm, struct digest *d);

bool checksum_equals(const struct checksum *a, const struct checksum *b);

#endif
