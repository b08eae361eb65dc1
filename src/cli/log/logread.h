/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads run logs (docs/format-run-log.md) line by line, including damaged ones.
 *
 * The last line of a killed run may be truncated; a full disk or an editor may damage any line.
 * Such lines are skipped and counted, so that the rest of the log can be read. The caller reports
 * the number of skipped lines. Memory is limited by the longest accepted line.
 */
#ifndef CLI_LOG_LOGREAD_H
#define CLI_LOG_LOGREAD_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "data/node.h"

#define LOGREAD_LINE_MAX ((size_t)16 << 20)

struct logread {
	int fd;           /* owned */
	const char *name; /* for messages; borrowed */
	struct buf data;
	size_t start; /* offset of the next line in data */
	bool at_end;
	uint64_t lines;   /* read so far */
	uint64_t damaged; /* skipped lines: too long, invalid JSON, or not an event */
	bool cut;         /* the last line has no newline */
	struct node *event;
};

int logread_open(struct logread *r, const char *path, struct err *e) NODISCARD;
void logread_release(struct logread *r);
#define auto_logread __attribute__((cleanup(logread_release)))

/* Returns 1 with *ret_event, valid until the next call; 0 at the end; -1 after a read error. */
int logread_next(struct logread *r, const struct node **ret_event, struct err *e) NODISCARD;

/*
 * Append the bytes of an action_output event to b. False: it is another event, or its base64 is
 * invalid, which counts as damaged.
 */
bool logread_output(struct logread *r, const struct node *event, struct buf *b);

#endif
