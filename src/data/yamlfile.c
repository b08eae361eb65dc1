/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libyaml turns text into events; a builder turns events into nodes, with a stack of the open maps
 * and lists. Nothing here recurses over the input, and the limits are checked for every event
 * before memory is allocated.
 */
#include "data/yamlfile.h"

#include <string.h>
#include <yaml.h>

#include "base/limits.h"
#include "base/text.h"
#include "data/limits.h"
#include "os/fd.h"

enum { SHOWN_MAX = 60 };

/* ---- reading ---- */

struct anchor {
	char *name;
	const struct node *node; /* in the tree; NULL while it is still open */
};

/* A map or list that has begun. For a map, `key` is the key whose value comes next, or NULL. */
struct open_node {
	struct node *node;
	size_t anchor; /* index + 1 into anchors, 0: none */
	char *key;
	int key_line;
	int key_column;
};

struct builder {
	const char *name;
	const char *line; /* start of line `line_number`, counted from 0 like in libyaml */
	const char *end;
	size_t line_number;
	struct node *root;
	struct open_node stack[LIMIT_NODE_DEPTH];
	size_t depth;
	struct node_size size;
	struct anchor anchors[LIMIT_YAML_ANCHORS];
	size_t anchor_count;
	size_t documents;
};

static void builder_free(struct builder **at)
{
	struct builder *b = *at;

	for (size_t i = 0; i < b->depth; i++)
		free(b->stack[i].key);
	for (size_t i = 0; i < b->anchor_count; i++)
		free(b->anchors[i].name);
	node_free(b->root);
	free(b);
}

static int error_at(const struct builder *b, yaml_mark_t mark, struct err *e, const char *fmt, ...)
	PRINTF_LIKE(4, 5);

static int error_at(const struct builder *b, yaml_mark_t mark, struct err *e, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	(void)err_vset(e, ERR_INPUT, fmt, ap);
	va_end(ap);
	return err_wrap(e, "%s:%zu:%zu", b->name, mark.line + 1, mark.column + 1);
}

static int check_nul(const struct builder *b, const yaml_event_t *event, struct err *e)
{
	if (strlen((const char *)event->data.scalar.value) != event->data.scalar.length)
		return error_at(b, event->start_mark, e, "a NUL character is not allowed");
	return 0;
}

/* Check the limits before more nodes are added below `b->depth` open nodes. */
static int charge(struct builder *b, const struct node_size *more, yaml_mark_t mark, struct err *e)
{
	b->size.count += more->count;
	b->size.bytes += more->bytes;
	if (b->depth + more->depth > LIMIT_NODE_DEPTH)
		return error_at(b, mark, e, "nested deeper than %d levels", LIMIT_NODE_DEPTH);
	if (b->size.count > LIMIT_NODE_COUNT)
		return error_at(
			b, mark, e, "more than %d values, aliases included", LIMIT_NODE_COUNT);
	if (b->size.bytes > LIMIT_NODE_BYTES)
		return error_at(b, mark, e, "more than %zu bytes of text, aliases included",
			(size_t)LIMIT_NODE_BYTES);
	return 0;
}

/* Remember an anchor. A later one of the same name replaces it, as YAML specifies. */
static int add_anchor(struct builder *b, const yaml_char_t *name, yaml_mark_t mark,
	size_t *ret_index, struct err *e)
{
	if (b->anchor_count == LIMIT_YAML_ANCHORS)
		return error_at(b, mark, e, "more than %d anchors", LIMIT_YAML_ANCHORS);
	b->anchors[b->anchor_count].name = mem_strdup((const char *)name);
	*ret_index = ++b->anchor_count;
	return 0;
}

static int take_anchor(struct builder *b, const yaml_char_t *name, const struct node *node,
	yaml_mark_t mark, struct err *e)
{
	size_t index = 0;

	if (!name)
		return 0;
	if (add_anchor(b, name, mark, &index, e) < 0)
		return -1;
	b->anchors[index - 1].node = node;
	return 0;
}

