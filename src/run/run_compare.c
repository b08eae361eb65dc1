/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Has anything changed since the last run that passed? docs/format-state.md describes what is
 * compared: all input of the machines, except the cache, secrets and file times.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/limits.h"
#include "base/num.h"
#include "base/version.h"
#include "data/contents.h"
#include "data/jsonl.h"
#include "os/fd.h"
#include "os/path.h"
#include "run/run_internal.h"
#include "settings/statefile.h"
#include "source/source.h"

/* Keys of the configuration that influence neither a machine nor the result. All others count. */
static const char *const keys_of_host[] = {"boot_timeout", "console_max_size", "disk_budget",
	"executor", "image_store", "keep_bytes", "keep_days", "keep_runs", "keep_scopes", "lint",
	"projects", "state", "state_mode", "tmpdir", "vm_user"};

void run_digest_line(struct digest *d, const char *what, const char *value)
{
	digest_add(d, what, strlen(what) + 1);
	digest_add(d, value, strlen(value) + 1);
}

/* ---- files that machines get ---- */

/*
 * A stored archive is read whole, here and in the machine, so its size is checked before the first
 * byte. path NULL: no file. If it cannot be examined, opening it reports the error.
 */
static int check_size(const char *path, uint64_t max, const char *key, struct err *e)
{
	struct stat st;
	uint64_t bytes;

	if (!path || stat(path, &st) < 0)
		return 0;
	bytes = (uint64_t)st.st_size;
	if (bytes <= max)
		return 0;
	return err_set(e, ERR_INPUT,
		"%s has %s, more than %s, which is %s: raise %s, or remove %s to run without it",
		path, num_show_size_beside(bytes, max).s, key, num_show_size_beside(max, bytes).s,
		key, path);
}

static int check_stored(const struct run *r, struct err *e)
{
	auto_free char *deps = run_stored(r, STORE_DEPS);
	auto_free char *fetched = run_stored(r, STORE_FETCHED);
	auto_free char *cache = run_stored(r, STORE_CACHE);

	if (check_size(deps, r->sizes.deps, "deps_max_size", e) < 0 ||
		check_size(fetched, r->sizes.deps, "deps_max_size", e) < 0)
		return -1;
	return check_size(cache, r->sizes.cache, "cache_max_size", e);
}

/* The memory has only files that are not too young, and not of all file systems. */
static bool recall_seen(const struct run *r, const struct stat *st, struct digest_text *ret)
{
	for (size_t i = 0; i < r->seen_count && i < RUN_SEEN_FILES; i++) {
		const struct stat *was = &r->seen[i].st;

		if (was->st_ino != st->st_ino || was->st_dev != st->st_dev ||
			was->st_size != st->st_size ||
			clock_compare(&was->st_mtim, &st->st_mtim) != 0 ||
			clock_compare(&was->st_ctim, &st->st_ctim) != 0)
			continue;
		*ret = r->seen[i].contents;
		return true;
	}
	return false;
}

static void note_seen(struct run *r, const struct stat *st, const struct digest_text *sum)
{
	r->seen[r->seen_count++ % RUN_SEEN_FILES] = (struct seen_file){*st, *sum};
}

static int digest_opened(struct run *r, int fd, bool ours, uint64_t *ret_bytes,
	struct digest_text *ret, struct err *e)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return err_sys(e, "stat");
	*ret_bytes = (uint64_t)st.st_size;
	/*
	 * A new generation links the file again, which changes its ctime. Only ambient writes it.
	 */
	if (ours)
		st.st_ctim = st.st_mtim;
	if (filememory_find(r->memory, fd, &st, ret) || recall_seen(r, &st, ret))
		return 0;
	if (contents_of_file(fd, *ret_bytes, ret, e) < 0)
		return -1;
	if (filememory_may_add(r->memory, fd, &st))
		filememory_add(r->memory, &st, ret);
	note_seen(r, &st, ret);
	return 0;
}

int run_sum_written(
	struct run *r, int fd, uint64_t bytes, struct digest_text *ret_contents, struct err *e)
{
	struct stat st;

	if (contents_of_file(fd, bytes, ret_contents, e) < 0)
		return -1;
	if (fstat(fd, &st) < 0)
		return err_sys(e, "stat");
	st.st_ctim = st.st_mtim;
	note_seen(r, &st, ret_contents);
	return 0;
}

/* path NULL: no file. ours: an archive in the state directory. */
static int sum_file(struct run *r, const char *what, const char *path, bool ours,
	struct digest_text *ret, uint64_t *ret_bytes, struct err *e)
{
	auto_fd int fd = -1;

