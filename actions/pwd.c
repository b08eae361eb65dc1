/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "actions/table.h"

static const struct param params[] = {{0}};

/* All actions start in the source directory, so the path is constant. */
static int run(struct action_ctx *ctx, const struct node *args, struct err *e)
{
	static const char text[] = GUEST_SRC "\n";

	(void)args;
	(void)e;
	ctx->ops->print(ctx, text, strlen(text));
	return 0;
}

const struct action action_pwd = {
	.name = "pwd",
	.summary = "Print the directory in which actions run.",
	.where = IN_PRE | IN_PLAN | IN_POST | IN_STEP,
	.params = params,
	.run = run,
};
