/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/screen/lines.h"

#include <string.h>

#include "base/text.h"

enum {
	TAIL_BYTES = 128 * 1024,
	PART_BYTES = 16 * 1024, /* a longer line is split */
};

size_t lines_overwritten(const char *line, size_t len)
{
	const char *end = len ? memchr(line, '\n', len) : NULL;
	const char *last;

	if (end)
		len = (size_t)(end - line);
	while (len && line[len - 1] == '\r')
		len--;
	last = len ? memrchr(line, '\r', len) : NULL;
	return last ? (size_t)(last - line) + 1 : 0;
}

void lines_tail_init(struct lines_tail *t)
{
	buf_init(&t->text, 2 * (size_t)TAIL_BYTES + PART_BYTES);
	for (int i = 0; i < 2; i++)
		buf_init(&t->parts[i], 2 * (size_t)PART_BYTES);
}

void lines_tail_release(struct lines_tail *t)
{
	buf_release(&t->text);
	for (int i = 0; i < 2; i++)
		buf_release(&t->parts[i]);
}

void lines_tail_clear(struct lines_tail *t)
{
	buf_clear(&t->text);
	for (int i = 0; i < 2; i++)
		buf_clear(&t->parts[i]);
}

/* If the text is twice the limit, the older half is removed. */
static void end_line(struct lines_tail *t, int stream)
{
	struct buf *part = &t->parts[stream];
	size_t from = lines_overwritten(part->data, part->len);

	if (t->text.len > 2 * (size_t)TAIL_BYTES)
		buf_drop_front(&t->text, t->text.len - TAIL_BYTES);
	buf_add(&t->text, part->data + from, part->len - from);
	buf_addc(&t->text, '\n');
	buf_clear(part);
}

/* `data` contains no newline. */
static void add_part(struct lines_tail *t, int stream, const char *data, size_t len)
{
	struct buf *part = &t->parts[stream];

	while (len) {
		size_t n = len < PART_BYTES ? len : PART_BYTES;

		buf_add(part, data, n);
		buf_drop_front(part, lines_overwritten(part->data, part->len));
		if (part->len >= PART_BYTES)
			end_line(t, stream);
		data += n;
		len -= n;
	}
}

void lines_tail_add(struct lines_tail *t, int stream, const char *data, size_t len)
{
	const char *newline;

	while (len && (newline = memchr(data, '\n', len))) {
		size_t n = (size_t)(newline - data);

		add_part(t, stream, data, n);
		end_line(t, stream);
		data += n + 1;
		len -= n + 1;
	}
	add_part(t, stream, data, len);
}

/* The offset of the last `count` lines of a text that ends in a newline. */
static size_t last_lines(const char *text, size_t len, unsigned count)
{
	size_t i = len ? len - 1 : 0;

	while (i > 0 && !(text[i - 1] == '\n' && --count == 0))
		i--;
	return i;
}

const char *lines_tail_last(struct lines_tail *t, unsigned count, size_t *ret_len)
{
	size_t from;

	for (int i = 0; i < 2; i++)
		if (t->parts[i].len)
			end_line(t, i);
	from = last_lines(t->text.data, t->text.len, count);
	*ret_len = t->text.len - from;
	return t->text.data + from;
}
