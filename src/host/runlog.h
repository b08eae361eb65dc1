/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The run log: events (core/event.h) as JSON Lines, one event a line, flushed at once:
 *
 *     {"timestamp":"2026-11-22T03:49:19.123456Z","source":"plan","type":"execute_action",...}
 *
 * Output of actions is bounded by log_max: beyond it, output is dropped, the fact is marked once,
 * and the last RUNLOG_TAIL_BYTES of it are kept and written at the end of the action.
 */
#ifndef HOST_RUNLOG_H
#define HOST_RUNLOG_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "core/event.h"

enum { RUNLOG_TAIL_BYTES = 64 * 1024 };

struct runlog_stream {
	char cut[4]; /* the start of a UTF-8 sequence whose rest is still to come */
	size_t cut_len;
	struct buf tail; /* what was dropped last */
	uint64_t dropped;
};

struct runlog {
	int fds[2];   /* run.jsonl and --log; -1: none. Borrowed */
	uint64_t max; /* bytes of lines with output */
	uint64_t written;
	bool limited; /* the mark is written */
	struct buf line;
	struct runlog_stream streams[2]; /* stdout, stderr of the running action */
	size_t action;
	enum plan_source source;
	struct err error; /* the first write that failed; nothing is written after it */
};

void runlog_init(struct runlog *log, int fd, int second_fd, uint64_t max);
void runlog_release(struct runlog *log);
#define auto_runlog __attribute__((cleanup(runlog_release)))

/* 0 as long as everything could be written; -1 with the first error. */
int runlog_check(const struct runlog *log, struct err *e) NODISCARD;

/* Write one event; a failure is kept, see runlog_check. */
void runlog_event(struct runlog *log, const struct event *ev);

#endif
