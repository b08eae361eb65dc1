/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A run, from its lock to its result. Read `carry_out` first: it is the whole story, and everything
 * above it is one of its steps, in the order in which they are taken.
 *
 * A step returns -1 with an error when the run cannot go on; that error decides how the run ended.
 * A plan that does not pass is no error: it is a verdict, and the run goes on to keep what it left.
 * Whatever happens, `conclude` writes the result, and what was not published is gone with the lock.
 */
#include "host/run.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/limits.h"
#include "base/path.h"
#include "base/sig.h"
#include "base/text.h"
#include "base/version.h"
#include "core/jsonl.h"
#include "core/pack.h"
#include "host/artifacts.h"
#include "host/digest.h"
#include "host/drives.h"
#include "host/git.h"
#include "host/jail.h"
#include "host/lint.h"
#include "host/planner.h"
#include "host/result.h"
#include "host/runlog.h"
#include "host/stage.h"
#include "host/store.h"

struct run {
	const struct run_context *context;
	const struct config *config;
	struct project *project;
	const struct run_options *options;
	const struct run_view *view;
	struct event_sink sink; /* log and view */
	struct runlog log;
	int log_fd, console_fd;
	char *run_id;
	struct stage_host host;
	struct plan plan;
	struct store store;
	struct git_state git;
	struct digest_text
		digest; /* of everything that a run depends on; "" when it cannot be known */
	struct drives drives;
	struct stage stage;
	struct result result;
	struct strv warnings; /* from before there was a log */
};

/* ---- events: to the log and to the view ---- */

static void on_event(void *arg, const struct event *ev)
{
	struct run *r = arg;

	runlog_event(&r->log, ev);
	r->view->sink.event(r->view->sink.arg, ev);
}

static void warn(struct run *r, const char *text)
{
	struct node *n = node_map();

	node_set_string(n, "message", text);
	event_send(&r->sink, EVENT_WARNING, SOURCE_PRELUDE, n);
}

static void run_init(struct run *r, const struct run_context *context, struct project *project,
	const struct run_options *options, const struct run_view *view)
{
	*r = (struct run){.context = context,
		.config = context->config,
		.project = project,
		.options = options,
		.view = view,
		.sink = {on_event, r},
		.log_fd = -1,
		.console_fd = -1,
		.store = STORE_NONE};
	result_init(&r->result);
	r->result.project = project->name;
	stage_init(&r->stage);
	runlog_init(&r->log, -1, -1, context->config->log_max);
}

static void run_release(struct run *r)
{
	runlog_release(&r->log);
	fd_close(r->log_fd);
	fd_close(r->console_fd);
	free(r->run_id);
	stage_host_release(&r->host);
	plan_release(&r->plan);
	store_release(&r->store);
	drives_release(&r->drives);
	stage_release(&r->stage);
	result_release(&r->result);
	strv_release(&r->warnings);
}

/* ---- 1. check everything that can be checked before anything is touched ---- */

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

static struct planner planner_of(const struct run *r)
{
	return (struct planner){
		.actions = r->context->actions,
		.action_env = r->context->action_env,
		.config = r->config,
		.project = r->project,
		.env = &r->options->env,
		.keep_cache = r->options->cache == RUN_CACHE_RW,
	};
}

static struct lint lint_of(const struct run *r)
{
	return (struct lint){
		.actions = r->context->actions,
		.config = r->config,
		.project = r->project,
		.with_post_plan = !r->options->no_post_plan,
		.will_run = true,
	};
}

