/* SPDX-License-Identifier: Apache-2.0 */
/* The programs that a trusted machine gets beside the executor. */
#ifndef EXECUTOR_MACHINE_TOOLS_H
#define EXECUTOR_MACHINE_TOOLS_H

#include "executor/machine/machine.h"

/* Copy what is on DRIVE_EXEC to GUEST_TOOLS: the executor itself is there then, too. ERR_HOST. */
int tools_unpack(const struct machine *m, struct err *e) NODISCARD;

#endif
