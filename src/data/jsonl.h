/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON (RFC 8259), read into nodes and written from them. The only user of jansson.
 *
 * Numbers, true and false are plain scalars, strings are quoted ones. Writing a plain scalar gives
 * a bare number only when reading it back gives the same text (1.95 does, 1.10 and 010 become
 * strings), so that a tree survives the way through a file.
 */
#ifndef DATA_JSONL_H
#define DATA_JSONL_H

#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/limits.h"
#include "data/node.h"

/*
 * Parse one JSON value that fills the text, white space around it allowed. ERR_INPUT
 * "NAME:LINE:COL: ..." for what is no JSON, for a key that is twice in an object, a NUL in a
 * string, and beyond the limits of node.h; these are checked before memory is spent. Nodes have no
 * positions. The caller bounds len. Text that is not the user's: the caller changes the kind of the
 * error.
 */
int jsonl_parse(const char *text, size_t len, const char *name, struct node **ret_node,
	struct err *e) NODISCARD;

/*
 * The most that a tree of node_size_fits becomes on one line: a byte grows to \u0000 at most, and
 * each value has quotes, a colon and a comma.
 */
#define JSONL_MOST_BYTES (6 * LIMIT_NODE_BYTES + 8 * LIMIT_NODE_COUNT)
/* The same for people: each value on a line of its own, indented by at most two spaces a level. */
#define JSONL_MOST_PRETTY (JSONL_MOST_BYTES + (2 * LIMIT_NODE_DEPTH + 8) * LIMIT_NODE_COUNT)

/* Append the node on one line, without spaces and without a newline at the end. */
void jsonl_add(struct buf *b, const struct node *n);

/* Append the node for people: two spaces of indentation, a newline at the end. */
void jsonl_add_pretty(struct buf *b, const struct node *n);

/* As jsonl_add_pretty, as a value at `indent` steps of two spaces, without the newline. */
void jsonl_add_indented(struct buf *b, const struct node *n, int indent);

/*
 * Append a string with its quotes, or only what is between them. The text is UTF-8; a byte that
 * is not is shown as text_safe does ("\xff"), so callers refuse it before, or encode it. Beyond
 * what JSON asks for, DEL, the C1 controls, U+2028/9 and the bidirectional controls are written as
 * \u, so that a line of JSON is harmless on a terminal and in a script.
 */
void jsonl_add_string(struct buf *b, const char *s, size_t len);
void jsonl_add_escaped(struct buf *b, const char *s, size_t len);

#endif