static int check(struct run *r, struct err *e)
{
	const struct planner planner = planner_of(r);
	const struct lint lint = lint_of(r);
	const char *scope = r->options->cache_scope;

	if (check_environment(&r->options->env, e) < 0)
		return -1;
	if (project_check_source(r->project, e) < 0)
		return err_because(e, "no_source");
	if (r->options->run_id && project_check_name(r->options->run_id, e) < 0)
		return err_wrap(e, "run id");
	if (scope && project_check_name(scope, e) < 0)
		return err_wrap(e, "cache scope");
	if (project_adopt_source_plan(r->project, &r->warnings, e) < 0 ||
		planner_check(&planner, e) < 0 || lint_check(&lint, e) < 0 ||
		planner_check_built(&planner, !r->options->no_post_plan, e) < 0)
		return -1;
	if (stage_host_prepare(r->config, r->project, r->project->image, r->project->image_path,
		    r->options->executor, &r->host, e) < 0)
		return -1;
	if (jail_is_outer_root(r->host.uid))
		strv_push(&r->warnings,
			"QEMU runs as the host's root, because this user namespace has no other "
			"user; its "
			"other walls stand. Start ambient as an ordinary user, or outside of the "
			"namespace");
	return planner_build(&planner, PROJECT_PLAN, &r->plan, e);
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
	strv_each (&r->warnings, text)
		warn(r, *text);
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
	r->log.fds[0] = r->log_fd;
	r->log.fds[1] = r->options->log_fd;
	log_beginning(r);
	return 0;
}

/* ---- 3. has anything changed since the last successful run? ---- */

static void digest_line(struct digest *d, const char *what, const char *value)
{
	digest_add(d, what, strlen(what) + 1);
	digest_add(d, value, strlen(value) + 1);
}

/*
 * Everything that the guest can see or feel, or nothing: a doubt means that the run takes place.
 * The cache scope is part of it, so that no run is skipped because one of another scope passed.
 */
static void make_digest(struct run *r)
{
	auto_node struct node *tree = plan_to_node(&r->plan);
	auto_free char *size = mem_printf("%u cpus, %llu, %llu bytes", r->host.cpus,
		(unsigned long long)r->host.memory, (unsigned long long)r->config->scratch_bytes);
	auto_buf struct buf plan = {0};
	struct digest *d;

	if (r->git.clean != GIT_CLEAN || !*r->git.commit)
		return;
	buf_init(&plan, LIMIT_PLAN_BYTES);
	jsonl_add(&plan, tree);
	if (plan.overflow)
		return;
	d = digest_new();
	digest_line(d, "ambient", version_build);
	digest_line(d, "commit", r->git.commit);
	digest_line(d, "image", r->host.image.digest);
	digest_line(d, "plan", plan.data);
	digest_line(d, "size", size);
	if (r->options->cache_scope)
		digest_line(d, "cache scope", r->options->cache_scope);
	r->digest = digest_end(d);
}

/*
 * Runs that may stand for one another have the same class. One that keeps no cache, or keeps it in
 * a scope, may be a stranger's: it neither makes an ordinary run be skipped, nor makes one forget
 * that it passed. NULL: an ordinary run. The caller frees.
 */
static char *class_of(const struct run *r)
{
	static const char *const modes[] = {
		[RUN_CACHE_RW] = "rw", [RUN_CACHE_RO] = "ro", [RUN_CACHE_NONE] = "none"};
	const char *mode = modes[r->options->cache];
	const char *scope = r->options->cache_scope;

	if (scope)
		return mem_printf("%s@%s", mode, scope);
	return r->options->cache == RUN_CACHE_RW ? NULL : mem_strdup(mode);
}

/* 0: it has; 1: it has not. */
static int unchanged(struct run *r, struct err *e)
{
	auto_free char *class = class_of(r);
	auto_node struct node *last = NULL;
	struct node *n;

	if (store_last_success(&r->store, class, &last, e) < 0 ||
		git_inspect(r->project->source, &r->git, e) < 0)
		return -1;
	if (r->git.repository && *r->git.reason)
		warn(r, r->git.reason);
	make_digest(r);
	if (r->options->force || !*r->digest.s ||
		strcmp(node_get_text(last, "digest", ""), r->digest.s) != 0)
		return 0;
	n = node_map();
	node_set_string(n, "project_name", r->project->name);
	node_set_string(n, "reason", "nothing changed since the last successful run");
	event_send(&r->sink, EVENT_SKIP_CI, SOURCE_PRELUDE, n);
	r->result.verdict = VERDICT_UNCHANGED;
	return 1;
}

/*
 * What looks wrong in the plan; the run takes place all the same. The answer of the last run is
 * good as long as its scripts are the same, so that only a change of them costs time.
 */
static int warn_of_plan(struct run *r, struct err *e)
{
	const struct lint lint = lint_of(r);
	auto_free char *memory = path_join(r->store.dir, "lint.json");
	auto_strv struct strv warnings = {0};

	if (lint_warn(&lint, memory, &warnings, e) < 0)
		return -1;
	strv_each (&warnings, text)
		warn(r, *text);
	return 0;
}

