/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A secret and a stream that shows it in disguises, in writes of every length. The input is: a byte
 * for the length of the secret, the secret, then operations. Whatever happens, no disguise is in
 * what comes out, and without pauses the same comes out as when all is written at once.
 */
#include <ctype.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/base64.h"
#include "base/buf.h"
#include "secrets/mask.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { STREAM_MAX = 1 << 18, DISGUISES = 14 };

struct disguises {
	struct buf text[DISGUISES];
};

static void add_hex(struct buf *b, const char *format, const uint8_t *secret, size_t len)
{
	for (size_t i = 0; i < len; i++)
		buf_addf(b, format, secret[i]);
}

/* The digits of base64 that depend on nothing but the secret, which stands behind `shift` bytes. */
static void add_base64(struct buf *b, const uint8_t *secret, size_t len, size_t shift, bool url)
{
	size_t first = (8 * shift + 5) / 6, last = (8 * (shift + len)) / 6;
	struct buf whole, bytes;

	buf_init(&whole, STREAM_MAX);
	buf_init(&bytes, STREAM_MAX);
	buf_add(&bytes, "\0\0", shift);
	buf_add(&bytes, secret, len);
	base64_add(&whole, bytes.data, bytes.len);
	for (size_t i = first; i < last; i++) {
		char c = whole.data[i];

		buf_addc(b, !url ? c : c == '+' ? '-' : c == '/' ? '_' : c);
	}
	buf_release(&whole);
	buf_release(&bytes);
}

static void add_json(struct buf *b, const uint8_t *secret, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (secret[i] == '"' || secret[i] == '\\')
			buf_addc(b, '\\');
		if (secret[i] == '\n')
			buf_adds(b, "\\n");
		else if (secret[i] < ' ')
			buf_addf(b, "\\u%04x", secret[i]);
		else
			buf_addc(b, (char)secret[i]);
	}
}

static void add_url(struct buf *b, const uint8_t *secret, size_t len, bool form)
{
	for (size_t i = 0; i < len; i++) {
		if (secret[i] == ' ' && form)
			buf_addc(b, '+');
		else if (secret[i] <= ' ' || secret[i] >= 0x7f || strchr("%+&/?", secret[i]))
			buf_addf(b, "%%%02X", secret[i]);
		else
			buf_addc(b, (char)secret[i]);
	}
}

static void add_coloured(struct buf *b, const struct buf *text)
{
	for (size_t i = 0; i < text->len; i++) {
		buf_adds(b, i % 3 ? "\033[01;31m\033[K" : i % 2 ? "\r" : "\033[m");
		buf_addc(b, text->data[i]);
	}
}

/* Without colours, as it is written to who is no terminal. */
static void show(struct buf *b, const struct buf *text)
{
	const char *p = text->data, *end = p + text->len;

	while (p < end) {
		const char *q = p;

		if (end - p > 2 && p[0] == '\033' && p[1] == '[')
			for (q = p + 2; q < end && (isdigit((unsigned char)*q) || *q == ';'); q++)
				;
		if (q > p && q < end && *q == 'm')
			p = q + 1;
		else
			buf_addc(b, *p++);
	}
}

static void disguise(struct disguises *d, const uint8_t *secret, size_t len)
{
	for (int i = 0; i < DISGUISES; i++)
		buf_init(&d->text[i], STREAM_MAX);
	buf_add(&d->text[0], secret, len);
	add_hex(&d->text[1], "%02x", secret, len);
	add_hex(&d->text[2], "%02X", secret, len);
	add_hex(&d->text[3], "%%%02x", secret, len);
	add_url(&d->text[4], secret, len, false);
	add_url(&d->text[5], secret, len, true);
	add_json(&d->text[6], secret, len);
	for (size_t shift = 0; shift < 3; shift++)
		add_base64(&d->text[7 + shift], secret, len, shift, false);
	add_base64(&d->text[10], secret, len, 1, true);
	add_hex(&d->text[11], "\\x%02x", secret, len);
	/* Colours inside a sequence that the secret has itself would make another sequence of it.
	 */
	add_coloured(&d->text[12], &d->text[memchr(secret, '\033', len) ? 1 : 0]);
	add_coloured(&d->text[13], &d->text[2]);
}

