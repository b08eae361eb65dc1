/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a guest's kernel says on its serial port, kept within a limit: the first `max` bytes as they
 * come, and of what is more only the end, behind a line that says how much is missing.
 *
 * A file that cannot be written is given up, with the reason in `error`; the machine runs on.
 */
#ifndef MACHINE_CONSOLE_H
#define MACHINE_CONSOLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

enum { CONSOLE_TAIL_BYTES = 64 * 1024 };

struct console {
	int fd; /* borrowed; -1: nowhere, or given up */
	uint64_t max;
	uint64_t bytes;   /* so far, kept or not */
	uint64_t dropped; /* those beyond max; the last CONSOLE_TAIL_BYTES of them are in tail */
	struct buf tail;
	struct err error; /* why it was given up; kind ERR_NONE: it was not */
};

void console_init(struct console *c, int fd, uint64_t max);
void console_release(struct console *c);

/* True at the first byte that is beyond the limit, once. */
bool console_take(struct console *c, const char *data, size_t len);

/* The machine has ended: write the end of what was dropped. */
void console_end(struct console *c);

#endif
