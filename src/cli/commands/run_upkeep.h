/* SPDX-License-Identifier: Apache-2.0 */
/* Warnings of `ambient run` that are about the host and not about a run: disk space, old packages. */
#ifndef CLI_COMMANDS_RUN_UPKEEP_H
#define CLI_COMMANDS_RUN_UPKEEP_H

#include "base/strv.h"
#include "data/node.h"
#include "settings/config.h"
#include "settings/project.h"

struct run_upkeep {
	struct strv images; /* names and paths of those that machines have booted, each once */
};

/* Note the images of the machines that a run has started, as its result says. */
void run_upkeep_note(struct run_upkeep *u, const struct config *c, const struct project *p,
	const struct node *result);

/*
 * Warn if more than disk_budget is used, and of each image whose packages have newer versions. What is
 * slow to find out is remembered in the state directory. Changes no result and no exit status.
 */
void run_upkeep_warn(const struct run_upkeep *u, const struct config *c);

void run_upkeep_release(struct run_upkeep *u);

#endif
