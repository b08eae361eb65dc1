/* SPDX-License-Identifier: Apache-2.0 */
#include "data/jsonl.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "base/limits.h"
#include "base/text.h"
#include "data/limits.h"

/* ---- writing strings: fast for plain text, which is most of a run log ---- */

typedef uint64_t word;
#define EACH_BYTE(c) ((word)0x0101010101010101ULL * (c))

/* Whether a word has a zero byte: then the subtraction borrows from a high bit that was not set. */
static word zero_bytes(word w)
{
	return (w - EACH_BYTE(1)) & ~w & EACH_BYTE(0x80);
}

/* Whether one of the eight bytes may need escaping: below 0x20, ", \, DEL or not ASCII. */
static word maybe_special(word w)
{
	word below_space = (w - EACH_BYTE(0x20)) & ~w & EACH_BYTE(0x80);

	return below_space | (w & EACH_BYTE(0x80)) | zero_bytes(w ^ EACH_BYTE('"')) |
		zero_bytes(w ^ EACH_BYTE('\\')) | zero_bytes(w ^ EACH_BYTE(0x7f));
}

/* The character after the backslash for each ASCII character; 'u': \u00xx; 0: not escaped. */
static const char escapes[128] = {
	[0 ... '\t' - 1] = 'u',
	['\t'] = 't',
	['\n'] = 'n',
	['\n' + 1 ... '\r' - 1] = 'u',
	['\r'] = 'r',
	['\r' + 1 ... 0x1f] = 'u',
	['"'] = '"',
	['\\'] = '\\',
	[0x7f] = 'u',
};

/*
 * Control characters beyond ASCII: C1, the Arabic letter mark, and the marks, line separators,
 * embeddings and isolates of the general punctuation. All are in the basic plane, so one \u is
 * enough.
 */
static bool is_control(unsigned c)
{
	return (c >= 0x80 && c < 0xa0) || c == 0x61c || c == 0x200e || c == 0x200f ||
		(c >= 0x2028 && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069);
}

/*
 * The code point of a sequence of two or three bytes; 0 for four bytes, which are never controls.
 */
static unsigned decode(const char *s, int n)
{
	const unsigned char *p = (const unsigned char *)s;

	if (n == 2)
		return (p[0] & 0x1fu) << 6 | (p[1] & 0x3fu);
	return n == 3 ? (p[0] & 0x0fu) << 12 | (p[1] & 0x3fu) << 6 | (p[2] & 0x3fu) : 0;
}

static const char hex[] = "0123456789abcdef";

/* An invalid byte as text_safe shows it, "\xff", with the backslash escaped for JSON. */
static char *put_byte(char *out, unsigned char c)
{
	const char shown[] = {'\\', '\\', 'x', hex[c >> 4], hex[c & 0xf]};

	memcpy(out, shown, sizeof(shown));
	return out + sizeof(shown);
}

static char *put_unicode(char *out, unsigned c)
{
	*out++ = '\\';
	*out++ = 'u';
	for (int shift = 12; shift >= 0; shift -= 4)
		*out++ = hex[c >> shift & 0xf];
	return out;
}

static inline char *put_ascii(char *out, unsigned char c)
{
	if (!escapes[c]) {
		*out++ = (char)c;
		return out;
	}
	if (escapes[c] == 'u')
		return put_unicode(out, c);
	*out++ = '\\';
	*out++ = escapes[c];
	return out;
}

/* Write one character beyond ASCII and advance *s. */
static char *put_wide(char *out, const char **s, size_t len)
{
	int n = text_utf8_sequence(*s, len);
	const char *from = *s;

	*s += n > 0 ? n : 1;
	if (n <= 0)
		return put_byte(out, (unsigned char)*from);
	if (is_control(decode(from, n)))
		return put_unicode(out, decode(from, n));
	memcpy(out, from, (size_t)n);
	return out + n;
}

/* Copy a whole word if no byte of it may need escaping. */
static bool copy_word(char *out, const char *p, const char *end)
{
	word w;

	if (end - p < (ptrdiff_t)sizeof(w))
		return false;
	memcpy(&w, p, sizeof(w));
	if (maybe_special(w))
		return false;
	memcpy(out, &w, sizeof(w));
	return true;
}

/* The longest output for the characters of one word: \u and four digits each. */
enum { PIECE = 4096, PUT_MAX = 6 * sizeof(word) };

