/* SPDX-License-Identifier: Apache-2.0 */
#include "base/text.h"

#include <ctype.h>
#include <string.h>

#include "base/fit.h"
#include "base/password.h"

static bool is_tail(unsigned char c)
{
	return (c & 0xc0) == 0x80;
}

/* Whether the second byte of a sequence is valid after this first byte (Unicode 15, table 3-7). */
static bool second_fits(unsigned char first, unsigned char second)
{
	switch (first) {
	case 0xe0:
		return second >= 0xa0 && second <= 0xbf;
	case 0xed:
		return second >= 0x80 && second <= 0x9f;
	case 0xf0:
		return second >= 0x90 && second <= 0xbf;
	case 0xf4:
		return second >= 0x80 && second <= 0x8f;
	default:
		return is_tail(second);
	}
}

int text_utf8_sequence(const char *s, size_t len)
{
	const unsigned char *p = (const unsigned char *)s;
	size_t want;

	if (len == 0)
		return 0;
	if (p[0] < 0x80)
		return 1;
	if (p[0] < 0xc2 || p[0] > 0xf4)
		return 0;
	want = p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : 4;
	if (len > 1 && !second_fits(p[0], p[1]))
		return 0;
	for (size_t i = 2; i < want && i < len; i++)
		if (!is_tail(p[i]))
			return 0;
	return len < want ? -1 : (int)want;
}

bool text_is_utf8(const char *s, size_t len)
{
	for (size_t i = 0; i < len;) {
		int n = text_utf8_sequence(s + i, len - i);

		if (n <= 0)
			return false;
		i += (size_t)n;
	}
	return true;
}

static uint32_t decode(const char *s, int n)
{
	const unsigned char *p = (const unsigned char *)s;
	uint32_t c = n == 1 ? p[0] : p[0] & (0xffu >> (n + 1));

	for (int i = 1; i < n; i++)
		c = c << 6 | (p[i] & 0x3fu);
	return c;
}

/*
 * Control characters of ECMA-48 and characters that reorder text (Unicode UAX 9, table 4; "Trojan
 * Source").
 */
static bool is_control(uint32_t c)
{
	return c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0x61c || c == 0x200e || c == 0x200f ||
		(c >= 0x2028 && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069);
}

static void add_visible(struct buf *b, uint32_t c)
{
	if (c == '\n')
		buf_adds(b, "\\n");
	else if (c == '\t')
		buf_adds(b, "\\t");
	else if (c == '\r')
		buf_adds(b, "\\r");
	else
		buf_addf(b, c < 0x80 ? "\\x%02x" : "\\u%04x", c);
}

/* The number of printable ASCII bytes at s. Most text is only that, and is copied in one piece. */
static size_t plain_run(const char *s, size_t len)
{
	size_t i = 0;

	while (i < len && (unsigned char)s[i] >= 0x20 && (unsigned char)s[i] < 0x7f)
		i++;
	return i;
}

void text_add_safe(struct buf *b, const char *s, size_t len, bool one_line)
{
	for (size_t i = 0; i < len;) {
		size_t plain = plain_run(s + i, len - i);
		int n;
		uint32_t c;

		buf_add(b, s + i, plain);
		i += plain;
		if (i == len)
			break;
		n = text_utf8_sequence(s + i, len - i);
		if (n <= 0) {
			buf_addf(b, "\\x%02x", (unsigned)(unsigned char)s[i++]);
			continue;
		}
		c = decode(s + i, n);
		if ((c == '\n' || c == '\t') && !one_line)
			buf_addc(b, (char)c);
		else if (is_control(c))
			add_visible(b, c);
		else
			buf_add(b, s + i, (size_t)n);
		i += (size_t)n;
	}
}

char *text_safe(const char *s, size_t max)
{
	auto_free char *hidden = password_hide(s);
	struct buf b;

	if (hidden)
		s = hidden;
	buf_init(&b, 4 * strlen(s) + 8);
	text_add_safe(&b, s, strlen(s), true);
	fit_middle(b.data, max);
	return b.data;
}

enum { WORD_MAX = 64 };

static unsigned char least(unsigned a, unsigned b)
{
	return (unsigned char)(a < b ? a : b);
}

/* The number of letters that are wrong, missing, extra, or swapped with the next one. */
static size_t edit_distance(const char *a, const char *b)
{
	unsigned char d[WORD_MAX + 1][WORD_MAX + 1]; /* by the lengths of the two prefixes */
	size_t la = strlen(a), lb = strlen(b);

	if (la > WORD_MAX || lb > WORD_MAX)
		return WORD_MAX;
	for (size_t i = 0; i <= la; i++)
		d[i][0] = (unsigned char)i;
	for (size_t j = 0; j <= lb; j++)
		d[0][j] = (unsigned char)j;
	for (size_t i = 1; i <= la; i++)
		for (size_t j = 1; j <= lb; j++) {
			d[i][j] = least(d[i - 1][j] + 1U, d[i][j - 1] + 1U);
			d[i][j] = least(d[i][j], d[i - 1][j - 1] + (a[i - 1] != b[j - 1]));
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
				d[i][j] = least(d[i][j], d[i - 2][j - 2] + 1U);
		}
	return d[la][lb];
}

/* Bytes without a special meaning in a shell, and bytes of UTF-8. */
static bool is_plain(char c)
{
	unsigned char byte = (unsigned char)c;

	if (byte < ' ')
		return byte != '\t';
	return byte >= 0x80 || isalnum(byte) || strchr("_-+=:,./@%", c);
}

void text_add_word(struct buf *b, const char *word)
{
	if (!*word)
		buf_adds(b, "''");
	for (; *word; word++) {
		if (!is_plain(*word))
			buf_addc(b, '\\');
		buf_addc(b, *word);
	}
}

char *text_word(const char *word)
{
	auto_buf struct buf b = {0};

	buf_init(&b, 2 * strlen(word) + 3);
	text_add_word(&b, word);
	return buf_detach(&b, NULL);
}

const char *text_nearest(const char *s, const char *const *candidates)
{
	/* With two of three letters changed it is a different word. */
	size_t best = strlen(s) < 4 ? 1 : strlen(s) / 3 + 1;
	const char *nearest = NULL;

	for (; *candidates; candidates++) {
		size_t distance = edit_distance(s, *candidates);

		if (distance <= best && (!nearest || distance < best)) {
			best = distance;
			nearest = *candidates;
		}
	}
	return nearest;
}

bool text_is_variable(const char *name)
{
	static const char known[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789";

	return name[0] && !strchr("0123456789", name[0]) && name[strspn(name, known)] == '\0';
}
