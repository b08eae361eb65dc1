/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Messages that have to fit into a buffer. What a message says is at its end (the reason, what to
 * do) and in its format; what is long is a path or a name that somebody else chose. So the middle
 * of those is left out, and the words of the message always stand.
 */
#ifndef BASE_FIT_H
#define BASE_FIT_H

#include <stdarg.h>
#include <stddef.h>

#include "base/err.h"

/*
 * Shorten s to at most max bytes (at least 8): "..." replaces what is in the middle, a third of
 * what is kept stands before it and two thirds after it. UTF-8 sequences stay whole.
 */
void fit_middle(char *s, size_t max);

/*
 * As snprintf, but passwords in arguments of %s are not shown (password.h), and when the text is longer than size - 1 bytes, arguments of %s are shortened by
 * fit_middle, the longest ones first, and nothing else. Known are the conversions c d e f g i o p s
 * u x X % with flags, width, precision and the lengths j l ll t z, at most FIT_PIECES of them and
 * of the texts between; anything else is a BUG of the caller, as every format is a constant.
 */
enum { FIT_PIECES = 40 };
void fit_format(char *ret, size_t size, const char *fmt, ...) PRINTF_LIKE(3, 4);
void fit_vformat(char *ret, size_t size, const char *fmt, va_list ap) PRINTF_LIKE(3, 0);

#endif
