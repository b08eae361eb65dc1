/* SPDX-License-Identifier: Apache-2.0 */
/* The additional programs of a trusted machine. */
#ifndef EXECUTOR_MACHINE_TOOLS_H
#define EXECUTOR_MACHINE_TOOLS_H

#include "executor/machine/machine.h"

/* Copy the contents of DRIVE_EXEC, which include the executor, to GUEST_TOOLS. ERR_HOST. */
int tools_unpack(const struct machine *m, struct err *e) NODISCARD;

#endif
