/* SPDX-License-Identifier: Apache-2.0 */
/* The host program. Each command has an entry in a table: see cmd_run.c and the other cmd_*.c. */
#include "cli/command.h"
#include "cli/say.h"
#include "machine/tsc.h"
#include "os/inherit.h"

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
	struct err e = {0};

	tsc_init();
	if (inherit_mend(&e) < 0)
		return say_failure(&e);
	return say_status(command_main(commands, argc, argv));
}
