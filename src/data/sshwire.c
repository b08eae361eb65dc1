/* SPDX-License-Identifier: Apache-2.0 */
#include "data/sshwire.h"

#include <string.h>

struct sshwire sshwire_over(const void *data, size_t len)
{
	return (struct sshwire){.at = data, .left = len};
}

static struct sshbytes spoil(struct sshwire *w)
{
	w->bad = true;
	w->left = 0;
	return (struct sshbytes){0};
}

struct sshbytes sshwire_bytes(struct sshwire *w, size_t len)
{
	struct sshbytes b = {w->at, len};

	if (w->bad || len > w->left)
		return spoil(w);
	w->at += len;
	w->left -= len;
	return b;
}

uint8_t sshwire_byte(struct sshwire *w)
{
	struct sshbytes b = sshwire_bytes(w, 1);

	return b.len ? b.data[0] : 0;
}

uint32_t sshwire_u32(struct sshwire *w)
{
	struct sshbytes b = sshwire_bytes(w, 4);
	uint32_t v = 0;

	for (size_t i = 0; i < b.len; i++)
		v = v << 8 | b.data[i];
	return v;
}

uint64_t sshwire_u64(struct sshwire *w)
{
	uint64_t high = sshwire_u32(w);

	return high << 32 | sshwire_u32(w);
}

bool sshwire_bool(struct sshwire *w)
{
	uint8_t v = sshwire_byte(w);

	if (v > 1)
		(void)spoil(w);
	return v == 1;
}

struct sshbytes sshwire_string(struct sshwire *w)
{
	return sshwire_bytes(w, sshwire_u32(w));
}

struct sshbytes sshwire_number(struct sshwire *w)
{
	struct sshbytes b = sshwire_string(w);

	if (b.len == 0 || b.data[0] & 0x80)
		return spoil(w);
	if (b.data[0])
		return b;
	/* A leading zero is valid only before a byte whose high bit would be read as the sign. */
	if (b.len < 2 || !(b.data[1] & 0x80))
		return spoil(w);
	return (struct sshbytes){b.data + 1, b.len - 1};
}

bool sshwire_ended(const struct sshwire *w)
{
	return !w->bad && w->left == 0;
}

bool sshbytes_are(struct sshbytes b, const char *text)
{
	return sshbytes_equal(b, (struct sshbytes){(const uint8_t *)text, strlen(text)});
}

bool sshbytes_equal(struct sshbytes a, struct sshbytes b)
{
	return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

void sshwire_put_u32(struct buf *b, uint32_t v)
{
	const uint8_t bytes[4] = {
		(uint8_t)(v >> 24), (uint8_t)(v >> 16), (uint8_t)(v >> 8), (uint8_t)v};

	buf_add(b, bytes, sizeof(bytes));
}

void sshwire_put_u64(struct buf *b, uint64_t v)
{
	sshwire_put_u32(b, (uint32_t)(v >> 32));
	sshwire_put_u32(b, (uint32_t)v);
}

void sshwire_put_string(struct buf *b, const void *data, size_t len)
{
	sshwire_put_u32(b, (uint32_t)len);
	buf_add(b, data, len);
}

void sshwire_put_text(struct buf *b, const char *text)
{
	sshwire_put_string(b, text, strlen(text));
}

void sshwire_put_number(struct buf *b, const void *data, size_t len)
{
	const uint8_t *p = data;

	while (len && !*p) {
		p++;
		len--;
	}
	sshwire_put_u32(b, (uint32_t)(len + (len && *p & 0x80)));
	if (len && *p & 0x80)
		buf_addc(b, '\0');
	buf_add(b, p, len);
}
