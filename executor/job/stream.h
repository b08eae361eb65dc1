/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A pipe from a program: one of its output streams, or both of them.
 *
 * On one processor the executor, which runs before everything else, has read each write before the
 * program goes on, so the order between two streams is exact. That ends when the host does not take
 * what was read: then the program would write on, into either pipe. So the pipes are plugged:
 * filled up with bytes of ours, by tee(2), which needs no memory and is one step for everybody
 * else. The next write waits, and goes on when the plug has been taken out.
 */
#ifndef EXECUTOR_JOB_STREAM_H
#define EXECUTOR_JOB_STREAM_H

#include <stddef.h>
#include <sys/types.h>

#include "base/err.h"
#include "contract/frame.h"

struct stream {
	enum frame_type type;
	int fd;             /* our end, non-blocking; -1: there is none */
	int their_fd;       /* the program's end: kept open to be plugged */
	size_t before_plug; /* bytes of the program in front of the plug */
	size_t plug;        /* bytes of ours behind them; 0: it is not plugged */
};

#define STREAM_NONE(what)                                                                          \
	{                                                                                          \
		.type = (what), .fd = -1, .their_fd = -1                                           \
	}

/* Make the pipe; the program gets a copy of their_fd. Both ends are above 3 and close on exec. */
int stream_open(struct stream *s, struct err *e) NODISCARD;
void stream_close(struct stream *s);

/* As read(2), non-blocking, of what the program wrote: takes the plug out once it is the next. */
ssize_t stream_read(struct stream *s, void *data, size_t room);

/* Fill the pipe up. No memory for that is no fault: it stays as it is. */
void stream_plug(struct stream *s);

/* A pipe whose ends are above 3 and close on exec. */
int stream_pipe(int *ret_read, int *ret_write, struct err *e) NODISCARD;

#endif
