/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tree of values that YAML and JSON are read into and written from.
 *
 * - A scalar keeps its text as it was written: `1.95`, `"1.95"` and `1.95.0` are all text, and
 * whether that is a number or a string is for the schema that wants it to say. `quoted` only tells
 * that it was (or is to be) written as a string; a plain `null`, `~` or nothing is NODE_NULL.
 * - Text and keys are UTF-8 without NUL: the readers refuse anything else.
 * - Maps keep their order; a key is in a map once. Children carry their key.
 * - A tree is owned by whoever made it: node_free, or auto_node. What is put into a map or list
 *   belongs to that. Pointers that the getters return live as long as the tree.
 * - Trees that were read are bounded by LIMIT_NODE_DEPTH, LIMIT_NODE_COUNT, LIMIT_NODE_BYTES.
 */
#ifndef DATA_NODE_H
#define DATA_NODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/strv.h"

enum node_kind { NODE_NULL, NODE_SCALAR, NODE_LIST, NODE_MAP };

struct node {
	enum node_kind kind;
	bool quoted;  /* SCALAR: a string, whatever it looks like */
	int line;     /* where the value begins, from 1; 0 when it was not YAML */
	int column;   /* in characters, from 1 */
	int key_line; /* where its key begins, when it is in a map */
	int key_column;
	/*
	 * SCALAR: where its text begins, if every line of the text is a line of the file that
	 * begins in that column (a literal block, or one line without escapes); else 0.
	 */
	int text_line;
	int text_column;
	char *key;           /* its key in the map that holds it; NULL otherwise */
	char *text;          /* SCALAR only */
	struct node **items; /* LIST and MAP */
	size_t count;
};

/* ---- making ---- */

struct node *node_null(void);
struct node *node_string(const char *s); /* quoted; NULL makes a NODE_NULL */
struct node *node_plain(const char *s);  /* a number, true or false as text */
struct node *node_int(int64_t value);
struct node *node_uint(uint64_t value);
struct node *node_bool(bool value);
struct node *node_list(void);
struct node *node_map(void);
struct node *node_copy(const struct node *n); /* deep, positions too, its own key not */
void node_free(struct node *n);               /* deep; accepts NULL */

/* In all texts and keys, for output: passwords of URLs and targets become *** (password.h). */
void node_hide_passwords(struct node *n);

static inline void node_auto_free(struct node **n)
{
	node_free(*n);
}
#define auto_node __attribute__((cleanup(node_auto_free)))

/* Set a key of a map: replaces in place, else appends. The value now belongs to the map. */
void node_set(struct node *map, const char *key, struct node *value);
void node_set_string(struct node *map, const char *key, const char *s); /* NULL sets null */
void node_set_int(struct node *map, const char *key, int64_t value);
void node_set_uint(struct node *map, const char *key, uint64_t value);
void node_set_bool(struct node *map, const char *key, bool value);
struct node *node_set_map(
	struct node *map, const char *key); /* a new empty map, returned to fill */
struct node *node_set_list(struct node *map, const char *key); /* likewise */
void node_remove(struct node *map, const char *key);           /* absent is fine */

/* Append to a list. The value now belongs to the list. */
void node_add(struct node *list, struct node *value);
void node_add_string(struct node *list, const char *s);
void node_add_strv(struct node *list, const struct strv *v);
struct node *node_add_map(struct node *list); /* a new empty map, returned to fill */

/* ---- reading ---- */

/* Children in order: `const struct node *item; node_each(n, item) { ... item->key ... }`; n may be
 * NULL. */
#define node_each(n, item)                                                                         \
	for (size_t item##_i_ = 0; ((item) = node_child(n, item##_i_)) != NULL; item##_i_++)

/* The i-th child, or NULL behind the last one; n may be NULL. */
static inline struct node *node_child(const struct node *n, size_t i)
{
	return n && i < n->count ? n->items[i] : NULL;
}

/* How many items there are; n may be NULL. */
size_t node_count(const struct node *n);

/* The value of a key. NULL when the key is absent or null, or when map is NULL or not a map. */
struct node *node_get(const struct node *map, const char *key);

/* The text of a scalar, else NULL (NULL is accepted). Lives as long as the node. */
const char *node_text(const struct node *n);

/* The value of a key in the wanted form; `fallback` when it is absent, null or of another form. */
const char *node_get_text(const struct node *map, const char *key, const char *fallback);
int64_t node_get_int(const struct node *map, const char *key, int64_t fallback);
uint64_t node_get_uint(const struct node *map, const char *key, uint64_t fallback);
bool node_get_bool(const struct node *map, const char *key, bool fallback);

bool node_to_int(const struct node *n, int64_t *ret_value); /* false: not a decimal whole number */
bool node_to_uint(const struct node *n, uint64_t *ret_value);
bool node_to_bool(
	const struct node *n, bool *ret_value); /* true, True, TRUE and the same of false */

/* Append the scalars of a list to v; what is not a scalar is left out, so check with a schema
 * before. */
void node_to_strv(const struct node *list, struct strv *v);

bool node_equal(const struct node *a, const struct node *b); /* kinds, text, order; not positions */
const char *node_kind_name(const struct node *n); /* "a string", "a list", "a mapping", "nothing" */

/* ---- sizes, for readers ---- */

struct node_size {
	size_t depth; /* 1 for a scalar */
	size_t count;
	size_t bytes; /* of texts and keys */
};
struct node_size node_measure(const struct node *n);

/* Whether adding these stays below the three limits of a tree that was read. */
bool node_size_fits(const struct node_size *s);

/*
 * Readers append to a map without looking for the key, and ask once at the end of the map for a
 * child whose key was there before (the second one in the file's order), or NULL; a list has none.
 * O(n log n).
 */
void node_append(struct node *map, const char *key, struct node *value);
const struct node *node_repeated_key(const struct node *map);

/*
 * Where a character of a scalar's text, named by its line and column in the text (from 1), is in
 * the file. False when that cannot be known (text_line is 0): then it is where the scalar begins.
 */
bool node_text_position(const struct node *n, int line, int column, int *ret_line, int *ret_column);

/* ---- messages ---- */

/*
 * ERR_INPUT "FILE:LINE:COL: ..." at a node, or at the key of it. Without a position it is "FILE:
 * ...", without a file only the message. Returns -1. Text of the node belongs into the message
 * through text_safe only.
 */
int node_err(const struct node *n, const char *file, struct err *e, const char *fmt, ...)
	PRINTF_LIKE(4, 5);
int node_key_err(const struct node *n, const char *file, struct err *e, const char *fmt, ...)
	PRINTF_LIKE(4, 5);

#endif
