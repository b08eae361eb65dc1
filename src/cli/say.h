/* SPDX-License-Identifier: Apache-2.0 */
/* What the program says outside of a run: results on stdout, the rest on stderr. */
#ifndef CLI_SAY_H
#define CLI_SAY_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/strv.h"
#include "core/node.h"

/* "ERROR: message" and "WARNING: message", one line each, control characters made visible. */
void say_error(const struct err *e);
void say_warning(const char *message);
void say_warnings(const struct strv *messages);

/*
 * Write all of it, now. ERR_HOST, reason host_output, when that fails; when nobody reads any more
 * (EPIPE) the error is there too, but say_error keeps quiet about it.
 */
int say_out(const char *data, size_t len, struct err *e) NODISCARD; /* to standard output */

/* To `path`, or to standard output when that is NULL. A tree is written as JSON for people. */
int say_buf(const struct buf *b, const char *path, struct err *e) NODISCARD;
int say_json(const struct node *n, const char *path, struct err *e) NODISCARD;

/* The exit status that an error means, after it was printed. */
int say_failure(const struct err *e);

#endif
