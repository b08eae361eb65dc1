/* SPDX-License-Identifier: Apache-2.0 */
#include "actions/table.h"

static const struct param params[] = {
	{.name = "set",
		.type = PARAM_STRING_MAP,
		.required = true,
		.help = "names and values of environment variables for all later actions of the "
			"plan"},
	{0},
};

static int check(const struct node *args, const char *file, struct err *e)
{
	const struct node *item;

	node_each (node_get(args, "set"), item) {
		const char *value = node_text(item) ? node_text(item) : "";

		if (actions_check_name(item, file, e) < 0 ||
			actions_check_value(item, "", value, file, e) < 0)
			return -1;
	}
	return 0;
}

static int run(struct action_ctx *ctx, const struct node *args, struct err *e)
{
	const struct node *item;

	(void)e;
	node_each (node_get(args, "set"), item)
		strv_setenv(&ctx->env, item->key, node_text(item) ? node_text(item) : "");
	return 0;
}

const struct action action_setenv = {
	.name = "setenv",
	.summary = "Set environment variables for later actions.",
	.where = IN_PLAN | IN_STEP,
	.params = params,
	.check = check,
	.run = run,
};
