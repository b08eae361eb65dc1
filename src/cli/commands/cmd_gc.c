/* SPDX-License-Identifier: Apache-2.0 */
/* `ambient gc`: remove old runs. After a run, the same is done for its project. */
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "base/limits.h"
#include "base/num.h"
#include "base/text.h"
#include "cli/command.h"
#include "cli/load.h"
#include "cli/say.h"
#include "os/sig.h"
#include "run/verdict.h"
#include "store/retention.h"
#include "store/store.h"

enum { NAME_COLUMN = 20 };

struct gc_settings {
	const char *projects;
	uint64_t runs;
	uint64_t days;
	uint64_t bytes;
	uint64_t scopes;
	bool dry_run;
	bool quiet;
};

static const char *const runs_aliases[] = {"keep", NULL};

static const struct option options[] = {
	{.name = "dry-run",
		.letter = 'n',
		.type = OPTION_FLAG,
		.offset = offsetof(struct gc_settings, dry_run),
		.help = "show what would be removed, but remove nothing"},
	{.name = "keep-runs",
		.aliases = runs_aliases,
		.argument = "N",
		.type = OPTION_COUNT,
		.max = LIMIT_KEEP_RUNS,
		.offset = offsetof(struct gc_settings, runs),
		.help = "keep this many runs of each project, regardless of the configuration"},
	{.name = "keep-days",
		.argument = "N",
		.type = OPTION_COUNT,
		.max = LIMIT_KEEP_DAYS,
		.offset = offsetof(struct gc_settings, days),
		.help = "remove runs older than this many days"},
	{.name = "keep-bytes",
		.argument = "SIZE",
		.type = OPTION_SIZE,
		.offset = offsetof(struct gc_settings, bytes),
		.help = "remove the oldest runs of each project until its runs take at most this "
			"much space"},
	{.name = "projects",
		.argument = "FILE",
		.type = OPTION_PATH,
		.offset = offsetof(struct gc_settings, projects),
		.help = "use this projects file instead of the configured one"},
	{.name = "keep-scopes",
		.argument = "N",
		.type = OPTION_COUNT,
		.max = LIMIT_KEEP_RUNS,
		.offset = offsetof(struct gc_settings, scopes),
		.help = "keep the caches of this many cache scopes of each project"},
	{.name = "quiet",
		.letter = 'q',
		.type = OPTION_FLAG,
		.offset = offsetof(struct gc_settings, quiet),
		.help = "print only errors"},
	{0},
};

struct session {
	const struct gc_settings *settings;
	struct config config;
	struct project_list list; /* empty if there is no projects file */
	struct strv known;        /* projects of the state directory */
	struct err unsaid;        /* why standard output could not be written */
	uint64_t runs, bytes;
	int status;
};

/* ---- what was removed ---- */

static void on_error(struct session *s, const struct retention_item *item)
{
	struct err e = *item->error;

	(void)err_wrap(&e, "%s", item->project);
	s->status = verdict_worst_status(s->status, say_failure(&e));
}

/* If standard output is on a full disk, runs must be removed nevertheless. */
static void print(struct session *s, const char *line)
{
	if (!s->settings->quiet && s->unsaid.kind == ERR_NONE)
		err_ignore(say_row(&s->unsaid, "%s", line)); /* print_sum reports the error */
}

static void on_item(void *arg, const struct retention_item *item)
{
	struct session *s = arg;
	auto_free char *what = item->run_id ? mem_printf("run %s: ", item->run_id)
		: item->scope               ? mem_printf("cache of scope %s: ", item->scope)
					    : mem_strdup("");
	auto_free char *line = mem_printf("%-*s  %s%s, %s", NAME_COLUMN, item->project, what,
		item->why, num_show_size(item->bytes).s);

	s->bytes += item->bytes;
	s->runs += !item->error && item->run_id;
	if (item->error)
		on_error(s, item);
	else
		print(s, line);
}

