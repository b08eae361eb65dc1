/* SPDX-License-Identifier: Apache-2.0 */
/* How the executor was started decides what kind of machine it is in. */
#ifndef EXECUTOR_MACHINE_PID1_H
#define EXECUTOR_MACHINE_PID1_H

#include "base/err.h"
#include "executor/machine/machine.h"

enum pid1_choice { PID1_RUN, PID1_CONNECT, PID1_HELP, PID1_VERSION };

extern const char pid1_usage[];

/*
 * Choose by process id and arguments. As init of a machine the arguments are whatever words of the
 * kernel's command line the kernel did not know, and are ignored. ERR_INPUT for wrong options.
 */
int pid1_choose(int argc, char **argv, enum pid1_choice *ret_choice, struct machine *ret_machine,
	struct err *e) NODISCARD;

#endif
