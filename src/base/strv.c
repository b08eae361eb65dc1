/* SPDX-License-Identifier: Apache-2.0 */
#include "base/strv.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void strv_release(struct strv *v)
{
	strv_each (v, s)
		free(*s);
	free(v->items);
	*v = (struct strv){0};
}

void strv_push_owned(struct strv *v, char *s)
{
	v->items = mem_resize(v->items, v->count + 2, sizeof(*v->items));
	v->items[v->count++] = s;
	v->items[v->count] = NULL;
}

void strv_push(struct strv *v, const char *s)
{
	strv_push_owned(v, mem_strdup(s));
}

void strv_pushf(struct strv *v, const char *fmt, ...)
{
	char *s = NULL;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vasprintf(&s, fmt, ap);
	va_end(ap);
	if (n < 0)
		BUG("vasprintf failed");
	strv_push_owned(v, s);
}

void strv_push_all(struct strv *v, const struct strv *more)
{
	strv_each (more, s)
		strv_push(v, *s);
}

bool strv_has(const struct strv *v, const char *s)
{
	strv_each (v, item)
		if (strcmp(*item, s) == 0)
			return true;
	return false;
}

void strv_setenv(struct strv *env, const char *name, const char *value)
{
	size_t len = strlen(name);

	strv_each (env, item) {
		if (strncmp(*item, name, len) == 0 && (*item)[len] == '=') {
			free(*item);
			*item = mem_printf("%s=%s", name, value);
			return;
		}
	}
	strv_pushf(env, "%s=%s", name, value);
}