/* ---- 4. the source, packed once ---- */

struct packing {
	struct run *run;
	int64_t next_ms; /* when to show progress again */
};

static int on_pack_tick(void *arg, uint64_t entries, uint64_t bytes, struct err *e)
{
	enum { PROGRESS_MS = 100 };
	struct packing *p = arg;
	struct node *n;

	if (clock_ms() >= p->next_ms) {
		p->next_ms = clock_ms() + PROGRESS_MS;
		n = node_map();
		node_set_string(n, "stage", "pack");
		node_set_uint(n, "entries", entries);
		node_set_uint(n, "bytes", bytes);
		event_send(&p->run->sink, EVENT_PROGRESS, SOURCE_PRELUDE, n);
	}
	return sig_check(e);
}

/* A state or temporary directory inside the source would grow while it is packed. */
static size_t find_avoided(const struct run *r, struct pack_avoid avoid[2])
{
	const char *const paths[2] = {r->config->state, r->config->tmpdir};
	const char *const names[2] = {"the state directory", "the directory for temporary files"};
	size_t n = 0;
	struct stat st;

	for (int i = 0; i < 2; i++)
		if (stat(paths[i], &st) == 0)
			avoid[n++] = (struct pack_avoid){st.st_dev, st.st_ino, names[i]};
	return n;
}

static int pack_into(struct run *r, int fd, struct pack_result *ret, struct err *e)
{
	auto_fd int root = open(r->project->source, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct packing packing = {.run = r, .next_ms = clock_ms()};
	struct pack_avoid avoid[2];
	struct pack_options options = {
		.out_is_zero = true,
		.avoid = avoid,
		.avoid_count = find_avoided(r, avoid),
		.tick = on_pack_tick,
		.tick_arg = &packing,
	};

	if (root < 0)
		return err_sys(e, "source %s", r->project->source);
	if (pack_tree(root, r->project->source, fd, &options, ret, e) < 0)
		return err_wrap(e, "pack the source");
	if (ftruncate(fd, (off_t)ret->bytes) < 0)
		return err_sys(e, "pack the source");
	return 0;
}

static void report_source(struct run *r, const struct pack_result *packed, int64_t since_ms)
{
	struct node *n = node_map();

	strv_each (&packed->warnings, text)
		warn(r, *text);
	node_set_string(n, "path", r->project->source);
	if (*r->git.commit)
		node_set_string(n, "commit", r->git.commit);
	if (r->git.clean != GIT_UNKNOWN)
		node_set_bool(n, "clean", r->git.clean == GIT_CLEAN);
	node_set_uint(n, "entries", packed->entries);
	node_set_uint(n, "bytes", packed->bytes);
	node_set_int(n, "duration_ms", clock_ms() - since_ms);
	event_send(&r->sink, EVENT_SOURCE, SOURCE_PRELUDE, n);
}

static int pack_source(struct run *r, struct err *e)
{
	auto_pack_result struct pack_result packed = {0};
	auto_fd int fd = -1;
	int64_t since_ms = clock_ms();

	if (drives_temporary(r->config->tmpdir, &fd, e) < 0 || pack_into(r, fd, &packed, e) < 0)
		return -1;
	report_source(r, &packed, since_ms);
	return drives_add_fd(&r->drives, DRIVE_SRC, fd_steal(&fd), e);
}

/* ---- 5. the plan's VM ---- */

/* A run with a scope of its own reads the project's cache until it has made one. */
static char *cache_to_read(const struct run *r)
{
	auto_free char *scoped = NULL;
	char *path = NULL;

	if (r->options->cache == RUN_CACHE_NONE)
		return NULL;
	if (r->options->cache_scope) {
		scoped = mem_printf("cache@%s", r->options->cache_scope);
		path = store_current(&r->store, scoped);
	}
	return path ? path : store_current(&r->store, "cache");
}

static int add_output_file(
	struct run *r, const char *serial, const char *path, uint64_t bytes, struct err *e)
{
	int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);

	if (fd < 0)
		return err_sys(e, "make %s", path);
	return drives_add_output(&r->drives, serial, fd, bytes, e);
}

