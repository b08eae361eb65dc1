/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Errors, by value.
 *
 * Every function that can fail takes `struct err *e` as its last argument and returns 0, or -1 with
 * *e set. On success *e is untouched. The function that detects the failure sets the message
 * (err_set, err_sys); callers on the way up prepend their context (err_wrap). Nothing has to be
 * released, so an error that is ignored on purpose costs one cast to void.
 *
 * A message keeps its reason and its remedy, however long the names in it are. The arguments of a
 * message are shortened in the middle (fit.h) to ERR_SET_MAX - 1 bytes together, each context to
 * ERR_CONTEXT_MAX - 1. If not all contexts fit, the text between the first context and the message
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

/* The cause of the error. The kind decides the exit status, see verdict.h. */
enum err_kind {
	ERR_NONE,        /* no error; the value of a zeroed struct err */
	ERR_INPUT,       /* the user's input is wrong: arguments, configuration, projects, source */
	ERR_HOST,        /* the host: disk, memory, permissions, namespaces, QEMU */
	ERR_GUEST,       /* the guest broke the contract */
	ERR_BUSY,        /* another run holds the lock */
	ERR_INTERRUPTED, /* a signal asked the program to stop */
};

#define ERR_REASON_DISK "host_disk"
#define ERR_REASON_LIMIT "host_limit"

enum {
	ERR_SET_MAX = 900,     /* a message when it is set */
	ERR_CONTEXT_MAX = 400, /* the context that one caller prepends */
	ERR_MSG_MAX = 3072,    /* with all contexts */
	ERR_REASON_MAX = 40,
};

struct err {
	enum err_kind kind;
	int sys;                     /* errno at the point of failure, or 0 */
	char reason[ERR_REASON_MAX]; /* a word from docs/errors.md, or "" */
	char msg[ERR_MSG_MAX];       /* "pack source: open src/x: Permission denied", no newline */
};

/* Set *e from a format. Always returns -1, so that a caller can return its result. */
int err_set(struct err *e, enum err_kind kind, const char *fmt, ...) PRINTF_LIKE(3, 4);
int err_vset(struct err *e, enum err_kind kind, const char *fmt, va_list ap) PRINTF_LIKE(3, 0);

/* As err_set, with a reason, which is shown in result.json and listed in docs/errors.md. */
int err_reason(struct err *e, enum err_kind kind, const char *reason, const char *fmt, ...)
	PRINTF_LIKE(4, 5);

/* Give a set error a reason. Always returns -1. */
int err_because(struct err *e, const char *reason);

/*
 * ERR_HOST from errno: "fmt: strerror". A full or broken disk sets the reason ERR_REASON_DISK. A
 * limit of the process (too many open files, a file larger than RLIMIT_FSIZE) sets ERR_REASON_LIMIT
 * and adds the remedy. So callers that open or write a file need not add these. Always returns -1.
 */
int err_sys(struct err *e, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* Prepend "fmt: " to the message of a set error. Always returns -1. */
int err_wrap(struct err *e, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* Append fmt to the message of a set error, for example a remedy. Always returns -1. */
int err_append(struct err *e, const char *fmt, ...) PRINTF_LIKE(2, 3);

/*
 * Ignore the result of a call whose failure changes nothing for the caller. Give the reason in a
 * comment at the call.
 */
static inline void err_ignore(int result)
{
	(void)result;
}

/* A broken invariant of the program itself: print the source line and abort. */
#define BUG(...) err_bug(__FILE__, __LINE__, __VA_ARGS__)
NORETURN void err_bug(const char *file, int line, const char *fmt, ...) PRINTF_LIKE(3, 4);

#endif
