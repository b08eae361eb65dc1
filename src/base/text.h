/* SPDX-License-Identifier: Apache-2.0 */
/* Showing text from untrusted sources to people. */
#ifndef BASE_TEXT_H
#define BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

/*
 * The length of the UTF-8 sequence at s: 1 to 4 (Unicode 15, table 3-7: no surrogates, no overlong
 * forms, at most U+10FFFF). 0: s does not begin with a valid sequence. -1: s begins with a sequence
 * that is truncated by the end.
 */
int text_utf8_sequence(const char *s, size_t len);

bool text_is_utf8(const char *s, size_t len);

/*
 * Append s so that a terminal shows all of it and interprets none of it. Newline and tab are kept.
 * Other control characters, C1 controls, bytes that are not UTF-8 and the Unicode bidirectional
 * controls are escaped visibly ("\x1b", "\u202e"). With `one_line`, newlines become "\n" too.
 */
void text_add_safe(struct buf *b, const char *s, size_t len, bool one_line);

/*
 * As text_add_safe with one_line, into a new string of at most `max` bytes that is shortened in the
 * middle (fit_middle). Passwords of URLs and targets are hidden (password.h). The caller frees.
 */
char *text_safe(const char *s, size_t max);

/*
 * Append a word of a command that people will type, quoted so that a shell reads it as this word.
 * It is quoted with backslashes, because messages put such commands in quotes. Control characters
 * are not quoted: no message shows them as they are.
 */
void text_add_word(struct buf *b, const char *word);

/* As text_add_word, as a new string. The caller frees. */
char *text_word(const char *word);

/* Is it a name of a variable that shells accept, too? */
bool text_is_variable(const char *name);
#define TEXT_VARIABLE_RULE "letters, digits and _, not beginning with a digit"

/*
 * The candidate nearest to s by edit distance, or NULL when none is near. `candidates` ends with
 * NULL; the result is one of its pointers.
 */
const char *text_nearest(const char *s, const char *const *candidates);

#endif
