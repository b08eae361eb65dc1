/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `ambient run`: run the projects one after the other. The results go to the terminal, to standard
 * error and, for programs, to --result. The exit status is that of the worst result.
 *
 * --result contains an object for each project, and one with project null if the command line, the
 * configuration or the projects file is wrong.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/fit.h"
#include "base/limits.h"
#include "base/num.h"
#include "base/text.h"
#include "cli/command.h"
#include "cli/commands/first_import.h"
#include "cli/commands/run_outputs.h"
#include "cli/commands/run_upkeep.h"
#include "cli/load.h"
#include "cli/say.h"
#include "cli/screen/term.h"
#include "os/path.h"
#include "os/sig.h"
#include "run/result.h"
#include "run/run.h"
#include "settings/names.h"
#include "settings/statefile.h"
#include "store/retention.h"

struct run_settings {
	const char *projects;
	const char *log;
	const char *result;
	struct run_options options;
	int cache;
	const char *rsync_target;
	const char *dput_target;
	bool dry_run;
	bool uefi;
	bool quiet;
	int color;
};

static const char *const cache_modes[] = {
	[RUN_CACHE_RW] = "rw",
	[RUN_CACHE_RO] = "ro",
	[RUN_CACHE_NONE] = "none",
	NULL,
};

static const char *const rsync_aliases[] = {"rsync", "target", NULL};
static const char *const dput_aliases[] = {"dput", NULL};

static const struct option options[] = {
	{.name = "projects",
		.argument = "FILE",
		.type = OPTION_PATH,
		.offset = offsetof(struct run_settings, projects),
		.help = "use this projects file instead of the configured one"},
	{.name = "force",
		.type = OPTION_FLAG,
		.offset = offsetof(struct run_settings, options.force),
		.help = "run even if nothing changed since the last run that passed"},
	{.name = "refresh",
		.type = OPTION_FLAG,
		.offset = offsetof(struct run_settings, options.refresh),
		.help = "fetch dependencies anew, even if nothing changed from which they were "
			"fetched; a project with a pre-plan is then not skipped"},
	{.name = "dry-run",
		.letter = 'n',
		.type = OPTION_FLAG,
		.offset = offsetof(struct run_settings, dry_run),
		.help = "check all input and show what would run, but run nothing"},
	{.name = "quiet",
		.letter = 'q',
		.type = OPTION_FLAG,
		.offset = offsetof(struct run_settings, quiet),
		.help = "print nothing for a run that passes, or if another run of the project "
			"is in progress (status 5); otherwise print the action, the last 50 "
			"lines of its output and the path of the log"},
	{.name = "color",
		.argument = "WHEN",
		.type = OPTION_ENUM,
		.choices = screen_colors,
		.offset = offsetof(struct run_settings, color),
		.help = "when to print colors: auto (on a terminal, unless NO_COLOR is set; "
			"default), always, never"},
	{.name = "result",
		.argument = "FILE",
		.type = OPTION_PATH,
		.offset = offsetof(struct run_settings, result),
		.help = "write one JSON object per project to this file, one per line, as soon "
			"as the project has ended"},
	{.name = "log",
		.argument = "FILE",
		.type = OPTION_PATH,
		.offset = offsetof(struct run_settings, log),
		.help = "also write the run log to this file, each event immediately"},
	{.name = "run-id",
		.argument = "ID",
		.type = OPTION_PATH,
		.offset = offsetof(struct run_settings, options.run_id),
		.help = "the id of the run; default: generated from the time"},
	{.name = "env",
		.argument = "NAME=VALUE",
		.type = OPTION_LIST,
		.offset = offsetof(struct run_settings, options.env),
		.help = "set an environment variable for all actions; can be given several times"},
	{.name = "no-post-plan",
		.type = OPTION_FLAG,
		.offset = offsetof(struct run_settings, options.no_post_plan),
		.help = "skip the post-plan"},
	{.name = "cache",
		.argument = "MODE",
		.type = OPTION_ENUM,
		.choices = cache_modes,
		.offset = offsetof(struct run_settings, cache),
		.help = "rw: read and update the cache (default); ro: only read it; none: use no "
			"cache"},
	{.name = "cache-scope",
		.argument = "NAME",
		.type = OPTION_PATH,
		.offset = offsetof(struct run_settings, options.cache_scope),
		.help = "use a separate cache with this name; if it does not exist yet, read the "
			"project's own cache"},
	{.name = "executor",
		.argument = "PATH",
		.type = OPTION_PATH,
		.offset = offsetof(struct run_settings, options.executor),
		.help = "the executor, which runs in the VM; default: the one installed with "
			"ambient"},
	{.name = "rsync-target",
		.aliases = rsync_aliases,
		.argument = "TARGET",
		.type = OPTION_STRING,
		.offset = offsetof(struct run_settings, rsync_target),
		.help = "the target of the rsync actions"},
	{.name = "dput-target",
		.aliases = dput_aliases,
		.argument = "TARGET",
		.type = OPTION_STRING,
		.offset = offsetof(struct run_settings, dput_target),
		.help = "the target of the dput actions"},
	{.name = "uefi",
		.type = OPTION_FLAG,
		.offset = offsetof(struct run_settings, uefi),
		.help = "boot an image that is a disk by UEFI, even if it was imported for BIOS"},
	{.name = "offline",
		.type = OPTION_FLAG,
		.offset = offsetof(struct run_settings, options.offline),
		.help = "start no VM with a network: skip a pre-plan that needs one and use the "
			"stored dependencies; reject a post-plan that needs one before anything "
			"runs"},
	{0},
};

