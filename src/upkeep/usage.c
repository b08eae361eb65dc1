/* SPDX-License-Identifier: Apache-2.0 */
#include "upkeep/usage.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/num.h"
#include "base/strv.h"
#include "data/node.h"
#include "os/fd.h"
#include "os/path.h"
#include "os/sig.h"
#include "os/tree.h"
#include "settings/statefile.h"
#include "store/store.h"
#include "settings/project.h"
#include "upkeep/limits.h"
#include "upkeep/memory.h"

#define MEMORY_FILE ".disk-usage.json"
#define RUNS "runs"

static const char *const kind_names[USAGE_KINDS] = {
	[USAGE_IMAGES] = "images",
	[USAGE_DEPS] = "dependencies",
	[USAGE_CACHES] = "caches",
	[USAGE_SOURCES] = "sources",
	[USAGE_RUNS] = "runs",
	[USAGE_WORK] = "work",
	[USAGE_OTHER] = "other",
};

const char *usage_name(enum usage_kind kind)
{
	return kind_names[kind];
}

uint64_t usage_total(const struct usage *u)
{
	uint64_t sum = 0;

	for (int kind = 0; kind < USAGE_KINDS; kind++)
		sum = num_sum(sum, u->bytes[kind]);
	return sum;
}

struct measuring {
	const struct usage_request *request;
	struct usage sum;
	struct tree_seen seen;
	struct stat store;       /* of the image store; inode 0: there is none */
	const struct node *old;  /* {PROJECT: {RUN: "IDENTITY BYTES"}}, runs sorted; NULL: none */
	struct node *new;        /* the same, of this time */
	struct node *new_runs;   /* of the project that is measured */
	const struct node *runs; /* the same in `old`; NULL: none */
	size_t remembered;
};

static void count(struct measuring *m, enum usage_kind kind, const char *name, uint64_t bytes)
{
	m->sum.bytes[kind] = num_sum(m->sum.bytes[kind], bytes);
	if (m->request->visit)
		m->request->visit(m->request->arg, kind, name, bytes);
}

/* ---- directories ---- */

/* A directory, listed in the order of its names' bytes. */
struct listing {
	char *path;
	int fd;
	struct dirent **entries;
	int count;
};

static void listing_release(struct listing *l)
{
	for (int i = 0; i < l->count; i++)
		free(l->entries[i]);
	free(l->entries);
	free(l->path);
	fd_close(l->fd);
}

#define auto_listing __attribute__((cleanup(listing_release)))

static int not_dots(const struct dirent *d)
{
	return strcmp(d->d_name, ".") != 0 && strcmp(d->d_name, "..") != 0;
}

static int by_bytes(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

/* What is missing, is no directory, or may not be read has no entries. */
static int list(const char *path, struct listing *ret, struct err *e)
{
	*ret = (struct listing){.path = mem_strdup(path), .fd = -1};
	ret->fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NONBLOCK);
	if (ret->fd >= 0)
		ret->count = scandirat(ret->fd, ".", &ret->entries, not_dots, by_bytes);
	if (ret->fd >= 0 && ret->count >= 0)
		return 0;
	ret->count = 0;
	if (errno == ENOENT || errno == ENOTDIR || errno == EACCES)
		return 0;
	return err_sys(e, "list %s", path);
}

static int measure(struct measuring *m, const struct listing *l, const char *entry,
	enum usage_kind kind, const char *name, struct err *e)
{
	uint64_t bytes = 0;

	if (sig_check(e) < 0 || tree_measure_once(l->fd, entry, l->path, &m->seen, &bytes, e) < 0)
		return -1;
	count(m, kind, name, bytes);
	return 0;
}

/* ---- remembered sizes of runs ---- */

/*
 * What tells that a run's directory is the same and complete, or "": it may change. A run in progress
 * has no result, and a removal begins with the log.
 */
static char *identity_of(const struct listing *l, const char *run)
{
	auto_free char *result = path_join(run, "result.json"), *log = path_join(run, "run.jsonl");
	struct stat st;

	if (fstatat(l->fd, run, &st, AT_SYMLINK_NOFOLLOW) < 0 || !S_ISDIR(st.st_mode) ||
		faccessat(l->fd, result, F_OK, AT_SYMLINK_NOFOLLOW) < 0 ||
		faccessat(l->fd, log, F_OK, AT_SYMLINK_NOFOLLOW) < 0)
		return mem_strdup("");
	return mem_printf("%ju:%jd.%09ld:%jd.%09ld ", (uintmax_t)st.st_ino,
		(intmax_t)st.st_mtim.tv_sec, st.st_mtim.tv_nsec, (intmax_t)st.st_ctim.tv_sec,
		st.st_ctim.tv_nsec);
}

static int compare_key(const void *key, const void *item)
{
	return strcmp(key, (*(struct node *const *)item)->key);
}

/* In a damaged file runs may not be in their order; then some are not found. */
static bool recall(const struct measuring *m, const char *run, const char *identity, uint64_t *ret)
{
	const struct node *runs = m->runs && m->runs->kind == NODE_MAP ? m->runs : NULL;
	struct node **found = runs && runs->count && *identity
		? bsearch(run, runs->items, runs->count, sizeof(*runs->items), compare_key)
		: NULL;
	const char *text = found ? node_text(*found) : NULL;
	size_t len = strlen(identity);
	struct err ignored = {0};

	return text && strncmp(text, identity, len) == 0 &&
		num_parse_u64(text + len, UINT64_MAX, ret, &ignored) == 0;
}

