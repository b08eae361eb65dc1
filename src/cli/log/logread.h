/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads run logs (docs/format-run-log.md) line by line, damaged ones too.
 *
 * A run that was killed leaves a last line that is cut; a full disk or a hand may damage any. Such
 * lines are left out and counted, so that a log is always worth reading; whoever shows it says how
 * many were left out. Memory is bounded by the longest line that is accepted.
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
	size_t start; /* of the next line in data */
	bool at_end;
	uint64_t lines;   /* read so far */
	uint64_t damaged; /* of them left out: too long, no JSON, no event */
	bool cut;         /* the last line has no end */
	struct node *event;
};

int logread_open(struct logread *r, const char *path, struct err *e) NODISCARD;
void logread_release(struct logread *r);
#define auto_logread __attribute__((cleanup(logread_release)))

/* The next event: 1 with *ret_event (lives until the next call), 0 at the end, -1 on a read error.
 */
int logread_next(struct logread *r, const struct node **ret_event, struct err *e) NODISCARD;

/*
 * The bytes of an action_output event, appended to b. false: it is none, or its base64 is damaged
 * (then it is counted).
 */
bool logread_output(struct logread *r, const struct node *event, struct buf *b);

#endif
