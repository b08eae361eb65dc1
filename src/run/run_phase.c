/* SPDX-License-Identifier: Apache-2.0 */
/* The VMs of a run: their drives, and the outputs that are kept. */
#include "run/run_internal.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "base/num.h"
#include "base/text.h"
#include "os/fd.h"
#include "os/path.h"
#include "run/artifacts.h"
#include "source/source.h"

/* ---- drives ---- */

/*
 * A run with a scope reads the cache and dependencies of the project until it has made its own, and
 * never writes those of the project: a stranger's run must not leave anything for a trusted one.
 */
static char *scoped_name(const struct run *r, const char *name)
{
	const char *scope = r->options->cache_scope;

	return scope ? mem_printf("%s@%s", name, scope) : mem_strdup(name);
}

char *run_stored(const struct run *r, const char *name)
{
	auto_free char *scoped = scoped_name(r, name);
	char *path;

	if (r->options->cache == RUN_CACHE_NONE)
		return NULL;
	path = store_current(&r->store, scoped);
	return path ? path : store_current(&r->store, name);
}

static int add_source(int fd, struct drives *d, struct err *e)
{
	auto_fd int copy = fcntl(fd, F_DUPFD_CLOEXEC, 3);

	if (copy < 0)
		return err_sys(e, "drive " DRIVE_SRC);
	return drives_add_fd(d, DRIVE_SRC, fd_steal(&copy), e);
}

static int add_output_file(
	struct drives *d, const char *serial, const char *path, uint64_t bytes, struct err *e)
{
	int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);

	if (fd < 0)
		return err_sys(e, "make %s", path);
	return drives_add_output(d, serial, fd, bytes, e);
}

static const struct {
	enum run_machine from;
	const char *input, *output; /* drives */
} deps_kinds[DEPS_KINDS] = {
	[DEPS_TRUSTED] = {RUN_PRE_PLAN, DRIVE_DEPS, DRIVE_DEPS_OUT},
	[DEPS_FETCHED] = {RUN_FETCH, DRIVE_FETCHED, DRIVE_FETCHED_OUT},
};

static int add_deps(struct run *r, enum deps_kind kind, struct drives *d, struct err *e)
{
	return drives_add_stored(d, deps_kinds[kind].input, r->deps[kind], e);
}

/* The file of new dependencies that are not kept. */
static char *passing_deps(const struct run *r, enum deps_kind kind)
{
	auto_free char *name = mem_printf("%s.tar", deps_names[kind]);

	return path_join(r->store.work, name);
}

/* The plan needs new dependencies even if they are not kept. */
static int add_deps_output(struct run *r, enum deps_kind kind, struct drives *d, struct err *e)
{
	auto_free char *name = scoped_name(r, deps_names[kind]);
	auto_free char *path = r->options->cache == RUN_CACHE_RW ? store_next(&r->store, name, e)
								 : passing_deps(r, kind);

	return path ? add_output_file(d, deps_kinds[kind].output, path, r->sizes.deps, e) : -1;
}

static int add_cache_output(struct run *r, struct drives *d, struct err *e)
{
	auto_free char *name = scoped_name(r, STORE_CACHE);
	auto_free char *path = NULL;

	if (r->options->cache != RUN_CACHE_RW)
		return 0;
	path = store_next(&r->store, name, e);
	return path ? add_output_file(d, DRIVE_CACHE_OUT, path, r->sizes.cache, e) : -1;
}

static int add_pre_plan_drives(struct run *r, struct drives *d, struct err *e)
{
	if (add_source(r->source_fd, d, e) < 0 || add_deps(r, DEPS_TRUSTED, d, e) < 0)
		return -1;
	return add_deps_output(r, DEPS_TRUSTED, d, e);
}

static int add_fetch_drives(struct run *r, struct drives *d, struct err *e)
{
	if (add_source(r->reads_fd, d, e) < 0 || add_deps(r, DEPS_TRUSTED, d, e) < 0 ||
		add_deps(r, DEPS_FETCHED, d, e) < 0)
		return -1;
	return add_deps_output(r, DEPS_FETCHED, d, e);
}

