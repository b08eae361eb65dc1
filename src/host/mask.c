/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A disguise is not a list of texts but a way of reading: a `view` turns the bytes of the stream
 * into symbols (%2F into a slash, base64 digits into numbers from 0 to 63), and an automaton looks
 * for the value among the symbols. So every mixture of escaped and plain characters is found. All
 * views go over the same bytes, each at its own pace, and remember where in the stream a symbol
 * began. What any of them found is covered; what any of them is still in the middle of is held.
 */
#include "host/mask.h"

#include <string.h>

#include "base/buf.h"
#include "base/fd.h"
#include "host/mask_trie.h"

enum {
	SLICE = 64 * 1024, /* of a write, at a time */
	UNIT_MAX = 12,     /* bytes that are one symbol: \ud83d\ude00 */
	GAP_MAX = 16,      /* bytes between two symbols: the end of a line and its indentation */
	SYMBOLS_MAX = 4,   /* that come from one unit: UTF-8 */
};

enum view { AS_IS, PERCENT, PERCENT_PLUS, BACKSLASH, BASE64, HEX, VIEWS };

/* Which symbols a view makes: three kinds, an automaton for each. */
enum kind { BYTES, SIXES, NIBBLES, KINDS };
static const enum kind kind_of[VIEWS] = {
	[AS_IS] = BYTES,
	[PERCENT] = BYTES,
	[PERCENT_PLUS] = BYTES,
	[BACKSLASH] = BYTES,
	[BASE64] = SIXES,
	[HEX] = NIBBLES,
};

struct mask {
	struct vault values; /* the texts to be found, one behind the other */
	size_t used;
	struct vault lengths; /* size_t of each */
	size_t count;
	struct trie tries[KINDS];
};

/* ---- what is to be found ---- */

