/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Selects the kind of machine from the way in which the executor was started.
 *
 * As the first process it is the init of a machine. Otherwise, without arguments, it was started by
 * the init of an image, or by hand, and images start it by the same name in both cases. By hand there
 * is a plan.yaml in the working directory, which the drive of the executor in our machines has not;
 * and there are no ports of a host (ports_are_there). Both must be so. Without a plan.yaml, or with
 * ports, it is a machine, and nothing else is tried.
 *
 * A plan carried out by hand can do what who started it can. So the name must be EXECUTOR_OLD_NAME,
 * by which images ask for that, or the only argument --without-machine, with which nothing else counts.
 */
#ifndef EXECUTOR_MACHINE_PID1_H
#define EXECUTOR_MACHINE_PID1_H

#include "base/err.h"
#include "executor/machine/machine.h"

enum pid1_choice { PID1_RUN, PID1_BY_HAND, PID1_CONNECT, PID1_HELP, PID1_VERSION };

extern const char pid1_usage[];

/*
 * Choose by process id and arguments. If the executor is the init of a machine, its arguments are
 * unknown words of the kernel's command line, and are ignored, except --on-host and
 * --without-machine. ERR_INPUT for invalid options, and for a plan.yaml that is not carried out.
 */
int pid1_choose(int argc, char **argv, enum pid1_choice *ret_choice, struct machine *ret_machine,
	struct err *e) NODISCARD;

#endif
