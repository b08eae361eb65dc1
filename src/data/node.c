/* SPDX-License-Identifier: Apache-2.0 */
#include "data/node.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/limits.h"
#include "base/password.h"
#include "data/limits.h"

/* ---- making ---- */

static struct node *new_node(enum node_kind kind)
{
	struct node *n = mem_alloc(sizeof(*n));

	n->kind = kind;
	return n;
}

struct node *node_null(void)
{
	return new_node(NODE_NULL);
}

static struct node *owned_scalar(char *text, bool quoted)
{
	struct node *n = new_node(NODE_SCALAR);

	n->text = text;
	n->quoted = quoted;
	return n;
}

struct node *node_string(const char *s)
{
	return s ? owned_scalar(mem_strdup(s), true) : node_null();
}

struct node *node_plain(const char *s)
{
	return owned_scalar(mem_strdup(s), false);
}

struct node *node_int(int64_t value)
{
	return owned_scalar(mem_printf("%" PRId64, value), false);
}

struct node *node_uint(uint64_t value)
{
	return owned_scalar(mem_printf("%" PRIu64, value), false);
}

struct node *node_bool(bool value)
{
	return node_plain(value ? "true" : "false");
}

struct node *node_list(void)
{
	return new_node(NODE_LIST);
}

struct node *node_map(void)
{
	return new_node(NODE_MAP);
}

void node_free(struct node *n)
{
	if (!n)
		return;
	for (size_t i = 0; i < n->count; i++)
		node_free(n->items[i]);
	free(n->items);
	free(n->text);
	free(n->key);
	free(n);
}

static void hide_passwords(char **text)
{
	char *hidden = *text ? password_hide(*text) : NULL;

	if (!hidden)
		return;
	free(*text);
	*text = hidden;
}

void node_hide_passwords(struct node *n)
{
	hide_passwords(&n->key);
	hide_passwords(&n->text);
	for (size_t i = 0; i < n->count; i++)
		node_hide_passwords(n->items[i]);
}

/* The capacity doubles when the count is a power of two, so that a list of n items costs O(n). */
static void push(struct node *n, struct node *child)
{
	if ((n->count & (n->count - 1)) == 0)
		n->items = mem_resize(n->items, n->count ? 2 * n->count : 1, sizeof(*n->items));
	n->items[n->count++] = child;
}

struct node *node_copy(const struct node *n)
{
	struct node *copy = new_node(n->kind);

	copy->quoted = n->quoted;
	copy->line = n->line;
	copy->column = n->column;
	copy->text_line = n->text_line;
	copy->text_column = n->text_column;
	copy->file = n->file;
	copy->text = n->text ? mem_strdup(n->text) : NULL;
	for (size_t i = 0; i < n->count; i++) {
		const struct node *from = n->items[i];
		struct node *item = node_copy(from);

		item->key = from->key ? mem_strdup(from->key) : NULL;
		item->key_line = from->key_line;
		item->key_column = from->key_column;
		push(copy, item);
	}
	return copy;
}

void node_set_file(struct node *n, const char *file)
{
	n->file = file;
	for (size_t i = 0; i < n->count; i++)
		node_set_file(n->items[i], file);
}

static void need(const struct node *n, enum node_kind kind)
{
	if (!n || n->kind != kind)
		BUG("a %s was expected, not %s", kind == NODE_MAP ? "mapping" : "list",
			n ? node_kind_name(n) : "NULL");
}

static size_t index_of(const struct node *map, const char *key)
{
	size_t i = 0;

	while (i < map->count && strcmp(map->items[i]->key, key) != 0)
		i++;
	return i;
}

void node_append(struct node *map, const char *key, struct node *value)
{
	need(map, NODE_MAP);
	free(value->key);
	value->key = mem_strdup(key);
	push(map, value);
}

void node_set(struct node *map, const char *key, struct node *value)
{
	size_t i;

	need(map, NODE_MAP);
	i = index_of(map, key);
	if (i == map->count) {
		node_append(map, key, value);
		return;
	}
	free(value->key);
	value->key = steal_ptr(&map->items[i]->key);
	node_free(map->items[i]);
	map->items[i] = value;
}