static bool is_space(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

/* Without the white space around it. */
static const char *trim(const char *text, size_t *len)
{
	while (*len && is_space(*text)) {
		text++;
		--*len;
	}
	while (*len && is_space(text[*len - 1]))
		--*len;
	return text;
}

bool mask_can(const char *value, size_t len)
{
	(void)trim(value, &len);
	return len >= MASK_LEAST;
}

struct mask *mask_new(void)
{
	return mem_alloc(sizeof(struct mask));
}

void mask_free(struct mask *m)
{
	if (!m)
		return;
	vault_free(&m->values);
	vault_free(&m->lengths);
	for (int i = 0; i < KINDS; i++)
		trie_free(&m->tries[i]);
	free(m);
}

static void make_room(struct vault *v, size_t used, size_t more)
{
	struct vault larger = {0};

	if (used + more <= v->size)
		return;
	vault_alloc(&larger, 2 * (used + more));
	if (used)
		memcpy(larger.data, v->data, used);
	vault_free(v);
	*v = larger;
}

static void add_text(struct mask *m, const char *text, size_t len)
{
	text = trim(text, &len);
	if (len < MASK_LEAST)
		return;
	make_room(&m->values, m->used, len);
	memcpy((char *)m->values.data + m->used, text, len);
	m->used += len;
	make_room(&m->lengths, m->count * sizeof(len), sizeof(len));
	((size_t *)m->lengths.data)[m->count++] = len;
}

void mask_add(struct mask *m, const char *value, size_t len)
{
	const char *end = value + len, *line = value;

	add_text(m, value, len);
	while (line < end) {
		const char *newline = memchr(line, '\n', (size_t)(end - line));
		const char *line_end = newline ? newline : end;

		if (line != value || newline)
			add_text(m, line, (size_t)(line_end - line));
		line = line_end + 1;
	}
}

/* Bits `from` to `from + width` of a text. */
static uint8_t bits_at(const char *text, size_t from, unsigned width)
{
	unsigned value = 0;

	for (size_t i = from; i < from + width; i++)
		value = value << 1 | ((unsigned char)text[i / 8] >> (7 - i % 8) & 1);
	return (uint8_t)value;
}

/*
 * With `shift` bytes before the text, base64 cuts it into groups of six bits from another place.
 * Only groups that are whole bits of the text are known.
 */
static void add_sixes(struct trie *t, struct vault *room, const char *text, size_t len)
{
	uint8_t *word = room->data;

	for (size_t shift = 0; shift < 3; shift++) {
		size_t from = (6 - shift * 8 % 6) % 6, count = (len * 8 - from) / 6;

		for (size_t i = 0; i < count; i++)
			word[i] = bits_at(text, from + 6 * i, 6);
		trie_add(t, word, count);
	}
}

static void add_nibbles(struct trie *t, struct vault *room, const char *text, size_t len)
{
	uint8_t *word = room->data;

	for (size_t i = 0; i < 2 * len; i++)
		word[i] = bits_at(text, 4 * i, 4);
	trie_add(t, word, 2 * len);
}

void mask_ready(struct mask *m)
{
	const char *text = m->values.data;
	auto_vault struct vault room = {0};

	vault_alloc(&room, 2 * m->used);
	trie_init(&m->tries[BYTES], m->used);
	trie_init(&m->tries[SIXES], 4 * m->used + 3 * m->count);
	trie_init(&m->tries[NIBBLES], 2 * m->used);
	for (size_t i = 0; i < m->count; i++) {
		size_t len = ((const size_t *)m->lengths.data)[i];

		memcpy(room.data, text, len);
		trie_add(&m->tries[BYTES], room.data, len);
		add_sixes(&m->tries[SIXES], &room, text, len);
		add_nibbles(&m->tries[NIBBLES], &room, text, len);
		text += len;
	}
	for (int i = 0; i < KINDS; i++)
		trie_ready(&m->tries[i]);
	vault_free(&m->values);
	vault_free(&m->lengths);
}

/* ---- from bytes to symbols ---- */

/* What stands at some place of the stream. */
struct unit {
	size_t bytes; /* 0: it is cut by the end of what is there */
	int symbols;  /* 0: it means nothing, or it is no part of any disguise: see `gap` */
	bool gap;     /* may stand between the symbols of a disguise */
	uint8_t symbol[SYMBOLS_MAX];
};

static struct unit plain(uint8_t symbol, size_t bytes)
{
	return (struct unit){.bytes = bytes, .symbols = 1, .symbol = {symbol}};
}

static const struct unit cut = {0};

static int hex_of(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)(c | 0x20);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* `digits` of them: their value, -1 when they are none, -2 when they are cut. */
static long hex_value(const char *p, size_t len, size_t digits)
{
	long value = 0;
	int digit;

	for (size_t i = 0; i < digits; i++) {
		if (i == len)
			return -2;
		digit = hex_of(p[i]);
		if (digit < 0)
			return -1;
		value = value * 16 + digit;
	}
	return value;
}

static struct unit percent_unit(const char *p, size_t len)
{
	long value = *p == '%' ? hex_value(p + 1, len - 1, 2) : -1;

	if (value == -2)
		return cut;
	return value < 0 ? plain((uint8_t)*p, 1) : plain((uint8_t)value, 3);
}

static struct unit plus_unit(const char *p, size_t len)
{
	return *p == '+' ? plain(' ', 1) : percent_unit(p, len);
}

/* A character of Unicode as UTF-8. */
static struct unit utf8_unit(unsigned long c, size_t bytes)
{
	struct unit u = {.bytes = bytes,
		.symbols = c < 0x80   ? 1
			: c < 0x800   ? 2
			: c < 0x10000 ? 3
				      : 4};
	static const uint8_t lead[] = {0, 0, 0xc0, 0xe0, 0xf0};

	for (int i = u.symbols - 1; i > 0; i--) {
		u.symbol[i] = (uint8_t)(0x80 | (c & 0x3f));
		c >>= 6;
	}
	u.symbol[0] = (uint8_t)(lead[u.symbols] | c);
	return u;
}

/* \uXXXX, or two of them that make one character. */
static struct unit unicode_unit(const char *p, size_t len)
{
	long high = hex_value(p + 2, len - 2, 4), low;

	if (high == -2)
		return cut;
	if (high < 0)
		return plain('u', 2);
	if (high < 0xd800 || high > 0xdbff)
		return utf8_unit((unsigned long)high, 6);
	if ((len > 6 && p[6] != '\\') || (len > 7 && p[7] != 'u'))
		return utf8_unit((unsigned long)high, 6);
	low = len < 8 ? -2 : hex_value(p + 8, len - 8, 4);
	if (low == -2)
		return cut;
	if (low < 0xdc00 || low > 0xdfff)
		return utf8_unit((unsigned long)high, 6);
	return utf8_unit(
		0x10000 + ((unsigned long)(high - 0xd800) << 10 | (unsigned long)(low - 0xdc00)),
		12);
}

static bool is_octal(char c)
{
	return c >= '0' && c <= '7';
}

static struct unit octal_unit(const char *p, size_t len)
{
	for (size_t i = 2; i < 4; i++) {
		if (i == len)
			return cut;
		if (!is_octal(p[i]))
			return plain((uint8_t)p[1], 2);
	}
	return plain((uint8_t)((p[1] - '0') << 6 | (p[2] - '0') << 3 | (p[3] - '0')), 4);
}

static struct unit backslash_unit(const char *p, size_t len)
{
	static const char letters[] = "bfnrt", meant[] = "\b\f\n\r\t";
	const char *letter;
	long value;

	if (*p != '\\')
		return plain((uint8_t)*p, 1);
	if (len == 1)
		return cut;
	if (p[1] == 'u')
		return unicode_unit(p, len);
	if (p[1] >= '0' && p[1] <= '3')
		return octal_unit(p, len);
	value = p[1] == 'x' ? hex_value(p + 2, len - 2, 2) : -1;
	if (value == -2)
		return cut;
	if (value >= 0)
		return plain((uint8_t)value, 4);
	letter = p[1] ? strchr(letters, p[1]) : NULL;
	return plain((uint8_t)(letter ? meant[letter - letters] : p[1]), 2);
}

static int six_of(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	if (c == '+' || c == '-')
		return 62;
	return c == '/' || c == '_' ? 63 : -1;
}

static struct unit base64_unit(char c)
{
	int six = six_of(c);

	return six < 0 ? (struct unit){.bytes = 1, .gap = is_space(c)} : plain((uint8_t)six, 1);
}

static struct unit hex_unit(char c)
{
	int nibble = hex_of(c);
	bool gap = is_space(c) || c == ':' || c == ',' || c == '-';

	return nibble < 0 ? (struct unit){.bytes = 1, .gap = gap} : plain((uint8_t)nibble, 1);
}

static struct unit unit_at(enum view view, const char *p, size_t len)
{
	switch (view) {
	case PERCENT:
		return percent_unit(p, len);
	case PERCENT_PLUS:
		return plus_unit(p, len);
	case BACKSLASH:
		return backslash_unit(p, len);
	case BASE64:
		return base64_unit(*p);
	case HEX:
		return hex_unit(*p);
	case AS_IS:
	case VIEWS:
		break;
	}
	return plain((uint8_t)*p, 1);
}

/* ---- streams ---- */

struct reader {
	enum view view;
	const struct trie *trie;
	uint64_t at; /* all places are offsets in the stream */
	uint32_t state;
	unsigned gap;     /* bytes since the last symbol */
	uint64_t symbols; /* so far */
	uint64_t *starts; /* where the last symbols began, a ring */
	uint64_t ring;    /* its length less one, which is a power of two */
};

struct span {
	uint64_t from, to;
};

struct mask_stream {
	struct buf held;
	uint64_t base;      /* the place of held.data[0] */
	uint64_t out;       /* the place up to which all has come out */
	bool starred;       /* what came out last is MASK_TEXT */
	struct span *spans; /* what is covered, in order, apart from each other */
	size_t span_count, span_size;
	struct reader readers[VIEWS];
};

static void reader_init(struct reader *r, enum view view, const struct mask *m)
{
	uint64_t size = 2 * SYMBOLS_MAX;

	*r = (struct reader){.view = view, .trie = &m->tries[kind_of[view]]};
	while (size < r->trie->deepest)
		size *= 2;
	r->starts = mem_array(size, sizeof(*r->starts));
	r->ring = size - 1;
}

struct mask_stream *mask_stream_new(const struct mask *m)
{
	struct mask_stream *s = mem_alloc(sizeof(*s));
	size_t deepest = 0;

	for (enum view v = 0; v < VIEWS; v++) {
		reader_init(&s->readers[v], v, m);
		if (s->readers[v].trie->deepest > deepest)
			deepest = s->readers[v].trie->deepest;
	}
	buf_init(&s->held, SLICE + (deepest + 1) * (GAP_MAX + UNIT_MAX));
	return s;
}

void mask_stream_free(struct mask_stream *s)
{
	if (!s)
		return;
	explicit_bzero(s->held.data, s->held.len);
	buf_release(&s->held);
	for (enum view v = 0; v < VIEWS; v++)
		free(s->readers[v].starts);
	free(s->spans);
	free(s);
}

/* Cover what is not out yet, in one with the spans that it touches. */
static void cover(struct mask_stream *s, uint64_t from, uint64_t to)
{
	size_t last = s->span_count, first;

	while (last > 0 && s->spans[last - 1].from > to)
		last--;
	for (first = last; first > 0 && s->spans[first - 1].to >= from; first--) {
		if (s->spans[first - 1].from < from)
			from = s->spans[first - 1].from;
		if (s->spans[first - 1].to > to)
			to = s->spans[first - 1].to;
	}
	if (first == last && s->span_count == s->span_size) {
		s->span_size = 2 * s->span_size + 8;
		s->spans = mem_resize(s->spans, s->span_size, sizeof(*s->spans));
	}
	memmove(s->spans + first + 1, s->spans + last, (s->span_count - last) * sizeof(*s->spans));
	s->span_count = s->span_count - last + first + 1;
	s->spans[first] = (struct span){from, to};
}

static uint64_t start_of(const struct reader *r, uint32_t symbols_ago)
{
	return r->starts[(r->symbols - symbols_ago) & r->ring];
}

static void take_symbols(struct mask_stream *s, struct reader *r, const struct unit *u)
{
	for (int i = 0; i < u->symbols; i++) {
		uint32_t found;

		r->starts[r->symbols++ & r->ring] = r->at;
		r->state = trie_step(r->trie, r->state, u->symbol[i]);
		found = r->trie->nodes[r->state].longest;
		if (found)
			cover(s, start_of(r, found), r->at + u->bytes);
	}
	r->gap = 0;
}

static void take_unit(struct mask_stream *s, struct reader *r, const struct unit *u)
{
	if (u->symbols)
		take_symbols(s, r, u);
	else if (!u->gap || ++r->gap > GAP_MAX)
		r->state = 0;
	r->at += u->bytes;
}

static void advance(struct mask_stream *s, struct reader *r)
{
	uint64_t end = s->base + s->held.len;

	while (r->at < end) {
		const struct unit u =
			unit_at(r->view, s->held.data + (r->at - s->base), end - r->at);

		if (!u.bytes)
			return;
		take_unit(s, r, &u);
	}
}

/* From where on this reader may still find something. */
static uint64_t held_from(const struct reader *r, uint64_t end, bool idle)
{
	const struct trie_node *n = &r->trie->nodes[r->state];

	if (idle && n->let_go)
		return end;
	return n->depth ? start_of(r, n->depth) : r->at;
}

/* The first span that is not out as a whole, or NULL; those before it are forgotten. */
static const struct span *next_span(struct mask_stream *s)
{
	size_t gone = 0;

	while (gone < s->span_count && s->spans[gone].to <= s->out)
		gone++;
	if (gone) {
		s->span_count -= gone;
		memmove(s->spans, s->spans + gone, s->span_count * sizeof(*s->spans));
	}
	return s->span_count ? s->spans : NULL;
}

static void release(struct mask_stream *s, uint64_t end, const struct mask_sink *sink)
{
	while (s->out < end) {
		const struct span *span = next_span(s);
		bool covered = span && span->from <= s->out;
		uint64_t to = end;

		if (covered && span->to < end)
			to = span->to;
		else if (span && !covered && span->from < end)
			to = span->from;
		if (!covered)
			sink->write(sink->arg, s->held.data + (s->out - s->base), to - s->out);
		else if (!s->starred)
			sink->write(sink->arg, MASK_TEXT, strlen(MASK_TEXT));
		s->starred = covered;
		s->out = to;
	}
}

/* Bytes that are out, and that every reader has read, are not needed any more. */
static void forget(struct mask_stream *s)
{
	uint64_t needed = s->out;

	for (enum view v = 0; v < VIEWS; v++)
		if (s->readers[v].at < needed)
			needed = s->readers[v].at;
	buf_drop_front(&s->held, needed - s->base);
	s->base = needed;
}

static void let_out(struct mask_stream *s, bool idle, const struct mask_sink *sink)
{
	uint64_t end = s->base + s->held.len, from = end;

	for (enum view v = 0; v < VIEWS; v++) {
		uint64_t held = held_from(&s->readers[v], end, idle);

		if (held < from)
			from = held;
	}
	release(s, from, sink);
	forget(s);
}

void mask_write(struct mask_stream *s, const char *data, size_t len, const struct mask_sink *sink)
{
	while (len > 0) {
		size_t slice = len < SLICE ? len : SLICE;

		buf_add(&s->held, data, slice);
		if (s->held.overflow)
			BUG("more is held back than any secret is long");
		for (enum view v = 0; v < VIEWS; v++)
			advance(s, &s->readers[v]);
		let_out(s, false, sink);
		data += slice;
		len -= slice;
	}
}

void mask_idle(struct mask_stream *s, const struct mask_sink *sink)
{
	let_out(s, true, sink);
}

void mask_end(struct mask_stream *s, const struct mask_sink *sink)
{
	uint64_t end = s->base + s->held.len;

	release(s, end, sink);
	for (enum view v = 0; v < VIEWS; v++) {
		s->readers[v].at = end;
		s->readers[v].state = 0;
	}
	s->starred = false;
	s->span_count = 0;
	forget(s);
}

/* ---- whole texts ---- */

static void add_to_buf(void *arg, const char *data, size_t len)
{
	buf_add(arg, data, len);
}

char *mask_text(const struct mask *m, const char *text)
{
	struct mask_stream *s = mask_stream_new(m);
	auto_buf struct buf masked = {0};
	const struct mask_sink sink = {add_to_buf, &masked};

	/* A secret of MASK_LEAST bytes is longer than MASK_TEXT: no text grows. */
	buf_init(&masked, strlen(text) + 1);
	mask_write(s, text, strlen(text), &sink);
	mask_end(s, &sink);
	mask_stream_free(s);
	return buf_detach(&masked, NULL);
}

void mask_node(const struct mask *m, struct node *n)
{
	struct node *item;

	if (n->text) {
		char *masked = mask_text(m, n->text);

		free(n->text);
		n->text = masked;
	}
	node_each (n, item)
		mask_node(m, item);
}
