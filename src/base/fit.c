/* SPDX-License-Identifier: Apache-2.0 */
#include "base/fit.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/password.h"
#include "base/text.h"

/* ---- truncating in the middle ---- */

static const char gap[] = "...";

static bool is_tail(char c)
{
	return ((unsigned char)c & 0xc0) == 0x80;
}

/* The bytes kept at the start and at the end when the middle of s is left out. */
struct halves {
	size_t head, tail;
};

static struct halves halves_of(const char *s, size_t len, size_t max)
{
	size_t room = max > strlen(gap) ? max - strlen(gap) : 0;
	struct halves h = {.head = room / 3, .tail = room - room / 3};

	while (h.head > 0 && is_tail(s[h.head]))
		h.head--;
	while (h.tail > 0 && is_tail(s[len - h.tail]))
		h.tail--;
	return h;
}

/* Write s, shortened to max bytes, to `out`, which has room for them. Returns the bytes written. */
static size_t put_fitting(char *out, const char *s, size_t len, size_t max)
{
	struct halves h;

	if (len <= max) {
		memmove(out, s, len);
		return len;
	}
	h = halves_of(s, len, max);
	memmove(out, s, h.head);
	memmove(out + h.head, gap, sizeof(gap) - 1);
	memmove(out + h.head + sizeof(gap) - 1, s + len - h.tail, h.tail);
	return h.head + sizeof(gap) - 1 + h.tail;
}

void fit_middle(char *s, size_t max)
{
	size_t len = strlen(s);

	if (len > max)
		s[put_fitting(s, s, len, max)] = '\0';
}

/* ---- formats, piece by piece ---- */

enum { NUMBER_MAX = 48, SPEC_MAX = 8 };

struct piece {
	const char *text;
	size_t len;
	bool may_shrink;
	char number[NUMBER_MAX]; /* buffer for `text` of conversions other than %s */
};

/* One conversion: "%-*.3lld". */
struct spec {
	char flags[SPEC_MAX]; /* with the percent sign */
	int precision;        /* -1: none */
	int width;            /* 0: none; negative: to the left */
	unsigned longs;       /* 0 int, 1 long, 2 long long; z, j, t count as 1 */
	char conversion;
};

struct formatting {
	struct piece pieces[FIT_PIECES];
	size_t count;
	char *made[FIT_PIECES]; /* arguments that are not shown as they were given */
	size_t made_count;
};

static void formatting_release(struct formatting *f)
{
	for (size_t i = 0; i < f->made_count; i++)
		free(f->made[i]);
}
#define auto_formatting __attribute__((cleanup(formatting_release)))

static struct piece *add_piece(struct formatting *f)
{
	if (f->count == FIT_PIECES)
		BUG("a message of more than %d pieces", FIT_PIECES);
	return &f->pieces[f->count++];
}

static void add_text(struct formatting *f, const char *text, size_t len, bool may_shrink)
{
	*add_piece(f) = (struct piece){.text = text, .len = len, .may_shrink = may_shrink};
}

static int read_number(const char **p)
{
	int n = 0;

	for (; **p >= '0' && **p <= '9' && n < 10000; (*p)++)
		n = 10 * n + (**p - '0');
	return n;
}

/* Parse flags, width, precision, length and conversion after a percent sign; *p is advanced. */
static struct spec read_spec(const char **p, va_list *ap)
{
	struct spec s = {.precision = -1};
	size_t flags = strspn(*p, "-+ #0");

	(void)snprintf(s.flags, sizeof(s.flags), "%%%.*s", (int)flags, *p);
	*p += flags;
	s.width = **p == '*' ? va_arg(*ap, int) : read_number(p);
	*p += **p == '*';
	if (**p == '.') {
		(*p)++;
		s.precision = **p == '*' ? va_arg(*ap, int) : read_number(p);
		*p += **p == '*';
	}
	for (; **p && strchr("lzjt", **p); (*p)++)
		s.longs++;
	s.conversion = *(*p)++;
	return s;
}

/* The length of an argument; a precision does not split a UTF-8 sequence. */
static size_t length_of(const char *value, int precision)
{
	size_t len, last;

	if (precision < 0)
		return strlen(value);
	len = strnlen(value, (size_t)precision);
	if (len < (size_t)precision || len == 0)
		return len;
	last = len - 1;
	while (last > 0 && is_tail(value[last]))
		last--;
	return text_utf8_sequence(value + last, len - last) < 0 ? last : len;
}

static bool is_plain(const char *value, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (value[i] < ' ' || value[i] > '~' || value[i] == '@')
			return false;
	return true;
}

/*
 * The argument as people may see it: passwords are hidden, and what a terminal would obey is
 * escaped. *len is updated.
 */
static const char *harmless(struct formatting *f, const char *value, size_t *len)
{
	auto_free char *whole = NULL, *hidden = NULL;
	struct buf safe;

	if (is_plain(value, *len))
		return value;
	whole = mem_strndup(value, *len);
	hidden = password_hide(whole);
	if (hidden) {
		value = hidden;
		*len = strlen(hidden);
	}
	buf_init(&safe, 4 * *len + 8);
	text_add_safe(&safe, value, *len, true);
	*len = safe.len;
	return f->made[f->made_count++] = safe.data;
}

