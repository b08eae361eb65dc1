/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "actions/table.h"
#include "base/mem.h"

static const struct param params[] = {{0}};

static int run(struct action_ctx *ctx, const struct node *args, struct err *e)
{
	auto_free char *text = mem_printf("%s\n", ctx->source);

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
