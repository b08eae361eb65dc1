/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `ambient gc`: remove old runs. After a run, the same is done for its project. Then make room until
 * everything fits disk_budget.
 */
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
#include "upkeep/budget.h"

enum { NAME_COLUMN = 20, LEFT_SHOWN = 20 };

struct gc_settings {
	const char *projects;
	uint64_t runs;
	uint64_t days;
	uint64_t bytes;
	uint64_t scopes;
	uint64_t budget;
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
	{.name = "disk-budget",
		.argument = "SIZE",
		.type = OPTION_SIZE,
		.offset = offsetof(struct gc_settings, budget),
		.help = "make room until all that ambient keeps on this host takes at most this "
			"much space"},
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
	uint64_t left, left_bytes; /* parts that are left, and the space of those not shown */
	int status;
};

/* ---- what was removed ---- */

static void on_error(struct session *s, const char *name, const struct err *error)
{
	struct err e = *error;

	(void)err_wrap(&e, "%s", name);
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
		on_error(s, item->project, item->error);
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

/* ---- the budget ---- */

/* "run 7", "cache of scope x", "dependencies"; the caller frees. */
static char *describe(const struct budget_item *item)
{
	if (item->kind == USAGE_RUNS)
		return item->part ? mem_printf("run %s", item->part) : mem_strdup("runs");
	if (item->kind == USAGE_CACHES)
		return item->part ? mem_printf("cache of scope %s", item->part)
				  : mem_strdup("cache");
	if (item->kind == USAGE_WORK)
		return mem_strdup("unfinished work");
	return mem_strdup(item->kind == USAGE_IMAGES ? "image"
			: item->kind == USAGE_DEPS   ? "dependencies"
						     : "other files");
}

static void on_budget_removed(void *arg, const struct budget_item *item)
{
	struct session *s = arg;
	auto_free char *what = describe(item);
	auto_free char *line = mem_printf("%-*s  %s: over disk_budget, %s", NAME_COLUMN, item->name,
		what, num_show_size(item->bytes).s);

	s->bytes = num_sum(s->bytes, item->bytes);
	s->runs += !item->error && item->kind == USAGE_RUNS;
	if (item->error)
		on_error(s, item->name, item->error);
	else
		print(s, line);
}

static void on_left(void *arg, const struct budget_item *item)
{
	struct session *s = arg;
	auto_free char *what = describe(item);
	auto_buf struct buf line = {0};

	if (s->left++ >= LEFT_SHOWN) {
		s->left_bytes = num_sum(s->left_bytes, item->bytes);
		return;
	}
	buf_init(&line, SAY_LINE_MAX);
	buf_addf(&line, "%-*s  %s left, %s: ", NAME_COLUMN, item->name, what,
		num_show_size(item->bytes).s);
	say_add_message(&line, item->why);
	print(s, line.data);
}

static void print_rest_of_left(struct session *s)
{
	auto_free char *line = mem_printf("%" PRIu64 " more of these, %s", s->left - LEFT_SHOWN,
		num_show_size(s->left_bytes).s);

	if (s->left > LEFT_SHOWN)
		print(s, line);
}

static int say_used(struct session *s, uint64_t used, uint64_t budget, struct err *e)
{
	auto_free char *line = mem_printf("%s of disk_budget %s used",
		num_show_size_beside(used, budget).s, num_show_size_beside(budget, used).s);
	auto_free char *option = s->settings->budget ? mem_printf(" --disk-budget %" PRIu64, budget)
						     : mem_strdup("");

	print_rest_of_left(s);
	if (used > budget)
		return err_set(e, ERR_HOST,
			"%s are used, more than disk_budget (%s), and nothing else may be removed; "
			"'ambient gc --dry-run%s' lists what is left, and what holds it",
			num_show_size_beside(used, budget).s, num_show_size_beside(budget, used).s,
			option);
	print(s, line);
	return 0;
}

/* Only if all projects are meant: the budget is about all of them. */
static int enforce_budget(struct session *s, const struct call *call, struct err *e)
{
	const struct budget_view view = {on_budget_removed, on_left, s};
	const struct budget b = {.config = &s->config,
		.list = &s->list,
		.bytes = s->settings->budget ? s->settings->budget : s->config.disk_budget,
		.dry_run = s->settings->dry_run};
	uint64_t used = 0;

	if (!b.bytes || call->operands.count)
		return 0;
	if (budget_enforce(&b, &view, &used, e) < 0)
		return -1;
	return say_used(s, used, b.bytes, e);
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
	if (result == 0)
		result = enforce_budget(s, call, e);
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
	.summary = "Remove old runs and files left by killed runs, and make room on the disk",
	.group = GROUP_KEEP,
	.operands = "[PROJECT]...",
	.max_operands = COMMAND_OPERANDS_MAX,
	.details = "Every run does this for its own project when it ends. Without a name, "
		   "gc checks all projects in\n"
		   "the state directory. keep_runs, keep_days and keep_bytes in the "
		   "configuration limit the runs,\n"
		   "keep_scopes limits the cache scopes.\n"
		   "\n"
		   "If disk_budget is configured and no project is named, gc then makes room until "
		   "all images,\n"
		   "dependencies, caches and runs together fit: it removes runs, images that no "
		   "project uses and\n"
		   "'ambient image build' can make again, dependencies that can be fetched again, "
		   "and caches, in\n"
		   "this order and the oldest first. If they still do not fit, it lists what is "
		   "left, and its exit\n"
		   "status is 3.\n"
		   "\n"
		   "gc never removes a run in progress and what it uses, the latest run, or the "
		   "last run that passed.\n",
	.options = options,
	.settings_size = sizeof(struct gc_settings),
	.run = run,
};
