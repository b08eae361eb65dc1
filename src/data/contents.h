/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The digest of a file's contents. It is not the SHA-256 of all bytes, but of those chunks of
 * CONTENTS_CHUNK bytes that contain a byte other than zero, each preceded by its number. So the
 * holes of a sparse file cost nothing, and a file has the same digest whether zeros are stored as
 * holes or as data. The length of a file is not part of the digest.
 */
#ifndef DATA_CONTENTS_H
#define DATA_CONTENTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "data/digest.h"

enum { CONTENTS_CHUNK = 64 * 1024 };

struct contents {
	struct digest *digest; /* NULL: not started */
	uint64_t at;
	bool begun; /* the current chunk contains a byte other than zero and was started */
};

void contents_begin(struct contents *c);
void contents_add(struct contents *c, const char *data, size_t len);
void contents_zeros(struct contents *c, uint64_t len);
struct digest_text contents_end(struct contents *c);

/* The digest of the first `bytes` bytes of a file. Errors as of digest_of_file. */
int contents_of_file(int fd, uint64_t bytes, struct digest_text *ret, struct err *e) NODISCARD;

#endif