static int add_cache_output(struct run *r, struct err *e)
{
	const char *scope = r->options->cache_scope;
	auto_free char *name = scope ? mem_printf("cache@%s", scope) : mem_strdup("cache");
	auto_free char *path = NULL;
	uint64_t bytes = r->project->cache_max ? r->project->cache_max : r->config->cache_max;

	if (r->options->cache != RUN_CACHE_RW)
		return 0;
	path = store_next(&r->store, name, e);
	return path ? add_output_file(r, DRIVE_CACHE_OUT, path, bytes, e) : -1;
}

static int add_drives(struct run *r, struct err *e)
{
	auto_free char *deps = store_current(&r->store, "deps");
	auto_free char *cache = cache_to_read(r);
	auto_free char *artifacts = path_join(r->store.work, "artifacts.tar");
	uint64_t artifacts_max =
		r->project->artifacts_max ? r->project->artifacts_max : r->config->artifacts_max;

	if (drives_add_file(&r->drives, DRIVE_DEPS, deps, e) < 0 ||
		drives_add_file(&r->drives, DRIVE_CACHE, cache, e) < 0 ||
		add_cache_output(r, e) < 0)
		return -1;
	return add_output_file(r, DRIVE_ARTIFACTS, artifacts, artifacts_max, e);
}

static void log_plan(struct run *r)
{
	struct node *n = node_map();

	node_set(n, "plan", plan_to_node(&r->plan));
	event_send(&r->sink, EVENT_RUNNABLE_PLAN, SOURCE_PRELUDE, n);
}

static int verify_image(struct run *r, struct err *e)
{
	auto_free char *memory = path_join(r->config->state, ".image-digests.json");

	return image_verify(&r->host.image, memory, e);
}

static int run_plan(struct run *r, struct err *e)
{
	struct stage *s = &r->stage;
	int ended;

	log_plan(r);
	if (verify_image(r, e) < 0 || add_drives(r, e) < 0)
		return -1;
	s->host = &r->host;
	s->plan = &r->plan;
	s->drives = &r->drives;
	s->sink = &r->sink;
	s->view = r->view;
	s->console_fd = r->console_fd;
	ended = stage_run(s, e);
	result_add_stage(&r->result, s);
	if (ended < 0)
		return -1;
	result_take_verdict(&r->result, s);
	return 0;
}

/* ---- 6. what the VM left ---- */

static void report_output(struct run *r, const char *kind, const char *path,
	const struct message_output *m, const struct digest_text *sha256)
{
	const struct result_output output = {.kind = kind,
		.path = path,
		.bytes = m->bytes,
		.entries = m->entries,
		.sha256 = sha256->s};

	result_add_output(&r->result, &output, &r->sink);
}

/* Also of a run that failed: its test logs are what people look for. */
static int keep_artifacts(struct run *r, struct err *e)
{
	const struct vm_drive *drive = drives_find(&r->drives, DRIVE_ARTIFACTS);
	auto_free char *unpacked = path_join(r->store.work, "artifacts");
	auto_free char *kept = path_join(r->store.run_dir, "artifacts");
	struct unpack_result result;
	struct message_output m;
	struct digest_text sha256;

	if (r->result.verdict != VERDICT_PASSED && !stage_was_packed(&r->stage, DRIVE_ARTIFACTS))
		return 0;
	if (stage_output(&r->stage, DRIVE_ARTIFACTS, &m, e) < 0 ||
		digest_of_file(drive->fd, m.bytes, &sha256, e) < 0 ||
		artifacts_unpack(drive->fd, m.bytes, m.entries, drive->bytes, unpacked, &r->sink,
			&result, e) < 0)
		return -1;
	if (rename(unpacked, kept) < 0)
		return err_sys(e, "rename %s to %s", unpacked, kept);
	report_output(r, "artifacts", kept, &m, &sha256);
	return 0;
}