/* Escape until the text ends or the piece is full; *s is advanced. Returns the bytes written. */
static size_t escape_piece(char *piece, const char **s, const char *end)
{
	char *out = piece;
	const char *p = *s;

	while (p < end && out <= piece + PIECE - PUT_MAX) {
		if (copy_word(out, p, end)) {
			out += sizeof(word);
			p += sizeof(word);
			continue;
		}
		for (size_t i = 0; i < sizeof(word) && p < end; i++) {
			if ((unsigned char)*p < 0x80)
				out = put_ascii(out, (unsigned char)*p++);
			else
				out = put_wide(out, &p, (size_t)(end - p));
		}
	}
	*s = p;
	return (size_t)(out - piece);
}

void jsonl_add_escaped(struct buf *b, const char *s, size_t len)
{
	const char *end = s + len;
	char piece[PIECE];

	while (s < end) {
		size_t put = escape_piece(piece, &s, end);

		buf_add(b, piece, put);
	}
}

void jsonl_add_string(struct buf *b, const char *s, size_t len)
{
	buf_addc(b, '"');
	jsonl_add_escaped(b, s, len);
	buf_addc(b, '"');
}

/* ---- writing nodes ---- */

/*
 * A real number in the fewest digits that read back as the same number, always with a point or an
 * exponent.
 */
static void show_real(double value, char *text, size_t size)
{
	for (int digits = 15; digits <= 17; digits++) {
		(void)snprintf(text, size, "%.*g", digits, value);
		if (strtod(text, NULL) == value)
			break;
	}
	if (!strpbrk(text, ".e"))
		(void)snprintf(text + strlen(text), size - strlen(text), ".0");
}

/* The grammar of a JSON number (RFC 8259, section 6). */
static bool is_number(const char *s, bool *ret_real)
{
	size_t digits;

	s += *s == '-';
	digits = strspn(s, "0123456789");
	if (digits == 0 || (digits > 1 && s[0] == '0'))
		return false;
	s += digits;
	*ret_real = *s != '\0';
	if (*s == '.') {
		digits = strspn(++s, "0123456789");
		if (digits == 0)
			return false;
		s += digits;
	}
	if (*s == 'e' || *s == 'E') {
		s++;
		s += *s == '-' || *s == '+';
		digits = strspn(s, "0123456789");
		if (digits == 0)
			return false;
		s += digits;
	}
	return *s == '\0';
}

/* Whether a plain scalar may be written without quotes: jsonl_parse must return the same text. */
static bool stays_the_same_bare(const struct node *n)
{
	char text[64];
	int64_t integer;
	bool real;

	if (strcmp(n->text, "true") == 0 || strcmp(n->text, "false") == 0)
		return true;
	if (strlen(n->text) >= sizeof(text) || !is_number(n->text, &real))
		return false;
	if (!real)
		return node_to_int(n, &integer) && strcmp(n->text, "-0") != 0;
	show_real(strtod(n->text, NULL), text, sizeof(text));
	return strcmp(text, n->text) == 0;
}

static void add_scalar(struct buf *b, const struct node *n)
{
	if (!n->quoted && stays_the_same_bare(n))
		buf_adds(b, n->text);
	else
		jsonl_add_string(b, n->text, strlen(n->text));
}

/* indent < 0: all on one line. */
static void add_break(struct buf *b, int indent)
{
	if (indent >= 0)
		buf_addf(b, "\n%*s", 2 * indent, "");
}

static void add_node(struct buf *b, const struct node *n, int indent);

static void add_items(struct buf *b, const struct node *n, int indent)
{
	int inner = indent < 0 ? -1 : indent + 1;
	const struct node *item;
	bool first = true;

	node_each (n, item) {
		if (!first)
			buf_addc(b, ',');
		first = false;
		add_break(b, inner);
		if (n->kind == NODE_MAP) {
			jsonl_add_string(b, item->key, strlen(item->key));
			buf_adds(b, indent < 0 ? ":" : ": ");
		}
		add_node(b, item, inner);
	}
	if (!first)
		add_break(b, indent);
}

static void add_node(struct buf *b, const struct node *n, int indent)
{
	switch (n->kind) {
	case NODE_NULL:
		buf_adds(b, "null");
		break;
	case NODE_SCALAR:
		add_scalar(b, n);
		break;
	case NODE_LIST:
		buf_addc(b, '[');
		add_items(b, n, indent);
		buf_addc(b, ']');
		break;
	case NODE_MAP:
		buf_addc(b, '{');
		add_items(b, n, indent);
		buf_addc(b, '}');
		break;
	}
}