static int add_plan_drives(struct run *r, struct drives *d, struct err *e)
{
	auto_free char *cache = run_stored(r, STORE_CACHE);
	auto_free char *artifacts = path_join(r->store.work, "artifacts.tar");

	if (add_source(r->source_fd, d, e) < 0 || add_deps(r, DEPS_TRUSTED, d, e) < 0 ||
		add_deps(r, DEPS_FETCHED, d, e) < 0 ||
		drives_add_stored(d, DRIVE_CACHE, cache, e) < 0 || add_cache_output(r, d, e) < 0)
		return -1;
	return add_output_file(d, DRIVE_ARTIFACTS, artifacts, r->sizes.artifacts, e);
}

/* A guest may create more names than can be packed. */
static int pack_artifacts(const struct run *r, int *ret_fd, struct err *e)
{
	if (source_pack_own(r->config, r->kept_artifacts, ret_fd, e) == 0)
		return 0;
	if (e->kind != ERR_INPUT)
		return -1;
	e->kind = ERR_GUEST;
	return err_because(e, "artifacts_refused");
}

/* Not the guest's archive, but one that the host makes from the unpacked and checked files. */
static int add_post_plan_drives(struct run *r, struct drives *d, struct err *e)
{
	auto_fd int artifacts = -1;

	if (add_source(r->source_fd, d, e) < 0 || pack_artifacts(r, &artifacts, e) < 0)
		return -1;
	return drives_add_fd(d, DRIVE_ARTIFACTS, fd_steal(&artifacts), e);
}

static int (*const add_drives[RUN_MACHINES])(struct run *r, struct drives *d, struct err *e) = {
	[RUN_MIRROR] = run_add_mirror_drives,
	[RUN_PRE_PLAN] = add_pre_plan_drives,
	[RUN_FETCH] = add_fetch_drives,
	[RUN_PLAN] = add_plan_drives,
	[RUN_POST_PLAN] = add_post_plan_drives,
};

/* ---- running ---- */

static void log_plan(struct run *r, enum run_machine which)
{
	struct node *n = node_map();

	node_set(n, "plan", plan_to_node(&r->phases[which].plan));
	node_set_uint(n, "actions", planner_list_length(&r->planner, which));
	event_send(&r->sink, EVENT_RUNNABLE_PLAN, SOURCE_PRELUDE, n);
}

struct machine_host *run_host_of(struct run *r, enum run_machine which)
{
	if (which == RUN_MIRROR)
		return &r->mirror_host;
	if (planner_is_trusted(which))
		return &r->trusted;
	return which == RUN_FETCH ? &r->fetcher : &r->host;
}

static int verify_image(struct run *r, const struct machine_host *host, struct err *e)
{
	auto_strv struct strv warnings = {0};
	auto_free char *memory = path_join(r->config->state, ".image-digests.json");

	if (image_verify(&host->image, memory, r->store.work, &warnings, e) < 0)
		return -1;
	strv_each (&warnings, text)
		run_warn(r, *text);
	return 0;
}

int run_verify_images(struct run *r, struct err *e)
{
	if (verify_image(r, &r->host, e) < 0 ||
		(r->fetcher.image.name && verify_image(r, &r->fetcher, e) < 0))
		return -1;
	return r->trusted.image.name ? verify_image(r, &r->trusted, e) : 0;
}

/* The time limit applies to the whole run: subtract the duration of the earlier machines. */
static int take_rest_of_time(struct run *r, enum run_machine which, struct err *e)
{
	struct plan *plan = &r->phases[which].plan;
	int64_t limit = plan->timeout_ms;

	plan->timeout_ms -= r->used_ms;
	if (plan->timeout_ms > 0)
		return 0;
	return err_reason(e, ERR_GUEST, "run_timeout",
		"the time limit of the run, %s, was reached before the %s",
		num_show_duration(limit).s, planner_machine_name(which));
}

const char *run_missed_host(const struct run *r)
{
	const char *host = r->phases[RUN_PRE_PLAN].missed_host;

	return host ? host : r->phases[RUN_FETCH].missed_host;
}

static void take_stored_deps(struct run *r)
{
	for (int i = 0; i < DEPS_KINDS; i++)
		if (!r->deps[i])
			r->deps[i] = run_stored(r, deps_names[i]);
}

/* Either archive will do: dependencies that were imported may be in one, whoever fetched them. */
int run_need_deps(struct run *r, const char *host, struct err *e)
{
	auto_free char *project = text_word(r->project->name);

	take_stored_deps(r);
	if (r->deps[DEPS_TRUSTED] || r->deps[DEPS_FETCHED])
		return 0;
	return err_reason(e, ERR_INPUT, "offline",
		"--offline: there are no dependencies yet, and the pre_plan must reach %s; run it "
		"once with a network, or import them by 'ambient deps import %s%s FILE'",
		host, project[0] == '-' ? "-- " : "", project);
}

