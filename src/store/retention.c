/* SPDX-License-Identifier: Apache-2.0 */
#include "store/retention.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fit.h"
#include "base/num.h"
#include "base/text.h"
#include "os/fd.h"
#include "os/path.h"
#include "os/sig.h"
#include "os/tree.h"
#include "settings/statefile.h"
#include "store/scopes.h"
#include "store/store.h"

enum { SECONDS_PER_DAY = 24 * 60 * 60, WHY_BYTES = 80 };

/* The first file that a run creates, and the first that a removal removes. */
#define FIRST_FILE "run.jsonl"
/* The last file that a run creates. */
#define RESULT_FILE "result.json"

struct run_entry {
	char *id;
	uint64_t number;       /* ascending in order of start; 0: unknown, counts as oldest */
	struct timespec ended; /* last change of the directory: at the end of the run */
	dev_t dev;
	ino_t ino;
	uint64_t bytes;
	bool kept;           /* never removed */
	bool unchanged;      /* the run was skipped */
	bool rubble;         /* left of a removal, or of a run that was killed at its start */
	char why[WHY_BYTES]; /* why it is removed; "": it is not */
};

struct sorting {
	const char *project;
	const struct retention_policy *policy;
	const struct retention_view *view;
	bool dry_run;
	char *runs; /* the path of runs/ */
	int runs_fd;
	struct run_entry *items; /* newest first */
	size_t count;
	unsigned failed;
};

struct retention_policy retention_policy_of(const struct config *c, const struct project *p)
{
	return (struct retention_policy){
		.runs = p && p->keep_runs ? p->keep_runs : c->keep_runs,
		.days = p && p->keep_days ? p->keep_days : c->keep_days,
		.bytes = p && p->keep_bytes ? p->keep_bytes : c->keep_bytes,
		.scopes = p && p->keep_scopes ? p->keep_scopes : c->keep_scopes,
	};
}

/* ---- reports ---- */

static void tell_item(struct sorting *s, const struct retention_item *item)
{
	if (item->error)
		s->failed++;
	s->view->item(s->view->arg, item);
}

static void tell(struct sorting *s, const char *run_id, const char *why, uint64_t bytes,
	const struct err *error)
{
	tell_item(s,
		&(struct retention_item){.project = s->project,
			.run_id = run_id,
			.why = why,
			.bytes = bytes,
			.error = error});
}

/* ---- list of runs ---- */

/* The directory of a run that is not in use. It is locked until both are closed. */
struct claim {
	int dir;
	int lock; /* -1: it has none */
};

#define CLAIM_NONE                                                                                 \
	{                                                                                          \
		.dir = -1, .lock = -1                                                              \
	}

static void claim_release(struct claim *c)
{
	fd_close(c->lock);
	fd_close(c->dir);
	*c = (struct claim)CLAIM_NONE;
}

#define auto_claim __attribute__((cleanup(claim_release)))