/* Opaque bytes: cut to their length and given a digest, never looked into. */
static int keep_cache(struct run *r, struct err *e)
{
	const struct vm_drive *drive = drives_find(&r->drives, DRIVE_CACHE_OUT);
	auto_free char *path = NULL;
	struct message_output m;
	struct digest_text sha256;

	if (!drive)
		return 0;
	if (stage_output(&r->stage, DRIVE_CACHE_OUT, &m, e) < 0)
		return -1;
	if (ftruncate(drive->fd, (off_t)m.bytes) < 0 || fsync(drive->fd) < 0)
		return err_sys(e, "keep the cache");
	if (digest_of_file(drive->fd, m.bytes, &sha256, e) < 0)
		return -1;
	path = path_join(r->store.dir, "current/cache");
	report_output(r, "cache", path, &m, &sha256);
	return 0;
}

/* ---- 7. publish ---- */

static int publish(struct run *r, struct err *e)
{
	auto_free char *class = class_of(r);
	auto_node struct node *state = node_map();

	node_set_int(state, "format", 1);
	node_set_string(state, "digest", r->digest.s);
	node_set_string(state, "commit", r->git.commit);
	node_set_string(state, "run_id", r->run_id);
	node_set_string(state, "finished", clock_rfc3339(clock_utc_ns()).s);
	return store_publish(&r->store, class, state, e);
}

/* ---- the run ---- */

static int carry_out(struct run *r, struct err *e)
{
	int skip;

	if (check(r, e) < 0 || begin(r, e) < 0)
		return -1;
	skip = unchanged(r, e);
	if (skip != 0)
		return skip < 0 ? -1 : 0;
	if (warn_of_plan(r, e) < 0 || pack_source(r, e) < 0 || run_plan(r, e) < 0)
		return -1;
	if (r->result.verdict == VERDICT_INTERRUPTED)
		return 0;
	if (keep_artifacts(r, e) < 0)
		return -1;
	if (r->result.verdict != VERDICT_PASSED)
		return 0;
	if (keep_cache(r, e) < 0)
		return -1;
	return publish(r, e);
}

/* ---- the end ---- */

static struct node *source_node(const struct run *r)
{
	struct node *n = node_map();

	node_set_string(n, "path", r->project->source);
	node_set_string(n, "commit", *r->git.commit ? r->git.commit : NULL);
	node_set(n, "clean",
		r->git.clean == GIT_UNKNOWN ? node_null() : node_bool(r->git.clean == GIT_CLEAN));
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

/* The log is part of what a run owes: one that cannot be written breaks it. */
static void finish_log(struct run *r)
{
	if (r->log.error.kind != ERR_NONE)
		result_take_error(&r->result, &r->log.error);
	result_send_end(&r->result, &r->sink);
}

static void write_result(struct run *r, struct run_outcome *o)
{
	bool latest = r->result.verdict != VERDICT_UNCHANGED;
	struct err e = {0};

	if (!r->store.run_dir || store_write_result(&r->store, o->result, latest, &e) == 0)
		return;
	result_take_error(&r->result, &e);
	result_fill_outcome(&r->result, o);
}

static void conclude(struct run *r, struct run_outcome *o)
{
	fill_result(r);
	finish_log(r);
	result_fill_outcome(&r->result, o);
	write_result(r, o);
}

void run_project(const struct run_context *context, struct project *project,
	const struct run_options *options, const struct run_view *view, struct run_outcome *ret)
{
	struct run r;
	struct err e = {0};

	*ret = (struct run_outcome){0};
	run_init(&r, context, project, options, view);
	/* A caller finds its own id in the result, however early the run ends. */
	if (options->run_id && text_is_utf8(options->run_id, strlen(options->run_id)))
		r.run_id = mem_strdup(options->run_id);
	if (carry_out(&r, &e) < 0)
		result_take_error(&r.result, &e);
	conclude(&r, ret);
	run_release(&r);
}

int run_check(const struct run_context *context, struct project *project,
	const struct run_options *options, const struct run_view *view, struct err *e)
{
	struct lint lint;
	struct run r;
	int result;

	run_init(&r, context, project, options, view);
	result = check(&r, e);
	lint = lint_of(&r);
	if (result == 0)
		result = lint_warn(&lint, NULL, &r.warnings, e);
	strv_each (&r.warnings, text)
		warn(&r, *text);
	run_release(&r);
	return result;
}

void run_outcome_release(struct run_outcome *o)
{
	node_free(o->result);
	free(o->log);
	*o = (struct run_outcome){0};
}
