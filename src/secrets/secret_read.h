/* SPDX-License-Identifier: Apache-2.0 */
/* Where values of secrets come from: a file, a command. Every byte goes into a vault at once. */
#ifndef SECRETS_SECRET_READ_H
#define SECRETS_SECRET_READ_H

#include <stddef.h>

#include "base/err.h"
#include "base/strv.h"
#include "os/vault.h"

/*
 * A regular file of the caller, or of root, that nobody else has access to, of at most `max` bytes.
 * ERR_INPUT with the remedy; reason secret_missing when there is no such file.
 */
int secret_read_file(const char *path, size_t max, struct vault *ret_value, size_t *ret_len,
	struct err *e) NODISCARD;

/* A file that is no secret: everybody may read it. */
int secret_read_public(const char *path, size_t max, struct vault *ret_value, size_t *ret_len,
	struct err *e) NODISCARD;

/*
 * What a program writes to its standard output, at most `max` bytes within `limit_ms`; it must exit
 * with 0. The value is what it and what it started have written by the time that it ends, whoever
 * holds its output open behind it. Its standard input is empty; what it says on standard error goes
 * nowhere. Its group is killed when it ends, when it takes too long, and when the caller ends,
 * however that happens. ERR_INPUT names the program, not its arguments.
 */
int secret_read_command(const struct strv *argv, size_t max, int64_t limit_ms,
	struct vault *ret_value, size_t *ret_len, struct err *e) NODISCARD;

#endif
