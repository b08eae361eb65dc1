/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whose the files below /ci are. A program of a user finds there what was unpacked as root, or what
 * an action of another user left; so the files change hands when the user does, except the scripts
 * of actions. git, too, wants a tree to be its user's.
 */
#ifndef EXECUTOR_JOB_OWNER_H
#define EXECUTOR_JOB_OWNER_H

#include "executor/job/account.h"
#include "executor/job/steps.h"

/*
 * Give the files to the account, unless they are its already. Limits of the step hold meanwhile,
 * and the host gets its heartbeats.
 */
int owner_give(struct run *run, const struct account *a, struct err *e) NODISCARD;

#endif