static bool has_file(int dir, const char *name)
{
	return faccessat(dir, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

/*
 * Version 0.1.0 locked a running run by a shared flock on its directory. Every user that may read
 * the directory can hold such a lock, so it counts only if the files do not show that the run has
 * ended or its removal has begun.
 */
static bool may_go_on(int dir)
{
	if (has_file(dir, RESULT_FILE) || !has_file(dir, FIRST_FILE))
		return false;
	return flock(dir, LOCK_EX | LOCK_NB) < 0 && errno == EWOULDBLOCK;
}

/*
 * Take the lock of a run if nobody holds it. If the lock cannot be opened, because of permissions
 * or a read-only mount, a run without a result counts as in progress.
 */
static int take(struct claim *c, bool *ret_taken, struct err *e)
{
	c->lock = openat(
		c->dir, STORE_RUN_LOCK, O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	*ret_taken = false;
	if (c->lock >= 0 && flock(c->lock, LOCK_EX | LOCK_NB) < 0)
		return errno == EWOULDBLOCK ? 0 : err_sys(e, "lock it");
	if (c->lock >= 0)
		*ret_taken = true;
	else if (errno == EACCES || errno == EPERM || errno == EROFS)
		*ret_taken = has_file(c->dir, RESULT_FILE);
	else if (errno == ENOENT || errno == ELOOP || errno == EISDIR || errno == ENXIO)
		*ret_taken = !may_go_on(c->dir);
	else
		return err_sys(e, "open its lock");
	return 0;
}

/*
 * Lock a run if it is not in use. A claim without a directory and no error: the run is in progress,
 * or it is no run. Two removals at the same time exclude each other unless the lock file is removed
 * already; then each removes what is left.
 */
static int claim(const struct sorting *s, const char *id, struct claim *ret_claim, struct err *e)
{
	auto_claim struct claim c = {.lock = -1,
		.dir = openat(s->runs_fd, id,
			O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)};
	struct stat mine, named;
	bool taken;

	*ret_claim = (struct claim)CLAIM_NONE;
	if (c.dir < 0)
		return errno == ENOENT || errno == ENOTDIR || errno == ELOOP
			? 0
			: err_sys(e, "open %s/%s", s->runs, id);
	if (take(&c, &taken, e) < 0)
		return err_wrap(e, "%s/%s", s->runs, id);
	/* The directory was removed meanwhile, and perhaps created again by a run. */
	if (!taken || fstat(c.dir, &mine) < 0 ||
		fstatat(s->runs_fd, id, &named, AT_SYMLINK_NOFOLLOW) < 0 ||
		mine.st_ino != named.st_ino || mine.st_dev != named.st_dev)
		return 0;
	*ret_claim = c;
	c = (struct claim)CLAIM_NONE;
	return 0;
}

/*
 * A run without a result was killed. A run whose result cannot be read may be of any kind, so it is
 * kept.
 */
static void read_result(struct sorting *s, struct run_entry *r)
{
	auto_free char *path = mem_printf("%s/%s/" RESULT_FILE, s->runs, r->id);
	auto_node struct node *result = NULL;
	struct err why = {0};

	if (statefile_read(STATEFILE_RESULT, path, &result, &why) < 0) {
		r->kept = true;
		tell(s, r->id, "kept", 0, &why);
	}
	r->unchanged = strcmp(node_get_text(result, "result", ""), "unchanged") == 0;
}

static int add_run(struct sorting *s, const char *id, const struct claim *c, const struct stat *st,
	struct err *e)
{
	struct run_entry *r;
	uint64_t number;

	if (store_run_number(s->runs_fd, id, &number, e) < 0)
		return -1;

	s->items = mem_resize(s->items, s->count + 1, sizeof(*s->items));
	r = &s->items[s->count++];
	*r = (struct run_entry){
		.id = mem_strdup(id),
		.number = number,
		.ended = st->st_mtim,
		.dev = st->st_dev,
		.ino = st->st_ino,
		.kept = c->dir < 0,
		.rubble = c->dir >= 0 && !has_file(c->dir, FIRST_FILE),
	};
	if (!r->kept && !r->rubble)
		read_result(s, r);
	return 0;
}

static int look_at_run(struct sorting *s, const char *id, struct err *e)
{
	auto_claim struct claim c = CLAIM_NONE;
	struct stat st;

	if (id[0] == '.' || fstatat(s->runs_fd, id, &st, AT_SYMLINK_NOFOLLOW) < 0 ||
		!S_ISDIR(st.st_mode))
		return 0;
	if (claim(s, id, &c, e) < 0)
		return -1;
	return add_run(s, id, &c, &st, e);
}

static int newest_first(const void *a, const void *b)
{
	const struct run_entry *x = a, *y = b;

	int ended = clock_compare(&y->ended, &x->ended);

	if (x->number != y->number)
		return x->number < y->number ? 1 : -1;
	return ended ? ended : strcmp(y->id, x->id);
}

/* runs_fd stays open: runs are removed relative to it. */
static int list_runs(struct sorting *s, struct err *e)
{
	DIR *dir;
	int result = 0;

	s->runs_fd = open(s->runs, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (s->runs_fd < 0)
		return errno == ENOENT ? 0 : err_sys(e, "list %s", s->runs);
	dir = opendir(s->runs);
	if (!dir)
		return err_sys(e, "list %s", s->runs);
	for (struct dirent *entry; result == 0 && (entry = readdir(dir));)
		result = look_at_run(s, entry->d_name, e);
	(void)closedir(dir);
	if (s->count)
		qsort(s->items, s->count, sizeof(*s->items), newest_first);
	return result;
}

static void keep(struct sorting *s, const char *id)
{
	for (size_t i = 0; i < s->count; i++)
		if (strcmp(s->items[i].id, id) == 0)
			s->items[i].kept = true;
}

/* Keep the run that `log` finds by the link, in whatever form the link is written. */
static int keep_latest(struct sorting *s, const char *state, struct err *e)
{
	auto_free char *latest = mem_printf("%s/%s/latest", state, s->project);
	struct stat st;

	if (stat(latest, &st) < 0)
		return errno == ENOENT || errno == ENOTDIR || errno == ELOOP
			? 0
			: err_sys(e, "%s", latest);
	for (size_t i = 0; i < s->count; i++)
		if (s->items[i].dev == st.st_dev && s->items[i].ino == st.st_ino)
			s->items[i].kept = true;
	return 0;
}

/* If it is uncertain which run passed last, nothing is removed. */
static int keep_named(struct sorting *s, const char *state, struct err *e)
{
	auto_node struct node *last = NULL;

	if (keep_latest(s, state, e) < 0)
		return -1;
	if (store_read_state(state, s->project, &last, e) < 0)
		return -1;
	keep(s, node_get_text(last, "run_id", ""));
	return 0;
}

/* ---- selection of runs to remove ---- */

PRINTF_LIKE(2, 3) static void drop(struct run_entry *r, const char *fmt, ...)
{
	va_list ap;

	if (r->kept || *r->why)
		return;
	va_start(ap, fmt);
	fit_vformat(r->why, sizeof(r->why), fmt, ap);
	va_end(ap);
}

static void drop_by_number(struct sorting *s)
{
	uint64_t real = 0, unchanged = 0;

	for (size_t i = 0; i < s->count; i++) {
		struct run_entry *r = &s->items[i];

		if (r->rubble)
			drop(r, "an unfinished removal");
		else if (++*(r->unchanged ? &unchanged : &real) > s->policy->runs)
			drop(r, "more than %" PRIu64 " %srun%s", s->policy->runs,
				r->unchanged ? "unchanged " : "", num_plural(s->policy->runs));
	}
}

/* In whole days; 0 if the end is in the future. */
static uint64_t age_in_days(const struct run_entry *r, const struct timespec *now)
{
	int64_t seconds;

	if (clock_compare(&r->ended, now) >= 0)
		return 0;
	if (__builtin_sub_overflow((int64_t)now->tv_sec, (int64_t)r->ended.tv_sec, &seconds))
		seconds = INT64_MAX;
	return (uint64_t)seconds / SECONDS_PER_DAY;
}

static void drop_by_age(struct sorting *s)
{
	const struct timespec now = clock_now();

	for (size_t i = 0; s->policy->days && i < s->count; i++)
		if (age_in_days(&s->items[i], &now) >= s->policy->days)
			drop(&s->items[i], "older than %" PRIu64 " day%s", s->policy->days,
				num_plural(s->policy->days));
}

/* The newest run is kept even if it alone is too large. */
static int drop_by_bytes(struct sorting *s, struct err *e)
{
	uint64_t total = 0;

	if (!s->policy->bytes)
		return 0;
	for (size_t i = 0; i < s->count; i++) {
		struct run_entry *r = &s->items[i];

		if (!*r->why && tree_measure(s->runs_fd, r->id, s->runs, &r->bytes, e) < 0)
			return -1;
		total += r->bytes;
	}
	for (size_t i = s->count; i-- > 1 && total > s->policy->bytes;) {
		struct run_entry *r = &s->items[i];

		if (r->kept || *r->why)
			continue;
		drop(r, "all together more than %s", num_show_size(s->policy->bytes).s);
		total -= r->bytes;
	}
	return 0;
}

/* ---- removing ---- */

static int remove_run(const struct sorting *s, struct run_entry *r, bool *ret_gone, struct err *e)
{
	auto_claim struct claim c = CLAIM_NONE;
	uint64_t first = 0;
	int result;

	*ret_gone = false;
	if (claim(s, r->id, &c, e) < 0)
		return -1;
	if (c.dir < 0)
		return 0;
	*ret_gone = true;
	if (s->dry_run)
		return tree_measure(s->runs_fd, r->id, s->runs, &r->bytes, e);
	/*
	 * After this the directory is an unfinished removal, and its time of change is meaningless.
	 */
	if (tree_remove(c.dir, FIRST_FILE, r->id, &first, e) < 0)
		return -1;
	result = tree_remove(s->runs_fd, r->id, s->runs, &r->bytes, e);
	r->bytes += first;
	return result;
}

/* Oldest first, so that the newest runs are left if the removal is interrupted. */
static int remove_runs(struct sorting *s, struct err *e)
{
	for (size_t i = s->count; i-- > 0;) {
		struct run_entry *r = &s->items[i];
		struct err why = {0};
		bool gone = false;

		if (!*r->why)
			continue;
		if (sig_check(e) < 0)
			return -1;
		if (remove_run(s, r, &gone, &why) < 0)
			tell(s, r->id, r->why, r->bytes, &why);
		else if (gone)
			tell(s, r->id, r->why, r->bytes, NULL);
	}
	return 0;
}

static void remove_leftovers(struct sorting *s, const char *state)
{
	uint64_t bytes = 0;
	struct err why = {0};

	if (store_sweep(state, s->project, s->dry_run, &bytes, &why) < 0)
		tell(s, NULL, "left by a killed run", bytes, &why);
	else if (bytes)
		tell(s, NULL, "left by a killed run", bytes, NULL);
}

static void tell_scope(void *arg, const char *scope, uint64_t bytes)
{
	struct sorting *s = arg;
	auto_free char *why = mem_printf(
		"more than %" PRIu64 " scope%s", s->policy->scopes, num_plural(s->policy->scopes));

	tell_item(s,
		&(struct retention_item){
			.project = s->project, .scope = scope, .why = why, .bytes = bytes});
}

/* ---- one project ---- */

static int sort_out(struct sorting *s, const char *state, struct err *e)
{
	if (store_check(state, s->project, e) < 0)
		return -1;
	remove_leftovers(s, state);
	if (list_runs(s, e) < 0 || keep_named(s, state, e) < 0)
		return -1;
	drop_by_number(s);
	drop_by_age(s);
	if (drop_by_bytes(s, e) < 0)
		return -1;
	if (remove_runs(s, e) < 0)
		return -1;
	return scopes_forget(state, s->project, s->policy->scopes, s->dry_run, tell_scope, s, e);
}

static struct sorting sorting_of(const char *state, const char *project)
{
	return (struct sorting){
		.project = project,
		.runs = mem_printf("%s/%s/runs", state, project),
		.runs_fd = -1,
	};
}

static void sorting_release(struct sorting *s)
{
	for (size_t i = 0; i < s->count; i++)
		free(s->items[i].id);
	free(s->items);
	free(s->runs);
	fd_close(s->runs_fd);
}

int retention_apply(const char *state, const char *project, const struct retention_policy *policy,
	bool dry_run, const struct retention_view *view, unsigned *ret_failed, struct err *e)
{
	struct sorting s = sorting_of(state, project);
	int result;

	s.policy = policy;
	s.view = view;
	s.dry_run = dry_run;
	result = sort_out(&s, state, e);
	*ret_failed = s.failed;
	sorting_release(&s);
	return result;
}

/* ---- for a limit over all projects ---- */

static void ignore_item(void *arg, const struct retention_item *item)
{
	(void)arg;
	(void)item;
}

void retention_runs_release(struct retention_runs *r)
{
	for (size_t i = 0; i < r->count; i++)
		free(r->items[i].id);
	free(r->items);
	*r = (struct retention_runs){0};
}

static struct retention_runs removable_of(struct sorting *s)
{
	struct retention_runs runs = {.items = mem_array(s->count + 1, sizeof(*runs.items))};

	for (size_t i = s->count; i-- > 0;) {
		struct retention_run *run = &runs.items[runs.count];

		if (s->items[i].kept)
			continue;
		run->id = steal_ptr(&s->items[i].id);
		run->ended = s->items[i].ended;
		runs.count++;
	}
	return runs;
}

int retention_removable(
	const char *state, const char *project, struct retention_runs *ret_runs, struct err *e)
{
	/* retention_apply has told of results that are not understood. */
	const struct retention_view silent = {.item = ignore_item};
	struct sorting s = sorting_of(state, project);
	int result = -1;

	s.view = &silent;
	if (store_check(state, project, e) == 0 && list_runs(&s, e) == 0 &&
		keep_named(&s, state, e) == 0) {
		*ret_runs = removable_of(&s);
		result = 0;
	}
	sorting_release(&s);
	return result;
}

int retention_remove(const char *state, const char *project, const char *run_id, bool dry_run,
	uint64_t *ret_bytes, bool *ret_gone, struct err *e)
{
	struct sorting s = sorting_of(state, project);
	auto_free char *id = mem_strdup(run_id);
	struct run_entry r = {.id = id};
	int result;

	*ret_bytes = 0;
	*ret_gone = false;
	s.dry_run = dry_run;
	s.runs_fd = open(s.runs, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (s.runs_fd < 0)
		result = errno == ENOENT ? 0 : err_sys(e, "list %s", s.runs);
	else
		result = remove_run(&s, &r, ret_gone, e);
	*ret_bytes = r.bytes;
	sorting_release(&s);
	return result;
}