void node_set_string(struct node *map, const char *key, const char *s)
{
	node_set(map, key, node_string(s));
}

void node_set_int(struct node *map, const char *key, int64_t value)
{
	node_set(map, key, node_int(value));
}

void node_set_uint(struct node *map, const char *key, uint64_t value)
{
	node_set(map, key, node_uint(value));
}

void node_set_bool(struct node *map, const char *key, bool value)
{
	node_set(map, key, node_bool(value));
}

struct node *node_set_map(struct node *map, const char *key)
{
	struct node *child = node_map();

	node_set(map, key, child);
	return child;
}

struct node *node_set_list(struct node *map, const char *key)
{
	struct node *child = node_list();

	node_set(map, key, child);
	return child;
}

void node_remove(struct node *map, const char *key)
{
	auto_node struct node *kept = node_map();
	struct node old = *map;

	need(map, NODE_MAP);
	for (size_t i = 0; i < old.count; i++) {
		if (strcmp(old.items[i]->key, key) == 0)
			node_free(old.items[i]);
		else
			push(kept, old.items[i]);
	}
	map->items = steal_ptr(&kept->items);
	map->count = kept->count;
	kept->count = 0;
	free(old.items);
}

void node_add(struct node *list, struct node *value)
{
	need(list, NODE_LIST);
	push(list, value);
}

void node_add_string(struct node *list, const char *s)
{
	node_add(list, node_string(s));
}

void node_add_strv(struct node *list, const struct strv *v)
{
	strv_each (v, s)
		node_add_string(list, *s);
}

struct node *node_add_map(struct node *list)
{
	struct node *child = node_map();

	node_add(list, child);
	return child;
}

/* ---- reading ---- */

size_t node_count(const struct node *n)
{
	return n ? n->count : 0;
}

struct node *node_get(const struct node *map, const char *key)
{
	size_t i;

	if (!map || map->kind != NODE_MAP)
		return NULL;
	i = index_of(map, key);
	return i < map->count && map->items[i]->kind != NODE_NULL ? map->items[i] : NULL;
}

const char *node_text(const struct node *n)
{
	return n && n->kind == NODE_SCALAR ? n->text : NULL;
}

const char *node_get_text(const struct node *map, const char *key, const char *fallback)
{
	const char *text = node_text(node_get(map, key));

	return text ? text : fallback;
}

static bool is_decimal(const char *s)
{
	return s && *s && s[strspn(s, "0123456789")] == '\0';
}

bool node_to_uint(const struct node *n, uint64_t *ret_value)
{
	const char *s = node_text(n);
	uint64_t value;

	if (!is_decimal(s))
		return false;
	errno = 0;
	value = strtoull(s, NULL, 10);
	if (errno)
		return false;
	*ret_value = value;
	return true;
}

bool node_to_int(const struct node *n, int64_t *ret_value)
{
	const char *s = node_text(n);
	int64_t value;

	if (!s || !is_decimal(s + (s[0] == '-')))
		return false;
	errno = 0;
	value = strtoll(s, NULL, 10);
	if (errno)
		return false;
	*ret_value = value;
	return true;
}

bool node_to_bool(const struct node *n, bool *ret_value)
{
	static const char *const words[] = {
		"false",
		"False",
		"FALSE",
		"true",
		"True",
		"TRUE",
	};
	const char *s = node_text(n);

	for (size_t i = 0; s && i < ARRAY_SIZE(words); i++) {
		if (strcmp(s, words[i]) != 0)
			continue;
		*ret_value = i >= ARRAY_SIZE(words) / 2;
		return true;
	}
	return false;
}

int64_t node_get_int(const struct node *map, const char *key, int64_t fallback)
{
	int64_t value;

	return node_to_int(node_get(map, key), &value) ? value : fallback;
}

uint64_t node_get_uint(const struct node *map, const char *key, uint64_t fallback)
{
	uint64_t value;

	return node_to_uint(node_get(map, key), &value) ? value : fallback;
}

bool node_get_bool(const struct node *map, const char *key, bool fallback)
{
	bool value;

	return node_to_bool(node_get(map, key), &value) ? value : fallback;
}

