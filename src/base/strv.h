/* SPDX-License-Identifier: Apache-2.0 */
/* A growing vector of strings, always terminated by NULL, so that items can be passed to execv. */
#ifndef BASE_STRV_H
#define BASE_STRV_H

#include <stdbool.h>
#include <stddef.h>

#include "base/mem.h"

struct strv {
	char **items; /* NULL only while count is 0 */
	size_t count;
};

void strv_release(struct strv *v);
void strv_push(struct strv *v, const char *s);
void strv_pushf(struct strv *v, const char *fmt, ...) PRINTF_LIKE(2, 3);
void strv_push_owned(struct strv *v, char *s); /* takes ownership of s */
void strv_push_all(struct strv *v, const struct strv *more);
bool strv_has(const struct strv *v, const char *s);

/* For an environment, a vector of "NAME=value": set or replace one variable. */
void strv_setenv(struct strv *env, const char *name, const char *value);

#define auto_strv __attribute__((cleanup(strv_release)))
#define strv_each(v, s) for (char **s = (v)->items; s && *s; s++)

#endif
