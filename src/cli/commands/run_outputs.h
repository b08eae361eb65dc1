/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The files that `ambient run` writes where its user says: --result and --log (outputs.h). They are
 * opened at once and emptied late. As long as it is not known what the run reads, because the
 * command line, the configuration or the projects file is wrong, only a file that loses nothing is
 * written.
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

/* Either path may be NULL. ERR_INPUT when they are one file, or as outfile_open. */
int run_outputs_open(
	struct run_outputs *o, const char *result, const char *log, struct err *e) NODISCARD;
void run_outputs_release(struct run_outputs *o);
#define auto_run_outputs __attribute__((cleanup(run_outputs_release)))

/* ERR_INPUT when one of them is an input. Nothing has been written then. */
int run_outputs_check(
	struct run_outputs *o, const struct outputs_inputs *inputs, struct err *e) NODISCARD;

/*
 * One line, by one write, so that others may write into the same file; nothing without --result.
 * Before run_outputs_check, ERR_INPUT for a file that has something else in it.
 */
int run_outputs_write_result(
	struct run_outputs *o, const struct node *result, struct err *e) NODISCARD;

#endif