/* Add a finished or just opened node to its parent. The builder takes ownership. */
static void place(struct builder *b, struct node *n, yaml_mark_t mark)
{
	struct open_node *top = b->depth ? &b->stack[b->depth - 1] : NULL;

	n->line = (int)mark.line + 1;
	n->column = (int)mark.column + 1;
	if (!top) {
		b->root = n;
	} else if (top->node->kind == NODE_LIST) {
		node_add(top->node, n);
	} else {
		node_append(top->node, top->key, n);
		n->key_line = top->key_line;
		n->key_column = top->key_column;
		free(steal_ptr(&top->key));
	}
}

static bool wants_key(const struct builder *b)
{
	const struct open_node *top = b->depth ? &b->stack[b->depth - 1] : NULL;

	return top && top->node->kind == NODE_MAP && !top->key;
}

static int take_key(struct builder *b, const yaml_event_t *event, struct err *e)
{
	struct open_node *top = &b->stack[b->depth - 1];
	struct node_size size = {.depth = 1, .bytes = event->data.scalar.length};
	const char *text = (const char *)event->data.scalar.value;

	if (check_nul(b, event, e) < 0)
		return -1;
	if (text[0] == '\0')
		return error_at(b, event->start_mark, e, "a key must not be empty");
	if (event->data.scalar.anchor)
		return error_at(b, event->start_mark, e, "an anchor on a key is not supported");
	if (event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE && strcmp(text, "<<") == 0)
		return error_at(b, event->start_mark, e,
			"merge keys (<<) are not supported; write out what is meant");
	if (charge(b, &size, event->start_mark, e) < 0)
		return -1;
	top->key = mem_strdup(text);
	top->key_line = (int)event->start_mark.line + 1;
	top->key_column = (int)event->start_mark.column + 1;
	return 0;
}

static int refuse_key(
	const struct builder *b, const yaml_event_t *event, const char *what, struct err *e)
{
	return error_at(b, event->start_mark, e, "a key must be a word or a string, not %s", what);
}

/* Only tags of the core schema: other tags have no meaning here. */
static int check_tag(const struct builder *b, const yaml_char_t *tag, const char *allowed,
	yaml_mark_t mark, struct err *e)
{
	static const char prefix[] = "tag:yaml.org,2002:";
	const char *text = (const char *)tag;
	auto_free char *shown = NULL;

	if (!text || strcmp(text, "!") == 0)
		return 0;
	if (strncmp(text, prefix, strlen(prefix)) == 0) {
		auto_free char *padded = mem_printf(" %s ", text + strlen(prefix));

		if (strlen(padded) > 2 && !strchr(text, ' ') && strstr(allowed, padded))
			return 0;
	}
	shown = text_safe(text, SHOWN_MAX);
	return error_at(b, mark, e, "the tag '%s' is not supported here", shown);
}

static bool is_null_word(const char *text)
{
	static const char *const words[] = {"", "~", "null", "Null", "NULL"};

	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (strcmp(text, words[i]) == 0)
			return true;
	return false;
}

static struct node *scalar_node(const yaml_event_t *event)
{
	const char *text = (const char *)event->data.scalar.value;
	const char *tag = (const char *)event->data.scalar.tag;
	bool quoted = event->data.scalar.style != YAML_PLAIN_SCALAR_STYLE;

	if (tag)
		quoted = strcmp(tag, "!") == 0 || strcmp(tag, YAML_STR_TAG) == 0;
	if (quoted)
		return node_string(text);
	return is_null_word(text) ? node_null() : node_plain(text);
}

/* The start of a line of the file; NULL after its end. Line numbers must not decrease. */
static const char *file_line(struct builder *b, size_t number)
{
	while (b->line && b->line_number < number) {
		size_t left = (size_t)(b->end - b->line);
		const char *newline = memchr(b->line, '\n', left);

		b->line = newline ? newline + 1 : NULL;
		b->line_number++;
	}
	return b->line_number == number ? b->line : NULL;
}