/* One call of the command. */
struct session {
	const struct call *call;
	struct run_settings *settings;
	struct config config;
	struct project_list list;
	struct run_context context;
	struct term term;
	struct run_outputs outputs;
	struct run_upkeep upkeep;
	int status; /* the worst status so far */
	unsigned endings[VERDICTS];
};

/* ---- results for programs ---- */

/* The result of a project that was rejected before run_project, in the form of result.json. */
static struct node *refused_result(const char *project, const char *run_id, const struct err *e)
{
	auto_free char *message = text_safe(e->msg, sizeof(e->msg));
	auto_free char *name = project ? text_safe(project, LIMIT_NAME_BYTES) : NULL;
	auto_result struct result r = {0};
	struct err shown = *e;

	fit_format(shown.msg, sizeof(shown.msg), "%s", message);
	result_init(&r);
	r.project = name;
	r.run_id = run_id && text_is_utf8(run_id, strlen(run_id)) ? run_id : NULL;
	result_take_error(&r, &shown);
	return result_to_node(&r);
}

static void worsen(struct session *s, int status)
{
	s->status = verdict_worst_status(s->status, status);
}

/* After a write error no further results are written, so that the file cannot look complete. */
static void report(struct session *s, const struct node *result)
{
	struct err e = {0};

	if (run_outputs_write_result(&s->outputs, result, &e) == 0)
		return;
	worsen(s, say_failure(&e));
	outfile_release(&s->outputs.result);
}

static void refuse(struct session *s, const char *project, const struct err *e)
{
	auto_node struct node *result = refused_result(project, s->settings->options.run_id, e);

	s->endings[verdict_of_error(e)]++;
	worsen(s, say_failure(e));
	report(s, result);
}

/* ---- one project ---- */

static void show_error(const char *project, const struct err *e)
{
	struct err named = *e;

	(void)err_wrap(&named, "%s", project);
	say_error(&named);
}

static void on_removed(void *arg, const struct retention_item *item)
{
	struct err e;

	(void)arg;
	if (!item->error)
		return;
	e = *item->error;
	(void)err_wrap(&e, "%s: old runs", item->project);
	say_warning(e.msg);
}

/*
 * After the result was written, so that nobody waits for the removal. An error here does not change
 * the result of the run.
 */
static void remove_old_runs(struct session *s, const struct project *project)
{
	const struct retention_policy policy = retention_policy_of(&s->config, project);
	const struct retention_view view = {on_removed, NULL};
	struct err e = {0};
	unsigned failed;

	if (retention_apply(s->config.state, project->name, &policy, false, &view, &failed, &e) ==
		0)
		return;
	/* The run itself has warned of state that cannot be interpreted. */
	if (e.kind == ERR_INTERRUPTED || statefile_is_unknown(&e))
		return;
	(void)err_wrap(&e, "%s: old runs", project->name);
	say_warning(e.msg);
}

static bool is_told(const struct session *s, enum verdict v)
{
	return !verdict_is_uneventful(v) || (v == VERDICT_BUSY && !s->settings->quiet);
}

static void run_one(struct session *s, struct project *project)
{
	struct run_outcome outcome;

	term_begin(&s->term, project->name);
	run_project(&s->context, project, &s->settings->options, &s->term.view, &outcome);
	term_end(&s->term, &outcome);
	if (is_told(s, outcome.verdict))
		show_error(project->name, &outcome.error);
	s->endings[outcome.verdict]++;
	worsen(s, outcome.exit_status);
	report(s, outcome.result);
	run_upkeep_note(&s->upkeep, &s->config, project, outcome.result);
	if (outcome.log)
		remove_old_runs(s, project);
	run_outcome_release(&outcome);
}

