/* SPDX-License-Identifier: Apache-2.0 */
/* The process that runs the steps of a plan by hand (hand.h). */
#ifndef EXECUTOR_HAND_WORKER_H
#define EXECUTOR_HAND_WORKER_H

#include <sys/types.h>

#include "contract/action.h"
#include "executor/hand/oldplan.h"

struct worker {
	pid_t pid;          /* -1: none */
	int log_fd, ctl_fd; /* the host's ends of the ports */
	char *scripts;      /* a directory for the scripts of actions */
};

#define WORKER_NONE                                                                                \
	{                                                                                          \
		.pid = -1, .log_fd = -1, .ctl_fd = -1                                              \
	}

/*
 * Start the worker. It sends no `hello` and waits for no `go`: the nonce of its frames is 0. ERR_HOST:
 * this system does not allow a pid namespace. The caller releases *ret in each case.
 */
int worker_start(const struct oldplan *plan, const struct action *const *steps, struct worker *ret,
	struct err *e) NODISCARD;

/* Kill the worker, and with it all that it has started, unless it has ended; remove the scripts. */
void worker_release(struct worker *w);
#define auto_worker __attribute__((cleanup(worker_release)))

#endif
