/* SPDX-License-Identifier: Apache-2.0 */
/* What a machine with a network has in addition: programs of ours, and certificates. */
#ifndef EXECUTOR_MACHINE_TOOLS_H
#define EXECUTOR_MACHINE_TOOLS_H

#include "executor/machine/machine.h"

/*
 * Copy the contents of DRIVE_EXEC, which include the executor, to GUEST_TOOLS. With certificates
 * among them, make GUEST_CERTIFICATES. ERR_HOST.
 */
int tools_unpack(const struct machine *m, struct err *e) NODISCARD;

#endif
