/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Masks secrets in logs: copies a stream of bytes and replaces each secret in it by "***".
 *
 * The mask searches for the value, and for each line of it that has at least MASK_LEAST bytes
 * (without surrounding white space) and is not public. Public lines are BEGIN and END of PEM, its
 * headers, and a last line of at most four base64 digits. It finds these encodings, regardless of
 * how they are split into writes:
 *
 *  - the plain value
 *  - URL-escaped: any of its bytes as %XX, a space also as +
 *  - escaped for JSON, C or a shell: \n, \", \u00e4, \xe4, \344 and the like
 *  - base64 and base64url, at each of the three alignments in a longer text, with white space
 *    in between
 *  - hexadecimal, in both cases, with white space, colons, commas and dashes in between
 *
 * In all encodings the search ignores bytes that a terminal does not show: colors and other
 * terminal sequences (ECMA-48), and carriage returns. The screen removes them before the text is
 * shown.
 *
 * A byte is passed on as soon as it cannot belong to a secret. Only the beginning of a possible
 * secret at the end of the data is held. mask_idle passes on beginnings of at most three
 * characters, so that the end of a line is shown; the rest of such a secret is still masked. The
 * time is linear in the length of the stream (Aho and Corasick, Communications of the ACM 18
 * (1975), 333), for any number of secrets.
 *
 * Not found: an escaped secret directly after a % or \ that does not begin an escape, and a secret
 * that contains terminal sequences if colors are printed inside these.
 *
 * The mask prevents accidents only. A program that has a secret can always print it in an encoding
 * that is not in this list.
 */
#ifndef SECRETS_MASK_H
#define SECRETS_MASK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "data/node.h"

enum {
	MASK_LEAST = 4, /* bytes; shorter values would be masked in ordinary text */
	MASK_SHORT = 8, /* bytes; a shorter line is likely to occur in ordinary text */
	MASK_SLICE = 64 * 1024,
};
#define MASK_TEXT "***"

struct mask;
struct mask_stream;

/* Receives the masked bytes; data is valid during the call. */
struct mask_sink {
	void (*write)(void *arg, const char *data, size_t len);
	void *arg;
};

/* True when a value is long enough to be masked. */
bool mask_can(const char *value, size_t len);

/* The number of masked lines with fewer than MASK_SHORT bytes. 0 for a value of one line. */
size_t mask_count_short(const char *value, size_t len);

/* Add all values, then call mask_ready once, then create streams. */
struct mask *mask_new(void);
void mask_add(struct mask *m, const char *value, size_t len);
void mask_ready(struct mask *m);
void mask_free(struct mask *m); /* accepts NULL; wipes the memory */

struct mask_stream *mask_stream_new(const struct mask *m);
void mask_stream_free(struct mask_stream *s); /* accepts NULL */

/* Calls the sink at most once for each MASK_SLICE bytes of data. */
void mask_write(struct mask_stream *s, const char *data, size_t len, const struct mask_sink *sink);
void mask_idle(struct mask_stream *s, const struct mask_sink *sink);
/* Passes on all held bytes and resets the stream. */
void mask_end(struct mask_stream *s, const struct mask_sink *sink);

/* A number of steps that is proportional to the time used. For tests. */
uint64_t mask_stream_steps(const struct mask_stream *s);

/* Returns a masked copy of a complete text; the caller frees. */
char *mask_text(const struct mask *m, const char *text);

/* Masks every scalar of a tree, in place. */
void mask_node(const struct mask *m, struct node *n);

#endif
