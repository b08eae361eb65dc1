/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A run, from its lock to its result. Start at `carry_out`: it calls the steps, which are defined
 * above it in the order in which they are executed.
 *
 * A step returns -1 with an error if the run cannot continue; the error determines the result. A
 * plan that fails is not an error but a verdict: the run continues, in order to keep its output.
 * `conclude` writes the result in all cases. Output that was not published is removed with the
 * lock.
 */
#include "run/run.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/fit.h"
#include "base/text.h"
#include "base/version.h"
#include "jail/jail.h"
#include "os/fd.h"
#include "os/path.h"
#include "os/space.h"
#include "run/run_internal.h"
#include "settings/statefile.h"
#include "source/declared.h"
#include "source/lint.h"

/* ---- events: to the log and to the view ---- */

static void on_masked_event(void *arg, const struct event *ev)
{
	struct run *r = arg;

	runlog_event(&r->log, ev);
	r->view->sink.event(r->view->sink.arg, ev);
}

static void on_event(void *arg, const struct event *ev)
{
	struct run *r = arg;

	logmask_event(&r->logmask, ev);
}

/* Nothing follows for the moment, so show what the mask held back. */
static void on_idle(void *arg)
{
	struct run *r = arg;

	logmask_idle(&r->logmask);
}

void run_warn(struct run *r, const char *text)
{
	struct node *n = node_map();

	node_set_string(n, "message", text);
	event_send(&r->sink, EVENT_WARNING, SOURCE_PRELUDE, n);
}

/*
 * A run is large, and the stack may be small: whether it is large enough is one of the checks. *r is
 * not on it.
 */
static void run_init(struct run *r, const struct run_context *context, struct project *project,
	const struct run_options *options, const struct run_view *view)
{
	*r = (struct run){.context = context,
		.config = context->config,
		.project = project,
		.options = options,
		.view = view,
		.sizes = drives_sizes(context->config, project),
		.sink = {on_event, r},
		.idle = {.after = on_idle, .arg = r},
		.log_fd = -1,
		.console_fd = -1,
		.source_fd = -1,
		.reads_fd = -1,
		.store = STORE_NONE};
	loop_add(&r->loop, &r->idle);
	if (view->source)
		loop_add(&r->loop, view->source);
	logmask_init(&r->logmask, &(struct event_sink){on_masked_event, r});
	for (int i = 0; i < RUN_MACHINES; i++)
		machine_init(&r->phases[i].machine);
	source_init(&r->source);
	result_init(&r->result);
	r->planner = (struct planner){
		.actions = context->actions,
		.action_env = context->action_env,
		.config = context->config,
		.project = project,
		.env = &options->env,
		.keep_cache = options->cache == RUN_CACHE_RW,
	};
	r->result.project = project->name;
	runlog_init(&r->log, -1, -1, context->config->log_max);
}

static void phase_release(struct phase *p)
{
	plan_release(&p->plan);
	egress_release(&p->egress);
	sshagent_rules_release(&p->agent_rules);
	free(p->missed_host);
	drives_release(&p->drives);
	machine_release(&p->machine);
}

static void run_secrets_release(struct run_secrets *s)
{
	mask_free(s->mask);
	secrets_release(&s->given);
}

static void run_release(struct run *r)
{
	planner_release(&r->planner);
	logmask_release(&r->logmask);
	run_secrets_release(&r->mirror_secrets);
	run_secrets_release(&r->secrets);
	runlog_release(&r->log);
	fd_close(r->log_fd);
	fd_close(r->console_fd);
	fd_close(r->source_fd);
	fd_close(r->reads_fd);
	source_close(&r->source);
	filememory_free(r->memory);
	free(r->run_id);
	for (int i = 0; i < DEPS_KINDS; i++)
		free(r->deps[i]);
	free(r->kept_artifacts);
	for (int i = 0; i < RUN_MACHINES; i++)
		phase_release(&r->phases[i]);
	machine_host_release(&r->host);
	machine_host_release(&r->fetcher);
	machine_host_release(&r->trusted);
	machine_host_release(&r->mirror_host);
	store_release(&r->store);
	result_release(&r->result);
	strv_release(&r->warnings);
}

