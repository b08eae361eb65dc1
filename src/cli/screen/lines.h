/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Output of an action as lines, for places where nothing can be drawn again.
 *
 * A carriage return is no end of a line: what follows it is written over the line, as a progress
 * bar is, so of a line the text behind its last one counts. Returns before the newline, as in files
 * of other systems, are nothing.
 */
#ifndef CLI_SCREEN_LINES_H
#define CLI_SCREEN_LINES_H

#include <stddef.h>

#include "base/buf.h"

/* How many bytes at the start of a line, up to its newline or to `len`, are written over. */
size_t lines_overwritten(const char *line, size_t len);

/* The last lines of two streams, each whole, in the order in which they ended. */
struct lines_tail {
	struct buf parts[2]; /* of each stream, the line that has not ended */
	struct buf text;
};

void lines_tail_init(struct lines_tail *t);
void lines_tail_release(struct lines_tail *t);
void lines_tail_clear(struct lines_tail *t);
void lines_tail_add(struct lines_tail *t, int stream, const char *data, size_t len);

/*
 * The last lines, at most `count` of them and about 128 KiB; lines that have not ended count. Valid
 * until the tail is changed.
 */
const char *lines_tail_last(struct lines_tail *t, unsigned count, size_t *ret_len);

#endif
