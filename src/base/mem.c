/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static void *or_abort(void *p)
{
	if (!p) {
		(void)fputs("ERROR: out of memory\n", stderr);
		abort();
	}
	return p;
}

void *mem_alloc(size_t size)
{
	return or_abort(calloc(1, size ? size : 1));
}

void *mem_array(size_t count, size_t size)
{
	return or_abort(calloc(count ? count : 1, size ? size : 1));
}

void *mem_resize(void *p, size_t count, size_t size)
{
	return or_abort(reallocarray(p, count ? count : 1, size ? size : 1));
}

char *mem_strdup(const char *s)
{
	return or_abort(strdup(s));
}

char *mem_strndup(const char *s, size_t n)
{
	return or_abort(strndup(s, n));
}

char *mem_printf(const char *fmt, ...)
{
	char *s = NULL;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vasprintf(&s, fmt, ap);
	va_end(ap);
	return or_abort(n < 0 ? NULL : s);
}