/* ---- 1. checks before anything is changed ---- */

static int check_environment(const struct strv *env, struct err *e)
{
	strv_each (env, entry) {
		size_t len = strspn(
			*entry, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_");

		if (len == 0 || (*entry)[len] != '=' || ((*entry)[0] >= '0' && (*entry)[0] <= '9'))
			return err_set(e, ERR_INPUT, "--env '%.60s': NAME=VALUE is needed", *entry);
	}
	return 0;
}

static int check_options(const struct run_options *o, struct err *e)
{
	if (o->refresh && o->offline)
		return err_set(e, ERR_INPUT,
			"--refresh fetches dependencies anew, and --offline fetches nothing: leave "
			"one of them out");
	return check_environment(&o->env, e);
}

static struct lint lint_of(const struct run *r)
{
	return (struct lint){
		.config = r->config,
		.project = r->project,
		.lists = r->planner.lists,
		.with_post_plan = !r->options->no_post_plan,
		.will_run = true,
	};
}

static bool has_actions(const struct run *r, enum run_machine which)
{
	if (which == RUN_POST_PLAN && r->options->no_post_plan)
		return false;
	if (planner_count(&r->planner, which) > 0)
		return true;
	/* A post_plan delivers what the plan has left, be it nothing. */
	return which == RUN_PLAN && has_actions(r, RUN_POST_PLAN);
}

/*
 * A pre-plan that needs a host is skipped: the stored dependencies are used, and what only the
 * pre-plan needs, such as the trusted image, is not required. A post-plan that needs a host is an
 * error.
 */
static int go_offline(struct phase *p, enum run_machine which, struct err *e)
{
	if (p->egress.count == 0)
		return 0;
	if (which == RUN_POST_PLAN)
		return err_reason(e, ERR_INPUT, "offline",
			"--offline: an action of the post_plan must reach %s; skip it by "
			"--no-post-plan",
			p->egress.rules[0].host);
	p->missed_host = mem_strdup(p->egress.rules[0].host);
	p->wanted = false;
	return 0;
}

static int build_plan(
	struct run *r, enum run_machine which, struct run_secrets *secrets, struct err *e)
{
	struct phase *p = &r->phases[which];

	r->planner.secrets = &secrets->given;
	p->wanted = has_actions(r, which);
	if (!p->wanted)
		return 0;
	if (planner_egress(&r->planner, which, &p->egress, e) < 0 ||
		(r->options->offline && go_offline(p, which, e) < 0))
		return -1;
	if (!p->wanted)
		return 0;
	if (planner_secrets(&r->planner, which, &secrets->given, e) < 0)
		return -1;
	return planner_build(&r->planner, which, &p->plan, e);
}

/* All but that of a source that is not here yet. */
static int build_plans(struct run *r, struct err *e)
{
	for (enum run_machine i = RUN_PRE_PLAN; i < RUN_MACHINES; i++)
		if (build_plan(r, i, &r->secrets, e) < 0)
			return -1;
	return 0;
}

static int prepare_fetcher(struct run *r, struct err *e)
{
	if (!r->phases[RUN_FETCH].wanted)
		return 0;
	return machine_host_prepare_fetch(
		r->config, r->project, r->options->executor, &r->fetcher, e);
}

static int prepare_trusted(struct run *r, struct err *e)
{
	if (!r->phases[RUN_PRE_PLAN].wanted && !r->phases[RUN_POST_PLAN].wanted)
		return 0;
	return machine_host_prepare_trusted(
		r->config, r->project, r->options->executor, &r->trusted, e);
}

static int prepare_hosts(struct run *r, struct err *e)
{
	const struct project *p = r->project;

	if (machine_host_prepare(
		    r->config, p, p->image, p->image_path, r->options->executor, &r->host, e) < 0)
		return -1;
	return prepare_fetcher(r, e) < 0 ? -1 : prepare_trusted(r, e);
}

static int rebuild(
	struct run *r, enum run_machine which, const struct machine_host *host, struct err *e)
{
	struct plan *plan = &r->phases[which].plan;

	r->planner.defaults = &host->image.defaults;
	plan_release(plan);
	return planner_build(&r->planner, which, plan, e);
}

/* Two plans again, with what their images say about the programs in them. */
static int heed_images(struct run *r, struct err *e)
{
	if (r->phases[RUN_FETCH].wanted && rebuild(r, RUN_FETCH, &r->fetcher, e) < 0)
		return -1;
	return rebuild(r, RUN_PLAN, &r->host, e);
}

static int check_plans(struct run *r, struct err *e)
{
	struct lint lint;

	if (planner_open(&r->planner, e) < 0)
		return -1;
	lint = lint_of(r);
	return lint_check(&lint, e);
}

/* What does not depend on the source. */
static int check_call(struct run *r, struct err *e)
{
	const char *scope = r->options->cache_scope;

	if (drives_check_host(r->config, r->project, e) < 0 || check_options(r->options, e) < 0)
		return -1;
	if (r->options->run_id && project_check_name(r->options->run_id, e) < 0)
		return err_wrap(e, "run id");
	if (scope && project_check_name(scope, e) < 0)
		return err_wrap(e, "cache scope");
	return 0;
}

static int check_source(struct run *r, struct err *e)
{
	bool alone = r->options->cache_scope;

	if (source_open(&r->source, r->config, r->project, alone, e) < 0)
		return -1;
	if (project_adopt_source_plan(r->project, &r->warnings, e) < 0 || check_plans(r, e) < 0)
		return -1;
	if (build_plans(r, e) < 0 || prepare_hosts(r, e) < 0 || heed_images(r, e) < 0)
		return -1;
	if (jail_is_outer_root(r->host.uid))
		strv_push(&r->warnings,
			"QEMU runs as the host's root, because this user namespace has no other "
			"user; its other walls stand. Start ambient as an ordinary user, or "
			"outside of the namespace");
	return 0;
}

/* ---- 2. the lock, the run's directory, its log ---- */

static int open_output(const char *dir, const char *name, int *ret_fd, struct err *e)
{
	auto_free char *path = path_join(dir, name);
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0644);

	if (fd < 0)
		return err_sys(e, "make %s", path);
	*ret_fd = fd;
	return 0;
}

