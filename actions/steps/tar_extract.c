/* SPDX-License-Identifier: Apache-2.0 */
/* An input: unpack the archive on a drive into a directory. */
#include <errno.h>
#include <fcntl.h>

#include "actions/steps/names.h"
#include "actions/table.h"
#include "data/unpack.h"
#include "os/fd.h"
#include "os/path.h"

static const struct param params[] = {
	{.name = "archive",
		.type = PARAM_STRING,
		.required = true,
		.not_empty = true,
		.help = "serial of the drive with the archive"},
	{.name = "directory",
		.type = PARAM_PATH,
		.required = true,
		.help = "the directory to unpack to, relative to the source directory; created "
			"if missing"},
	ACTIONS_NAMES("the file for the names that the directory has afterwards"),
	{0},
};

static int tick(void *arg, uint64_t entries, uint64_t bytes, struct err *e)
{
	struct action_ctx *ctx = arg;

	(void)entries;
	(void)bytes;
	return ctx->ops->tick(ctx, e);
}

static void warn_lost(struct action_ctx *ctx, const struct unpack_result *r)
{
	auto_free char *text = NULL;

	if (!r->lost_xattrs)
		return;
	text = mem_printf("%llu extended attribute(s) could not be set: %s",
		(unsigned long long)r->lost_xattrs, r->lost);
	ctx->ops->warn(ctx, text);
}

static int unpack(struct action_ctx *ctx, const char *archive, const char *directory, int drive,
	uint64_t bytes, struct err *e)
{
	const struct unpack_policy policy = {.keep_owner = true, .tick = tick, .tick_arg = ctx};
	auto_fd int to = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct unpack_result result;

	if (to < 0)
		return err_sys(e, "%s", directory);
	if (unpack_tree(drive, bytes, to, &policy, &result, e) < 0)
		return err_wrap(e, "unpack drive '%s' to %s", archive, directory);
	warn_lost(ctx, &result);
	return 0;
}

static int run(struct action_ctx *ctx, const struct node *args, struct err *e)
{
	const char *archive = schema_text(params, args, "archive");
	const char *names = schema_text(params, args, ACTIONS_NAMES_KEY);
	auto_free char *directory = path_join(ctx->source, schema_text(params, args, "directory"));
	auto_fd int drive = -1;
	uint64_t bytes;

	if (ctx->ops->open_drive(ctx, archive, false, &drive, &bytes, e) < 0 ||
		path_make_dirs(directory, 0755, e) < 0)
		return -1;
	if (bytes != DRIVE_ABSENT_BYTES && unpack(ctx, archive, directory, drive, bytes, e) < 0)
		return -1;
	return names ? names_write(directory, names, e) : 0;
}

const struct action action_tar_extract = {
	.name = "tar_extract",
	.summary = "Unpack the archive on an input drive.",
	.where = IN_STEP,
	.params = params,
	.run = run,
};