static void add_string(struct formatting *f, const struct spec *s, const char *value)
{
	static const char blanks[] = "                                        ";
	bool left = s->width < 0 || strchr(s->flags, '-');
	size_t width = (size_t)(s->width < 0 ? -s->width : s->width);
	size_t len, missing;

	if (!value)
		value = "(null)";
	len = length_of(value, s->precision);
	value = harmless(f, value, &len);
	missing = len < width ? width - len : 0;
	if (missing >= sizeof(blanks))
		missing = sizeof(blanks) - 1;
	if (missing && !left)
		add_text(f, blanks, missing, false);
	add_text(f, value, len, true);
	if (missing && left)
		add_text(f, blanks, missing, false);
}

/* snprintf of one argument, whose type the conversion determines. */
static int show_number(char *out, const struct spec *s, const char *fmt, va_list *ap)
{
	switch (s->conversion) {
	case 'd':
	case 'i':
	case 'u':
	case 'x':
	case 'X':
	case 'o':
		if (s->longs > 1)
			return snprintf(out, NUMBER_MAX, fmt, s->width, s->precision,
				va_arg(*ap, long long));
		if (s->longs)
			return snprintf(
				out, NUMBER_MAX, fmt, s->width, s->precision, va_arg(*ap, long));
		return snprintf(out, NUMBER_MAX, fmt, s->width, s->precision, va_arg(*ap, int));
	case 'e':
	case 'f':
	case 'g':
		return snprintf(out, NUMBER_MAX, fmt, s->width, s->precision, va_arg(*ap, double));
	case 'c':
		return snprintf(out, NUMBER_MAX, "%c", va_arg(*ap, int));
	case 'p':
		return snprintf(out, NUMBER_MAX, "%p", va_arg(*ap, void *));
	default:
		BUG("a message with a conversion '%c'", s->conversion);
	}
}

static void add_number(struct formatting *f, const struct spec *s, va_list *ap)
{
	static const char *const lengths[] = {"", "l", "ll"};
	struct piece *p = add_piece(f);
	char fmt[SPEC_MAX + 8];
	int n;

	(void)snprintf(fmt, sizeof(fmt), "%s*.*%s%c", s->flags,
		lengths[s->longs < 2 ? s->longs : 2], s->conversion);
	n = show_number(p->number, s, fmt, ap);
	p->text = p->number;
	p->len = n < NUMBER_MAX ? (size_t)n : NUMBER_MAX - 1;
	p->may_shrink = false;
}

static void take_apart(struct formatting *f, const char *fmt, va_list *ap)
{
	f->count = 0;
	while (*fmt) {
		size_t plain = strcspn(fmt, "%");
		struct spec s;

		if (plain)
			add_text(f, fmt, plain, false);
		fmt += plain;
		if (!*fmt++)
			return;
		s = read_spec(&fmt, ap);
		if (s.conversion == '%')
			add_text(f, "%", 1, false);
		else if (s.conversion == 's')
			add_string(f, &s, va_arg(*ap, const char *));
		else
			add_number(f, &s, ap);
	}
}

static size_t length_at(const struct formatting *f, size_t most)
{
	size_t total = 0;

	for (size_t i = 0; i < f->count; i++) {
		const struct piece *p = &f->pieces[i];

		total += p->may_shrink && p->len > most ? most : p->len;
	}
	return total;
}

/* The longest limit per argument with which the text fits: the longest arguments are cut first. */
static size_t choose_most(const struct formatting *f, size_t room)
{
	size_t low = 0, high = room;

	if (length_at(f, SIZE_MAX) <= room)
		return SIZE_MAX;
	while (low < high) {
		size_t middle = low + (high - low + 1) / 2;

		if (length_at(f, middle) <= room)
			low = middle;
		else
			high = middle - 1;
	}
	return low;
}

static void put_together(const struct formatting *f, char *ret, size_t size)
{
	size_t room = size - 1, most = choose_most(f, room), len = 0;

	for (size_t i = 0; i < f->count; i++) {
		const struct piece *p = &f->pieces[i];
		size_t max = p->may_shrink && p->len > most ? most : p->len;

		/*
		 * The fixed text alone can be longer than the buffer. No caller uses so small a
		 * buffer, but the end of the buffer must not be overrun.
		 */
		if (max > room - len)
			max = room - len;
		if (max < p->len && max <= strlen(gap))
			continue;
		len += put_fitting(ret + len, p->text, p->len, max);
	}
	ret[len] = '\0';
}

void fit_vformat(char *ret, size_t size, const char *fmt, va_list ap)
{
	auto_formatting struct formatting f = {0};
	va_list copy;

	va_copy(copy, ap);
	take_apart(&f, fmt, &copy);
	va_end(copy);
	put_together(&f, ret, size);
}

void fit_format(char *ret, size_t size, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	fit_vformat(ret, size, fmt, ap);
	va_end(ap);
}