static void log_beginning(struct run *r)
{
	struct node *n = node_map();

	node_set_string(n, "name", "ambient");
	node_set_string(n, "version", version_build);
	node_set_string(n, "run_id", r->run_id);
	event_send(&r->sink, EVENT_AMBIENT_STARTS, SOURCE_PRELUDE, n);
	n = node_map();
	node_set(n, "config", node_copy(r->config->effective));
	event_send(&r->sink, EVENT_RUNTIME_CONFIG, SOURCE_PRELUDE, n);
	n = node_map();
	node_set_string(n, "project_name", r->project->name);
	event_send(&r->sink, EVENT_RUN_CI, SOURCE_PRELUDE, n);
}

static void tell_warnings(struct run *r)
{
	strv_each (&r->warnings, text)
		run_warn(r, *text);
}

static int begin(struct run *r, struct err *e)
{
	if (store_lock(r->config->state, r->project->name, &r->store, e) < 0)
		return -1;
	if (!r->run_id)
		r->run_id = mem_strdup(clock_compact(r->result.started_utc_ns).s);
	if (store_begin_run(&r->store, r->run_id, e) < 0 ||
		open_output(r->store.run_dir, "run.jsonl", &r->log_fd, e) < 0 ||
		open_output(r->store.run_dir, "console.log", &r->console_fd, e) < 0)
		return -1;
	r->log.fds[RUNLOG_STATE] = r->log_fd;
	r->log.fds[RUNLOG_COPY] = r->options->log_fd;
	log_beginning(r);
	return 0;
}

/* ---- 3. a source that is a repository on a server (run_mirror.c) ---- */

/* From here on, the log does not have them. */
static int read_secrets(struct run *r, struct run_secrets *s, struct err *e)
{
	if (!s->given.count)
		return 0;
	if (secrets_read(&s->given, e) < 0)
		return -1;
	s->mask = mask_new();
	secrets_add_to_mask(&s->given, s->mask);
	mask_ready(s->mask);
	logmask_use(&r->logmask, s->mask);
	secrets_warn(&s->given, &r->sink);
	return 0;
}

