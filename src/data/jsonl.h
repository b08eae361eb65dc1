/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading and writing JSON (RFC 8259) as trees of nodes. The only user of jansson.
 *
 * Numbers, true and false are plain scalars; strings are quoted scalars. A plain scalar is written
 * as a bare number only if reading it back gives the same text: 1.95 is, 1.10 and 010 become
 * strings. So a tree that is written and read again is unchanged.
 */
#ifndef DATA_JSONL_H
#define DATA_JSONL_H

#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/limits.h"
#include "data/limits.h"
#include "data/node.h"

/*
 * Parse a text that is one JSON value, with optional white space around it. ERR_INPUT
 * "NAME:LINE:COL: ..." for invalid JSON, a repeated key in an object, a NUL in a string, and a tree
 * beyond the limits of node.h; the limits are checked before memory is allocated. Nodes have no
 * positions. The caller limits len. If the text is not user input, the caller changes the kind of
 * the error.
 */
int jsonl_parse(const char *text, size_t len, const char *name, struct node **ret_node,
	struct err *e) NODISCARD;

/* As jsonl_parse, with other limits. */
int jsonl_parse_within(const char *text, size_t len, const char *name,
	const struct node_size *limits, struct node **ret_node, struct err *e) NODISCARD;

/*
 * The maximum size on one line of a tree that node_size_fits accepts. A byte becomes at most
 * \u0000, and each value has quotes, a colon and a comma.
 */
#define JSONL_MOST_BYTES (6 * LIMIT_NODE_BYTES + 8 * LIMIT_NODE_COUNT)
/*
 * The same for jsonl_add_pretty: one value per line, at most two spaces of indentation per level.
 */
#define JSONL_MOST_PRETTY (JSONL_MOST_BYTES + (2 * LIMIT_NODE_DEPTH + 8) * LIMIT_NODE_COUNT)

/* Append the node on one line, without spaces and without a newline at the end. */
void jsonl_add(struct buf *b, const struct node *n);

/* Append the node, formatted for people: two spaces of indentation, a newline at the end. */
void jsonl_add_pretty(struct buf *b, const struct node *n);

/* As jsonl_add_pretty, for a value at `indent` steps of two spaces; without the final newline. */
void jsonl_add_indented(struct buf *b, const struct node *n, int indent);

/*
 * Append a string with its quotes (jsonl_add_string), or only the text between them
 * (jsonl_add_escaped). The text is UTF-8. A byte that is not valid UTF-8 is shown as by text_safe
 * ("\xff"), so callers reject or encode such text first. In addition to the characters that JSON
 * requires, DEL, the C1 controls, U+2028/9 and the bidirectional controls are escaped as \u, so
 * that a line of JSON is harmless on a terminal and in a script.
 */
void jsonl_add_string(struct buf *b, const char *s, size_t len);
void jsonl_add_escaped(struct buf *b, const char *s, size_t len);

#endif
