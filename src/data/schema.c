/* SPDX-License-Identifier: Apache-2.0 */
#include "data/schema.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/num.h"
#include "base/text.h"

enum { SHOWN_MAX = 60, TYPE_TEXT_MAX = 1000 };

const struct param *schema_find(const struct param *table, const char *key)
{
	for (const struct param *row = table; row && row->name; row++)
		if (strcmp(row->name, key) == 0)
			return row;
	return NULL;
}

/* ---- description of valid values ---- */

static void add_choices(struct buf *b, const char *const *choices)
{
	buf_adds(b, "one of ");
	for (const char *const *choice = choices; *choice; choice++) {
		if (choice != choices)
			buf_adds(b, ", ");
		buf_adds(b, *choice);
	}
}

void schema_add_type(struct buf *b, const struct param *row)
{
	static const char *const names[] = {
		[PARAM_STRING] = "a string",
		[PARAM_PATH] = "a path",
		[PARAM_BOOL] = "true or false",
		[PARAM_UINT] = "a whole number",
		[PARAM_SIZE] = "a size",
		[PARAM_DURATION] = "a duration",
		[PARAM_STRINGS] = "a list of strings",
		[PARAM_STRING_MAP] = "a mapping of strings",
		[PARAM_NODE] = "any value",
		[PARAM_LIST] = "a list",
		[PARAM_MAP] = "a mapping",
		[PARAM_MAPS] = "a list of mappings",
		[PARAM_NAMED_MAPS] = "a mapping of names to mappings",
	};

	if (row->type == PARAM_ENUM)
		add_choices(b, row->choices);
	else
		buf_adds(b, names[row->type]);
}

/* ---- checking one value ---- */

static int refuse_type(
	const struct param *row, const struct node *n, const char *file, struct err *e)
{
	auto_buf struct buf type;

	buf_init(&type, TYPE_TEXT_MAX);
	schema_add_type(&type, row);
	return node_err(
		n, file, e, "'%s' must be %s, not %s", row->name, type.data, node_kind_name(n));
}

static int refuse_text(
	const struct param *row, const struct node *n, const char *file, struct err *e)
{
	auto_free char *shown = text_safe(n->text, SHOWN_MAX);
	auto_buf struct buf type;

	buf_init(&type, TYPE_TEXT_MAX);
	schema_add_type(&type, row);
	return node_err(n, file, e, "'%s' must be %s, not '%s'", row->name, type.data, shown);
}

/* An error of num.h contains the value, but neither the key nor the position. */
static int refuse_number(const struct param *row, const struct node *n, const char *file,
	const struct err *why, struct err *e)
{
	auto_free char *shown = text_safe(why->msg, ERR_MSG_MAX);

	return node_err(n, file, e, "'%s': %s", row->name, shown);
}

static int refuse_empty(
	const struct param *row, const struct node *n, const char *file, struct err *e)
{
	return node_err(n, file, e, "'%s' must not be empty", row->name);
}

static int check_bool(
	const struct param *row, const struct node *n, const char *file, struct err *e)
{
	bool value;

	return node_to_bool(n, &value) ? 0 : refuse_text(row, n, file, e);
}

static int check_uint(
	const struct param *row, const struct node *n, const char *file, struct err *e)
{
	struct err why = {0};
	uint64_t value;
	bool small, large;

	if (num_parse_u64(n->text, UINT64_MAX, &value, &why) < 0)
		return refuse_number(row, n, file, &why, e);
	small = value < row->min;
	large = row->max && value > row->max;
	if (!small && !large)
		return 0;
	return node_err(n, file, e, "'%s' must be %s%" PRIu64 ", not %" PRIu64, row->name,
		row->min == row->max ? ""
			: small      ? "at least "
				     : "at most ",
		small ? row->min : row->max, value);
}

