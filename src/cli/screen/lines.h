/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Output of an action as lines, for output that cannot be rewritten.
 *
 * A carriage return does not end a line: the following text overwrites the line, as in a progress
 * bar. Therefore only the text after the last carriage return is shown. Carriage returns directly
 * before the newline are ignored.
 */
#ifndef CLI_SCREEN_LINES_H
#define CLI_SCREEN_LINES_H

#include <stddef.h>

#include "base/buf.h"

/*
 * Returns the number of overwritten bytes at the start of a line, which ends at `len` or a newline.
 */
size_t lines_overwritten(const char *line, size_t len);

/* The last complete lines of two streams, in the order in which they ended. */
struct lines_tail {
	struct buf parts[2]; /* the incomplete line of each stream */
	struct buf text;
};

void lines_tail_init(struct lines_tail *t);
void lines_tail_release(struct lines_tail *t);
void lines_tail_clear(struct lines_tail *t);
void lines_tail_add(struct lines_tail *t, int stream, const char *data, size_t len);

/*
 * Returns the last lines: at most `count`, and about 128 KiB, including incomplete lines. Valid
 * until the tail is changed.
 */
const char *lines_tail_last(struct lines_tail *t, unsigned count, size_t *ret_len);

#endif
