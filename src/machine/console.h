/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keeping the output of a guest's serial port within a limit: the first `max` bytes as they arrive,
 * and only the end of the rest, preceded by a line with the number of missing bytes.
 *
 * If the file cannot be written, `error` is set and writing stops; the machine continues.
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
	int fd; /* borrowed; -1: no file, or writing has stopped */
	uint64_t max;
	uint64_t bytes; /* received so far, kept or not */
	/* received after the first max; tail contains the last CONSOLE_TAIL_BYTES of them */
	uint64_t dropped;
	struct buf tail;
	struct err error; /* why writing has stopped; kind ERR_NONE: it has not */
};

void console_init(struct console *c, int fd, uint64_t max);
void console_release(struct console *c);

/* Take output of the guest. True once, at the first byte beyond the limit. */
bool console_take(struct console *c, const char *data, size_t len);

/* Call after the machine has ended: writes the kept end of the output. */
void console_end(struct console *c);

#endif
