/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Carries out a plan of Ambient CI (oldplan.h) by hand: without a machine, where it stands. This is
 * what images for Ambient CI 0.21.1 call `run-ci` for; pid1.h says when.
 *
 * The executor is its own host. This process reads the plan and forks a worker, which is process 1
 * of a new pid namespace, has the /proc of it, and is all that the executor is in a machine: it runs
 * the steps (steps.h) and reports them by frames (frame.h) on a pair of sockets. This process makes
 * events of the frames (steplog.h) and writes them to standard output as a run log (runlog.h), which
 * is not limited. It answers a signal (sig.h) by `stop`. If it is killed, the worker loses its host
 * and ends, and the kernel ends what is left in the namespace.
 *
 * There is no other wall: the programs have the rights, the files and the network of who started
 * this. An ordinary user needs user namespaces for the pid namespace; then other users' files belong
 * to nobody, as seen from the programs, and setuid programs gain nothing.
 */
#ifndef EXECUTOR_HAND_HAND_H
#define EXECUTOR_HAND_HAND_H

#include "contract/action.h"

/*
 * Carry out the plan in the working directory: its actions are those of `known`, and they expand to
 * those of `steps`. Events are written to `out_fd`, from EVENT_EXECUTOR_STARTS to
 * EVENT_EXECUTOR_SUCCEEDS or EVENT_EXECUTOR_FAILS. -1: a plan that cannot be carried out, of which
 * nothing was run then; a step that did not pass, after which none is run; ERR_INTERRUPTED.
 */
int hand_run(const struct action *const *known, const struct action *const *steps, int out_fd,
	struct err *e) NODISCARD;

#endif