void node_to_strv(const struct node *list, struct strv *v)
{
	const struct node *item;

	node_each (list, item) {
		if (item->kind == NODE_SCALAR)
			strv_push(v, item->text);
	}
}

static bool same_text(const char *a, const char *b)
{
	return a == b || (a && b && strcmp(a, b) == 0);
}

bool node_equal(const struct node *a, const struct node *b)
{
	if (a->kind != b->kind || a->quoted != b->quoted || a->count != b->count ||
		!same_text(a->text, b->text))
		return false;
	for (size_t i = 0; i < a->count; i++)
		if (!same_text(a->items[i]->key, b->items[i]->key) ||
			!node_equal(a->items[i], b->items[i]))
			return false;
	return true;
}

const char *node_kind_name(const struct node *n)
{
	switch (n->kind) {
	case NODE_NULL:
		return "nothing";
	case NODE_SCALAR:
		return "a string";
	case NODE_LIST:
		return "a list";
	case NODE_MAP:
		return "a mapping";
	}
	BUG("a node of kind %d", (int)n->kind);
}

/* ---- sizes ---- */

struct node_size node_measure(const struct node *n)
{
	struct node_size size = {.depth = 1, .count = 1, .bytes = n->text ? strlen(n->text) : 0};
	const struct node *item;

	node_each (n, item) {
		struct node_size sub = node_measure(item);

		if (sub.depth + 1 > size.depth)
			size.depth = sub.depth + 1;
		size.count += sub.count;
		size.bytes += sub.bytes + (item->key ? strlen(item->key) : 0);
	}
	return size;
}

const struct node_size node_limits = {
	.depth = LIMIT_NODE_DEPTH, .count = LIMIT_NODE_COUNT, .bytes = LIMIT_NODE_BYTES};

bool node_size_is_within(const struct node_size *s, const struct node_size *limits)
{
	return s->depth <= limits->depth && s->count <= limits->count && s->bytes <= limits->bytes;
}

struct ranked {
	const struct node *node;
	size_t rank;
};

static int compare_keys(const void *a, const void *b)
{
	const struct ranked *x = a, *y = b;
	int order = strcmp(x->node->key, y->node->key);

	return order ? order : x->rank < y->rank ? -1 : 1;
}

const struct node *node_repeated_key(const struct node *map)
{
	auto_free struct ranked *all = mem_array(map->count + 1, sizeof(*all));
	const struct ranked *first = NULL;

	if (map->kind != NODE_MAP)
		return NULL;
	for (size_t i = 0; i < map->count; i++)
		all[i] = (struct ranked){map->items[i], i};
	qsort(all, map->count, sizeof(*all), compare_keys);
	for (size_t i = 1; i < map->count; i++) {
		if (strcmp(all[i].node->key, all[i - 1].node->key) != 0)
			continue;
		if (!first || all[i].rank < first->rank)
			first = &all[i];
	}
	return first ? first->node : NULL;
}

/* ---- messages ---- */

bool node_text_position(const struct node *n, int line, int column, int *ret_line, int *ret_column)
{
	if (n->text_line == 0) {
		*ret_line = n->line;
		*ret_column = n->column;
		return false;
	}
	*ret_line = n->text_line + line - 1;
	*ret_column = n->text_column + column - 1;
	return true;
}

static int vset_at(int line, int column, const char *file, struct err *e, const char *fmt,
	va_list ap) PRINTF_LIKE(5, 0);

static int vset_at(
	int line, int column, const char *file, struct err *e, const char *fmt, va_list ap)
{
	(void)err_vset(e, ERR_INPUT, fmt, ap);
	if (!file)
		return -1;
	if (line > 0)
		return err_wrap(e, "%s:%d:%d", file, line, column);
	return err_wrap(e, "%s", file);
}

int node_err(const struct node *n, const char *file, struct err *e, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	(void)vset_at(n->line, n->column, n->file ? n->file : file, e, fmt, ap);
	va_end(ap);
	return -1;
}

int node_key_err(const struct node *n, const char *file, struct err *e, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	(void)vset_at(n->key_line, n->key_column, n->file ? n->file : file, e, fmt, ap);
	va_end(ap);
	return -1;
}
