/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The encoding of the SSH protocols (RFC 4251, section 5): numbers in big-endian byte order,
 * strings preceded by their length. A read never fails halfway: invalid data sets `bad` of the
 * reader, all later reads return empty values, and the caller checks once, at the end.
 */
#ifndef DATA_SSHWIRE_H
#define DATA_SSHWIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

/* Borrowed bytes. */
struct sshbytes {
	const uint8_t *data;
	size_t len;
};

struct sshwire {
	const uint8_t *at;
	size_t left;
	bool bad;
};

struct sshwire sshwire_over(const void *data, size_t len);
uint8_t sshwire_byte(struct sshwire *w);
uint32_t sshwire_u32(struct sshwire *w);
uint64_t sshwire_u64(struct sshwire *w);
bool sshwire_bool(struct sshwire *w); /* 0 or 1; another value is invalid */
struct sshbytes sshwire_bytes(struct sshwire *w, size_t len);
struct sshbytes sshwire_string(struct sshwire *w);
/*
 * A positive mpint, without its sign byte. Negative numbers, zero, and superfluous zero bytes are
 * invalid.
 */
struct sshbytes sshwire_number(struct sshwire *w);
/* True: all data was valid, and none is left. */
bool sshwire_ended(const struct sshwire *w);

bool sshbytes_are(struct sshbytes b, const char *text);
bool sshbytes_equal(struct sshbytes a, struct sshbytes b);

void sshwire_put_u32(struct buf *b, uint32_t v);
void sshwire_put_u64(struct buf *b, uint64_t v);
void sshwire_put_string(struct buf *b, const void *data, size_t len);
void sshwire_put_text(struct buf *b, const char *text);
/* positive; leading zeros are removed */
void sshwire_put_number(struct buf *b, const void *data, size_t len);

#endif
