/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tree of values for reading and writing YAML and JSON.
 *
 * - A scalar keeps its text as it was written: `1.95`, `"1.95"` and `1.95.0` are all text. The
 *   schema that checks it decides whether it is a number or a string. `quoted` only says that it
 *   was written, or is to be written, as a string. A plain `null`, `~` or an empty value is
 *   NODE_NULL.
 * - Text and keys are UTF-8 without NUL; the readers reject anything else.
 * - Maps keep their order, and a key occurs once in a map. Each child has its key.
 * - The creator of a tree owns it: node_free, or auto_node. A node that is added to a map or list
 *   belongs to that. Pointers returned by the getters are valid as long as the tree.
 * - Trees from readers are within LIMIT_NODE_DEPTH, LIMIT_NODE_COUNT and LIMIT_NODE_BYTES.
 */
#ifndef DATA_NODE_H
#define DATA_NODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/strv.h"
#include "data/limits.h"

enum node_kind { NODE_NULL, NODE_SCALAR, NODE_LIST, NODE_MAP };

struct node {
	enum node_kind kind;
	bool quoted;  /* SCALAR: a string, whatever it looks like */
	int line;     /* where the value begins, from 1; 0 if it was not read from YAML */
	int column;   /* in characters, from 1 */
	int key_line; /* where its key begins, if it is in a map */
	int key_column;
	/*
	 * SCALAR: where its text begins, if every line of the text is a line of the file that
	 * begins in this column (a literal block, or one line without escapes); else 0.
	 */
	int text_line;
	int text_column;
	/*
	 * The file that it was read from, borrowed, in a tree that is put together from several:
	 * messages name it. NULL: the file of the tree.
	 */
	const char *file;
	char *key;           /* its key in its map; NULL if it is not in a map */
	char *text;          /* SCALAR only */
	struct node **items; /* LIST and MAP */
	size_t count;
};

/* ---- creating ---- */

struct node *node_null(void);
struct node *node_string(const char *s); /* quoted; NULL makes a NODE_NULL */
struct node *node_plain(const char *s);  /* a number, true or false as text */
struct node *node_int(int64_t value);
struct node *node_uint(uint64_t value);
struct node *node_bool(bool value);
struct node *node_list(void);
struct node *node_map(void);
struct node *node_copy(const struct node *n); /* deep, with positions, without the key of n */
void node_free(struct node *n);               /* deep; accepts NULL */

void node_set_file(struct node *n, const char *file); /* of all its nodes; borrowed */

/* In all texts and keys: replace passwords of URLs and targets by *** (password.h). For output. */
void node_hide_passwords(struct node *n);

static inline void node_auto_free(struct node **n)
{
	node_free(*n);
}
#define auto_node __attribute__((cleanup(node_auto_free)))

/* Set a key of a map: replace the value in place, or append. The map owns the value. */
void node_set(struct node *map, const char *key, struct node *value);
void node_set_string(struct node *map, const char *key, const char *s); /* NULL: sets null */
void node_set_int(struct node *map, const char *key, int64_t value);
void node_set_uint(struct node *map, const char *key, uint64_t value);
void node_set_bool(struct node *map, const char *key, bool value);
/* Set a key to a new empty map, and return the map. */
struct node *node_set_map(struct node *map, const char *key);
struct node *node_set_list(struct node *map, const char *key); /* likewise, a list */
void node_remove(struct node *map, const char *key);           /* a missing key is no error */

/* Append to a list. The list owns the value. */
void node_add(struct node *list, struct node *value);
void node_add_string(struct node *list, const char *s);
void node_add_strv(struct node *list, const struct strv *v);
struct node *node_add_map(struct node *list); /* append a new empty map, and return it */

/* ---- reading ---- */

/*
 * Iterate over the children in order: `const struct node *item; node_each(n, item) { ... item->key
 * ... }`. n may be NULL.
 */
#define node_each(n, item)                                                                         \
	for (size_t item##_i_ = 0; ((item) = node_child(n, item##_i_)) != NULL; item##_i_++)

/* The i-th child, or NULL after the last one. n may be NULL. */
static inline struct node *node_child(const struct node *n, size_t i)
{
	return n && i < n->count ? n->items[i] : NULL;
}

/* The number of children. n may be NULL. */
size_t node_count(const struct node *n);

/* The value of a key. NULL when the key is absent or null, or when map is NULL or not a map. */
struct node *node_get(const struct node *map, const char *key);

/* The text of a scalar. NULL for other nodes and for NULL. Valid as long as the node. */
const char *node_text(const struct node *n);

/*
 * The value of a key as this type. `fallback` when the key is absent or null, or its value has
 * another type.
 */
const char *node_get_text(const struct node *map, const char *key, const char *fallback);
int64_t node_get_int(const struct node *map, const char *key, int64_t fallback);
uint64_t node_get_uint(const struct node *map, const char *key, uint64_t fallback);
bool node_get_bool(const struct node *map, const char *key, bool fallback);

/* false: not a decimal integer */
bool node_to_int(const struct node *n, int64_t *ret_value);
bool node_to_uint(const struct node *n, uint64_t *ret_value);
/* true, True, TRUE; false, False, FALSE */
bool node_to_bool(const struct node *n, bool *ret_value);

/* Append the scalars of a list to v. Other nodes are skipped, so check with a schema before. */
void node_to_strv(const struct node *list, struct strv *v);

/* Compares kinds, text and order; not positions. */
bool node_equal(const struct node *a, const struct node *b);
const char *node_kind_name(const struct node *n); /* "a string", "a list", "a mapping", "nothing" */

/* ---- sizes, for readers ---- */

struct node_size {
	size_t depth; /* 1 for a scalar */
	size_t count;
	size_t bytes; /* of texts and keys */
};
struct node_size node_measure(const struct node *n);

/* Is a tree of this size within these limits? */
bool node_size_is_within(const struct node_size *s, const struct node_size *limits);

/* The limits of a tree that was read, if nothing else is said. */
extern const struct node_size node_limits;
static inline bool node_size_fits(const struct node_size *s)
{
	return node_size_is_within(s, &node_limits);
}

/*
 * For readers. node_append appends to a map without looking for the key. At the end of the map,
 * node_repeated_key returns a child whose key occurred before (the second one in the order of the
 * file), or NULL; NULL for a list. O(n log n).
 */
void node_append(struct node *map, const char *key, struct node *value);
const struct node *node_repeated_key(const struct node *map);

/*
 * The position in the file of a character of a scalar, given by its line and column in the text
 * (from 1). False when it is not known (text_line is 0); then the result is where the scalar
 * begins.
 */
bool node_text_position(const struct node *n, int line, int column, int *ret_line, int *ret_column);

/* ---- messages ---- */

/*
 * Set ERR_INPUT "FILE:LINE:COL: ..." with the position of a node, or of its key. Without a position
 * it is "FILE: ...", without a file only the message. The file is that of the node, if it has one,
 * else `file`. Returns -1. Text of the node must be passed
 * through text_safe.
 */
int node_err(const struct node *n, const char *file, struct err *e, const char *fmt, ...)
	PRINTF_LIKE(4, 5);
int node_key_err(const struct node *n, const char *file, struct err *e, const char *fmt, ...)
	PRINTF_LIKE(4, 5);

#endif
