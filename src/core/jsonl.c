/* SPDX-License-Identifier: Apache-2.0 */
#include "core/jsonl.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "base/limits.h"
#include "base/text.h"

/* ---- writing strings: the run log is made of them, so plain text must cost next to nothing ----
 */

typedef uint64_t word;
#define EACH_BYTE(c) ((word)0x0101010101010101ULL * (c))

/* Whether a word has a zero byte: the borrow reaches a high bit that was not set. */
static word zero_bytes(word w)
{
	return (w - EACH_BYTE(1)) & ~w & EACH_BYTE(0x80);
}

/* Whether a word of eight bytes may have one that is not plain: below 0x20, ", \, DEL or not ASCII.
 */
static word maybe_special(word w)
{
	word below_space = (w - EACH_BYTE(0x20)) & ~w & EACH_BYTE(0x80);

	return below_space | (w & EACH_BYTE(0x80)) | zero_bytes(w ^ EACH_BYTE('"')) |
		zero_bytes(w ^ EACH_BYTE('\\')) | zero_bytes(w ^ EACH_BYTE(0x7f));
}

static bool is_plain(unsigned char c)
{
	return c >= 0x20 && c < 0x7f && c != '"' && c != '\\';
}

static size_t plain_run(const char *s, size_t len)
{
	size_t i = 0;

	for (; i + sizeof(word) <= len; i += sizeof(word)) {
		word w;

		memcpy(&w, s + i, sizeof(w));
		if (maybe_special(w))
			break;
	}
	while (i < len && is_plain((unsigned char)s[i]))
		i++;
	return i;
}

static void add_ascii(struct buf *b, unsigned char c)
{
	switch (c) {
	case '"':
		buf_add(b, "\\\"", 2);
		break;
	case '\\':
		buf_add(b, "\\\\", 2);
		break;
	case '\n':
		buf_add(b, "\\n", 2);
		break;
	case '\r':
		buf_add(b, "\\r", 2);
		break;
	case '\t':
		buf_add(b, "\\t", 2);
		break;
	default:
		buf_addf(b, "\\u%04x", c);
	}
}

/*
 * The controls beyond ASCII: C1, the Arabic letter mark, and of the general punctuation the marks,
 * line separators, embeddings and isolates. All are in the basic plane: one \u names them.
 */
static bool is_control(unsigned c)
{
	return (c >= 0x80 && c < 0xa0) || c == 0x61c || c == 0x200e || c == 0x200f ||
		(c >= 0x2028 && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069);
}

static unsigned decode(const char *s, int n)
{
	const unsigned char *p = (const unsigned char *)s;

	if (n == 2)
		return (p[0] & 0x1fu) << 6 | (p[1] & 0x3fu);
	return (p[0] & 0x0fu) << 12 | (p[1] & 0x3fu) << 6 | (p[2] & 0x3fu);
}

/* Add what begins at s and is not ASCII, as far as it may stay as it is. Returns its length, at
 * least 1. */
static size_t add_wide(struct buf *b, const char *s, size_t len)
{
	size_t run = 0;

	while (run < len && (unsigned char)s[run] >= 0x80) {
		int n = text_utf8_sequence(s + run, len - run);

		if (n <= 0 || (n < 4 && is_control(decode(s + run, n))))
			break;
		run += (size_t)n;
	}
	buf_add(b, s, run);
	if (run == len || (unsigned char)s[run] < 0x80)
		return run;
	if (text_utf8_sequence(s + run, len - run) <= 0) {
		buf_adds(b, "\xef\xbf\xbd");
		return run + 1;
	}
	buf_addf(b, "\\u%04x", decode(s + run, text_utf8_sequence(s + run, len - run)));
	return run + (size_t)text_utf8_sequence(s + run, len - run);
}

void jsonl_add_escaped(struct buf *b, const char *s, size_t len)
{
	for (size_t i = 0; i < len;) {
		size_t plain = plain_run(s + i, len - i);

		if (plain)
			buf_add(b, s + i, plain);
		i += plain;
		if (i == len)
			break;
		if ((unsigned char)s[i] < 0x80)
			add_ascii(b, (unsigned char)s[i++]);
		else
			i += add_wide(b, s + i, len - i);
	}
}

void jsonl_add_string(struct buf *b, const char *s, size_t len)
{
	buf_addc(b, '"');
	jsonl_add_escaped(b, s, len);
	buf_addc(b, '"');
}

/* ---- writing nodes ---- */

/* A real number in the fewest digits that read back as the same one, always with a point or
 * exponent. */
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

/* Whether a plain scalar may be written bare: only if jsonl_parse gives back this very text. */
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

/* indent < 0: everything on one line. */
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

/* ---- reading ---- */

static const char *behind_string(const char *p, const char *end)
{
	for (p++; p < end && *p != '"'; p++)
		p += *p == '\\';
	return p;
}

/*
 * The parser builds its whole tree before anybody can count it, so the text is measured first:
 * every value but the first of its parent stands behind a comma, every parent begins with a
 * bracket.
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
	const char *key;
	json_t *value;

	json_object_foreach(json, key, value) node_append(map, key, convert(value));
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

static int refuse_size(const struct node_size *size, const char *name, struct err *e)
{
	if (size->depth > LIMIT_NODE_DEPTH)
		return err_set(
			e, ERR_INPUT, "%s: nested deeper than %d levels", name, LIMIT_NODE_DEPTH);
	if (size->count > LIMIT_NODE_COUNT)
		return err_set(e, ERR_INPUT, "%s: more than %d values", name, LIMIT_NODE_COUNT);
	return err_set(e, ERR_INPUT, "%s: larger than %zu bytes", name, (size_t)LIMIT_NODE_BYTES);
}

int jsonl_parse(
	const char *text, size_t len, const char *name, struct node **ret_node, struct err *e)
{
	struct node_size size = measure_text(text, len);
	json_error_t error;
	json_t *json;

	if (!node_size_fits(&size))
		return refuse_size(&size, name, e);
	json = json_loadb(text, len, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &error);
	if (!json) {
		auto_free char *safe = text_safe(error.text, 200);

		return err_set(e, ERR_INPUT, "%s:%d:%d: not valid JSON: %s", name, error.line,
			error.column, safe);
	}
	*ret_node = convert(json);
	json_decref(json);
	return 0;
}
