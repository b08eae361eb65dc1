/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keeping secrets out of logs: a stream of bytes goes in, the same stream comes out with "***"
 * where a secret stood.
 *
 * Looked for are the value and each line of it that has MASK_LEAST bytes (without the white space
 * around it) and is not public: BEGIN and END of PEM, its headers, and the last four digits of
 * base64 or fewer. In these disguises, whatever the reads are that they come in:
 *
 *  - as it is
 *  - URL-escaped: any of its bytes as %XX, a blank also as +
 *  - escaped for JSON, C or a shell: \n, \", \u00e4, \xe4, \344 and the like
 *  - base64 and base64url, at each of the three places that it can have in a longer text, with
 *    white space in it
 *  - hexadecimal, both cases, with white space, colons, commas and dashes in it
 *
 * In all of them, what people do not see of a stream is no part of it: colours and other sequences
 * for terminals (ECMA-48), carriage returns. A terminal does not show them, and ours takes them
 * away before others see the text.
 *
 * A byte comes out as soon as it cannot belong to a secret any more: only the beginning of a
 * disguise at the very end is held back. mask_idle lets go of beginnings of at most three
 * characters, so that the end of a line is shown; what follows them is still covered. Time is
 * linear in the length of the stream (Aho and Corasick, Communications of the ACM 18 (1975), 333),
 * however many secrets are in it.
 *
 * Not found is an escaped secret right behind a % or \ that is not the beginning of an escape, and
 * one that has sequences for terminals itself when there are colours inside these.
 *
 * This is a net against accidents. Who wants to get a secret out of a program that has it finds a
 * disguise that is not in the list.
 */
#ifndef SECRETS_MASK_H
#define SECRETS_MASK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "data/node.h"

enum {
	MASK_LEAST = 4, /* bytes; shorter ones would turn logs into stars */
	MASK_SHORT = 8, /* a line with fewer bytes is a word that other texts have, too */
	MASK_SLICE = 64 * 1024,
};
#define MASK_TEXT "***"

struct mask;
struct mask_stream;

/* Where the bytes go; data is valid during the call. */
struct mask_sink {
	void (*write)(void *arg, const char *data, size_t len);
	void *arg;
};

/* True when a value is long enough to be masked. */
bool mask_can(const char *value, size_t len);

/* How many lines are masked although they have fewer than MASK_SHORT bytes. 0 of a single line. */
size_t mask_count_short(const char *value, size_t len);

/* Values are added, then mask_ready is called once; only then are there streams. */
struct mask *mask_new(void);
void mask_add(struct mask *m, const char *value, size_t len);
void mask_ready(struct mask *m);
void mask_free(struct mask *m); /* accepts NULL; overwrites what it knew */

struct mask_stream *mask_stream_new(const struct mask *m);
void mask_stream_free(struct mask_stream *s); /* accepts NULL */

/* The sink is told once for each MASK_SLICE bytes or fewer, if at all. */
void mask_write(struct mask_stream *s, const char *data, size_t len, const struct mask_sink *sink);
void mask_idle(struct mask_stream *s, const struct mask_sink *sink);
void mask_end(struct mask_stream *s, const struct mask_sink *sink); /* the stream starts anew */

/* What the time that the stream has taken is proportional to. For tests. */
uint64_t mask_stream_steps(const struct mask_stream *s);

/* A whole text; the caller frees. */
char *mask_text(const struct mask *m, const char *text);

/* Every scalar of a tree. */
void mask_node(const struct mask *m, struct node *n);

#endif
