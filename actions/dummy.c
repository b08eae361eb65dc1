/* SPDX-License-Identifier: Apache-2.0 */
#include "actions/table.h"

static const struct param params[] = {{0}};

static int run(struct action_ctx *ctx, const struct node *args, struct err *e)
{
	(void)ctx;
	(void)args;
	(void)e;
	return 0;
}

static const struct action_variable gives[] = {
	{.name = "DUMMY", .value = "1", .help = "says that `dummy` was in the pre_plan"},
	{0},
};

const struct action action_dummy = {
	.name = "dummy",
	.summary = "Do nothing, successfully.",
	.where = IN_PRE | IN_PLAN | IN_POST | IN_STEP,
	.gives = gives,
	.params = params,
	.run = run,
};
