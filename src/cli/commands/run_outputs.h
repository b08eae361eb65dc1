/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The output files of `ambient run`: --result and --log (outputs.h). They are opened at the start,
 * and truncated only after all checks. If the inputs of the run are not known, because the command
 * line, the configuration or the projects file is invalid, only a file for which
 * outputs_lose_nothing is true is written.
 */
#ifndef CLI_COMMANDS_RUN_OUTPUTS_H
#define CLI_COMMANDS_RUN_OUTPUTS_H

#include <stdbool.h>

#include "base/err.h"
#include "cli/commands/outputs.h"
#include "data/node.h"
#include "os/outfile.h"
#include "settings/config.h"
#include "settings/project.h"

struct run_outputs {
	struct outfile result, log;
	bool checked; /* run_outputs_check has passed */
};
#define RUN_OUTPUTS_NONE                                                                           \
	{                                                                                          \
		.result = OUTFILE_NONE, .log = OUTFILE_NONE                                        \
	}

/* Either path may be NULL. ERR_INPUT if both are the same file, or as outfile_open. */
int run_outputs_open(
	struct run_outputs *o, const char *result, const char *log, struct err *e) NODISCARD;
void run_outputs_release(struct run_outputs *o);
#define auto_run_outputs __attribute__((cleanup(run_outputs_release)))

/* ERR_INPUT if one of them is an input; nothing is written then. */
int run_outputs_check(
	struct run_outputs *o, const struct outputs_inputs *inputs, struct err *e) NODISCARD;

/*
 * Write one line by one write(2), so that several processes can share the file. Does nothing
 * without
 * --result. Before run_outputs_check, ERR_INPUT if the file has other contents.
 */
int run_outputs_write_result(
	struct run_outputs *o, const struct node *result, struct err *e) NODISCARD;

#endif