static struct run_secrets *secrets_of(struct run *r, enum run_machine which)
{
	return which == RUN_MIRROR ? &r->mirror_secrets : &r->secrets;
}

static int add_all_drives(struct run *r, enum run_machine which, struct err *e)
{
	struct phase *p = &r->phases[which];

	if (add_drives[which](r, &p->drives, e) < 0)
		return -1;
	return secrets_add_drive(&secrets_of(r, which)->given, p->plan.source, &p->drives, e);
}

static void fill_machine(struct run *r, enum run_machine which)
{
	const struct run_secrets *secrets = secrets_of(r, which);
	struct phase *p = &r->phases[which];
	struct machine *m = &p->machine;

	secrets_agent(&secrets->given, p->plan.source, &p->agent_rules);
	m->host = run_host_of(r, which);
	m->plan = &p->plan;
	m->egress = &p->egress;
	m->agent_rules = &p->agent_rules;
	m->drives = &p->drives;
	m->sink = &r->sink;
	m->loop = &r->loop;
	m->mask = planner_is_trusted(which) ? secrets->mask : NULL;
	m->console_fd = r->console_fd;
}

static int run_machine(struct run *r, enum run_machine which, struct err *e)
{
	struct phase *p = &r->phases[which];
	int ended;

	secrets_audit(&secrets_of(r, which)->given, p->plan.source, &r->sink);
	ended = machine_run(&p->machine, e);
	r->used_ms += p->machine.vm_result.run_ms;
	result_add_machine(&r->result, &p->machine);
	if (ended < 0)
		return -1;
	result_take_verdict(&r->result, &p->machine);
	return 0;
}

int run_phase(struct run *r, enum run_machine which, struct err *e)
{
	take_stored_deps(r);
	if (take_rest_of_time(r, which, e) < 0)
		return -1;
	log_plan(r, which);
	if (verify_image(r, run_host_of(r, which), e) < 0 || add_all_drives(r, which, e) < 0)
		return -1;
	fill_machine(r, which);
	return run_machine(r, which, e);
}

/* ---- outputs of the VMs ---- */

/* An archive in current/, under its name in the scope of the run. */
static void report(struct run *r, const char *kind, const char *scoped,
	const struct message_output *m, const struct digest_text *sha256)
{
	auto_free char *path = mem_printf("%s/current/%s", r->store.dir, scoped);
	const struct result_output output = {.kind = kind,
		.path = path,
		.bytes = m->bytes,
		.entries = m->entries,
		.sha256 = sha256->s};

	result_add_output(&r->result, &output, &r->sink);
}

static int seal_failed(const struct vm_drive *drive, struct err *e)
{
	auto_free char *name = fd_name(drive->fd);

	return err_sys(e, "keep drive %s, %s", drive->serial, name);
}

/* The contents are not parsed: the file is truncated to its length, and its digest is computed. */
static int seal(const struct phase *p, const char *serial, struct message_output *ret_output,
	struct digest_text *ret_sha256, struct err *e)
{
	const struct vm_drive *drive = drives_find(&p->drives, serial);

	if (machine_output(&p->machine, serial, ret_output, e) < 0)
		return -1;
	if (ftruncate(drive->fd, (off_t)ret_output->bytes) < 0 || fsync(drive->fd) < 0)
		return seal_failed(drive, e);
	return digest_of_file(drive->fd, ret_output->bytes, ret_sha256, e);
}

/* The outputs of a run without a complete log are not published. */
static int publish(struct run *r, struct err *e)
{
	return runlog_check(&r->log, e) < 0 ? -1 : store_publish_outputs(&r->store, e);
}

/* A new generation has new paths for all archives. */
static void forget_deps(struct run *r)
{
	for (int i = 0; i < DEPS_KINDS; i++) {
		free(r->deps[i]);
		r->deps[i] = NULL;
	}
}

/* Beside the archive, before both are published. Dependencies that are not kept get none. */
static int write_key(
	struct run *r, enum deps_kind kind, const char *scoped, uint64_t bytes, struct err *e)
{
	const struct phase *p = &r->phases[deps_kinds[kind].from];
	const struct vm_drive *drive = drives_find(&p->drives, deps_kinds[kind].output);
	struct depskey *key = &r->keys[kind];
	auto_free char *archive = NULL;