static size_t characters(const char *s)
{
	size_t n = 0;

	for (; *s; s++)
		n += ((unsigned char)*s & 0xc0) != 0x80;
	return n;
}

/*
 * A literal block begins in the line after its '|'. The indentation is that of its first line that
 * is not empty. The text is compared, so that in unexpected cases the position is unknown rather
 * than wrong.
 */
static void locate_block(struct builder *b, struct node *n, size_t mark_line)
{
	size_t empty = strspn(n->text, "\n");
	const char *text = n->text + empty;
	size_t len = strcspn(text, "\n");
	const char *line = file_line(b, mark_line + 1 + empty);
	size_t indent = 0;

	if (!len || !line)
		return;
	while (line + indent < b->end && line[indent] == ' ')
		indent++;
	indent -= indent < strspn(text, " ") ? indent : strspn(text, " ");
	if (len > (size_t)(b->end - line) - indent || memcmp(line + indent, text, len) != 0)
		return;
	n->text_line = (int)mark_line + 2;
	n->text_column = (int)indent + 1;
}

/* The width equals that of the text and its quotes: so there are no escapes. */
static void locate_flow(struct node *n, const yaml_event_t *event)
{
	bool quoted = event->data.scalar.style != YAML_PLAIN_SCALAR_STYLE;
	size_t width = event->end_mark.column - event->start_mark.column;

	if (event->start_mark.line != event->end_mark.line ||
		width != characters(n->text) + (quoted ? 2 : 0) || strchr(n->text, '\n'))
		return;
	n->text_line = (int)event->start_mark.line + 1;
	n->text_column = (int)event->start_mark.column + (quoted ? 2 : 1);
}

static void locate_text(struct builder *b, struct node *n, const yaml_event_t *event)
{
	if (!n->text || event->data.scalar.style == YAML_FOLDED_SCALAR_STYLE)
		return;
	if (event->data.scalar.style == YAML_LITERAL_SCALAR_STYLE)
		locate_block(b, n, event->start_mark.line);
	else
		locate_flow(n, event);
}

static int on_scalar(struct builder *b, const yaml_event_t *event, struct err *e)
{
	struct node_size size = {.depth = 1, .count = 1, .bytes = event->data.scalar.length};
	struct node *n;

	if (check_tag(b, event->data.scalar.tag, " str int float bool null ", event->start_mark,
		    e) < 0)
		return -1;
	if (wants_key(b))
		return take_key(b, event, e);
	if (check_nul(b, event, e) < 0 || charge(b, &size, event->start_mark, e) < 0)
		return -1;
	n = scalar_node(event);
	locate_text(b, n, event);
	place(b, n, event->start_mark);
	return take_anchor(b, event->data.scalar.anchor, n, event->start_mark, e);
}

static const struct anchor *find_anchor(const struct builder *b, const char *name)
{
	for (size_t i = b->anchor_count; i > 0; i--)
		if (strcmp(b->anchors[i - 1].name, name) == 0)
			return &b->anchors[i - 1];
	return NULL;
}

static int on_alias(struct builder *b, const yaml_event_t *event, struct err *e)
{
	const char *name = (const char *)event->data.alias.anchor;
	const struct anchor *anchor = find_anchor(b, name);
	auto_free char *shown = text_safe(name, SHOWN_MAX);
	struct node_size size;

	if (wants_key(b))
		return refuse_key(b, event, "an alias", e);
	if (!anchor)
		return error_at(b, event->start_mark, e, "the alias '*%s' has no anchor", shown);
	if (!anchor->node)
		return error_at(b, event->start_mark, e, "the alias '*%s' contains itself", shown);
	size = node_measure(anchor->node);
	if (charge(b, &size, event->start_mark, e) < 0)
		return -1;
	place(b, node_copy(anchor->node), event->start_mark);
	return 0;
}