static void collect(void *arg, const char *data, size_t len)
{
	buf_add(arg, data, len);
}

/* The operations: the low bits say what, the high ones how much. */
static bool play(const uint8_t *ops, size_t size, const struct disguises *d, struct mask_stream *s,
	struct buf *whole, const struct mask_sink *sink)
{
	bool paused = false;
	size_t written = 0;

	for (size_t i = 0; i < size; i++) {
		unsigned what = ops[i] & 15, more = ops[i] >> 4;

		if (what < DISGUISES) {
			/* A lone backslash or percent sign before an escaped text changes it. */
			if ((what >= 3 && what <= 6) || what == 11)
				buf_adds(whole, "  ");
			buf_add(whole, d->text[what].data, d->text[what].len);
		} else if (what == DISGUISES && more < 15) {
			size_t len = more < size - i - 1 ? more : size - i - 1;

			buf_add(whole, ops + i + 1, len);
			i += len;
		} else if (what == DISGUISES) {
			mask_idle(s, sink);
			paused = true;
		} else {
			size_t left = whole->len - written,
			       len = what == 15 && more < left ? more : left;

			mask_write(s, whole->data + written, len, sink);
			written += len;
		}
	}
	mask_write(s, whole->data + written, whole->len - written, sink);
	mask_end(s, sink);
	return paused;
}

static void check(const struct disguises *d, const struct buf *out)
{
	struct buf shown;

	buf_init(&shown, 2 * STREAM_MAX);
	show(&shown, out);
	if (memmem(shown.data, shown.len, d->text[0].data, d->text[0].len))
		abort();
	buf_release(&shown);
	for (int i = 0; i < DISGUISES; i++)
		if (memmem(out->data, out->len, d->text[i].data, d->text[i].len))
			abort();
}

static void run(const uint8_t *secret, size_t len, const uint8_t *ops, size_t size)
{
	struct mask *m = mask_new();
	struct disguises d;
	struct buf whole, out, once;
	struct mask_sink sink = {collect, &out};
	struct mask_stream *s;
	bool paused;

	disguise(&d, secret, len);
	buf_init(&whole, STREAM_MAX);
	buf_init(&out, 2 * STREAM_MAX);
	buf_init(&once, 2 * STREAM_MAX);
	mask_add(m, (const char *)secret, len);
	mask_ready(m);
	s = mask_stream_new(m);
	paused = play(ops, size, &d, s, &whole, &sink);
	check(&d, &out);
	sink.arg = &once;
	mask_write(s, whole.data, whole.len, &sink);
	mask_end(s, &sink);
	if (!paused && (once.len != out.len || memcmp(once.data, out.data, out.len) != 0))
		abort();
	mask_stream_free(s);
	mask_free(m);
	for (int i = 0; i < DISGUISES; i++)
		buf_release(&d.text[i]);
	buf_release(&whole);
	buf_release(&out);
	buf_release(&once);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t len;

	if (size < 1)
		return 0;
	len = MASK_LEAST + data[0] % 64;
	if (size < 1 + len || size > STREAM_MAX / 1024)
		return 0;
	/* White space around it is no part of a secret; stars are what a mask is made of. */
	if (memchr(data + 1, '*', len) || strchr(" \t\n\v\f\r", data[1]) ||
		strchr(" \t\n\v\f\r", data[len]))
		return 0;
	/* One of which too little is seen is refused before it gets here. */
	if (mask_can((const char *)data + 1, len))
		run(data + 1, len, data + 1 + len, size - 1 - len);
	return 0;
}