static int check_size(
	const struct param *row, const struct node *n, const char *file, struct err *e)
{
	struct err why = {0};
	uint64_t value;

	if (num_parse_size(n->text, &value, &why) < 0)
		return refuse_number(row, n, file, &why, e);
	if (value < row->min)
		return node_err(n, file, e, "'%s' must be at least %s, not %s", row->name,
			num_show_size_beside(row->min, value).s,
			num_show_size_beside(value, row->min).s);
	if (row->max && value > row->max)
		return node_err(n, file, e, "'%s' must be at most %s, not %s", row->name,
			num_show_size_beside(row->max, value).s,
			num_show_size_beside(value, row->max).s);
	return 0;
}

static int check_duration(
	const struct param *row, const struct node *n, const char *file, struct err *e)
{
	struct err why = {0};
	int64_t value;

	if (num_parse_duration(n->text, &value, &why) < 0)
		return refuse_number(row, n, file, &why, e);
	return 0;
}

static int check_enum(
	const struct param *row, const struct node *n, const char *file, struct err *e)
{
	const char *nearest;

	for (const char *const *choice = row->choices; *choice; choice++)
		if (strcmp(*choice, n->text) == 0)
			return 0;
	(void)refuse_text(row, n, file, e);
	nearest = text_nearest(n->text, row->choices);
	if (nearest) {
		struct err whole = {0};

		(void)err_set(&whole, ERR_INPUT, "%s, did you mean '%s'?", e->msg, nearest);
		*e = whole;
	}
	return -1;
}

static int check_text(
	const struct param *row, const struct node *n, const char *file, struct err *e)
{
	if (n->text[0] == '\0' && (row->not_empty || row->type == PARAM_PATH))
		return refuse_empty(row, n, file, e);
	return 0;
}

static int check_scalar(
	const struct param *row, const struct node *n, const char *file, struct err *e)
{
	if (n->kind != NODE_SCALAR)
		return refuse_type(row, n, file, e);
	switch (row->type) {
	case PARAM_BOOL:
		return check_bool(row, n, file, e);
	case PARAM_UINT:
		return check_uint(row, n, file, e);
	case PARAM_SIZE:
		return check_size(row, n, file, e);
	case PARAM_DURATION:
		return check_duration(row, n, file, e);
	case PARAM_ENUM:
		return check_enum(row, n, file, e);
	case PARAM_STRING:
	case PARAM_PATH:
	case PARAM_STRINGS:
	case PARAM_STRING_MAP:
	case PARAM_NODE:
	case PARAM_LIST:
	case PARAM_MAP:
	case PARAM_MAPS:
	case PARAM_NAMED_MAPS:
		break;
	}
	return check_text(row, n, file, e);
}

static int check_scalars(const struct param *row, enum node_kind kind, const struct node *n,
	const char *file, struct err *e)
{
	const struct node *item;

	if (n->kind != kind)
		return refuse_type(row, n, file, e);
	node_each (n, item) {
		if (item->kind != NODE_SCALAR)
			return node_err(item, file, e, "each %s of '%s' must be a string, not %s",
				kind == NODE_LIST ? "item" : "value", row->name,
				node_kind_name(item));
	}
	return 0;
}

static int check_maps(
	const struct param *row, const struct node *n, const char *file, struct err *e)
{
	bool listed = row->listed && n->kind == NODE_LIST;
	const struct node *item;

	if (!listed && n->kind != (row->type == PARAM_MAPS ? NODE_LIST : NODE_MAP))
		return refuse_type(row, n, file, e);
	node_each (n, item) {
		if (item->kind != NODE_MAP)
			return node_err(item, file, e,
				"each item of '%s' must be a mapping, not %s", row->name,
				node_kind_name(item));
		if (schema_check(listed ? row->listed : row->sub, item, file, e) < 0)
			return -1;
	}
	return 0;
}