static int open_composite(struct builder *b, const yaml_event_t *event, struct node *fresh,
	const yaml_char_t *anchor, struct err *e)
{
	static const struct node_size one = {.depth = 1, .count = 1};
	auto_node struct node *n = fresh;
	size_t index = 0;

	if (wants_key(b))
		return refuse_key(b, event, node_kind_name(n), e);
	if (charge(b, &one, event->start_mark, e) < 0)
		return -1;
	if (anchor && add_anchor(b, anchor, event->start_mark, &index, e) < 0)
		return -1;
	place(b, n, event->start_mark);
	b->stack[b->depth++] = (struct open_node){.node = steal_ptr(&n), .anchor = index};
	return 0;
}

static int on_list(struct builder *b, const yaml_event_t *event, struct err *e)
{
	if (check_tag(b, event->data.sequence_start.tag, " seq ", event->start_mark, e) < 0)
		return -1;
	return open_composite(b, event, node_list(), event->data.sequence_start.anchor, e);
}

static int on_map(struct builder *b, const yaml_event_t *event, struct err *e)
{
	if (check_tag(b, event->data.mapping_start.tag, " map ", event->start_mark, e) < 0)
		return -1;
	return open_composite(b, event, node_map(), event->data.mapping_start.anchor, e);
}

static int first_line_of(const struct node *map, const char *key)
{
	const struct node *item;

	node_each (map, item) {
		if (strcmp(item->key, key) == 0)
			return item->key_line;
	}
	return 0;
}

static int on_end(struct builder *b, struct err *e)
{
	const struct open_node *top = &b->stack[--b->depth];
	const struct node *again;

	if (top->anchor)
		b->anchors[top->anchor - 1].node = top->node;
	again = node_repeated_key(top->node);
	if (again) {
		auto_free char *shown = text_safe(again->key, SHOWN_MAX);

		return node_key_err(again, b->name, e,
			"the key '%s' is here a second time, the first is in line %d", shown,
			first_line_of(top->node, again->key));
	}
	return 0;
}

static int on_document(struct builder *b, const yaml_event_t *event, struct err *e)
{
	if (b->documents++)
		return error_at(b, event->start_mark, e,
			"a second document begins here; one document is needed");
	return 0;
}

static int on_event(struct builder *b, const yaml_event_t *event, struct err *e)
{
	switch (event->type) {
	case YAML_DOCUMENT_START_EVENT:
		return on_document(b, event, e);
	case YAML_SCALAR_EVENT:
		return on_scalar(b, event, e);
	case YAML_ALIAS_EVENT:
		return on_alias(b, event, e);
	case YAML_SEQUENCE_START_EVENT:
		return on_list(b, event, e);
	case YAML_MAPPING_START_EVENT:
		return on_map(b, event, e);
	case YAML_SEQUENCE_END_EVENT:
	case YAML_MAPPING_END_EVENT:
		return on_end(b, e);
	case YAML_NO_EVENT:
	case YAML_STREAM_START_EVENT:
	case YAML_STREAM_END_EVENT:
	case YAML_DOCUMENT_END_EVENT:
		break;
	}
	return 0;
}

static int refuse_syntax(const struct builder *b, const yaml_parser_t *parser, struct err *e)
{
	const char *problem = parser->problem ? parser->problem : "unknown problem";

	if (parser->error == YAML_READER_ERROR)
		return err_set(e, ERR_INPUT, "%s: not valid YAML: %s (at byte %zu)", b->name,
			problem, parser->problem_offset);
	if (parser->context)
		return error_at(b, parser->problem_mark, e, "not valid YAML: %s, %s",
			parser->context, problem);
	return error_at(b, parser->problem_mark, e, "not valid YAML: %s", problem);
}