	*ret = (struct digest_text){"none"};
	*ret_bytes = 0;
	if (path &&
		(fd_open_file(path, &fd, e) < 0 ||
			digest_opened(r, fd, ours, ret_bytes, ret, e) < 0))
		return err_wrap(e, "%s", what);
	return 0;
}

static void digest_sum(
	struct digest *d, const char *what, const struct digest_text *sum, uint64_t bytes)
{
	run_digest_line(d, what, sum->s);
	digest_add(d, &bytes, sizeof(bytes));
}

int run_digest_file(
	struct run *r, struct digest *d, const char *what, const char *path, struct err *e)
{
	struct digest_text sum;
	uint64_t bytes;

	if (sum_file(r, what, path, false, &sum, &bytes, e) < 0)
		return -1;
	digest_sum(d, what, &sum, bytes);
	return 0;
}

static int digest_archive(
	struct run *r, struct digest *d, const char *what, enum deps_kind kind, struct err *e)
{
	auto_free char *path = run_stored(r, deps_names[kind]);
	struct depskey *stored = &r->stored[kind];

	if (sum_file(r, what, path, true, &stored->contents, &stored->bytes, e) < 0)
		return -1;
	digest_sum(d, what, &stored->contents, stored->bytes);
	return 0;
}

/* ---- plans and settings ---- */

bool run_digest_node(struct digest *d, const char *what, const struct node *n)
{
	auto_buf struct buf text = {0};

	buf_init(&text, LIMIT_PLAN_BYTES);
	jsonl_add(&text, n);
	run_digest_line(d, what, text.data);
	return !text.overflow;
}

/* That of the mirror has brought the source, and is no input of what follows. */
static bool digest_plans(const struct run *r, struct digest *d)
{
	bool whole = true;

	for (enum run_machine i = RUN_PRE_PLAN; i < RUN_MACHINES; i++) {
		const struct phase *p = &r->phases[i];
		auto_node struct node *tree = p->wanted ? plan_to_node(&p->plan) : NULL;

		if (tree && !run_digest_node(d, planner_machine_name(i), tree))
			whole = false;
	}
	return whole;
}

/* A project's keys may override these of the configuration, so the effective values count. */
static void digest_sizes(const struct run *r, struct digest *d)
{
	auto_free char *size =
		mem_printf("%u cpus, %llu bytes", r->host.cpus, (unsigned long long)r->host.memory);

	run_digest_line(d, "size", size);
	digest_add(d, &r->sizes, sizeof(r->sizes));
}

/* The cache scope is included, so that a success in one scope does not skip runs in another. */
static bool digest_settings(const struct run *r, struct digest *d)
{
	auto_node struct node *settings = node_copy(r->config->effective);
	struct node *qemu = node_get(settings, "qemu");

	for (size_t i = 0; i < ARRAY_SIZE(keys_of_host); i++)
		node_remove(settings, keys_of_host[i]);
	if (qemu)
		node_remove(qemu, "program");
	digest_sizes(r, d);
	run_digest_line(d, "cache scope", r->options->cache_scope ? r->options->cache_scope : "");
	return run_digest_node(d, "settings", settings);
}

/* ---- all input ---- */

/* A missing file is reported when secrets are read. */
static int digest_if_there(
	struct run *r, struct digest *d, const char *what, const char *path, struct err *e)
{
	return run_digest_file(r, d, what, path && access(path, R_OK) == 0 ? path : NULL, e);
}

/* Only of hosts to which actions of this run log in. */
static int digest_hosts(struct run *r, struct digest *d, struct err *e)
{
	for (size_t i = 0; i < r->secrets.given.host_count; i++) {
		const struct credential_host *host = r->secrets.given.hosts[i].from;

		if (digest_if_there(r, d, "known_hosts", host->known_hosts, e) < 0 ||
			digest_if_there(r, d, "certificate", host->certificate, e) < 0)
			return -1;
	}
	return 0;
}

int run_digest_authorities(
	struct run *r, struct digest *d, const struct machine_host *host, struct err *e)
{
	if (host->certificates)
		strv_each (host->certificates, path)
			if (run_digest_file(r, d, "ca_certificates", *path, e) < 0)
				return -1;
	return 0;
}

static int digest_files(struct run *r, struct digest *d, struct err *e)
{
	/* Only machines with a network get certificates, so for other runs the file need not exist. */
	const struct machine_host *with = r->trusted.certificates ? &r->trusted : &r->fetcher;

	if (digest_archive(r, d, "dependencies", DEPS_TRUSTED, e) < 0 ||
		digest_archive(r, d, "fetched dependencies", DEPS_FETCHED, e) < 0 ||
		run_digest_file(r, d, "executor", r->host.executor, e) < 0 ||
		run_digest_file(r, d, "ambient-net", r->trusted.net_tool, e) < 0)
		return -1;
	if (run_digest_authorities(r, d, with, e) < 0)
		return -1;
	return digest_hosts(r, d, e);
}

