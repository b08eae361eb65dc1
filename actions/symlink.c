/* SPDX-License-Identifier: Apache-2.0 */
#include <unistd.h>

#include "actions/table.h"
#include "os/path.h"

static const struct param params[] = {
	{.name = "target",
		.type = PARAM_STRING,
		.required = true,
		.not_empty = true,
		.help = "what the link leads to, as it is written into the link"},
	{.name = "link_name",
		.type = PARAM_STRING,
		.required = true,
		.not_empty = true,
		.help = "the link, relative to the source directory; nothing may be there"},
	{0},
};

static int run(struct action_ctx *ctx, const struct node *args, struct err *e)
{
	auto_free char *path = path_join(ctx->source, schema_text(params, args, "link_name"));

	return symlink(schema_text(params, args, "target"), path) < 0 ? err_sys(e, "link %s", path)
								      : 0;
}

const struct action action_symlink = {
	.name = "symlink",
	.summary = "Make a symbolic link.",
	.where = IN_PLAN | IN_STEP,
	.params = params,
	.run = run,
};
