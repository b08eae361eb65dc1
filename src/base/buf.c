/* SPDX-License-Identifier: Apache-2.0 */
#include "base/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void buf_init(struct buf *b, size_t max)
{
	b->size = 64;
	b->data = mem_alloc(b->size);
	b->len = 0;
	b->max = max;
	b->overflow = false;
}

void buf_release(struct buf *b)
{
	free(b->data);
	*b = (struct buf){0};
}

void buf_clear(struct buf *b)
{
	b->len = 0;
	b->data[0] = '\0';
	b->overflow = false;
}

char *buf_detach(struct buf *b, size_t *ret_len)
{
	char *data = b->data;

	if (ret_len)
		*ret_len = b->len;
	buf_init(b, b->max);
	return data;
}

char *buf_room(struct buf *b, size_t n)
{
	size_t want;

	if (n > b->max || b->len > b->max - n) {
		b->overflow = true;
		return NULL;
	}
	want = b->len + n + 1;
	if (want > b->size) {
		size_t size = b->size * 2 > want ? b->size * 2 : want;

		b->data = mem_resize(b->data, size, 1);
		b->size = size;
	}
	return b->data + b->len;
}

void buf_grew(struct buf *b, size_t n)
{
	if (n > b->size - b->len - 1)
		BUG("a buffer grew by more than its room");
	b->len += n;
	b->data[b->len] = '\0';
}

void buf_add(struct buf *b, const void *data, size_t len)
{
	char *room = buf_room(b, len);

	if (!room)
		return;
	if (len)
		memcpy(room, data, len);
	buf_grew(b, len);
}

void buf_adds(struct buf *b, const char *s)
{
	buf_add(b, s, strlen(s));
}

void buf_addc(struct buf *b, char c)
{
	buf_add(b, &c, 1);
}

void buf_addf(struct buf *b, const char *fmt, ...)
{
	auto_free char *s = NULL;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vasprintf(&s, fmt, ap);
	va_end(ap);
	if (n < 0)
		BUG("vasprintf failed");
	buf_add(b, s, (size_t)n);
}

void buf_drop_front(struct buf *b, size_t n)
{
	if (n > b->len)
		BUG("more dropped from a buffer than it holds");
	memmove(b->data, b->data + n, b->len - n + 1);
	b->len -= n;
}
