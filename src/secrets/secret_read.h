/* SPDX-License-Identifier: Apache-2.0 */
/* Read values of secrets from a file or a command. All bytes are read directly into a vault. */
#ifndef SECRETS_SECRET_READ_H
#define SECRETS_SECRET_READ_H

#include <stddef.h>

#include "base/err.h"
#include "base/strv.h"
#include "os/vault.h"

/*
 * Read a regular file of at most `max` bytes. It must belong to the caller or to root, and no other
 * user may have access to it. ERR_INPUT with the remedy; reason secret_missing if it does not
 * exist.
 */
int secret_read_file(const char *path, size_t max, struct vault *ret_value, size_t *ret_len,
	struct err *e) NODISCARD;

/* Read a file that is not secret: any user may have access to it. */
int secret_read_public(const char *path, size_t max, struct vault *ret_value, size_t *ret_len,
	struct err *e) NODISCARD;

/*
 * Read the standard output of a program: at most `max` bytes within `limit_ms`. The program must
 * exit with 0. The value is all output of the program and its child processes up to its exit, even
 * if a child process keeps the output open. Standard input is empty, standard error is discarded.
 * The process group is killed when the program exits, when the time limit is reached, and when the
 * caller ends for any reason. ERR_INPUT names the program, but not its arguments.
 */
int secret_read_command(const struct strv *argv, size_t max, int64_t limit_ms,
	struct vault *ret_value, size_t *ret_len, struct err *e) NODISCARD;

#endif
