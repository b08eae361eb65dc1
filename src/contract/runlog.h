/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The run log: events (contract/event.h) as JSON Lines, one event per line, written immediately:
 *
 *     {"timestamp":"2026-11-22T03:49:19.123456Z","source":"plan","type":"execute_action",...}
 *
 * log_max limits the whole log. Ambient's own lines (configuration, plan, start and end of each
 * action) are always written: their number and length have separate limits, and space for them is
 * reserved when the plan is known. Data from guests shares the remaining space: output, notes,
 * connections and signatures. Data that does not fit is dropped, and one event reports this. The
 * end of dropped output is kept and written after its action. Space is reserved for that of the
 * failed action, and an eighth of log_max for those of all others.
 */
#ifndef CONTRACT_RUNLOG_H
#define CONTRACT_RUNLOG_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "contract/event.h"

/*
 * Bytes kept of the end of dropped output: less if log_max is small, or if the line in the log
 * would exceed RUNLOG_TAIL_LINE.
 */
enum { RUNLOG_TAIL_BYTES = 64 * 1024, RUNLOG_TAIL_LINE = 128 * 1024 };

/* For runlog_init: no limit. */
#define RUNLOG_ENDLESS (UINT64_MAX / 2)

struct runlog_stream {
	char cut[4]; /* an incomplete UTF-8 sequence */
	size_t cut_len;
	struct buf tail; /* the end of the dropped output */
};

/* Where the log is written. A failure of one never stops the other. */
enum runlog_place { RUNLOG_STATE, RUNLOG_COPY, RUNLOG_PLACES };

struct runlog {
	int fds[RUNLOG_PLACES]; /* run.jsonl and --log, borrowed; -1: none, or it failed */
	uint64_t max;           /* bytes of the whole log */
	uint64_t written;       /* of them */
	uint64_t set_aside;     /* for our own lines to come */
	uint64_t tails_left;    /* for the ends of actions that did not fail */
	uint64_t fails_left;    /* for those of actions that did */
	bool limited;           /* the mark is written */
	struct buf line;
	struct runlog_stream streams[2]; /* stdout, stderr of the running action */
	size_t action;
	enum plan_source source;
	struct err error; /* the first failure; nothing more is written to where it was */
};

void runlog_init(struct runlog *log, int fd, int copy_fd, uint64_t max);
void runlog_release(struct runlog *log);
#define auto_runlog __attribute__((cleanup(runlog_release)))

/* 0 as long as everything could be written to both places; -1 with the first error. */
int runlog_check(const struct runlog *log, struct err *e) NODISCARD;

/* Write one event. An error is stored; see runlog_check. */
void runlog_event(struct runlog *log, const struct event *ev);

#endif
