/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files that a user names for us to write: --result, --log, --output, an exported archive.
 *
 * What is there under the name decides how it is written:
 *
 * - "-", /dev/stdout, /dev/stderr and /dev/fd/N are the descriptor itself, and so is any other name
 * of the file behind standard output or standard error. It is not opened again, so nothing in it is
 *   overwritten.
 * - A fifo, a terminal or another device is written into and never replaced. A fifo without a
 * reader is waited for until sig.h has a signal.
 * - Nothing, or a regular file: OUTFILE_WHOLE makes a file without a name in the same directory,
 * which takes the place by one rename when all of it is written; nobody sees half of it, and a kill
 * leaves nothing. OUTFILE_LINES writes into the file under its name, behind its end, after
 * outfile_begin has emptied it, so that others can follow it.
 *
 * Links are followed once, at the beginning. A dangling link, a directory, a socket and a
 * file that may not be written are ERR_INPUT.
 */
#ifndef OS_OUTFILE_H
#define OS_OUTFILE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>

#include "base/err.h"

enum outfile_use { OUTFILE_WHOLE, OUTFILE_LINES };

/* Only `path`, `fd` and `stream` are for others. */
struct outfile {
	char *path;  /* for messages */
	int fd;      /* of a regular file: readable, too, with OUTFILE_WHOLE */
	bool stream; /* a descriptor, a pipe or a device: it cannot seek */
	int dir;
	char *name, *temporary; /* in `dir`; NULL: there is none */
	struct stat
		found; /* of what was there, or what was made under the name; st_nlink 0: none */
	bool made, begun;
};
#define OUTFILE_NONE                                                                               \
	{                                                                                          \
		.fd = -1, .dir = -1                                                                \
	}

/* `mode` of a file that is new, before the umask; one that is replaced hands its own on. */
int outfile_open(const char *path, enum outfile_use use, mode_t mode, struct outfile *ret,
	struct err *e) NODISCARD;

/* Nothing, when not finished: what was written under another name is gone. */
void outfile_release(struct outfile *o);
#define auto_outfile __attribute__((cleanup(outfile_release)))

/* OUTFILE_LINES: empty a regular file. Until then it has its old contents. */
int outfile_begin(struct outfile *o, struct err *e) NODISCARD;

/*
 * Look at what outfile_open would write into or replace, for the questions below; nothing is
 * opened. False when that is no regular file, and is not to be made: a stream, a mistake.
 */
bool outfile_look(const char *path, struct outfile *ret);

/*
 * Write all of it. A reader that sleeps is waited for until a signal comes: then it is
 * ERR_INTERRUPTED. The reason of other errors is "host_output".
 */
int outfile_write(struct outfile *o, const void *data, size_t len, struct err *e) NODISCARD;

/* The error of it, from errno, also when nowait_put made it. Always -1. */
int outfile_failed(const char *name, struct err *e);

/* OUTFILE_WHOLE: sync, and rename over nothing or over a regular file. Else nothing. */
int outfile_finish(struct outfile *o, struct err *e) NODISCARD;

/* Nothing that could be lost was there: no regular file, an empty one, or one behind whose end we
 * write. */
bool outfile_found_nothing(const struct outfile *o);

/* What was there has other names, too (hard links), wherever they are. */
bool outfile_found_more_names(const struct outfile *o);

/* What was there begins with a text of at most OUTFILE_BEGINNING_MAX bytes. */
enum { OUTFILE_BEGINNING_MAX = 256 };
bool outfile_found_beginning(const struct outfile *o, const char *text);

/*
 * ERR_INPUT when the output that `option` names is the file at `path`, by whatever names, which is
 * `what`: "the projects file". A path that leads nowhere is another file.
 */
int outfile_is_not(const struct outfile *o, const char *option, const char *path, const char *what,
	struct err *e) NODISCARD;

/* ERR_INPUT when a regular file is, or would be, at or below the directory, which is `what`. */
int outfile_is_not_below(const struct outfile *o, const char *option, const char *directory,
	const char *what, struct err *e) NODISCARD;

/* Does this name stand for standard output, or lead to the file or pipe behind it? */
bool outfile_is_stdout(const char *path);

/* ERR_INPUT when two outputs are one regular file. */
int outfile_are_two(const struct outfile *a, const char *option_a, const struct outfile *b,
	const char *option_b, struct err *e) NODISCARD;

#endif
