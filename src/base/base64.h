/* SPDX-License-Identifier: Apache-2.0 */
/* Base64 with padding (RFC 4648, section 4). */
#ifndef BASE_BASE64_H
#define BASE_BASE64_H

#include "base/buf.h"

void base64_add(struct buf *b, const void *data, size_t len); /* append the text of these bytes */

/* Append the bytes of a text. -1 when it is no base64 (b may then hold part of it). */
int base64_decode(struct buf *b, const char *text, size_t len);

/* The same into memory with room for len / 4 * 3 bytes: no other has them. */
int base64_decode_to(void *to, const char *text, size_t len, size_t *ret_len);

#endif
