/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A pipe from a program: one of its output streams, or both.
 *
 * On one processor, the executor has a higher priority than all other processes. It reads each
 * write before the program continues, so the order of the two streams is exact. While the host does
 * not accept output, the executor cannot read, and the program could write to both pipes. Therefore
 * the pipes are plugged: filled with the executor's own bytes by tee(2), which needs no memory and
 * is atomic for other processes. The next write of the program blocks until the plug is removed.
 */
#ifndef EXECUTOR_JOB_STREAM_H
#define EXECUTOR_JOB_STREAM_H

#include <stddef.h>
#include <sys/types.h>

#include "base/err.h"
#include "contract/frame.h"

struct stream {
	enum frame_type type;
	int fd;             /* our end, non-blocking; -1: none */
	int their_fd;       /* the program's end, kept open for the plug */
	size_t before_plug; /* bytes of the program before the plug */
	size_t plug;        /* our bytes after them; 0: no plug */
};

#define STREAM_NONE(what)                                                                          \
	{                                                                                          \
		.type = (what), .fd = -1, .their_fd = -1                                           \
	}

/* Create the pipe; the program gets a copy of their_fd. Both ends are above 3 and close on exec. */
int stream_open(struct stream *s, struct err *e) NODISCARD;
void stream_close(struct stream *s);

/* As read(2), non-blocking, for the program's output. Removes the plug when it is reached. */
ssize_t stream_read(struct stream *s, void *data, size_t room);

/* Plug the pipe. If there is no memory for that, the pipe is left unchanged, without an error. */
void stream_plug(struct stream *s);

/* Create a pipe whose ends are above 3 and close on exec. */
int stream_pipe(int *ret_read, int *ret_write, struct err *e) NODISCARD;

#endif