	if (r->options->cache != RUN_CACHE_RW || !*key->inputs.s)
		return 0;
	key->bytes = bytes;
	archive = store_next(&r->store, scoped, e);
	if (!archive || run_sum_written(r, drive->fd, bytes, &key->contents, e) < 0)
		return -1;
	return depskey_write(archive, key, e);
}

int run_keep_deps(struct run *r, enum deps_kind kind, struct err *e)
{
	const char *name = deps_names[kind];
	auto_free char *scoped = scoped_name(r, name);
	struct message_output m;
	struct digest_text sha256;

	if (seal(&r->phases[deps_kinds[kind].from], deps_kinds[kind].output, &m, &sha256, e) < 0 ||
		write_key(r, kind, scoped, m.bytes, e) < 0 || publish(r, e) < 0)
		return -1;
	if (r->options->cache == RUN_CACHE_RW) {
		forget_deps(r);
		report(r, name, scoped, &m, &sha256);
		return 0;
	}
	free(r->deps[kind]);
	r->deps[kind] = passing_deps(r, kind);
	return 0;
}

/* The guest's archive, beside the directory that was made from it. */
static int keep_archive(const struct run *r, const struct vm_drive *drive, uint64_t bytes,
	const char *kept, struct err *e)
{
	auto_free char *made = path_join(r->store.work, "artifacts.tar");

	if (ftruncate(drive->fd, (off_t)bytes) < 0 || fsync(drive->fd) < 0)
		return seal_failed(drive, e);
	return rename(made, kept) < 0 ? err_sys(e, "rename %s to %s", made, kept) : 0;
}

static int publish_artifacts(struct run *r, const struct message_output *m,
	const struct digest_text *sha256, const struct unpack_withheld *w, struct err *e)
{
	const struct vm_drive *drive = drives_find(&r->phases[RUN_PLAN].drives, DRIVE_ARTIFACTS);
	auto_free char *unpacked = path_join(r->store.work, "artifacts");
	auto_free char *kept = path_join(r->store.run_dir, "artifacts");
	auto_free char *archive = mem_printf("%s.tar", kept);
	auto_node struct node *withheld = artifacts_withheld(w);
	bool whole = artifacts_are_whole(w);

	if (!whole && keep_archive(r, drive, m->bytes, archive, e) < 0)
		return -1;
	if (rename(unpacked, kept) < 0)
		return err_sys(e, "rename %s to %s", unpacked, kept);
	result_add_output(&r->result,
		&(struct result_output){.kind = "artifacts",
			.path = kept,
			.bytes = m->bytes,
			.entries = m->entries,
			.sha256 = sha256->s,
			.archive = whole ? NULL : archive,
			.withheld = withheld},
		&r->sink);
	r->kept_artifacts = steal_ptr(&kept);
	return 0;
}

/* Also after a failure: the artifacts may contain the test logs. */
int run_keep_artifacts(struct run *r, struct err *e)
{
	const struct phase *p = &r->phases[RUN_PLAN];
	const struct vm_drive *drive = drives_find(&p->drives, DRIVE_ARTIFACTS);
	auto_free char *unpacked = path_join(r->store.work, "artifacts");
	struct unpack_result result;
	struct message_output m;
	struct digest_text sha256;

	if (!run_passes(r) && !machine_was_packed(&p->machine, DRIVE_ARTIFACTS))
		return 0;
	if (machine_output(&p->machine, DRIVE_ARTIFACTS, &m, e) < 0 ||
		digest_of_file(drive->fd, m.bytes, &sha256, e) < 0 ||
		artifacts_unpack(drive->fd, m.bytes, m.entries, drive->bytes, unpacked, &r->sink,
			&result, e) < 0)
		return -1;
	return publish_artifacts(r, &m, &sha256, &result.withheld, e);
}

int run_keep_cache(struct run *r, struct err *e)
{
	const struct phase *p = &r->phases[RUN_PLAN];
	auto_free char *name = scoped_name(r, STORE_CACHE);
	struct message_output m;
	struct digest_text sha256;

	if (!drives_find(&p->drives, DRIVE_CACHE_OUT))
		return 0;
	if (seal(p, DRIVE_CACHE_OUT, &m, &sha256, e) < 0 || publish(r, e) < 0)
		return -1;
	report(r, "cache", name, &m, &sha256);
	return 0;
}