static void print_sum(struct session *s)
{
	auto_free char *line = mem_printf("%" PRIu64 " run%s %s, %s", s->runs, num_plural(s->runs),
		s->settings->dry_run ? "would be removed" : "removed", num_show_size(s->bytes).s);

	print(s, line);
	if (s->unsaid.kind != ERR_NONE)
		s->status = verdict_worst_status(s->status, say_failure(&s->unsaid));
}

/* ---- the projects ---- */

/*
 * Without a projects file, the configuration applies to all projects; an invalid file is an error.
 */
static int load(struct session *s, const struct call *call, struct err *e)
{
	const bool quiet = s->settings->quiet;
	const char *file;

	if ((quiet ? load_config_quietly : load_config)(call, NULL, &s->config, e) < 0)
		return -1;
	file = s->settings->projects ? s->settings->projects : s->config.projects;
	if ((s->settings->projects || access(file, F_OK) == 0 || errno != ENOENT) &&
		(quiet ? load_projects_quietly : load_projects)(
			&s->config, s->settings->projects, &s->list, e) < 0)
		return -1;
	return store_list(s->config.state, &s->known, e);
}

static const struct project *configured(const struct session *s, const char *name)
{
	for (size_t i = 0; i < s->list.count; i++)
		if (strcmp(s->list.items[i].name, name) == 0)
			return &s->list.items[i];
	return NULL;
}

static int clean(struct session *s, const char *name, struct err *e)
{
	const struct retention_view view = {on_item, s};
	struct retention_policy policy = retention_policy_of(&s->config, configured(s, name));
	unsigned failed;

	if (s->settings->runs)
		policy.runs = s->settings->runs;
	if (s->settings->days)
		policy.days = s->settings->days;
	if (s->settings->bytes)
		policy.bytes = s->settings->bytes;
	if (s->settings->scopes)
		policy.scopes = s->settings->scopes;
	return retention_apply(
		s->config.state, name, &policy, s->settings->dry_run, &view, &failed, e);
}

/* A project without state has nothing to remove, which is no error. */
static int clean_all(struct session *s, const struct strv *names, struct err *e)
{
	strv_each (names, name)
		if (load_check_project(&s->config, &s->list, *name, e) < 0)
			return -1;
	strv_each (names, name) {
		struct err why = {0};

		if (!strv_has(&s->known, *name) || clean(s, *name, &why) == 0)
			continue;
		(void)err_wrap(&why, "%s", *name);
		if (why.kind == ERR_INTERRUPTED) {
			*e = why;
			return -1;
		}
		s->status = verdict_worst_status(s->status, say_failure(&why));
	}
	return 0;
}

static int carry_out(struct session *s, const struct call *call, struct err *e)
{
	int result;

	if (sig_init(e) < 0 || load(s, call, e) < 0)
		return -1;
	result = clean_all(s, call->operands.count ? &call->operands : &s->known, e);
	if (result < 0 && e->kind == ERR_INPUT)
		return -1;
	/* Also after a signal: print what was removed before it. */
	print_sum(s);
	return result;
}

static int run(const struct call *call)
{
	struct session s = {.settings = call->settings};
	struct err e = {0};

	if (carry_out(&s, call, &e) < 0)
		s.status = verdict_worst_status(s.status, say_failure(&e));
	strv_release(&s.known);
	project_list_release(&s.list);
	config_release(&s.config);
	return s.status;
}

const struct command cmd_gc = {
	.name = "gc",
	.summary = "Remove old runs, and files left by killed runs",
	.group = GROUP_KEEP,
	.operands = "[PROJECT]...",
	.max_operands = COMMAND_OPERANDS_MAX,
	.details = "Every run does this for its own project when it ends. Without a name, "
		   "gc checks all projects in\n"
		   "the state directory. keep_runs, keep_days and keep_bytes in the "
		   "configuration limit the runs,\n"
		   "keep_scopes limits the cache scopes.\n"
		   "\n"
		   "gc never removes a run in progress, the latest run, or the last run "
		   "that passed.\n",
	.options = options,
	.settings_size = sizeof(struct gc_settings),
	.run = run,
};
