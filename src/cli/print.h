/* SPDX-License-Identifier: Apache-2.0 */
/* What the program says outside of a run: results on standard output, the rest on standard error. */
#ifndef CLI_PRINT_H
#define CLI_PRINT_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/strv.h"
#include "core/node.h"

/* "ERROR: message" and "WARNING: message", one line each, control characters made visible. */
void print_error(const struct err *e);
void print_warning(const char *message);
void print_warnings(const struct strv *messages);

/*
 * Write all of it, now. ERR_HOST, reason host_output, when that fails; when nobody reads any more
 * (EPIPE) the error is there too, but print_error keeps quiet about it.
 */
int print_out(const char *data, size_t len, struct err *e) NODISCARD; /* to standard output */
int print_fd(int fd, const char *name, const char *data, size_t len, struct err *e) NODISCARD;

/* Open a file that an option names, for writing from its start; it may be a pipe or a device. */
int print_create(const char *path, struct err *e) NODISCARD;

/* To `path`, or to standard output when that is NULL. A tree is written as JSON for people. */
int print_buf(const struct buf *b, const char *path, struct err *e) NODISCARD;
int print_json(const struct node *n, const char *path, struct err *e) NODISCARD;

/* The exit status that an error means, after it was printed. */
int print_failure(const struct err *e);

#endif