static int check_mirror(struct run *r, struct err *e)
{
	if (planner_open_mirror(&r->planner, e) < 0 ||
		build_plan(r, RUN_MIRROR, &r->mirror_secrets, e) < 0)
		return -1;
	if (!r->phases[RUN_MIRROR].wanted)
		return 0;
	return machine_host_prepare_trusted(
		r->config, r->project, r->options->executor, &r->mirror_host, e);
}

static int fetch_source(struct run *r, struct err *e)
{
	if (check_mirror(r, e) < 0 || begin(r, e) < 0 || read_secrets(r, &r->mirror_secrets, e) < 0)
		return -1;
	return run_fetch_source(r, e);
}

/* The rest of the plans may be in the source itself, so it is fetched before they are checked. */
static int begin_with_source(struct run *r, struct err *e)
{
	if (!r->project->repository)
		return check_source(r, e) < 0 ? -1 : begin(r, e);
	if (fetch_source(r, e) < 0)
		return -1;
	return run_passes(r) ? check_source(r, e) : 0;
}

/* ---- 4. has anything changed since the last successful run? ---- */

/* Save the digests of files for the next run. */
static int save_memory(struct run *r, struct err *e)
{
	auto_strv struct strv warnings = {0};
	struct err why = {0};

	if (filememory_save(r->memory, r->store.work, &why) == 0)
		return 0;
	if (statefile_not_kept(&why, &warnings, e) < 0)
		return -1;
	strv_each (&warnings, text)
		run_warn(r, *text);
	return 0;
}

/* A run with the same input as one that passed ends here, as unchanged. */
static int compare_with_last(struct run *r, struct err *e)
{
	struct node *n;
	bool unchanged;

	if (source_inspect(&r->source, e) < 0)
		return -1;
	if (r->source.git.repository && *r->source.git.reason)
		run_warn(r, r->source.git.reason);
	if (run_compare(r, &unchanged, e) < 0)
		return -1;
	if (!unchanged)
		return 0;
	if (save_memory(r, e) < 0)
		return -1;
	n = node_map();
	node_set_string(n, "project_name", r->project->name);
	node_set_string(n, "reason", RUN_UNCHANGED);
	event_send(&r->sink, EVENT_SKIP_CI, SOURCE_PRELUDE, n);
	r->result.verdict = VERDICT_UNCHANGED;
	return 0;
}

/* ---- 5. input of all machines ---- */

/*
 * Warnings about the plan do not stop the run. The result is remembered: only changed scripts are
 * checked again.
 */
static int warn_of_plan(struct run *r, struct err *e)
{
	const struct lint lint = lint_of(r);
	auto_free char *memory = path_join(r->store.dir, "lint.json");
	auto_strv struct strv warnings = {0};

	if (lint_warn(&lint, memory, &warnings, e) < 0)
		return -1;
	strv_each (&warnings, text)
		run_warn(r, *text);
	return 0;
}

static bool is_given_declared(const struct run *r)
{
	return r->phases[RUN_FETCH].wanted && r->project->fetch_source != PROJECT_FETCH_ALL;
}

static int find_reads(struct run *r, enum run_machine which, struct declared *ret, struct err *e)
{
	const struct entry *entry;
	size_t at = 0;

	while ((entry = planner_next(&r->planner, which, &at)))
		if (declared_find(r->source.root, entry, ret, e) < 0)
			return -1;
	return 0;
}

/*
 * Of a trusted machine, which is given all of the source. Before the source is packed: if a file is
 * changed between, the digest is that of none of the later runs.
 */
static int look_at_trusted_reads(struct run *r, struct err *e)
{
	auto_declared struct declared files = {0};

	if (!r->phases[RUN_PRE_PLAN].wanted)
		return 0;
	if (find_reads(r, RUN_PRE_PLAN, &files, e) < 0)
		return -1;
	return declared_digest(r->source.root, &files, &r->phases[RUN_PRE_PLAN].reads, e);
}

