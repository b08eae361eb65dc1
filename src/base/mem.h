/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory allocation that cannot fail: when memory runs out, the program prints a message and exits
 * with status 3, so callers need no error path. Sizes that untrusted input can influence must be
 * bounded by the caller before.
 */
#ifndef BASE_MEM_H
#define BASE_MEM_H

#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include "base/err.h"

void *mem_alloc(size_t size) __attribute__((malloc, returns_nonnull));               /* zeroed */
void *mem_array(size_t count, size_t size) __attribute__((malloc, returns_nonnull)); /* zeroed */
void *mem_resize(void *p, size_t count, size_t size) __attribute__((returns_nonnull));
char *mem_strdup(const char *s) __attribute__((malloc, returns_nonnull));
char *mem_strndup(const char *s, size_t n) __attribute__((malloc, returns_nonnull));
char *mem_vprintf(const char *fmt, va_list ap) PRINTF_LIKE(1, 0)
	__attribute__((malloc, returns_nonnull));
char *mem_printf(const char *fmt, ...) PRINTF_LIKE(1, 2) __attribute__((malloc, returns_nonnull));

static inline void mem_auto_free(void *p)
{
	free(*(void **)p);
}
#define auto_free __attribute__((cleanup(mem_auto_free)))

/* Move the value out of an owning variable. The caller owns it; the variable becomes NULL. */
#define steal_ptr(p)                                                                               \
	({                                                                                         \
		__typeof__(p) stolen_from_ = (p);                                                  \
		__typeof__(*stolen_from_) stolen_ = *stolen_from_;                                 \
		*stolen_from_ = NULL;                                                              \
		stolen_;                                                                           \
	})

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

#endif
