/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An encoded secret is not found by a list of texts, but by decoding the stream: a `view` converts
 * its bytes to symbols (%2F to a slash, base64 digits to numbers from 0 to 63), and an automaton
 * searches the symbols for the values. So every mixture of escaped and plain characters is found.
 * All views read the same bytes, each at its own speed, and record where in the stream a symbol
 * began. Bytes in which any view has found a value are masked; bytes that are part of an incomplete
 * match in any view are held back.
 *
 * There are two readings: of all bytes, and of the visible ones, which are fewer if the stream
 * contains colours. Each reader has its own list of matches, so that a new match is always added at
 * the end of a list; the lists are merged at the output.
 */
#include "secrets/mask.h"

#include <string.h>

#include "base/buf.h"
#include "os/fd.h"
#include "secrets/mask_trie.h"

enum {
	SLICE = MASK_SLICE,
	COLOUR_MAX = 64,    /* bytes of colours for each symbol, on average */
	UNIT_MAX = 12,      /* longest encoding of a symbol: \ud83d\ude00 */
	GAP_MAX = 16,       /* bytes between two symbols: a newline and indentation */
	SEQUENCE_MAX = 512, /* longest sequence for a terminal that is invisible */
	SYMBOLS_MAX = 4,    /* of one unit: UTF-8 */
	BASE64_TAIL = 4,    /* digits and padding of an incomplete last group */
};

enum view { AS_IS, PERCENT, PERCENT_PLUS, BACKSLASH, BASE64, HEX, VIEWS };

/* The kind of symbols that a view makes. Each kind has an automaton. */
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
	struct vault values; /* the texts to search for, one after the other */
	size_t used;
	struct vault lengths; /* size_t of each text */
	size_t count;
	struct trie tries[KINDS];
};

/* ---- visible bytes ---- */

/* The length of the sequence ESC [ ... or ESC ( ... at p; the result is that of `unseen`. */
static int sequence_length(const char *p, size_t len, size_t i, char first_final)
{
	while (i < len && i < SEQUENCE_MAX && p[i] >= ' ' && p[i] < first_final)
		i++;
	if (i == SEQUENCE_MAX)
		return 0;
	if (i == len)
		return -1;
	return p[i] >= first_final && p[i] <= '~' ? (int)i + 1 : 0;
}

/* ESC ] text, to the bell or ESC \: titles of windows, links. */
static int string_length(const char *p, size_t len)
{
	for (size_t i = 2; i < len && i < SEQUENCE_MAX; i++) {
		if (p[i] == '\a')
			return (int)i + 1;
		if (p[i] == '\\' && p[i - 1] == '\033')
			return (int)i + 1;
	}
	return len < SEQUENCE_MAX ? -1 : 0;
}

/*
 * How many bytes at p are a sequence that a terminal interprets and does not show (ECMA-48), or are
 * removed before the text is shown. 0: p[0] is visible; -1: more bytes are needed to decide.
 */
static int unseen(const char *p, size_t len)
{
	if (*p == '\r')
		return 1;
	if (*p != '\033')
		return 0;
	if (len == 1)
		return -1;
	if (p[1] == '[')
		return sequence_length(p, len, 2, '@');
	if (p[1] == ']')
		return string_length(p, len);
	return strchr("PX^_", p[1]) ? 0 : sequence_length(p, len, 1, '0');
}

static size_t seen_run(const char *p, size_t len)
{
	size_t i = 0;

	while (i < len && p[i] != '\033' && p[i] != '\r')
		i++;
	return i;
}

/*
 * Copy the visible bytes of a complete text to `seen`, which has room for the whole text; NULL:
 * only count them.
 */
static size_t see(const char *text, size_t len, char *seen)
{
	size_t count = 0;

	for (size_t i = 0; i < len;) {
		int gone = unseen(text + i, len - i);

		if (gone < 0)
			break;
		i += (size_t)gone;
		if (gone)
			continue;
		if (seen)
			seen[count] = text[i];
		count++;
		i++;
	}
	return count;
}

/* ---- values to search for ---- */

