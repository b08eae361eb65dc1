/* SPDX-License-Identifier: Apache-2.0 */
/* Output of the program outside of a run: results to stdout, messages to stderr. */
#ifndef CLI_SAY_H
#define CLI_SAY_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/strv.h"
#include "data/node.h"

/* Print "ERROR: message" or "WARNING: message", one line each, with control characters escaped. */
void say_error(const struct err *e);
void say_warning(const char *message);

/*
 * Append a message as errors show it: on one line that is safe for a terminal, shortened in the
 * middle, with proposed commands as they have to be typed (hint.h). `line` has SAY_LINE_MAX bytes.
 */
enum { SAY_MESSAGE_MAX = 4096, SAY_LINE_MAX = 4 * SAY_MESSAGE_MAX + 64 };
void say_add_message(struct buf *line, const char *message);
void say_warnings(const struct strv *messages);

/* Print the text to standard error, unchanged. As above, a signal ends the writing. */
void say_aside(const struct buf *text);

/*
 * Write all data immediately. A signal is ERR_INTERRUPTED. A failed write is ERR_HOST, reason
 * host_output; say_error does not print this error if its cause is EPIPE.
 */
int say_out(const char *data, size_t len, struct err *e) NODISCARD; /* to standard output */

/*
 * Write one line of a table to standard output immediately, so that tables have no maximum length.
 * Control characters are escaped in the whole line, so the arguments need not be escaped.
 */
int say_row(struct err *e, const char *fmt, ...) PRINTF_LIKE(2, 3) NODISCARD;

/*
 * Write a list or mapping as indented JSON, one item after the other. `key` is NULL in a list. Each
 * item has its own limit (JSONL_MOST_PRETTY).
 */
struct say_items {
	const char *open, *close; /* text before and after the items, with newlines */
	int indent;               /* of the items, in units of two spaces */
	bool begun;
};
int say_item(struct say_items *s, const char *key, const struct node *n, struct err *e) NODISCARD;
int say_items_end(struct say_items *s, struct err *e) NODISCARD;

/* Write to `path`, or to standard output if it is NULL. A tree is written as indented JSON. */
int say_buf(const struct buf *b, const char *path, struct err *e) NODISCARD;
int say_json(const struct node *n, const char *path, struct err *e) NODISCARD;

/* Print the error and return its exit status. */
int say_failure(const struct err *e);

/* The same for a failed write to standard output, with this errno. */
int say_unwritten(int sys);

/* The exit status of the program: `status`, unless a signal interrupted a message above. */
int say_status(int status);

#endif
