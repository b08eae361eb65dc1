/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The run log: events (contract/event.h) as JSON Lines, one event a line, flushed at once:
 *
 *     {"timestamp":"2026-11-22T03:49:19.123456Z","source":"plan","type":"execute_action",...}
 *
 * The log as a whole is bounded by log_max. Our own lines (configuration, plan, the beginning and
 * the end of each action) are always written: their number and their length have limits of their
 * own, and when the plan is known, room for them is set aside. What others have to say goes into
 * what is left: output, and what a machine remarks, connects to and has signed. What does not fit
 * is dropped, and the fact is marked once; of output that was dropped the end is kept and written
 * when its action is over: room for that of the action that fails is set aside, and an eighth of
 * log_max for those of others.
 */
#ifndef RUN_RUNLOG_H
#define RUN_RUNLOG_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "contract/event.h"

/* The end of a stream's output that is kept: less when log_max is small, or when it is longer than
 * this as a line of the log. */
enum { RUNLOG_TAIL_BYTES = 64 * 1024, RUNLOG_TAIL_LINE = 128 * 1024 };

struct runlog_stream {
	char cut[4]; /* the start of a UTF-8 sequence whose rest is still to come */
	size_t cut_len;
	struct buf tail; /* what was dropped last */
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

/* Write one event; a failure is kept, see runlog_check. */
void runlog_event(struct runlog *log, const struct event *ev);

#endif
