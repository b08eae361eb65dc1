/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

enum { EXIT_BROKEN = 3 };

/* There is no memory for an error. A process limit is a likely cause, so the message names it. */
NORETURN static void end(void)
{
	static const char plain[] = "ERROR: out of memory\n";
	static const char limited[] =
		"ERROR: out of memory; raise the limit of address space or data: ulimit -v and -d "
		"of the shell, LimitAS and LimitDATA of the systemd unit\n";
	struct rlimit space = {0}, data = {0};
	bool is_limited;

	(void)getrlimit(RLIMIT_AS, &space);
	(void)getrlimit(RLIMIT_DATA, &data);
	is_limited = space.rlim_cur != RLIM_INFINITY || data.rlim_cur != RLIM_INFINITY;
	(void)!write(STDERR_FILENO, is_limited ? limited : plain,
		is_limited ? sizeof(limited) - 1 : sizeof(plain) - 1);
	_exit(EXIT_BROKEN);
}

static void *or_end(void *p)
{
	if (!p)
		end();
	return p;
}

void *mem_alloc(size_t size)
{
	return or_end(calloc(1, size ? size : 1));
}

void *mem_array(size_t count, size_t size)
{
	return or_end(calloc(count ? count : 1, size ? size : 1));
}

void *mem_resize(void *p, size_t count, size_t size)
{
	return or_end(reallocarray(p, count ? count : 1, size ? size : 1));
}

char *mem_strdup(const char *s)
{
	return or_end(strdup(s));
}

char *mem_strndup(const char *s, size_t n)
{
	return or_end(strndup(s, n));
}

char *mem_vprintf(const char *fmt, va_list ap)
{
	char *s = NULL;

	return or_end(vasprintf(&s, fmt, ap) < 0 ? NULL : s);
}

char *mem_printf(const char *fmt, ...)
{
	va_list ap;
	char *s;

	va_start(ap, fmt);
	s = mem_vprintf(fmt, ap);
	va_end(ap);
	return s;
}
