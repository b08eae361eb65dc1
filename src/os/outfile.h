/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Output files named by the user: --result, --log, --output, an exported archive.
 *
 * The kind of the existing file decides how it is written:
 *
 * - "-", /dev/stdout, /dev/stderr and /dev/fd/N are the descriptor itself, and so is any other name
 *   of the file that is standard output or standard error. The file is not opened again, so nothing
 *   in it is overwritten.
 * - A fifo, a terminal or another device is written to and never replaced. A fifo without a reader
 *   is waited for until sig.h has a signal.
 * - No file, or a regular file. OUTFILE_WHOLE: a file without a name is created in the same
 *   directory, and after all of it is written, one rename puts it in place. Nobody sees a part of
 *   it, and a killed program leaves nothing. OUTFILE_LINES: outfile_begin empties the file, and
 *   lines are appended to it under its name, so that others can follow it.
 *
 * Links are followed once, at the beginning. A dangling link, a directory, a socket, and a file
 * without write permission are ERR_INPUT.
 */
#ifndef OS_OUTFILE_H
#define OS_OUTFILE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>

#include "base/err.h"

enum outfile_use { OUTFILE_WHOLE, OUTFILE_LINES };

/* Only `path`, `fd` and `stream` are public. */
struct outfile {
	char *path;  /* for messages */
	int fd;      /* of a regular file; with OUTFILE_WHOLE also readable */
	bool stream; /* a descriptor, a pipe or a device: it cannot seek */
	int dir;
	char *name, *temporary; /* in `dir`; NULL: none */
	/* The file that existed, or that was created under the name; st_nlink 0: none. */
	struct stat found;
	bool made, begun;
};
#define OUTFILE_NONE                                                                               \
	{                                                                                          \
		.fd = -1, .dir = -1                                                                \
	}

/*
 * `mode` is the mode of a new file, before the umask. A file that replaces another one gets the
 * mode of that one.
 */
int outfile_open(const char *path, enum outfile_use use, mode_t mode, struct outfile *ret,
	struct err *e) NODISCARD;

/* If outfile_finish was not called, the unfinished output is discarded. */
void outfile_release(struct outfile *o);
#define auto_outfile __attribute__((cleanup(outfile_release)))

/* OUTFILE_LINES: truncate a regular file to 0 bytes. Until this call it keeps its old contents. */
int outfile_begin(struct outfile *o, struct err *e) NODISCARD;

/*
 * Look at the file that outfile_open would write or replace, for the queries below; nothing is
 * opened. False when it is not a regular file and would not become one: a stream, or an invalid
 * path.
 */
bool outfile_look(const char *path, struct outfile *ret);

/*
 * Write all bytes. Waits for a sleeping reader until a signal comes, which is ERR_INTERRUPTED.
 * Other errors have the reason "host_output".
 */
int outfile_write(struct outfile *o, const void *data, size_t len, struct err *e) NODISCARD;

/* Set the error of a failed write from errno, also after nowait_put. Always returns -1. */
int outfile_failed(const char *name, struct err *e);

/*
 * OUTFILE_WHOLE: sync the file and rename it, over a regular file if there is one. Does nothing for
 * OUTFILE_LINES and for streams.
 */
int outfile_finish(struct outfile *o, struct err *e) NODISCARD;

/*
 * True when no data can be lost: there was no regular file, or an empty one, or the output is
 * appended to it.
 */
bool outfile_found_nothing(const struct outfile *o);

/* The existing file has other names, too (hard links), in any directory. */
bool outfile_found_more_names(const struct outfile *o);

/* The existing file begins with this text, of at most OUTFILE_BEGINNING_MAX bytes. */
enum { OUTFILE_BEGINNING_MAX = 256 };
bool outfile_found_beginning(const struct outfile *o, const char *text);

/*
 * ERR_INPUT when the output of `option` is the same file as `path`, by whatever names. `what`
 * describes that file: "the projects file". A `path` that does not exist is a different file.
 */
int outfile_is_not(const struct outfile *o, const char *option, const char *path, const char *what,
	struct err *e) NODISCARD;

/*
 * ERR_INPUT when the output of `option` is a regular file, or would become one, at or below the
 * directory; `what` describes the directory.
 */
int outfile_is_not_below(const struct outfile *o, const char *option, const char *directory,
	const char *what, struct err *e) NODISCARD;

/* Does this name mean standard output, or lead to the file or pipe that standard output is? */
bool outfile_is_stdout(const char *path);

/* ERR_INPUT when two outputs are the same regular file. */
int outfile_are_two(const struct outfile *a, const char *option_a, const struct outfile *b,
	const char *option_b, struct err *e) NODISCARD;

#endif