/* What the machine that fetches is given of the source. */
static int pack_reads(struct run *r, struct err *e)
{
	auto_declared struct declared files = {0};

	if (!r->phases[RUN_FETCH].wanted)
		return 0;
	if (!is_given_declared(r)) {
		r->reads_fd = fcntl(r->source_fd, F_DUPFD_CLOEXEC, 3);
		return r->reads_fd < 0 ? err_sys(e, "drive " DRIVE_SRC) : 0;
	}
	if (find_reads(r, RUN_FETCH, &files, e) < 0)
		return -1;
	return declared_pack(
		r->source.root, &files, r->config, &r->reads_fd, &r->phases[RUN_FETCH].reads, e);
}

static int prepare_input(struct run *r, struct err *e)
{
	/* After the comparison: a run that is skipped reads no secrets. */
	if (read_secrets(r, &r->secrets, e) < 0 || warn_of_plan(r, e) < 0 ||
		look_at_trusted_reads(r, e) < 0)
		return -1;
	if (source_pack(&r->source, r->memory, &r->sink, &r->source_fd, &r->source_digest, e) < 0)
		return -1;
	if (pack_reads(r, e) < 0)
		return -1;
	if (!*r->files_digest.s && run_look_at_files(r, e) < 0)
		return -1;
	return save_memory(r, e);
}

/* ---- 6. the machines and their output (run_phase.c) ---- */

static const struct {
	enum run_machine which;
	enum deps_kind kind;
} fetching[] = {{RUN_PRE_PLAN, DEPS_TRUSTED}, {RUN_FETCH, DEPS_FETCHED}};

static bool is_left_out(const struct run *r, enum run_machine which)
{
	return !r->phases[which].wanted || r->phases[which].unchanged;
}

/* Tell once, before a machine of the pre-plan starts, or when it is known that none does. */
static void tell_unchanged(struct run *r)
{
	struct node *n, *machines;

	if (node_count(r->result.deps_unchanged))
		return;
	n = node_map();
	machines = node_set_list(n, "machines");
	for (size_t i = 0; i < ARRAY_SIZE(fetching); i++) {
		auto_free char *archive = run_stored(r, deps_names[fetching[i].kind]);

		if (!r->phases[fetching[i].which].unchanged)
			continue;
		node_add_string(machines, planner_machine_name(fetching[i].which));
		node_add_string(r->result.deps_unchanged, path_base(archive));
	}
	node_set_bool(n, "all", is_left_out(r, RUN_PRE_PLAN) && is_left_out(r, RUN_FETCH));
	if (machines->count)
		event_send(&r->sink, EVENT_DEPS_UNCHANGED, SOURCE_PRELUDE, n);
	else
		node_free(n);
}

static int carry_out_fetching(
	struct run *r, enum run_machine which, enum deps_kind kind, struct err *e)
{
	if (!r->phases[which].wanted)
		return 0;
	if (run_find_deps(r, which, kind, e) < 0)
		return -1;
	if (r->phases[which].unchanged)
		return 0;
	tell_unchanged(r);
	if (run_phase(r, which, e) < 0)
		return -1;
	if (!run_passes(r))
		return 0;
	/* The next run gets the new dependencies, so they are in its digest. */
	return run_keep_deps(r, kind, e) < 0 ? -1 : run_look_at_files(r, e);
}

static int carry_out_pre_plan(struct run *r, struct err *e)
{
	const char *missed_host = run_missed_host(r);

	if (missed_host && run_need_deps(r, missed_host, e) < 0)
		return -1;
	for (size_t i = 0; i < ARRAY_SIZE(fetching) && run_passes(r); i++)
		if (carry_out_fetching(r, fetching[i].which, fetching[i].kind, e) < 0)
			return -1;
	if (run_passes(r))
		tell_unchanged(r);
	return 0;
}

static int carry_out_plan(struct run *r, struct err *e)
{
	if (!r->phases[RUN_PLAN].wanted)
		return 0;
	if (run_phase(r, RUN_PLAN, e) < 0)
		return -1;
	if (r->result.verdict == VERDICT_INTERRUPTED)
		return 0;
	if (run_keep_artifacts(r, e) < 0)
		return -1;
	return run_passes(r) ? run_keep_cache(r, e) : 0;
}

