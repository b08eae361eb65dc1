/* SPDX-License-Identifier: Apache-2.0 */
/* Text that strangers wrote, on its way to people. */
#ifndef BASE_TEXT_H
#define BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

/*
 * The length of the UTF-8 sequence at s (1 to 4; Unicode 15, table 3-7: no surrogates, no overlong
 * forms, at most U+10FFFF), 0 when it is none, -1 when it is the start of one that was cut by the
 * end.
 */
int text_utf8_sequence(const char *s, size_t len);

bool text_is_utf8(const char *s, size_t len);

/*
 * Append s so that a terminal shows it and obeys none of it: newline and tab stay; other control
 * characters, C1 controls, bytes that are not UTF-8 and the Unicode bidirectional controls become
 * visible ("\x1b", "\u202e"). With `one_line`, newlines become "\n" too.
 */
void text_add_safe(struct buf *b, const char *s, size_t len, bool one_line);

/*
 * As text_add_safe with one_line, into a new string of at most `max` bytes, shortened in the middle
 * (fit_middle), without passwords of URLs and targets (password.h).
 */
char *text_safe(const char *s, size_t max);

/*
 * Append a word of a command that people are to type, so that a shell reads it as this word: with
 * backslashes, because such commands stand in quotes in messages. Control characters, which no
 * message shows as they are, are left alone.
 */
void text_add_word(struct buf *b, const char *word);

/* The same as a new string. */
char *text_word(const char *word);

/* The candidate nearest to s by edit distance, or NULL when none is near. NULL ends the list. */
const char *text_nearest(const char *s, const char *const *candidates);

#endif