/* What is said of a source on a server is said of what was fetched last. */
static const char *not_asked(const struct project *p)
{
	return p->repository ? "; the server of the source was not asked" : "";
}

/*
 * The line of --dry-run about a project that can run: "hello would run: 3 actions in image tiny".
 */
static void describe(struct session *s, const struct project *p, const struct run_forecast *f)
{
	const size_t *actions = f->actions;
	const size_t before = actions[RUN_PRE_PLAN] + actions[RUN_FETCH];
	auto_free char *image = text_safe(p->image, LIMIT_NAME_BYTES);
	auto_buf struct buf line = {0};

	buf_init(&line, 1024);
	buf_addf(&line, "%s  would run: %zu action%s in image %s", p->name, actions[RUN_PLAN],
		num_plural(actions[RUN_PLAN]), image);
	if (before)
		buf_addf(&line, ", %zu before it", before);
	if (f->deps_unchanged)
		buf_adds(&line, ", dependencies unchanged");
	if (f->stored_deps)
		buf_adds(&line, ", with the stored dependencies in place of the pre_plan");
	if (actions[RUN_POST_PLAN])
		buf_addf(&line, ", %zu after it", actions[RUN_POST_PLAN]);
	buf_adds(&line, not_asked(p));
	term_note(&s->term, line.data);
}

static void describe_unchanged(struct session *s, const struct project *p)
{
	auto_free char *line =
		mem_printf("%s  unchanged: " RUN_UNCHANGED "%s", p->name, not_asked(p));

	term_note(&s->term, line);
}

static void check_one(struct session *s, struct project *project)
{
	struct run_forecast forecast;
	struct err e = {0};

	if (run_check(&s->context, project, &s->settings->options, &s->term.view, &forecast, &e) ==
		0) {
		if (forecast.unchanged)
			describe_unchanged(s, project);
		else
			describe(s, project, &forecast);
		return;
	}
	(void)err_wrap(&e, "%s", project->name);
	refuse(s, project->name, &e);
}

static void tell_import(void *arg, const char *line)
{
	struct session *s = arg;

	term_note(&s->term, line);
}

/* Disks that the project names by their files. */
static int import_disks(struct session *s, struct project *p, struct err *e)
{
	const char *const paths[] = {p->image_path, p->fetch_image_path};

	for (size_t i = 0; i < ARRAY_SIZE(paths); i++)
		if (first_import(&s->config, paths[i], tell_import, s, e) < 0)
			return err_wrap(e, "%s", p->name);
	return 0;
}

/* Without its image, a project cannot be checked any further. */
static bool describe_import(struct session *s, const struct project *p)
{
	const char *path = first_import_is_due(&s->config, p->image_path) ? p->image_path
		: first_import_is_due(&s->config, p->fetch_image_path)    ? p->fetch_image_path
									  : NULL;
	auto_free char *line =
		path ? mem_printf("%s  would import the disk %s, and run", p->name, path) : NULL;

	if (line)
		term_note(&s->term, line);
	return line;
}

static void do_one(struct session *s, struct project *project)
{
	struct err e = {0};

	if (sig_check(&e) < 0) {
		(void)err_wrap(&e, "%s: not begun", project->name);
		refuse(s, project->name, &e);
	} else if (s->settings->dry_run) {
		if (!describe_import(s, project))
			check_one(s, project);
	} else if (import_disks(s, project, &e) < 0) {
		refuse(s, project->name, &e);
	} else {
		run_one(s, project);
	}
}

/* ---- all of them ---- */

/* Report wrong names first, where they are seen. The other projects run nevertheless. */
static void do_named(struct session *s, const struct strv *names)
{
	auto_free struct project **found = mem_array(names->count, sizeof(*found));

	for (size_t i = 0; i < names->count; i++) {
		struct err e = {0};

		if (project_find(&s->list, names->items[i], &found[i], &e) < 0)
			refuse(s, names->items[i], &e);
	}
	for (size_t i = 0; i < names->count; i++)
		if (found[i])
			do_one(s, found[i]);
}

static int do_all(struct session *s, struct err *e)
{
	if (s->list.count == 0)
		return err_set(e, ERR_INPUT, "%s: it contains no project", s->list.file);
	for (size_t i = 0; i < s->list.count; i++)
		do_one(s, &s->list.items[i]);
	return 0;
}

