/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Errors, by value.
 *
 * Every function that can fail takes `struct err *e` as its last argument and returns 0, or -1 with
 * *e set. On success *e is untouched. The message is made where the facts are (err_set, err_sys);
 * callers on the way up put their context in front of it (err_wrap). Nothing has to be released, so
 * an error that is ignored on purpose costs one cast to void.
 *
 * However long the names are that a message contains, it keeps its reason and its remedy: its
 * arguments are shortened in the middle (fit.h) to ERR_SET_MAX - 1 bytes together, each context to
 * ERR_CONTEXT_MAX - 1, and when all contexts do not fit, what is between the first and the message
 * is left out.
 *
 * Only src/cli and executor/main.c print errors or turn them into an exit status.
 */
#ifndef BASE_ERR_H
#define BASE_ERR_H

#include <stdarg.h>

#define NODISCARD __attribute__((warn_unused_result))
#define PRINTF_LIKE(fmt, args) __attribute__((format(printf, fmt, args)))
#define NORETURN __attribute__((noreturn))

/* Whose fault it is. The kind decides the exit status, see verdict.h. */
enum err_kind {
	ERR_NONE,        /* no error; the value of a zeroed struct err */
	ERR_INPUT,       /* the user's input is wrong: arguments, configuration, projects, source */
	ERR_HOST,        /* the host: disk, memory, permissions, namespaces, QEMU */
	ERR_GUEST,       /* the guest broke the contract */
	ERR_BUSY,        /* another run holds the lock */
	ERR_INTERRUPTED, /* a signal asked us to stop */
};

#define ERR_REASON_DISK "host_disk"
#define ERR_REASON_LIMIT "host_limit"

enum {
	ERR_SET_MAX = 900,     /* a message as it is set */
	ERR_CONTEXT_MAX = 400, /* what one caller puts in front of it */
	ERR_MSG_MAX = 3072,    /* with all contexts */
	ERR_REASON_MAX = 40,
};

struct err {
	enum err_kind kind;
	int sys;                     /* errno at the point of failure, or 0 */
	char reason[ERR_REASON_MAX]; /* a word of docs/errors.md, or "" */
	char msg[ERR_MSG_MAX];       /* "pack source: open src/x: Permission denied", no newline */
};

/* Set *e from a format. Always returns -1, so that a failure is one line. */
int err_set(struct err *e, enum err_kind kind, const char *fmt, ...) PRINTF_LIKE(3, 4);
int err_vset(struct err *e, enum err_kind kind, const char *fmt, va_list ap) PRINTF_LIKE(3, 0);

/* As err_set, with the reason that result.json and docs/errors.md name. */
int err_reason(struct err *e, enum err_kind kind, const char *reason, const char *fmt, ...)
	PRINTF_LIKE(4, 5);

/* Give a set error a reason. Always returns -1. */
int err_because(struct err *e, const char *reason);

/*
 * ERR_HOST from errno: "fmt: strerror". A full or broken disk is the reason ERR_REASON_DISK, and a
 * limit of the process (too many open files, a file larger than RLIMIT_FSIZE) is ERR_REASON_LIMIT
 * with the remedy, so who opens or writes a file need not say it. Always returns -1.
 */
int err_sys(struct err *e, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* Put "fmt: " in front of the message of a set error. Always returns -1. */
int err_wrap(struct err *e, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* Put fmt behind the message of a set error, a remedy for example. Always returns -1. */
int err_append(struct err *e, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* For a call whose failure changes nothing for the caller: say why beside it. */
static inline void err_ignore(int result)
{
	(void)result;
}

/* A broken invariant of the program itself: print the place and abort. */
#define BUG(...) err_bug(__FILE__, __LINE__, __VA_ARGS__)
NORETURN void err_bug(const char *file, int line, const char *fmt, ...) PRINTF_LIKE(3, 4);

#endif