static int carry_out_post_plan(struct run *r, struct err *e)
{
	return r->phases[RUN_POST_PLAN].wanted ? run_phase(r, RUN_POST_PLAN, e) : 0;
}

/* Each machine runs only if all before it have passed. */
static int run_machines(struct run *r, struct err *e)
{
	if (carry_out_pre_plan(r, e) < 0 || (run_passes(r) && carry_out_plan(r, e) < 0))
		return -1;
	return run_passes(r) ? carry_out_post_plan(r, e) : 0;
}

/* ---- 7. the digest for the next run ---- */

/* The digest covers the packed source and the new dependencies. */
static int remember(struct run *r, struct err *e)
{
	auto_free char *class = run_class(r);
	auto_node struct node *state = node_map();

	run_make_digest(r);
	node_set_int(state, "format", 1);
	node_set_string(state, "digest", r->digest.s);
	node_set_string(state, "commit", r->source.git.commit);
	node_set_string(state, "run_id", r->run_id);
	node_set_string(state, "finished", clock_rfc3339(clock_utc_ns()).s);
	return runlog_check(&r->log, e) < 0 ? -1 : store_publish(&r->store, class, state, e);
}

/* ---- the run ---- */

static int carry_out(struct run *r, struct err *e)
{
	if (check_call(r, e) < 0 || begin_with_source(r, e) < 0)
		return -1;
	tell_warnings(r);
	if (!run_passes(r))
		return 0;
	if (compare_with_last(r, e) < 0)
		return -1;
	if (r->result.verdict == VERDICT_UNCHANGED)
		return 0;
	if (prepare_input(r, e) < 0 || run_machines(r, e) < 0)
		return -1;
	return run_passes(r) ? remember(r, e) : 0;
}

/* ---- the end ---- */

static struct node *source_node(const struct run *r)
{
	struct node *n = node_map();

	node_set_string(n, "path", r->project->source);
	if (r->project->repository)
		node_set(n, "repository", node_copy(r->project->repository));
	node_set_string(n, "commit", *r->source.git.commit ? r->source.git.commit : NULL);
	node_set(n, "clean",
		r->source.git.clean == GIT_UNKNOWN ? node_null()
						   : node_bool(r->source.git.clean == GIT_CLEAN));
	return n;
}

static void fill_result(struct run *r)
{
	struct result *result = &r->result;

	result->run_id = r->run_id;
	result->source = source_node(r);
	result_set_image(result, &r->host.image);
	if (!r->store.run_dir)
		return;
	result->log = path_join(r->store.run_dir, "run.jsonl");
	result->console = path_join(r->store.run_dir, "console.log");
}

/* An error of the log replaces the result of the run, but its message keeps that result. */
static void take_log_error(struct run *r, struct err *e)
{
	const struct result *was = &r->result;

	if (!result_is_good(was) && strcmp(was->message, e->msg) != 0)
		(void)err_append(e, "; the run itself ended: %s, %s: %s",
			verdict_name(was->verdict), was->reason, was->message);
	result_take_error(&r->result, e);
}

/* A run whose log cannot be written is broken. */
static void finish_log(struct run *r)
{
	struct err e = {0};

	if (runlog_check(&r->log, &e) < 0)
		take_log_error(r, &e);
	result_send_end(&r->result, &r->sink);
	/* The last event must not be lost silently, either. */
	if (e.kind == ERR_NONE && runlog_check(&r->log, &e) < 0)
		take_log_error(r, &e);
}

static void write_result(struct run *r, struct run_outcome *o)
{
	bool latest = r->result.verdict != VERDICT_UNCHANGED;
	struct err e = {0};

	if (!r->store.run_dir || store_write_result(&r->store, o->result, latest, &e) == 0)
		return;
	space_explain_path(&e, r->store.run_dir);
	result_take_error(&r->result, &e);
	result_fill_outcome(&r->result, o);
	o->unnamed = latest;
}

static void conclude(struct run *r, struct run_outcome *o)
{
	fill_result(r);
	finish_log(r);
	result_fill_outcome(&r->result, o);
	write_result(r, o);
}

/*
 * For errors without an explanation of their own: most files that a run writes are in the state
 * directory.
 */