static bool is_space(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

/* Remove the white space around a text. */
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
	value = trim(value, &len);
	return see(value, len, NULL) >= MASK_LEAST;
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

/* Add a text, and its visible bytes if there are fewer. */
static void add_both(struct mask *m, const char *text, size_t len)
{
	auto_vault struct vault seen = {0};
	size_t count;

	add_text(m, text, len);
	if (!len || seen_run(text, len) == len)
		return;
	vault_alloc(&seen, len);
	count = see(text, len, seen.data);
	add_text(m, seen.data, count);
}

/* ---- lines of a value ---- */

struct line {
	const char *text; /* without white space around it */
	size_t len;
	bool armoured; /* between the BEGIN and END lines of PEM (RFC 7468) */
};

static bool begins_with(const struct line *l, const char *what)
{
	return l->len >= strlen(what) && memcmp(l->text, what, strlen(what)) == 0;
}

static bool is_begin(const struct line *l)
{
	return begins_with(l, "-----BEGIN ");
}

static bool is_end(const struct line *l)
{
	return begins_with(l, "-----END ");
}

/*
 * Lines that are the same in many keys, and PEM headers. A short last line of base64 says little
 * about the key and occurs in too many other texts.
 */
static bool is_public(const struct line *l)
{
	if (is_begin(l) || is_end(l))
		return true;
	if (l->armoured && memchr(l->text, ':', l->len))
		return true;
	return l->len <= BASE64_TAIL && (l->armoured || (l->len && l->text[l->len - 1] == '='));
}

/* The next line, starting at *at; false at the end. */
static bool next_line(const char **at, const char *end, struct line *l)
{
	const char *newline;

	if (*at >= end)
		return false;
	newline = memchr(*at, '\n', (size_t)(end - *at));
	l->armoured = l->text && !is_end(l) && (l->armoured || is_begin(l));
	l->len = (size_t)((newline ? newline : end) - *at);
	l->text = trim(*at, &l->len);
	*at = newline ? newline + 1 : end;
	return true;
}

/* Does the value have more than one line? */
static bool has_lines(const char *value, size_t len)
{
	value = trim(value, &len);
	return len && memchr(value, '\n', len);
}

void mask_add(struct mask *m, const char *value, size_t len)
{
	const char *at = value;
	struct line line = {0};

	add_both(m, value, len);
	while (has_lines(value, len) && next_line(&at, value + len, &line))
		if (!is_public(&line))
			add_both(m, line.text, line.len);
}

size_t mask_count_short(const char *value, size_t len)
{
	const char *at = value;
	struct line line = {0};
	size_t count = 0;

	while (has_lines(value, len) && next_line(&at, value + len, &line))
		if (line.len >= MASK_LEAST && line.len < MASK_SHORT && !line.armoured &&
			!is_public(&line))
			count++;
	return count;
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
 * If `shift` bytes precede the text, base64 divides it into groups of six bits at other positions.
 * Only groups that lie completely in the text are known.
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

/* The unit at some position of the stream. */
struct unit {
	size_t bytes; /* 0: incomplete, more bytes are needed */
	int symbols;  /* 0: no symbol in this view; see `gap` */
	bool gap;     /* may occur between the symbols of a value */
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

/* The value of `digits` hex digits; -1: not hex digits; -2: incomplete. */
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

/* A Unicode character as UTF-8. */
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

/* \uXXXX, or a surrogate pair of two. */
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

/* ---- readings ---- */

/* The stream as a reader sees it: all bytes, or the visible ones. */
struct reading {
	struct buf bytes; /* those that a reader or the output still needs */
	uint64_t base;    /* number of bytes before them */
	uint64_t end;     /* offset in the stream up to which it was read */
	uint64_t *places; /* offset in the stream of each of `bytes`; NULL: no byte is left out */
	size_t place_size;
};

static uint64_t reading_end(const struct reading *g)
{
	return g->base + g->bytes.len;
}

/* The offset in the stream of byte `at`, or of the next byte at the end. */
static uint64_t place_of(const struct reading *g, uint64_t at)
{
	if (at == reading_end(g))
		return g->end;
	return g->places ? g->places[at - g->base] : at;
}

static void add_bytes(struct reading *g, const char *data, size_t len)
{
	buf_add(&g->bytes, data, len);
	if (g->bytes.overflow)
		BUG("more is held back than any secret is long");
	g->end += len;
}

static void add_seen(struct reading *g, const char *data, size_t len)
{
	size_t from = g->bytes.len;

	if (from + len > g->place_size) {
		g->place_size = 2 * (from + len);
		g->places = mem_resize(g->places, g->place_size, sizeof(*g->places));
	}
	for (size_t i = 0; i < len; i++)
		g->places[from + i] = g->end + i;
	add_bytes(g, data, len);
}

/* Drop the bytes before `at`, but only when fewer bytes must be moved than are dropped. */
static void forget_before(struct reading *g, uint64_t at)
{
	size_t gone = (size_t)(at - g->base), left = g->bytes.len - gone;

	if (gone < left)
		return;
	buf_drop_front(&g->bytes, gone);
	if (g->places)
		memmove(g->places, g->places + gone, left * sizeof(*g->places));
	g->base = at;
}

/* ---- readers ---- */

struct span {
	uint64_t from, to;
};

/* Matches of a reader that are not output yet: sorted, without overlaps. */
struct spans {
	struct span *items;
	size_t first, count, size;
};

struct reader {
	enum view view;
	const struct trie *trie;
	uint64_t at; /* the next byte in its reading */
	uint32_t state;
	unsigned gap;     /* bytes since the last symbol */
	uint64_t symbols; /* total */
	uint64_t *starts; /* a ring: where in the stream the last symbols began */
	uint64_t ring;    /* length of the ring less one; the length is a power of two */
	struct spans found;
};

enum { ALL, SEEN, READINGS };

struct mask_stream {
	struct reading readings[READINGS];
	struct reader readers[READINGS][VIEWS];
	bool differs;       /* some bytes are invisible: from here on, two readings are needed */
	uint64_t held_most; /* most bytes that a reader may hold back */
	uint64_t out;       /* offset up to which everything was output */
	bool starred;       /* the last output was MASK_TEXT */
	struct buf ready;   /* for the sink */
	uint64_t steps;
};

static void reader_init(struct reader *r, enum view view, const struct mask *m)
{
	uint64_t size = 2 * SYMBOLS_MAX;

	*r = (struct reader){.view = view, .trie = &m->tries[kind_of[view]]};
	while (size < r->trie->deepest)
		size *= 2;
	r->ring = size - 1;
}

struct mask_stream *mask_stream_new(const struct mask *m)
{
	struct mask_stream *s = mem_alloc(sizeof(*s));
	size_t deepest = 0, most;

	for (int i = 0; i < READINGS; i++)
		for (enum view v = 0; v < VIEWS; v++)
			reader_init(&s->readers[i][v], v, m);
	for (enum view v = 0; v < VIEWS; v++) {
		struct reader *r = &s->readers[ALL][v];

		r->starts = mem_array(r->ring + 1, sizeof(*r->starts));
		if (r->trie->deepest > deepest)
			deepest = r->trie->deepest;
	}
	s->held_most = SLICE + (deepest + 1) * (GAP_MAX + UNIT_MAX + COLOUR_MAX);
	most = 2 * (s->held_most + 2 * SLICE);
	for (int i = 0; i < READINGS; i++)
		buf_init(&s->readings[i].bytes, most);
	buf_init(&s->ready, strlen(MASK_TEXT) * (most + 1));
	return s;
}

static void wipe(struct buf *b)
{
	explicit_bzero(b->data, b->len);
	buf_release(b);
}

void mask_stream_free(struct mask_stream *s)
{
	if (!s)
		return;
	for (int i = 0; i < READINGS; i++) {
		wipe(&s->readings[i].bytes);
		free(s->readings[i].places);
		for (enum view v = 0; v < VIEWS; v++) {
			free(s->readers[i][v].starts);
			free(s->readers[i][v].found.items);
		}
	}
	wipe(&s->ready);
	free(s);
}

uint64_t mask_stream_steps(const struct mask_stream *s)
{
	return s->steps;
}

/* Add a match, merged with the last ones if they touch: earlier ones end before them. */
static void cover(struct mask_stream *s, struct spans *l, uint64_t from, uint64_t to)
{
	while (l->count > l->first && l->items[l->count - 1].to >= from) {
		const struct span *last = &l->items[--l->count];

		s->steps++;
		from = last->from < from ? last->from : from;
		to = last->to > to ? last->to : to;
	}
	if (l->count == l->size) {
		l->size = 2 * l->size + 8;
		l->items = mem_resize(l->items, l->size, sizeof(*l->items));
	}
	l->items[l->count++] = (struct span){from, to};
}

static uint64_t start_of(const struct reader *r, uint32_t symbols_ago)
{
	return r->starts[(r->symbols - symbols_ago) & r->ring];
}

static void take_symbols(
	struct mask_stream *s, const struct reading *g, struct reader *r, const struct unit *u)
{
	uint64_t place = place_of(g, r->at);

	for (int i = 0; i < u->symbols; i++) {
		uint32_t found;

		r->starts[r->symbols++ & r->ring] = place;
		r->state = trie_step(r->trie, r->state, u->symbol[i]);
		found = r->trie->nodes[r->state].longest;
		if (found)
			cover(s, &r->found, start_of(r, found),
				place_of(g, r->at + u->bytes - 1) + 1);
	}
	r->gap = 0;
}

static void take_unit(
	struct mask_stream *s, const struct reading *g, struct reader *r, const struct unit *u)
{
	if (u->symbols)
		take_symbols(s, g, r, u);
	else if (!u->gap || ++r->gap > GAP_MAX)
		r->state = 0;
	r->at += u->bytes;
	s->steps++;
}

static void advance(struct mask_stream *s, const struct reading *g, struct reader *r)
{
	uint64_t end = reading_end(g);

	while (r->at < end) {
		const struct unit u =
			unit_at(r->view, g->bytes.data + (r->at - g->base), end - r->at);

		if (!u.bytes)
			return;
		take_unit(s, g, r, &u);
	}
}

/* ---- visible bytes of the stream ---- */

/*
 * Start the reading of visible bytes: so far all bytes were visible, and its readers start with the
 * state of the others.
 */
static void begin_to_differ(struct mask_stream *s)
{
	const struct reading *all = &s->readings[ALL];
	struct reading *seen = &s->readings[SEEN];

	buf_clear(&seen->bytes);
	seen->base = all->base;
	seen->end = all->base;
	add_seen(seen, all->bytes.data, all->bytes.len);
	for (enum view v = 0; v < VIEWS; v++) {
		const struct reader *from = &s->readers[ALL][v];
		struct reader *to = &s->readers[SEEN][v];
		uint64_t *starts = to->starts;

		if (!starts)
			starts = mem_array(to->ring + 1, sizeof(*starts));
		memcpy(starts, from->starts, (from->ring + 1) * sizeof(*starts));
		to->at = from->at;
		to->state = from->state;
		to->gap = from->gap;
		to->symbols = from->symbols;
		to->starts = starts;
	}
	s->differs = true;
}

static void read_seen(struct mask_stream *s)
{
	const struct reading *all = &s->readings[ALL];
	struct reading *seen = &s->readings[SEEN];

	while (seen->end < all->end) {
		const char *p = all->bytes.data + (seen->end - all->base);
		size_t left = (size_t)(all->end - seen->end), run = seen_run(p, left);
		int gone = run ? 0 : unseen(p, left);

		if (gone < 0)
			return;
		if (gone)
			seen->end += (uint64_t)gone;
		else
			add_seen(seen, p, run ? run : 1);
		s->steps++;
	}
}

/* ---- output ---- */

/* Where the earliest possible match of this reader begins. */
static uint64_t held_from(const struct reading *g, const struct reader *r, uint64_t end, bool idle)
{
	const struct trie_node *n = &r->trie->nodes[r->state];

	if (idle && n->let_go)
		return end;
	return n->depth ? start_of(r, n->depth) : place_of(g, r->at);
}

/*
 * A partial match that is followed by this many bytes of colours is masked, because memory is
 * limited.
 */
static void give_up(struct mask_stream *s, const struct reading *g, struct reader *r, uint64_t from)
{
	cover(s, &r->found, from, g->end);
	r->state = 0;
	r->at = reading_end(g);
}

static int readings_of(const struct mask_stream *s)
{
	return s->differs ? READINGS : 1;
}

static uint64_t first_held(struct mask_stream *s, bool idle)
{
	uint64_t end = s->readings[ALL].end, first = end;

	for (int i = 0; i < readings_of(s); i++) {
		for (enum view v = 0; v < VIEWS; v++) {
			const struct reading *g = &s->readings[i];
			struct reader *r = &s->readers[i][v];
			uint64_t held = held_from(g, r, end, idle);

			if (end - held > s->held_most) {
				give_up(s, g, r, held);
				held = g->end;
			}
			if (held < first)
				first = held;
		}
	}
	return first;
}

/*
 * Is the next byte of the output masked? *end is reduced to the offset up to which the answer
 * applies.
 */
static bool is_covered(struct mask_stream *s, uint64_t *end)
{
	uint64_t covered = s->out, clear = *end;

	for (int i = 0; i < readings_of(s); i++) {
		for (enum view v = 0; v < VIEWS; v++) {
			struct spans *l = &s->readers[i][v].found;

			while (l->first < l->count && l->items[l->first].to <= s->out)
				l->first++;
			if (l->first == l->count)
				l->first = l->count = 0;
			else if (l->items[l->first].from > s->out)
				clear = l->items[l->first].from < clear ? l->items[l->first].from
									: clear;
			else if (l->items[l->first].to > covered)
				covered = l->items[l->first].to;
		}
	}
	if (covered == s->out)
		*end = clear;
	else if (covered < *end)
		*end = covered;
	return covered > s->out;
}

static void release(struct mask_stream *s, uint64_t end)
{
	const struct reading *all = &s->readings[ALL];

	while (s->out < end) {
		uint64_t to = end;
		bool covered = is_covered(s, &to);

		if (!covered)
			buf_add(&s->ready, all->bytes.data + (s->out - all->base), to - s->out);
		else if (!s->starred)
			buf_adds(&s->ready, MASK_TEXT);
		s->starred = covered;
		s->out = to;
		s->steps++;
	}
}

/* The position of the slowest reader, or `at` if that is before it. */
static uint64_t oldest_needed(const struct mask_stream *s, int reading, uint64_t at)
{
	for (enum view v = 0; v < VIEWS; v++)
		if (s->readers[reading][v].at < at)
			at = s->readers[reading][v].at;
	return at;
}

/* Drop bytes that were output and that every reader has read. */
static void forget(struct mask_stream *s)
{
	struct reading *seen = &s->readings[SEEN];
	uint64_t all = oldest_needed(s, ALL, s->out);

	if (s->differs) {
		if (seen->end < all)
			all = seen->end;
		forget_before(seen, oldest_needed(s, SEEN, reading_end(seen)));
	}
	forget_before(&s->readings[ALL], all);
}

/* One call, however many pieces there are. */
static void hand_over(struct mask_stream *s, const struct mask_sink *sink)
{
	if (s->ready.overflow)
		BUG("more comes out than any mask makes of what went in");
	if (s->ready.len)
		sink->write(sink->arg, s->ready.data, s->ready.len);
	buf_clear(&s->ready);
}

static void let_out(struct mask_stream *s, bool idle, const struct mask_sink *sink)
{
	release(s, first_held(s, idle));
	forget(s);
	hand_over(s, sink);
}

static void take_slice(struct mask_stream *s, const char *data, size_t len)
{
	if (!s->differs && seen_run(data, len) < len)
		begin_to_differ(s);
	add_bytes(&s->readings[ALL], data, len);
	if (s->differs)
		read_seen(s);
	for (int i = 0; i < readings_of(s); i++)
		for (enum view v = 0; v < VIEWS; v++)
			advance(s, &s->readings[i], &s->readers[i][v]);
}

void mask_write(struct mask_stream *s, const char *data, size_t len, const struct mask_sink *sink)
{
	while (len > 0) {
		size_t slice = len < MASK_SLICE ? len : MASK_SLICE;

		take_slice(s, data, slice);
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
	release(s, s->readings[ALL].end);
	for (int i = 0; i < READINGS; i++) {
		for (enum view v = 0; v < VIEWS; v++) {
			struct reader *r = &s->readers[i][v];

			r->at = reading_end(&s->readings[i]);
			r->state = 0;
			r->found.first = r->found.count = 0;
		}
	}
	s->starred = false;
	s->differs = false;
	forget(s);
	hand_over(s, sink);
}

/* ---- complete texts ---- */

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
