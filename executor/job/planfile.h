/* SPDX-License-Identifier: Apache-2.0 */
/* The plan on the drive DRIVE_EXEC. */
#ifndef EXECUTOR_JOB_PLANFILE_H
#define EXECUTOR_JOB_PLANFILE_H

#include "contract/action.h"
#include "contract/plan.h"
#include "executor/machine/machine.h"

/* Read PLAN_NAME and check it with the table of actions. ERR_HOST or ERR_INPUT. */
int planfile_read(const struct machine *m, const struct action *const *actions,
	struct plan *ret_plan, struct err *e) NODISCARD;

#endif