static void explain_disk(const struct run *r, struct err *e)
{
	const char *tmpdir = r->config->tmpdir;

	space_explain_probably(e, strstr(e->msg, tmpdir) ? tmpdir : r->config->state);
}

/* The result contains the caller's run id even if the run ends before it is checked. */
static void take_run_id(struct run *r)
{
	const char *id = r->options->run_id;

	if (id && text_is_utf8(id, strlen(id)))
		r->run_id = mem_strdup(id);
}

void run_project(const struct run_context *context, struct project *project,
	const struct run_options *options, const struct run_view *view, struct run_outcome *ret)
{
	auto_free struct run *r = mem_array(1, sizeof(*r));
	struct err e = {0};

	*ret = (struct run_outcome){0};
	run_init(r, context, project, options, view);
	take_run_id(r);
	if (carry_out(r, &e) < 0) {
		explain_disk(r, &e);
		result_take_error(&r->result, &e);
	}
	conclude(r, ret);
	run_release(r);
}

/* Which machines of the pre-plan a run would not start. */
static int look_at_deps(struct run *r, struct err *e)
{
	auto_declared struct declared files = {0};

	if (look_at_trusted_reads(r, e) < 0)
		return -1;
	if (is_given_declared(r) &&
		(find_reads(r, RUN_FETCH, &files, e) < 0 ||
			declared_digest(r->source.root, &files, &r->phases[RUN_FETCH].reads, e) <
				0))
		return -1;
	if (!*r->files_digest.s && run_look_at_files(r, e) < 0)
		return -1;
	for (size_t i = 0; i < ARRAY_SIZE(fetching); i++)
		if (r->phases[fetching[i].which].wanted &&
			run_find_deps(r, fetching[i].which, fetching[i].kind, e) < 0)
			return -1;
	return 0;
}

/* What a run checks only after it has the lock, or just before the pre-plan. */
static int look_at_store(struct run *r, bool *ret_unchanged, struct err *e)
{
	const char *missed_host = run_missed_host(r);

	if (store_look(r->config->state, r->project->name, &r->store, e) < 0 ||
		(r->run_id && store_check_run_id(&r->store, r->run_id, e) < 0) ||
		source_inspect(&r->source, e) < 0 || run_compare(r, ret_unchanged, e) < 0)
		return -1;
	/* The digest walks through the source, which finds the files that packing rejects. */
	if (!*r->source_digest.s &&
		source_digest(&r->source, r->memory, &r->sink, &r->source_digest, e) < 0)
		return -1;
	if (*ret_unchanged)
		return 0;
	return missed_host && run_need_deps(r, missed_host, e) < 0 ? -1 : look_at_deps(r, e);
}

/*
 * Uses the functions of a run, without the lock: the files that they read are replaced atomically.
 */
static int look_ahead(struct run *r, struct run_forecast *ret, struct err *e)
{
	struct run_forecast f = {0};

	if (check_call(r, e) < 0 || check_source(r, e) < 0 || look_at_store(r, &f.unchanged, e) < 0)
		return -1;
	for (int i = 0; i < RUN_MACHINES; i++)
		f.actions[i] = is_left_out(r, i) ? 0 : planner_count(&r->planner, i);
	f.deps_unchanged = r->phases[RUN_PRE_PLAN].unchanged || r->phases[RUN_FETCH].unchanged;
	f.stored_deps = run_missed_host(r) != NULL;
	*ret = f;
	return 0;
}

int run_check(const struct run_context *context, struct project *project,
	const struct run_options *options, const struct run_view *view,
	struct run_forecast *ret_forecast, struct err *e)
{
	struct lint lint;
	auto_free struct run *r = mem_array(1, sizeof(*r));
	int result;

	run_init(r, context, project, options, view);
	take_run_id(r);
	result = look_ahead(r, ret_forecast, e);
	lint = lint_of(r);
	if (result == 0)
		result = lint_warn(&lint, NULL, &r->warnings, e);
	strv_each (&r->warnings, text)
		run_warn(r, *text);
	run_release(r);
	return result;
}

void run_outcome_release(struct run_outcome *o)
{
	node_free(o->result);
	free(o->log);
	*o = (struct run_outcome){0};
}
