/* SPDX-License-Identifier: Apache-2.0 */
/* Base64 with padding (RFC 4648, section 4). */
#ifndef BASE_BASE64_H
#define BASE_BASE64_H

#include "base/buf.h"

void base64_add(struct buf *b, const void *data, size_t len); /* append the text of these bytes */

/*
 * Append the bytes that `text` encodes. -1: it is not valid base64; b may then contain a part of
 * them.
 */
int base64_decode(struct buf *b, const char *text, size_t len);

/*
 * As base64_decode, into memory of at least len / 4 * 3 bytes. The caller has the only copy of the
 * bytes: there is no buffer in between.
 */
int base64_decode_to(void *to, const char *text, size_t len, size_t *ret_len);

#endif
