/* SPDX-License-Identifier: Apache-2.0 */
#include "actions/table.h"
#include "os/path.h"

static const struct param params[] = {
	{.name = "pathname",
		.type = PARAM_STRING,
		.required = true,
		.not_empty = true,
		.help = "the directory, relative to the source directory; missing parent "
			"directories are created"},
	{0},
};

static int run(struct action_ctx *ctx, const struct node *args, struct err *e)
{
	auto_free char *path = path_join(ctx->source, schema_text(params, args, "pathname"));

	return path_make_dirs(path, 0755, e);
}

const struct action action_mkdir = {
	.name = "mkdir",
	.summary = "Make a directory in the virtual machine.",
	.where = IN_PRE | IN_PLAN | IN_POST | IN_STEP,
	.params = params,
	.run = run,
};