/* "3 projects: 2 passed, 1 failed" */
static void sum_up(struct session *s)
{
	auto_buf struct buf line = {0};
	unsigned total = 0;

	buf_init(&line, 1024);
	for (int v = 0; v < VERDICTS; v++)
		total += s->endings[v];
	if (total < 2)
		return;
	buf_addf(&line, "%u projects", total);
	for (int v = 0; v < VERDICTS; v++)
		if (s->endings[v]) {
			buf_addf(&line, "%s %u %s", strchr(line.data, ':') ? "," : ":",
				s->endings[v], verdict_name((enum verdict)v));
		}
	term_note(&s->term, line.data);
}

static int load(struct session *s, struct err *e)
{
	struct run_settings *set = s->settings;
	const struct config_options given = {.rsync_target = set->rsync_target,
		.dput_target = set->dput_target,
		.uefi = set->uefi};

	if ((set->quiet ? load_config_quietly : load_config)(s->call, &given, &s->config, e) < 0)
		return -1;
	if ((set->quiet ? load_projects_quietly : load_projects)(
		    &s->config, set->projects, &s->list, e) < 0 ||
		names_check_files(&s->config, e) < 0)
		return -1;
	set->options.cache = (enum run_cache)set->cache;
	s->context = load_context(&s->config);
	term_limit_file(&s->term, s->config.log_max);
	return 0;
}

static int prepare(struct session *s, struct err *e)
{
	const struct run_settings *set = s->settings;
	const struct outputs_inputs inputs = {
		.config = &s->config, .list = &s->list, .executor = set->options.executor};

	if (sig_init(e) < 0 || run_outputs_open(&s->outputs, set->result, set->log, e) < 0 ||
		load(s, e) < 0 || run_outputs_check(&s->outputs, &inputs, e) < 0)
		return -1;
	if (s->outputs.log.path && outfile_begin(&s->outputs.log, e) < 0)
		return -1;
	load_restrict_modes(&s->config);
	s->settings->options.log_fd = s->outputs.log.fd;
	return 0;
}

static int carry_out(struct session *s, struct err *e)
{
	if (prepare(s, e) < 0)
		return -1;
	if (s->call->operands.count == 0)
		return do_all(s, e);
	do_named(s, &s->call->operands);
	return 0;
}

static void check_screen(struct session *s)
{
	int sys = term_write_error(&s->term);

	if (sys)
		worsen(s, say_unwritten(sys));
}

static int run(const struct call *call)
{
	struct run_settings *settings = call->settings;
	struct session s = {.call = call, .settings = settings, .outputs = RUN_OUTPUTS_NONE};
	struct err e = {0};

	term_init(&s.term, STDOUT_FILENO, STDERR_FILENO, (enum screen_color)settings->color,
		settings->quiet);
	if (carry_out(&s, &e) < 0)
		refuse(&s, NULL, &e);
	sum_up(&s);
	if (!settings->dry_run && !settings->quiet && !sig_pending())
		run_upkeep_warn(&s.upkeep, &s.config);
	check_screen(&s);
	term_release(&s.term);
	project_list_release(&s.list);
	config_release(&s.config);
	run_outputs_release(&s.outputs);
	run_upkeep_release(&s.upkeep);
	return s.status;
}

/* The command line is wrong, but --result may have been parsed. */
static void refused(const struct call *call, const struct err *why)
{
	const struct run_settings *settings = call->settings;
	auto_node struct node *result = NULL;
	auto_run_outputs struct run_outputs o = RUN_OUTPUTS_NONE;
	struct err e = {0};

	if (!settings->result)
		return;
	result = refused_result(NULL, settings->options.run_id, why);
	if (run_outputs_open(&o, settings->result, settings->log, &e) < 0 ||
		run_outputs_write_result(&o, result, &e) < 0)
		say_error(&e);
}

const struct command cmd_run = {
	.name = "run",
	.summary = "Run projects: build and test each in its own microVMs",
	.group = GROUP_RUN,
	.operands = "[PROJECT]...",
	.max_operands = COMMAND_OPERANDS_MAX,
	.details = "Without a name, all projects of the projects file run, one after the "
		   "other. A project is\n"
		   "skipped if its source, plans, image, dependencies and settings are the "
		   "same as in its last run\n"
		   "that passed. Everything that the machine gets from the source is "
		   "compared, including ignored\n"
		   "files, modes, tags and the stash. File times and the way git stores its "
		   "objects are not\n"
		   "compared.\n"
		   "\n"
		   "If the pre-plan would fetch from the same as the last time, its dependencies "
		   "are used as they are,\n"
		   "and its VMs do not start: --refresh fetches anew.\n"
		   "\n"
		   "The exit status is that of the worst project:\n" COMMAND_EXIT_STATUSES,
	.options = options,
	.settings_size = sizeof(struct run_settings),
	.run = run,
	.refused = refused,
};
