/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A growing byte string with a maximum size that is set when it is created.
 *
 * - data is never NULL after buf_init and always has a NUL after data[len]; it may contain NULs.
 * - Data that does not fit is not added and sets `overflow`. The flag stays set, so a caller can
 *   append everything first and check once.
 */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "base/mem.h"

struct buf {
	char *data;
	size_t len;
	size_t size; /* allocated, including the NUL */
	size_t max;  /* len never exceeds it */
	bool overflow;
};

void buf_init(struct buf *b, size_t max);
void buf_release(struct buf *b);
void buf_clear(struct buf *b); /* make it empty, keep the memory */
/* The caller frees the result; b is empty afterwards. ret_len may be NULL. */
char *buf_detach(struct buf *b, size_t *ret_len);

void buf_add(struct buf *b, const void *data, size_t len);
void buf_adds(struct buf *b, const char *s);
void buf_addc(struct buf *b, char c);
void buf_addf(struct buf *b, const char *fmt, ...) PRINTF_LIKE(2, 3);
void buf_drop_front(struct buf *b, size_t n); /* n <= len */

/* Reserve room for at least n bytes after len. Write there, then call buf_grew. NULL: over max. */
char *buf_room(struct buf *b, size_t n);
void buf_grew(struct buf *b, size_t n);

#define auto_buf __attribute__((cleanup(buf_release)))

#endif
