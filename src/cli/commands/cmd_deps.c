/* SPDX-License-Identifier: Apache-2.0 */
/* `ambient deps`: the dependencies left by pre-plans, and their transfer to other machines. */
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "base/limits.h"
#include "base/num.h"
#include "base/text.h"
#include "cli/command.h"
#include "cli/commands/outputs.h"
#include "cli/load.h"
#include "cli/say.h"
#include "os/outfile.h"
#include "os/sig.h"
#include "os/space.h"
#include "store/deps.h"

enum { NAME_COLUMN = 20 };

struct deps_settings {
	bool json;
};

static const struct option options[] = {
	{.name = "json",
		.type = OPTION_FLAG,
		.offset = offsetof(struct deps_settings, json),
		.help = "list: print JSON"},
	{0},
};

static int list_json(const struct node *rows, struct err *e)
{
	struct say_items items = {.open = "[", .close = rows->count ? "\n]\n" : "]\n", .indent = 1};
	const struct node *row;

	node_each (rows, row)
		if (say_item(&items, NULL, row, e) < 0)
			return -1;
	return say_items_end(&items, e);
}

static int show_row(const struct node *row, struct err *e)
{
	const char *project = node_get_text(row, "project", "");
	const char *error = node_get_text(row, "error", NULL);

	if (error)
		return say_row(e, "%-*s  %s", NAME_COLUMN, project, error);
	return say_row(e, "%-*s  %s  %s  %s", NAME_COLUMN, project, node_get_text(row, "name", ""),
		num_show_size(node_get_uint(row, "bytes", 0)).s, node_get_text(row, "changed", ""));
}

static int list(const struct call *call, const struct config *c, struct err *e)
{
	const struct deps_settings *s = call->settings;
	auto_node struct node *rows = NULL;
	const struct node *row;

	if (deps_list(c->state, &rows, e) < 0)
		return -1;
	if (s->json)
		return list_json(rows, e);
	node_each (rows, row)
		if (show_row(row, e) < 0)
			return -1;
	return 0;
}

/* An archive a line. */
static int tell(const char *what, const char *project, const struct deps_info *info, struct err *e)
{
	for (int kind = 0; kind < DEPS_KINDS; kind++) {
		const struct deps_archive *a = &info->archives[kind];

		if (a->bytes &&
			say_row(e, "%s  %s, %s, sha256 %s%s", project, what,
				num_show_size(a->bytes).s, a->sha256.s,
				kind == DEPS_FETCHED ? ", fetched" : "") < 0)
			return -1;
	}
	return 0;
}

static int export(const struct call *call, const struct config *c, struct err *e)
{
	const char *project = call->operands.items[1];
	const struct outputs_inputs inputs = {.config = c};
	struct deps_info info;

	if (load_check_project(c, NULL, project, e) < 0 ||
		outputs_check(call->operands.items[2], "deps export", &inputs, e) < 0 ||
		deps_export(c->state, c->tmpdir, project, call->operands.items[2], &info, e) < 0)
		return -1;
	/* The message must not follow the archive in a pipe. */
	if (outfile_is_stdout(call->operands.items[2]))
		return 0;
	return tell("exported", project, &info, e);
}

/*
 * The project's own limit, if the projects file has one. A machine that only keeps dependencies has
 * no such file.
 */
static int find_limit(const struct config *c, const char *project, uint64_t *ret_max, struct err *e)
{
	auto_project_list struct project_list list = {0};

	*ret_max = c->deps_max;
	if (access(c->projects, F_OK) < 0 && errno == ENOENT)
		return 0;
	if (load_projects(c, NULL, &list, e) < 0)
		return -1;
	for (size_t i = 0; i < list.count; i++)
		if (strcmp(list.items[i].name, project) == 0 && list.items[i].deps_max)
			*ret_max = list.items[i].deps_max;
	return 0;
}

static void warn_of(const char *what, uint64_t entries)
{
	auto_free char *text = mem_printf("%s were left out, of %" PRIu64 " entr%s", what, entries,
		entries == 1 ? "y" : "ies");

	if (entries)
		say_warning(text);
}

/* A warning, because the project may be in another projects file. */
static void warn_of_unknown(const char *project, const struct err *unknown)
{
	auto_free char *text = mem_printf(
		"%s ('ambient deps clear %s' removes what was imported)", unknown->msg, project);

	say_warning(text);
}

static int import(const struct call *call, const struct config *c, struct err *e)
{
	const char *project = call->operands.items[1];
	struct deps_import_options o = {.tmpdir = c->tmpdir};
	struct deps_info info;
	struct err unknown = {0};
	bool is_known;

	load_restrict_modes(c);
	is_known = load_check_new_project(c, project, &unknown) == 0;
	if (find_limit(c, project, &o.max_bytes, e) < 0 ||
		deps_import(c->state, project, &o, call->operands.items[2], &info, e) < 0)
		return -1;
	if (!is_known)
		warn_of_unknown(project, &unknown);
	warn_of("set-id or sticky bits", info.dropped.set_id);
	warn_of("extended attributes", info.dropped.xattrs);
	return tell("imported", project, &info, e);
}

static int clear(const struct call *call, const struct config *c, struct err *e)
{
	const char *project = call->operands.items[1];
	uint64_t bytes;

	load_restrict_modes(c);
	if (load_check_project(c, NULL, project, e) < 0 ||
		deps_clear(c->state, project, &bytes, e) < 0)
		return -1;
	return bytes ? say_row(e, "%s  removed, %s", project, num_show_size(bytes).s)
		     : say_row(e, "%s  there were none", project);
}

static const struct command_verb verbs[] = {
	{"list", "", 0, 0, list},
	{"export", " PROJECT FILE", 2, 2, export},
	{"import", " PROJECT FILE", 2, 2, import},
	{"clear", " PROJECT", 1, 1, clear},
	{0},
};

static int run(const struct call *call)
{
	auto_config struct config c = {0};
	struct err e = {0};

	if (sig_init(&e) < 0 || load_config(call, NULL, &c, &e) < 0)
		return say_failure(&e);
	if (command_run_verb(call, verbs, &c, &e) == 0)
		return 0;
	space_explain_probably(&e, c.state);
	return say_failure(&e);
}

const struct command cmd_deps = {
	.name = "deps",
	.summary = "List, export, import and remove the stored dependencies",
	.group = GROUP_KEEP,
	.operands = "list | export PROJECT FILE | import PROJECT FILE | clear PROJECT",
	.min_operands = 1,
	.max_operands = 3,
	.details = "  list         show the stored dependencies of all projects and scopes\n"
		   "  export       write the dependencies of a project to a file; - is "
		   "standard output\n"
		   "  import       replace the dependencies of a project by those in a "
		   "file: one written by\n"
		   "               export, if its digest matches; a tar archive, alone or "
		   "compressed by gzip,\n"
		   "               bzip2, xz, zstd or lz4; or a zip archive\n"
		   "  clear        remove the dependencies; the next pre-plan downloads "
		   "everything again\n"
		   "\n"
		   "With stored dependencies, `ambient run --offline` runs a project "
		   "without a network.\n",
	.options = options,
	.settings_size = sizeof(struct deps_settings),
	.run = run,
};
