/* SPDX-License-Identifier: Apache-2.0 */
/* What every fuzzer expects of a text that people are to read. */
#ifndef FUZZ_TERMINAL_H
#define FUZZ_TERMINAL_H

#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/text.h"

/*
 * BUG unless the text is one line of which a terminal obeys nothing. Passwords are no concern here:
 * hiding them again (text_safe) may find one in the escapes that made the text harmless.
 */
static inline void expect_harmless(const char *what, const char *text)
{
	auto_buf struct buf safe;

	buf_init(&safe, 4 * strlen(text) + 8);
	text_add_safe(&safe, text, strlen(text), true);
	if (strcmp(safe.data, text) != 0)
		BUG("a terminal obeys %s: %s", what, safe.data);
}

#endif