static int read_events(struct builder *b, yaml_parser_t *parser, struct err *e)
{
	for (;;) {
		yaml_event_t event;
		bool last;
		int result;

		if (!yaml_parser_parse(parser, &event))
			return refuse_syntax(b, parser, e);
		result = on_event(b, &event, e);
		last = event.type == YAML_STREAM_END_EVENT;
		yaml_event_delete(&event);
		if (result < 0 || last)
			return result;
	}
}

/* Check for valid UTF-8; the error has the position in lines and characters. */
static int check_utf8(const struct builder *b, const char *text, size_t len, struct err *e)
{
	yaml_mark_t mark = {0};

	for (size_t i = 0; i < len;) {
		int n = text_utf8_sequence(text + i, len - i);

		if (n <= 0)
			return error_at(b, mark, e, "not UTF-8: byte 0x%02x",
				(unsigned)(unsigned char)text[i]);
		mark.column++;
		if (text[i] == '\n') {
			mark.line++;
			mark.column = 0;
		}
		i += (size_t)n;
	}
	return 0;
}

static int parse_with(struct builder *b, const char *text, size_t len, struct err *e)
{
	static const char mark[] = "\xef\xbb\xbf"; /* byte order mark, written by some editors */
	size_t skip = len >= 3 && memcmp(text, mark, 3) == 0 ? 3 : 0;
	yaml_parser_t parser;
	int result;

	text += skip;
	len -= skip;
	b->line = text;
	b->end = text + len;
	if (!yaml_parser_initialize(&parser))
		BUG("out of memory");
	yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&parser, (const unsigned char *)text, len);
	result = read_events(b, &parser, e);
	yaml_parser_delete(&parser);
	return result;
}

int yamlfile_parse(
	const char *text, size_t len, const char *name, struct node **ret_node, struct err *e)
{
	__attribute__((cleanup(builder_free))) struct builder *b = mem_alloc(sizeof(*b));

	b->name = name;
	if (len > LIMIT_YAML_BYTES)
		return err_set(
			e, ERR_INPUT, "%s: larger than %zu bytes", name, (size_t)LIMIT_YAML_BYTES);
	if (check_utf8(b, text, len, e) < 0 || parse_with(b, text, len, e) < 0)
		return -1;
	*ret_node = b->root ? steal_ptr(&b->root) : node_null();
	return 0;
}

int yamlfile_read(const char *path, struct node **ret_node, struct err *e)
{
	auto_buf struct buf text;

	buf_init(&text, LIMIT_YAML_BYTES);
	if (fd_read_file(path, &text, e) < 0)
		return -1;
	return yamlfile_parse(text.data, text.len, path, ret_node, e);
}

int yamlfile_read_fd(int fd, const char *name, struct node **ret_node, struct err *e)
{
	auto_buf struct buf text;

	buf_init(&text, LIMIT_YAML_BYTES);
	if (fd_read_to_end(fd, name, &text, e) < 0)
		return -1;
	return yamlfile_parse(text.data, text.len, name, ret_node, e);
}

/* ---- writing ---- */

static int write_to_buf(void *data, unsigned char *bytes, size_t len)
{
	buf_add(data, bytes, len);
	return 1;
}

/* A word that all YAML readers, also old ones, read as a string without quotes. */
static bool is_safe_word(const char *s)
{
	static const char *const taken[] = {
		"y",
		"n",
		"yes",
		"no",
		"on",
		"off",
		"true",
		"false",
		"null",
		"nan",
		"inf",
	};

	if (!strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_/", s[0]) || !s[0])
		return false;
	for (const char *p = s; *p; p++)
		if (!strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_/.-+@",
			    *p))
			return false;
	for (size_t i = 0; i < ARRAY_SIZE(taken); i++)
		if (strcasecmp(s, taken[i]) == 0)
			return false;
	return true;
}