static int check_composite(
	const struct param *row, const struct node *n, const char *file, struct err *e)
{
	switch (row->type) {
	case PARAM_STRINGS:
		return check_scalars(row, NODE_LIST, n, file, e);
	case PARAM_STRING_MAP:
		return check_scalars(row, NODE_MAP, n, file, e);
	case PARAM_LIST:
		return n->kind == NODE_LIST ? 0 : refuse_type(row, n, file, e);
	case PARAM_MAP:
		if (n->kind != NODE_MAP)
			return refuse_type(row, n, file, e);
		return schema_check(row->sub, n, file, e);
	case PARAM_MAPS:
	case PARAM_NAMED_MAPS:
		return check_maps(row, n, file, e);
	case PARAM_NODE:
	case PARAM_STRING:
	case PARAM_PATH:
	case PARAM_BOOL:
	case PARAM_UINT:
	case PARAM_SIZE:
	case PARAM_DURATION:
	case PARAM_ENUM:
		break;
	}
	return 0;
}

static bool is_scalar_type(enum param_type type)
{
	return type <= PARAM_ENUM;
}

static int check_value(
	const struct param *row, const struct node *n, const char *file, struct err *e)
{
	if (n->kind == NODE_NULL)
		return 0;
	if (is_scalar_type(row->type))
		return check_scalar(row, n, file, e);
	if (check_composite(row, n, file, e) < 0)
		return -1;
	if (row->not_empty && n->kind != NODE_SCALAR && n->count == 0)
		return refuse_empty(row, n, file, e);
	return 0;
}

/* ---- checking a mapping ---- */

static void add_names(struct strv *names, const struct param *table)
{
	for (const struct param *row = table; row && row->name; row++)
		strv_push(names, row->name);
}

/* The key that users mean when they write this common wrong name; NULL: none. */
static const char *meant_by(const struct param *table, const char *key)
{
	for (const struct param *row = table; row && row->name; row++)
		for (const char *const *word = row->mistaken; word && *word; word++)
			if (strcmp(*word, key) == 0)
				return row->name;
	return NULL;
}

static int refuse_key(const struct param *table, const struct param *common,
	const struct node *item, const char *file, struct err *e)
{
	auto_free char *shown = text_safe(item->key, SHOWN_MAX);
	auto_strv struct strv names = {0};
	const char *nearest = meant_by(table, item->key);

	add_names(&names, table);
	add_names(&names, common);
	if (!nearest && names.count)
		nearest = text_nearest(item->key, (const char *const *)names.items);
	if (nearest)
		return node_key_err(
			item, file, e, "unknown key '%s', did you mean '%s'?", shown, nearest);
	return node_key_err(item, file, e, "unknown key '%s'", shown);
}

static int check_required(
	const struct param *table, const struct node *map, const char *file, struct err *e)
{
	for (const struct param *row = table; row && row->name; row++) {
		const struct node *item;

		if (!row->required || node_get(map, row->name))
			continue;
		node_each (map, item) {
			if (strcmp(item->key, row->name) == 0)
				return node_key_err(item, file, e, "'%s' has no value", row->name);
		}
		return node_err(map, file, e, "missing key '%s'", row->name);
	}
	return 0;
}

int schema_check_both(const struct param *table, const struct param *common, const struct node *map,
	const char *file, struct err *e)
{
	const struct node *item;

	if (map->kind != NODE_MAP)
		return node_err(
			map, file, e, "a mapping is needed here, not %s", node_kind_name(map));
	node_each (map, item) {
		const struct param *row = schema_find(table, item->key);

		if (!row)
			row = schema_find(common, item->key);
		if (!row)
			return refuse_key(table, common, item, file, e);
		if (check_value(row, item, file, e) < 0)
			return -1;
	}
	if (check_required(table, map, file, e) < 0)
		return -1;
	return check_required(common, map, file, e);
}

int schema_check(const struct param *table, const struct node *map, const char *file, struct err *e)
{
	return schema_check_both(table, NULL, map, file, e);
}

/* ---- keys of other versions ---- */

static bool is_old(const struct param *row)
{
	return row->deprecated || row->same_as || row->no_effect;
}

