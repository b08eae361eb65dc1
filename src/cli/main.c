/* SPDX-License-Identifier: Apache-2.0 */
/* The host program. Every command is a row: cmd_run.c and its neighbours. */
#include "cli/command.h"
#include "host/tsc.h"

static const struct command *const commands[] = {
	&cmd_run,
	&cmd_doctor,
	&cmd_qemu,
	&cmd_projects,
	&cmd_plan,
	&cmd_actions,
	&cmd_config,
	&cmd_image,
	&cmd_state,
	&cmd_log,
	&cmd_deps,
	&cmd_gc,
	&cmd_help,
	NULL,
};

int main(int argc, char **argv)
{
	tsc_init();
	return command_main(commands, argc, argv);
}