/* Whether this text is safe to show on a terminal. */
static bool is_harmless(const char *s)
{
	auto_buf struct buf safe;

	buf_init(&safe, 16 * strlen(s) + 16);
	text_add_safe(&safe, s, strlen(s), false);
	return strcmp(safe.data, s) == 0;
}

static bool tree_is_harmless(const struct node *n)
{
	const struct node *item;

	if (n->text && !is_harmless(n->text))
		return false;
	node_each (n, item) {
		if ((item->key && !is_harmless(item->key)) || !tree_is_harmless(item))
			return false;
	}
	return true;
}

/*
 * A literal block, which is more readable, if the emitter can represent the text; it falls back to
 * quotes.
 */
static yaml_scalar_style_t string_style(const char *s)
{
	if (is_safe_word(s))
		return YAML_PLAIN_SCALAR_STYLE;
	if (strchr(s, '\n') && s[0] != '\n' && s[0] != ' ')
		return YAML_LITERAL_SCALAR_STYLE;
	return YAML_DOUBLE_QUOTED_SCALAR_STYLE;
}

static void emit(yaml_emitter_t *emitter, yaml_event_t *event, int made)
{
	if (!made || !yaml_emitter_emit(emitter, event))
		BUG("libyaml cannot write a tree: %s",
			emitter->problem ? emitter->problem : "out of memory");
}

static void emit_text(yaml_emitter_t *emitter, const char *text, yaml_scalar_style_t style)
{
	/* libyaml writes only UTF-8, so other bytes are escaped. */
	auto_free char *copy =
		text_is_utf8(text, strlen(text)) ? mem_strdup(text) : text_safe(text, SIZE_MAX);
	yaml_event_t event;

	emit(emitter, &event,
		yaml_scalar_event_initialize(
			&event, NULL, NULL, (yaml_char_t *)copy, (int)strlen(copy), 1, 1, style));
}

static void emit_node(yaml_emitter_t *emitter, const struct node *n)
{
	const struct node *item;
	yaml_event_t event;
	int made;

	if (n->kind == NODE_NULL) {
		emit_text(emitter, "null", YAML_PLAIN_SCALAR_STYLE);
		return;
	}
	if (n->kind == NODE_SCALAR) {
		emit_text(emitter, n->text,
			n->quoted ? string_style(n->text) : YAML_PLAIN_SCALAR_STYLE);
		return;
	}
	made = n->kind == NODE_LIST ? yaml_sequence_start_event_initialize(
					      &event, NULL, NULL, 1, YAML_BLOCK_SEQUENCE_STYLE)
				    : yaml_mapping_start_event_initialize(
					      &event, NULL, NULL, 1, YAML_BLOCK_MAPPING_STYLE);
	emit(emitter, &event, made);
	node_each (n, item) {
		if (item->key)
			emit_text(emitter, item->key, string_style(item->key));
		emit_node(emitter, item);
	}
	emit(emitter, &event,
		n->kind == NODE_LIST ? yaml_sequence_end_event_initialize(&event)
				     : yaml_mapping_end_event_initialize(&event));
}

void yamlfile_add(struct buf *b, const struct node *n)
{
	yaml_emitter_t emitter;
	yaml_event_t event;

	if (!yaml_emitter_initialize(&emitter))
		BUG("out of memory");
	yaml_emitter_set_output(&emitter, write_to_buf, b);
	yaml_emitter_set_unicode(&emitter, tree_is_harmless(n));
	yaml_emitter_set_width(&emitter, -1);
	emit(&emitter, &event, yaml_stream_start_event_initialize(&event, YAML_UTF8_ENCODING));
	emit(&emitter, &event, yaml_document_start_event_initialize(&event, NULL, NULL, NULL, 1));
	emit_node(&emitter, n);
	emit(&emitter, &event, yaml_document_end_event_initialize(&event, 1));
	emit(&emitter, &event, yaml_stream_end_event_initialize(&event));
	yaml_emitter_delete(&emitter);
}
