/* SPDX-License-Identifier: Apache-2.0 */
/* What the program says outside of a run: results on stdout, the rest on stderr. */
#ifndef CLI_SAY_H
#define CLI_SAY_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/strv.h"
#include "data/node.h"

/* "ERROR: message" and "WARNING: message", one line each, control characters made visible. */
void say_error(const struct err *e);
void say_warning(const char *message);
void say_warnings(const struct strv *messages);

/* To standard error as it is, as those above do: until a signal comes. */
void say_aside(const struct buf *text);

/*
 * Write all of it, now; until a signal comes, which is ERR_INTERRUPTED. ERR_HOST, reason host_output, when that fails; when nobody reads any more
 * (EPIPE) the error is there too, but say_error keeps quiet about it.
 */
int say_out(const char *data, size_t len, struct err *e) NODISCARD; /* to standard output */

/*
 * A line of a table, on standard output, as soon as it is known: a table has no length that could
 * be too much. Made safe as a whole, so that names from files and directories need not be.
 */
int say_row(struct err *e, const char *fmt, ...) PRINTF_LIKE(2, 3) NODISCARD;

/*
 * The same as JSON for people: items of a list or mapping, one after the other. `key` is NULL in a
 * list. Each item has its own limit (JSONL_MOST_PRETTY).
 */
struct say_items {
	const char *open, *close; /* what is around the items, with their newlines */
	int indent;               /* of the items, in steps of two */
	bool begun;
};
int say_item(struct say_items *s, const char *key, const struct node *n, struct err *e) NODISCARD;
int say_items_end(struct say_items *s, struct err *e) NODISCARD;

/* To `path`, or to standard output when that is NULL. A tree is written as JSON for people. */
int say_buf(const struct buf *b, const char *path, struct err *e) NODISCARD;
int say_json(const struct node *n, const char *path, struct err *e) NODISCARD;

/* The exit status that an error means, after it was printed. */
int say_failure(const struct err *e);

/* The same of standard output that could not be written, for this errno. */
int say_unwritten(int sys);

/* Of the whole program: as given, unless a signal came while a message above was not read. */
int say_status(int status);

#endif