static void remember(struct measuring *m, const char *run, const char *identity, uint64_t bytes)
{
	auto_free char *text = mem_printf("%s%" PRIu64, identity, bytes);

	if (!*identity || m->remembered >= LIMIT_USAGE_RUNS)
		return;
	m->remembered++;
	node_append(m->new_runs, run, node_string(text));
}

static int measure_run(struct measuring *m, const struct listing *l, const char *run,
	const char *project, struct err *e)
{
	auto_free char *identity = identity_of(l, run);
	uint64_t bytes;

	if (!recall(m, run, identity, &bytes)) {
		if (sig_check(e) < 0 ||
			tree_measure_once(l->fd, run, l->path, &m->seen, &bytes, e) < 0)
			return -1;
	}
	remember(m, run, identity, bytes);
	count(m, USAGE_RUNS, project, bytes);
	return 0;
}

static struct node *read_memory(const char *path)
{
	auto_node struct node *file = statefile_recall(STATEFILE_USAGE, path);

	return node_get(file, "runs") ? node_copy(node_get(file, "runs")) : NULL;
}

static void write_memory(const struct measuring *m, const char *path)
{
	auto_node struct node *file = node_map();

	node_set_int(file, "format", 1);
	node_set(file, "runs", node_copy(m->new));
	memory_write(path, file);
}

/* ---- one project ---- */

/* `measure_one` of each entry of a directory. */
static int measure_each(struct measuring *m, const char *path, const char *project,
	int (*measure_one)(struct measuring *m, const struct listing *l, const char *name,
		const char *project, struct err *e),
	struct err *e)
{
	auto_listing struct listing l;

	if (list(path, &l, e) < 0)
		return -1;
	for (int i = 0; i < l.count; i++)
		if (measure_one(m, &l, l.entries[i]->d_name, project, e) < 0)
			return -1;
	return 0;
}

static int measure_runs(struct measuring *m, const char *path, const char *project, struct err *e)
{
	m->runs = node_get(m->old, project);
	m->new_runs = node_map();
	node_append(m->new, project, m->new_runs);
	return measure_each(m, path, project, measure_run, e);
}

static bool begins_with(const char *text, const char *start)
{
	return strncmp(text, start, strlen(start)) == 0;
}

/* Of a generation: an archive that the next one has, too, is counted once. */
static int measure_archive(struct measuring *m, const struct listing *l, const char *name,
	const char *project, struct err *e)
{
	enum usage_kind kind = begins_with(name, STORE_DEPS) || begins_with(name, STORE_FETCHED)
		? USAGE_DEPS
		: begins_with(name, STORE_CACHE) ? USAGE_CACHES
						 : USAGE_OTHER;

	return measure(m, l, name, kind, project, e);
}

static enum usage_kind kind_of_part(const char *name)
{
	if (strcmp(name, "work") == 0)
		return USAGE_WORK;
	return strcmp(name, PROJECT_MIRROR) == 0 || strcmp(name, PROJECT_CHECKOUT) == 0
		? USAGE_SOURCES
		: USAGE_OTHER;
}

static int measure_part(struct measuring *m, const struct listing *l, const char *name,
	const char *project, struct err *e)
{
	auto_free char *sub = path_join(l->path, name);

	if (strcmp(name, RUNS) == 0)
		return measure_runs(m, sub, project, e);
	if (begins_with(name, "gen-"))
		return measure_each(m, sub, project, measure_archive, e);
	return measure(m, l, name, kind_of_part(name), project, e);
}

/* ---- both directories ---- */

static int measure_state(struct measuring *m, struct err *e)
{
	auto_listing struct listing l;
	struct stat st;

	if (list(m->request->state, &l, e) < 0)
		return -1;
	for (int i = 0; i < l.count; i++) {
		const char *name = l.entries[i]->d_name;
		auto_free char *path = path_join(m->request->state, name);
		bool is_dir =
			fstatat(l.fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(st.st_mode);

		/* The image store may be in the state directory. */
		if (is_dir && st.st_ino == m->store.st_ino && st.st_dev == m->store.st_dev)
			continue;
		if ((is_dir && name[0] != '.' ? measure_each(m, path, name, measure_part, e)
					      : measure(m, &l, name, USAGE_OTHER, NULL, e)) < 0)
			return -1;
	}
	return 0;
}

/* See images/imagestore.h. The kernel that images share is first, and counts as one of its own. */
static int measure_store(struct measuring *m, struct err *e)
{
	auto_listing struct listing l;

	if (list(m->request->store, &l, e) < 0)
		return -1;
	for (int i = 0; i < l.count; i++) {
		const char *name = l.entries[i]->d_name;
		enum usage_kind kind =
			name[0] == '.' && strstr(name, ".new.") ? USAGE_WORK : USAGE_IMAGES;

		if (measure(m, &l, name, kind, name, e) < 0)
			return -1;
	}
	return 0;
}

int usage_measure(const struct usage_request *r, struct usage *ret, struct err *e)
{
	auto_free char *memory = path_join(r->state, MEMORY_FILE);
	auto_node struct node *old = r->remembered ? read_memory(memory) : NULL;
	auto_node struct node *new = node_map();
	struct measuring m = {.request = r, .old = old, .new = new};
	int result;

	if (stat(r->store, &m.store) < 0)
		m.store = (struct stat){0};
	result = measure_store(&m, e) < 0 || measure_state(&m, e) < 0 ? -1 : 0;
	tree_seen_release(&m.seen);
	if (result < 0)
		return -1;
	if (r->remember && !(old && node_equal(old, new)))
		write_memory(&m, memory);
	*ret = m.sum;
	return 0;
}