static int rename_key(struct node *map, struct node *item, const struct param *row,
	const char *file, struct err *e)
{
	if (node_get(map, row->same_as))
		return node_key_err(item, file, e, "'%s' and '%s' are the same; give one",
			row->name, row->same_as);
	node_remove(map, row->same_as); /* it is null */
	free(item->key);
	item->key = mem_strdup(row->same_as);
	return 0;
}

int schema_respell(const struct param *table, struct node *map, const char *file,
	struct strv *warnings, struct err *e)
{
	for (const struct param *row = table; row->name; row++) {
		struct node *item = node_get(map, row->name);

		if (!item)
			continue;
		if (row->type == PARAM_MAP && schema_respell(row->sub, item, file, warnings, e) < 0)
			return -1;
		if (row->same_as && rename_key(map, item, row, file, e) < 0)
			return -1;
		if (!row->no_effect)
			continue;
		strv_pushf(warnings, "%s:%d:%d: '%s' has no effect: %s", file, item->key_line,
			item->key_column, row->name, row->no_effect);
		node_remove(map, row->name);
	}
	return 0;
}

/* ---- checking files written by programs ---- */

static int check_quotes(
	const struct param *row, const struct node *n, const char *file, struct err *e)
{
	bool bare = row->type == PARAM_UINT || row->type == PARAM_BOOL;

	if (n->kind != NODE_SCALAR || !is_scalar_type(row->type) || n->quoted != bare)
		return 0;
	return refuse_text(row, n, file, e);
}

static int check_written_value(
	const struct param *row, const struct node *n, const char *file, struct err *e)
{
	const struct node *item;

	if (row->type != PARAM_MAPS)
		return check_value(row, n, file, e) < 0 ? -1 : check_quotes(row, n, file, e);
	if (n->kind != NODE_LIST)
		return n->kind == NODE_NULL ? 0 : refuse_type(row, n, file, e);
	node_each (n, item)
		if (schema_check_written(row->sub, item, file, e) < 0)
			return -1;
	return 0;
}

int schema_check_written(
	const struct param *table, const struct node *map, const char *file, struct err *e)
{
	if (map->kind != NODE_MAP)
		return node_err(
			map, file, e, "a mapping is needed here, not %s", node_kind_name(map));
	for (const struct param *row = table; row->name; row++) {
		const struct node *value = node_get(map, row->name);

		if (value && check_written_value(row, value, file, e) < 0)
			return -1;
	}
	return check_required(table, map, file, e);
}

/* ---- values ---- */

const char *schema_text(const struct param *table, const struct node *map, const char *key)
{
	const struct param *row = schema_find(table, key);

	if (!row)
		BUG("no row '%s' in this table", key);
	return node_get_text(map, key, row->preset);
}

bool schema_bool(const struct param *table, const struct node *map, const char *key)
{
	const char *text = schema_text(table, map, key);

	return text && (text[0] == 't' || text[0] == 'T');
}

/* Checked values are always valid here; a failure means that one of our defaults is invalid. */
static void must(int result, const char *key, const struct err *e)
{
	if (result < 0)
		BUG("'%s' was not checked: %s", key, e->msg);
}

uint64_t schema_uint(const struct param *table, const struct node *map, const char *key)
{
	const char *text = schema_text(table, map, key);
	struct err e = {0};
	uint64_t value = 0;

	if (text)
		must(num_parse_u64(text, UINT64_MAX, &value, &e), key, &e);
	return value;
}

uint64_t schema_size(const struct param *table, const struct node *map, const char *key)
{
	const char *text = schema_text(table, map, key);
	struct err e = {0};
	uint64_t bytes = 0;

	if (text)
		must(num_parse_size(text, &bytes, &e), key, &e);
	return bytes;
}

int64_t schema_duration(const struct param *table, const struct node *map, const char *key)
{
	const char *text = schema_text(table, map, key);
	struct err e = {0};
	int64_t ms = 0;

	if (text)
		must(num_parse_duration(text, &ms, &e), key, &e);
	return ms;
}