int run_look_at_files(struct run *r, struct err *e)
{
	struct digest *d = digest_new();
	int result = digest_files(r, d, e);
	struct digest_text text = digest_end(d);

	if (result == 0)
		r->files_digest = text;
	return result;
}

/*
 * Before the first machine starts: its duration is subtracted from the limits of the later plans.
 */
static void look_at_plans(struct run *r)
{
	struct digest *d = digest_new();
	bool whole = digest_plans(r, d);
	struct digest_text text;

	whole = digest_settings(r, d) && whole;
	text = digest_end(d);
	r->plans_digest = whole ? text : (struct digest_text){""};
}

void run_make_digest(struct run *r)
{
	struct digest *d = digest_new();
	struct digest_text text;

	run_digest_line(d, "ambient", version_build);
	run_digest_line(d, "source", r->source_digest.s);
	run_digest_line(d, "files", r->files_digest.s);
	run_digest_line(d, "image", r->host.image.digest);
	if (r->fetcher.image.name)
		run_digest_line(d, "fetch image", r->fetcher.image.digest);
	if (r->trusted.image.name)
		run_digest_line(d, "trusted image", r->trusted.image.digest);
	run_digest_line(d, "plans", r->plans_digest.s);
	text = digest_end(d);
	r->digest = *r->plans_digest.s ? text : (struct digest_text){""};
}

/* ---- the last run that passed ---- */

/*
 * Only runs of the same class are compared. A run that keeps no cache, or keeps it in a scope, may
 * contain a stranger's code: it must neither cause an ordinary run to be skipped nor replace the
 * success of one. NULL: an ordinary run.
 */
char *run_class(const struct run *r)
{
	static const char *const modes[] = {
		[RUN_CACHE_RW] = "rw", [RUN_CACHE_RO] = "ro", [RUN_CACHE_NONE] = "none"};
	const char *mode = modes[r->options->cache];
	const char *scope = r->options->cache_scope;

	if (scope)
		return mem_printf("%s@%s", mode, scope);
	return r->options->cache == RUN_CACHE_RW ? NULL : mem_strdup(mode);
}

/*
 * State that cannot be interpreted counts as missing: the run is not skipped. As long as it exists,
 * nothing of the project is removed (store_check).
 */
static int warn_of_unknown_state(struct run *r, struct err *e)
{
	struct err why = {0};

	if (store_check(r->config->state, r->project->name, &why) == 0)
		return 0;
	if (!statefile_is_unknown(&why)) {
		*e = why;
		return -1;
	}
	run_warn(r, why.msg);
	return 0;
}

static int read_last_success(struct run *r, struct node **ret_last, struct err *e)
{
	auto_free char *class = run_class(r);
	struct err why = {0};

	if (warn_of_unknown_state(r, e) < 0)
		return -1;
	if (store_last_success(&r->store, class, ret_last, &why) == 0 || statefile_is_unknown(&why))
		return 0;
	*e = why;
	return -1;
}

/* Without a pre-plan there is nothing to fetch anew. */
static bool must_run(const struct run *r)
{
	return r->options->force ||
		(r->options->refresh &&
			(r->phases[RUN_PRE_PLAN].wanted || r->phases[RUN_FETCH].wanted));
}

int run_compare(struct run *r, bool *ret_unchanged, struct err *e)
{
	auto_node struct node *last = NULL;
	auto_free char *memory = path_join(r->store.dir, "files");

	*ret_unchanged = false;
	r->memory = filememory_open(memory);
	if (check_stored(r, e) < 0)
		return -1;
	look_at_plans(r);
	/* An image counts by its recorded digest, so its files must match it. */
	if (run_verify_images(r, e) < 0)
		return -1;
	if (read_last_success(r, &last, e) < 0)
		return -1;
	/* The run is not skipped in these cases, so the digest is made later, while packing. */
	if (must_run(r) || !*node_get_text(last, "digest", ""))
		return 0;
	if (source_digest(&r->source, r->memory, &r->sink, &r->source_digest, e) < 0 ||
		run_look_at_files(r, e) < 0)
		return -1;
	run_make_digest(r);
	*ret_unchanged =
		*r->digest.s && strcmp(node_get_text(last, "digest", ""), r->digest.s) == 0;
	return 0;
}
