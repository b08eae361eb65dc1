/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/command.h"
#include "cli/load.h"
#include "cli/say.h"
#include "host/store.h"

static int run(const struct call *call)
{
	auto_config struct config c = {0};
	auto_node struct node *state = NULL;
	struct err e = {0};

	if (load_config(call, &c, &e) < 0 || store_describe(c.state, &state, &e) < 0 ||
		say_json(state, NULL, &e) < 0)
		return say_failure(&e);
	return 0;
}

const struct command cmd_state = {
	.name = "state",
	.summary = "Show what is kept of each project, as JSON",
	.group = GROUP_KEEP,
	.run = run,
};
