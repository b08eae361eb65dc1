/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Starts one program with the usual state of a process: its own session without a terminal, default
 * signals and limits, umask 022, no descriptors except 0, 1 and 2.
 */
#ifndef EXECUTOR_JOB_CHILD_H
#define EXECUTOR_JOB_CHILD_H

#include <sys/types.h>

#include "contract/action.h"
#include "executor/job/account.h"
#include "executor/job/stream.h"

struct child {
	pid_t pid;
	struct stream out, err; /* standard output and error; with merge_output, `out` is both */
	/* If it could not be started: 127: not found; 126: other cause, as in a shell. */
	int exit_code;
};

#define CHILD_NONE                                                                                 \
	(struct child)                                                                             \
	{                                                                                          \
		.pid = -1, .out = STREAM_NONE(FRAME_STDOUT), .err = STREAM_NONE(FRAME_STDERR)      \
	}

void child_release(struct child *c); /* closes the pipes; does not end the process */
#define auto_child __attribute__((cleanup(child_release)))

/*
 * account: of the user that runs it; NULL: the user of this program.
 * 0: the program runs. -1: it cannot be run, see exit_code; exit_code 0: an error of the executor.
 */
int child_start(const struct spawn *s, const struct strv *env, const struct account *account,
	struct child *ret, struct err *e) NODISCARD;

#endif
