/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Starting one program with everything about it as programs expect: its own session without a
 * terminal, default signals and limits, umask 022, no descriptor but 0, 1 and 2.
 */
#ifndef EXECUTOR_JOB_CHILD_H
#define EXECUTOR_JOB_CHILD_H

#include <sys/types.h>

#include "contract/action.h"
#include "executor/job/stream.h"

struct child {
	pid_t pid;
	struct stream out, err; /* its standard output and error; with merge_output out is both */
	/* When it could not be started: as a shell would say it, 127 not found, 126 otherwise. */
	int exit_code;
};

#define CHILD_NONE                                                                                 \
	(struct child)                                                                             \
	{                                                                                          \
		.pid = -1, .out = STREAM_NONE(FRAME_STDOUT), .err = STREAM_NONE(FRAME_STDERR)      \
	}

void child_release(struct child *c); /* closes; the process is somebody else's to end */
#define auto_child __attribute__((cleanup(child_release)))

/* Once the program runs: 0. -1 with exit_code when it cannot be run; exit_code 0: our own fault. */
int child_start(
	const struct spawn *s, const struct strv *env, struct child *ret, struct err *e) NODISCARD;

#endif
