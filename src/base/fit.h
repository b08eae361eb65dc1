/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Messages that have to fit into a buffer. The important words of a message are in its format and
 * at its end (the reason, the remedy). The long parts are paths and names, which users and guests
 * choose. So only the middle of such arguments is left out; the words of the format are always
 * kept.
 */
#ifndef BASE_FIT_H
#define BASE_FIT_H

#include <stdarg.h>
#include <stddef.h>

#include "base/err.h"

/*
 * Shorten s to at most max bytes (at least 8). "..." replaces the middle; a third of the remaining
 * text precedes it, and two thirds follow it. UTF-8 sequences are not split.
 */
void fit_middle(char *s, size_t max);

/*
 * As snprintf, with two differences. Whoever chose an argument of %s, a person may see it: passwords
 * are hidden (password.h), and what a terminal would obey is escaped (text_add_safe, one line). If
 * the text is longer than size - 1 bytes, arguments of %s are shortened by fit_middle, the longest
 * ones first, and nothing else is shortened. A precision does not split a UTF-8 sequence.
 *
 * The format may contain the conversions c d e f g i o p s u x X % with flags, width, precision and
 * the length modifiers j l ll t z: at most FIT_PIECES conversions and literal texts between them.
 * Anything else is a BUG of the caller, because every format is a constant.
 */
enum { FIT_PIECES = 40 };
void fit_format(char *ret, size_t size, const char *fmt, ...) PRINTF_LIKE(3, 4);
void fit_vformat(char *ret, size_t size, const char *fmt, va_list ap) PRINTF_LIKE(3, 0);

#endif
