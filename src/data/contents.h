/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The digest of a file's contents. Not SHA-256 of the bytes, but of those chunks of
 * CONTENTS_CHUNK bytes that are not all zeros, each behind its number, so that the holes of a
 * sparse file cost nothing, and a file has the same digest whether they are holes or zeros. The
 * length of a file is no part of it.
 */
#ifndef DATA_CONTENTS_H
#define DATA_CONTENTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "data/digest.h"

enum { CONTENTS_CHUNK = 64 * 1024 };

struct contents {
	struct digest *digest; /* NULL: none in the making */
	uint64_t at;
	bool begun; /* the chunk at hand has a byte that is not zero, and was begun */
};

void contents_begin(struct contents *c);
void contents_add(struct contents *c, const char *data, size_t len);
void contents_zeros(struct contents *c, uint64_t len);
struct digest_text contents_end(struct contents *c);

/* Of the first `bytes` bytes of a file. As digest_of_file. */
int contents_of_file(int fd, uint64_t bytes, struct digest_text *ret, struct err *e) NODISCARD;

#endif
