/* SPDX-License-Identifier: Apache-2.0 */
/* An output: pack a directory into the archive on a drive. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "actions/steps/names.h"
#include "actions/table.h"
#include "data/pack.h"
#include "os/fd.h"
#include "os/path.h"

static const struct param params[] = {
	{.name = "archive",
		.type = PARAM_STRING,
		.required = true,
		.not_empty = true,
		.help = "serial of the drive for the archive"},
	{.name = "directory",
		.type = PARAM_PATH,
		.required = true,
		.help = "the directory to pack, relative to the source directory"},
	ACTIONS_NAMES("a file that tar_extract wrote: these names are not packed"),
	{0},
};

static int tick(void *arg, uint64_t entries, uint64_t bytes, struct err *e)
{
	struct action_ctx *ctx = arg;

	(void)entries;
	(void)bytes;
	return ctx->ops->tick(ctx, e);
}

static void warn(struct action_ctx *ctx, const struct pack_result *result)
{
	strv_each (&result->warnings, text)
		ctx->ops->warn(ctx, *text);
	if (result->warning_count > result->warnings.count) {
		auto_free char *more = mem_printf("and %llu more warnings of this kind",
			(unsigned long long)(result->warning_count - result->warnings.count));

		ctx->ops->warn(ctx, more);
	}
}

/*
 * The host unpacks artifacts as plain files and directories, and keeps the archive for all other
 * entries. Only guests read the archives of caches and dependencies.
 */
static bool is_read_by_host(const char *archive)
{
	return strcmp(archive, DRIVE_ARTIFACTS) == 0;
}

/* They were made beforehand; with content they stay, and so they do if a mount is there. */
static void remove_empty(int artifacts)
{
	(void)unlinkat(artifacts, ARTIFACTS_RSYNC, AT_REMOVEDIR);
	(void)unlinkat(artifacts, ARTIFACTS_DEBIAN, AT_REMOVEDIR);
}

struct output {
	const char *archive, *directory;
	int drive;
	uint64_t bytes;
	const struct pack_graft *left_out;
	size_t left_out_count;
};

static int pack(struct action_ctx *ctx, const struct output *o, struct err *e)
{
	const char *archive = o->archive, *directory = o->directory;
	const struct pack_options options = {.keep_owner = !is_read_by_host(archive),
		.kinds = is_read_by_host(archive) ? PACK_EVERYTHING : PACK_FOR_GUESTS,
		.out_is_zero = true,
		.max_bytes = o->bytes,
		.grafts = o->left_out,
		.graft_count = o->left_out_count,
		.tick = tick,
		.tick_arg = ctx};
	auto_pack_result struct pack_result result = {0};
	auto_fd int from = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (from < 0)
		return err_sys(e, "%s", directory);
	if (is_read_by_host(archive))
		remove_empty(from);
	if (pack_tree(from, directory, o->drive, &options, &result, e) < 0)
		return -1;
	/*
	 * Write errors of the drive must be reported here: after the end of the step nobody reports
	 * them.
	 */
	if (!result.untouched && fsync(o->drive) < 0)
		return err_sys(e, "write drive '%s'", archive);
	warn(ctx, &result);
	ctx->ops->packed(ctx, archive, result.bytes, result.entries);
	return 0;
}

/* All but the names in the file. */
static int pack_others(
	struct action_ctx *ctx, struct output *o, const char *names_file, struct err *e)
{
	auto_strv struct strv names = {0};
	struct pack_graft *grafts;
	int result;

	if (names_read(names_file, &names, e) < 0)
		return -1;
	grafts = mem_array(names.count + 1, sizeof(*grafts));
	for (size_t i = 0; i < names.count; i++)
		grafts[i] = (struct pack_graft){.path = names.items[i], .kind = PACK_NOTHING};
	o->left_out = grafts;
	o->left_out_count = names.count;
	result = pack(ctx, o, e);
	free(grafts);
	return result;
}

static int run(struct action_ctx *ctx, const struct node *args, struct err *e)
{
	const char *names = schema_text(params, args, ACTIONS_NAMES_KEY);
	auto_free char *directory = path_join(ctx->source, schema_text(params, args, "directory"));
	struct output o = {.archive = schema_text(params, args, "archive"), .directory = directory};
	auto_fd int drive = -1;

	if (ctx->ops->open_drive(ctx, o.archive, true, &drive, &o.bytes, e) < 0)
		return -1;
	/*
	 * `cargo clean` and similar commands remove the directory itself. It is packed as an empty
	 * one.
	 */
	if (path_make_dirs(directory, 0755, e) < 0)
		return -1;
	o.drive = drive;
	return names ? pack_others(ctx, &o, names, e) : pack(ctx, &o, e);
}

const struct action action_tar_create = {
	.name = "tar_create",
	.summary = "Pack a directory into an archive on an output drive.",
	.where = IN_STEP,
	.params = params,
	.run = run,
};
