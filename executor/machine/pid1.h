/* SPDX-License-Identifier: Apache-2.0 */
/* Selects the kind of machine from the way in which the executor was started. */
#ifndef EXECUTOR_MACHINE_PID1_H
#define EXECUTOR_MACHINE_PID1_H

#include "base/err.h"
#include "executor/machine/machine.h"

enum pid1_choice { PID1_RUN, PID1_CONNECT, PID1_HELP, PID1_VERSION };

extern const char pid1_usage[];

/*
 * Choose by process id and arguments. If the executor is the init of a machine, its arguments are
 * unknown words of the kernel's command line, and are ignored. ERR_INPUT for invalid options.
 */
int pid1_choose(int argc, char **argv, enum pid1_choice *ret_choice, struct machine *ret_machine,
	struct err *e) NODISCARD;

#endif
