/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "actions/limits.h"
#include "actions/table.h"
#include "os/fd.h"
#include "os/path.h"

static const struct param params[] = {
	{.name = "filename",
		.type = PARAM_STRING,
		.required = true,
		.not_empty = true,
		.help = "the file, relative to the source directory"},
	{.name = "content", .type = PARAM_STRING, .required = true, .help = "what it contains"},
	{.name = "overwrite",
		.type = PARAM_BOOL,
		.help = "true: replace the contents of a file that is there, which is an error "
			"otherwise"},
	{0},
};

static int check(const struct node *args, const char *file, struct err *e)
{
	const struct node *content = node_get(args, "content");

	if (strlen(content->text) <= LIMIT_SNIPPET_BYTES)
		return 0;
	return node_err(content, file, e,
		"'content' has more than %llu bytes; put it into a file of the source",
		(unsigned long long)LIMIT_SNIPPET_BYTES);
}

static int run(struct action_ctx *ctx, const struct node *args, struct err *e)
{
	auto_free char *path = path_join(ctx->source, schema_text(params, args, "filename"));
	const char *content = schema_text(params, args, "content");
	const bool overwrite = schema_bool(params, args, "overwrite");
	auto_fd int fd = open(path,
		O_WRONLY | O_CREAT | O_CLOEXEC | O_NONBLOCK | O_NOCTTY |
			(overwrite ? O_TRUNC : O_EXCL),
		0644);

	if (fd < 0 || fd_write_all(fd, content, strlen(content)) < 0)
		return err_sys(e, "create %s", path);
	return 0;
}

const struct action action_create_file = {
	.name = "create_file",
	.summary = "Create a file.",
	.where = IN_PLAN | IN_STEP,
	.params = params,
	.check = check,
	.run = run,
};