/* Text remains a string in JSON, too: `rsync_target: 10.5` was meant as text. */
static void quote_all(struct node *n)
{
	n->quoted = n->kind == NODE_SCALAR;
	for (size_t i = 0; i < n->count; i++)
		quote_all(n->items[i]);
}

static struct node *fill_maps(const struct param *row, const struct node *given)
{
	bool named = row->type == PARAM_NAMED_MAPS;
	struct node *filled = named ? node_map() : node_list();
	const struct node *item;

	node_each (given, item) {
		struct node *map = schema_fill(row->sub, item);

		map->line = item->line;
		map->column = item->column;
		map->file = item->file;
		if (named)
			node_append(filled, item->key, map);
		else
			node_add(filled, map);
	}
	return filled;
}

static struct node *fill_value(const struct param *row, const struct node *given)
{
	bool bare = row->type == PARAM_BOOL || row->type == PARAM_UINT;
	bool truth;
	struct node *n;

	if (row->type == PARAM_MAP)
		return schema_fill(row->sub, given);
	if ((row->type == PARAM_MAPS || row->type == PARAM_NAMED_MAPS) && given)
		return fill_maps(row, given);
	if (!given)
		return bare && row->preset ? node_plain(row->preset) : node_string(row->preset);
	if (row->type == PARAM_BOOL && node_to_bool(given, &truth))
		return node_bool(truth);
	n = node_copy(given);
	if (bare)
		n->quoted = false;
	else if (row->type != PARAM_SIZE && row->type != PARAM_DURATION && row->type < PARAM_NODE)
		quote_all(n);
	return n;
}

struct node *schema_fill(const struct param *table, const struct node *map)
{
	struct node *filled = node_map();

	for (const struct param *row = table; row->name; row++)
		if (!is_old(row))
			node_append(filled, row->name, fill_value(row, node_get(map, row->name)));
	return filled;
}

/* ---- loading into a struct ---- */

static int choice_of(const struct param *row, const char *text)
{
	int i = 0;

	while (text && row->choices[i] && strcmp(row->choices[i], text) != 0)
		i++;
	return i;
}

static void load_one(
	const struct param *table, const struct param *row, const struct node *map, void *at)
{
	const char *text;

	switch (row->type) {
	case PARAM_STRING:
	case PARAM_PATH:
		text = schema_text(table, map, row->name);
		*(char **)at = text ? mem_strdup(text) : NULL;
		break;
	case PARAM_BOOL:
		*(bool *)at = schema_bool(table, map, row->name);
		break;
	case PARAM_UINT:
		*(uint64_t *)at = schema_uint(table, map, row->name);
		break;
	case PARAM_SIZE:
		*(uint64_t *)at = schema_size(table, map, row->name);
		break;
	case PARAM_DURATION:
		*(int64_t *)at = schema_duration(table, map, row->name);
		break;
	case PARAM_ENUM:
		*(int *)at = choice_of(row, schema_text(table, map, row->name));
		break;
	case PARAM_STRING_MAP:
	case PARAM_NODE:
		*(const struct node **)at = node_get(map, row->name);
		break;
	case PARAM_STRINGS:
	case PARAM_LIST:
	case PARAM_MAP:
	case PARAM_MAPS:
	case PARAM_NAMED_MAPS:
		BUG("the row '%s' has an offset", row->name);
	}
}

void schema_load(const struct param *table, const struct node *map, void *base)
{
	for (const struct param *row = table; row->name; row++)
		if (row->offset)
			load_one(table, row, map, (char *)base + row->offset);
}

void schema_release(const struct param *table, void *base)
{
	for (const struct param *row = table; row->name; row++)
		if (row->offset && (row->type == PARAM_STRING || row->type == PARAM_PATH))
			free(steal_ptr((char **)(void *)((char *)base + row->offset)));
}