void jsonl_add(struct buf *b, const struct node *n)
{
	add_node(b, n, -1);
}

void jsonl_add_pretty(struct buf *b, const struct node *n)
{
	add_node(b, n, 0);
	buf_addc(b, '\n');
}

void jsonl_add_indented(struct buf *b, const struct node *n, int indent)
{
	add_node(b, n, indent);
}

/* ---- reading ---- */

static const char *behind_string(const char *p, const char *end)
{
	for (p++; p < end && *p != '"'; p++)
		p += *p == '\\';
	return p;
}

/*
 * The size of the tree, measured before parsing, because the parser builds the whole tree before a
 * limit could be checked. An array or object counts when its bracket opens; each value after the
 * first one of its parent follows a comma.
 */
static struct node_size measure_text(const char *text, size_t len)
{
	const char *end = text + len;
	struct node_size size = {.depth = 1, .count = 1, .bytes = len};
	size_t depth = 1;

	for (const char *p = text; p < end; p++) {
		if (*p == '"') {
			p = behind_string(p, end);
		} else if (*p == '[' || *p == '{') {
			size.count++;
			if (++depth > size.depth)
				size.depth = depth;
		} else if ((*p == ']' || *p == '}') && depth > 1) {
			depth--;
		} else if (*p == ',') {
			size.count++;
		}
	}
	return size;
}

static struct node *convert(json_t *json);

static struct node *convert_list(const json_t *json)
{
	struct node *list = node_list();

	for (size_t i = 0; i < json_array_size(json); i++)
		node_add(list, convert(json_array_get(json, i)));
	return list;
}

static struct node *convert_map(json_t *json)
{
	struct node *map = node_map();

	for (void *at = json_object_iter(json); at; at = json_object_iter_next(json, at))
		node_append(map, json_object_iter_key(at), convert(json_object_iter_value(at)));
	return map;
}

static struct node *convert_real(double value)
{
	char text[64];

	show_real(value, text, sizeof(text));
	return node_plain(text);
}

static struct node *convert(json_t *json)
{
	switch (json_typeof(json)) {
	case JSON_OBJECT:
		return convert_map(json);
	case JSON_ARRAY:
		return convert_list(json);
	case JSON_STRING:
		return node_string(json_string_value(json));
	case JSON_INTEGER:
		return node_int(json_integer_value(json));
	case JSON_REAL:
		return convert_real(json_real_value(json));
	case JSON_TRUE:
	case JSON_FALSE:
		return node_bool(json_is_true(json));
	case JSON_NULL:
		break;
	}
	return node_null();
}

static int refuse_size(const struct node_size *size, const struct node_size *limits,
	const char *name, struct err *e)
{
	if (size->depth > limits->depth)
		return err_set(
			e, ERR_INPUT, "%s: nested deeper than %zu levels", name, limits->depth);
	if (size->count > limits->count)
		return err_set(e, ERR_INPUT, "%s: more than %zu values", name, limits->count);
	return err_set(e, ERR_INPUT, "%s: larger than %zu bytes", name, limits->bytes);
}

static int refuse_syntax(json_error_t *error, const char *name, struct err *e)
{
	auto_free char *safe = text_safe(error->text, 200);

	if (json_error_code(error) == json_error_null_character)
		return err_set(e, ERR_INPUT, "%s:%d:%d: a NUL character is not allowed", name,
			error->line, error->column);
	return err_set(e, ERR_INPUT, "%s:%d:%d: not valid JSON: %s", name, error->line,
		error->column, safe);
}

static bool is_blank(const char *text, size_t len)
{
	size_t i = 0;

	while (i < len && text[i] && strchr(" \t\r\n", text[i]))
		i++;
	return i == len;
}

int jsonl_parse_within(const char *text, size_t len, const char *name,
	const struct node_size *limits, struct node **ret_node, struct err *e)
{
	struct node_size size = measure_text(text, len);
	json_error_t error;
	json_t *json;

	if (!node_size_is_within(&size, limits))
		return refuse_size(&size, limits, name, e);
	if (is_blank(text, len))
		return err_set(e, ERR_INPUT, "%s: is empty, a JSON value is needed", name);
	json = json_loadb(text, len, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &error);
	if (!json)
		return refuse_syntax(&error, name, e);
	*ret_node = convert(json);
	json_decref(json);
	return 0;
}

int jsonl_parse(
	const char *text, size_t len, const char *name, struct node **ret_node, struct err *e)
{
	return jsonl_parse_within(text, len, name, &node_limits, ret_node, e);
}
