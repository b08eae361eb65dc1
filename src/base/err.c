/* SPDX-License-Identifier: Apache-2.0 */
#include "base/err.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "base/fit.h"

/*
 * fit_middle keeps the last two thirds of a text that is too long. They have room for the message
 * as it was set and the text appended to it.
 */
_Static_assert((ERR_MSG_MAX - ERR_CONTEXT_MAX - 8) / 3 * 2 >= ERR_SET_MAX + ERR_CONTEXT_MAX,
	"contexts can displace a message");

int err_vset(struct err *e, enum err_kind kind, const char *fmt, va_list ap)
{
	if (e->kind != ERR_NONE)
		BUG("an error is set twice; the first was: %s", e->msg);
	e->kind = kind;
	e->sys = 0;
	e->reason[0] = '\0';
	fit_vformat(e->msg, ERR_SET_MAX, fmt, ap);
	return -1;
}

int err_set(struct err *e, enum err_kind kind, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	(void)err_vset(e, kind, fmt, ap);
	va_end(ap);
	return -1;
}

int err_reason(struct err *e, enum err_kind kind, const char *reason, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	(void)err_vset(e, kind, fmt, ap);
	va_end(ap);
	return err_because(e, reason);
}

int err_because(struct err *e, const char *reason)
{
	if (e->kind == ERR_NONE)
		BUG("a reason for an error that is not set");
	(void)snprintf(e->reason, sizeof(e->reason), "%s", reason);
	return -1;
}

/* The disk is full or broken, whatever the operation was. */
static bool is_of_disk(int sys)
{
	return sys == ENOSPC || sys == EDQUOT || sys == EIO;
}

/* The remedy if a limit of the process was reached; else NULL. */
static const char *limit_remedy(int sys)
{
	struct rlimit now;

	if (sys == EMFILE)
		return "raise the limit of open files: ulimit -n of the shell, LimitNOFILE of the "
		       "systemd unit";
	if (sys == EFBIG && getrlimit(RLIMIT_FSIZE, &now) == 0 && now.rlim_cur != RLIM_INFINITY)
		return "raise the limit of file sizes: ulimit -f of the shell, LimitFSIZE of the "
		       "systemd unit";
	return NULL;
}

int err_sys(struct err *e, const char *fmt, ...)
{
	int saved = errno;
	const char *remedy = limit_remedy(saved);
	va_list ap;

	va_start(ap, fmt);
	(void)err_vset(e, ERR_HOST, fmt, ap);
	va_end(ap);
	e->sys = saved;
	(void)err_append(e, ": %s%s%s", strerror(saved), remedy ? "; " : "", remedy ? remedy : "");
	if (remedy)
		return err_because(e, ERR_REASON_LIMIT);
	return is_of_disk(saved) ? err_because(e, ERR_REASON_DISK) : -1;
}

int err_wrap(struct err *e, const char *fmt, ...)
{
	char whole[ERR_CONTEXT_MAX + ERR_MSG_MAX];
	va_list ap;

	if (e->kind == ERR_NONE)
		BUG("err_wrap of an error that is not set");
	va_start(ap, fmt);
	fit_vformat(whole, ERR_CONTEXT_MAX, fmt, ap);
	va_end(ap);
	fit_middle(e->msg, sizeof(e->msg) - 1 - strlen(whole) - 2);
	(void)snprintf(whole + strlen(whole), sizeof(e->msg) - strlen(whole), ": %s", e->msg);
	memcpy(e->msg, whole, strlen(whole) + 1);
	return -1;
}

int err_append(struct err *e, const char *fmt, ...)
{
	char text[ERR_CONTEXT_MAX];
	va_list ap;

	if (e->kind == ERR_NONE)
		BUG("err_append to an error that is not set");
	va_start(ap, fmt);
	fit_vformat(text, sizeof(text), fmt, ap);
	va_end(ap);
	fit_middle(e->msg, sizeof(e->msg) - 1 - strlen(text));
	(void)snprintf(e->msg + strlen(e->msg), sizeof(e->msg) - strlen(e->msg), "%s", text);
	return -1;
}

void err_bug(const char *file, int line, const char *fmt, ...)
{
	va_list ap;

	(void)fprintf(stderr, "BUG at %s:%d: ", file, line);
	va_start(ap, fmt);
	(void)vfprintf(stderr, fmt, ap);
	va_end(ap);
	(void)fputc('\n', stderr);
	abort();
}
