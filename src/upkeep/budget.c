/* SPDX-License-Identifier: Apache-2.0 */
#include "upkeep/budget.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/num.h"
#include "base/strv.h"
#include "base/text.h"
#include "data/node.h"
#include "images/imagestore.h"
#include "os/fd.h"
#include "os/path.h"
#include "os/sig.h"
#include "os/tree.h"
#include "store/deps.h"
#include "store/discard.h"
#include "store/retention.h"
#include "store/scopes.h"
#include "store/store.h"
#include "upkeep/claims.h"

/* Something that may be removed. */
struct candidate {
	char *name; /* of the project or image */
	char *part; /* NULL: all of this kind */
	struct timespec time;
};

struct candidates {
	struct candidate *items;
	size_t count;
};

/* What was left, summed up by kind and name. */
struct rest {
	enum usage_kind kind;
	char *name;
	uint64_t bytes;
};

struct enforcing {
	const struct budget *budget;
	const struct budget_view *view;
	uint64_t used;
	struct strv projects;
	struct node *held; /* "KIND NAME": why something was not removed */
	struct rest *rest;
	size_t rest_count;
};

static bool fits(const struct enforcing *f)
{
	return f->used <= f->budget->bytes;
}

static const char *state_of(const struct enforcing *f)
{
	return f->budget->config->state;
}

/* ---- reports ---- */

static void hold(struct enforcing *f, enum usage_kind kind, const char *name, const char *why)
{
	auto_free char *key = mem_printf("%s %s", usage_name(kind), name);

	node_set_string(f->held, key, why);
}

static struct rest *find_rest(const struct enforcing *f, enum usage_kind kind, const char *name)
{
	for (size_t i = f->rest_count; i-- > 0;)
		if (f->rest[i].kind == kind && strcmp(f->rest[i].name, name) == 0)
			return &f->rest[i];
	return NULL;
}

static void subtract(
	struct enforcing *f, enum usage_kind kind, const struct candidate *c, uint64_t bytes)
{
	struct rest *rest = find_rest(f, kind, c->name);

	f->used = num_less(f->used, bytes);
	if (rest)
		rest->bytes = num_less(rest->bytes, bytes);
}

static void tell_removed(
	struct enforcing *f, enum usage_kind kind, const struct candidate *c, uint64_t bytes)
{
	subtract(f, kind, c, bytes);
	f->view->removed(f->view->arg,
		&(struct budget_item){
			.kind = kind, .name = c->name, .part = c->part, .bytes = bytes});
}

static void tell_error(struct enforcing *f, enum usage_kind kind, const struct candidate *c,
	uint64_t bytes, const struct err *error)
{
	subtract(f, kind, c, bytes);
	hold(f, kind, c->name, "it could not be removed");
	f->view->removed(f->view->arg,
		&(struct budget_item){.kind = kind,
			.name = c->name,
			.part = c->part,
			.bytes = bytes,
			.error = error});
}

/* ---- candidates ---- */

static void add(
	struct candidates *c, const char *name, const char *part, const struct timespec *time)
{
	c->items = mem_resize(c->items, c->count + 1, sizeof(*c->items));
	c->items[c->count++] = (struct candidate){
		.name = mem_strdup(name), .part = part ? mem_strdup(part) : NULL, .time = *time};
}

static void candidates_free(struct candidates *c)
{
	for (size_t i = 0; i < c->count; i++) {
		free(c->items[i].name);
		free(c->items[i].part);
	}
	free(c->items);
}

#define auto_candidates __attribute__((cleanup(candidates_free)))

static int oldest_first(const void *a, const void *b)
{
	const struct candidate *x = a, *y = b;
	int time = clock_compare(&x->time, &y->time);

	return time ? time : strcmp(x->name, y->name);
}

/*
 * A kind of things. `collect` lists those that may be removed, of one project, or all of them with
 * project NULL. `drop` removes one: *ret_gone is false if it is in use.
 */
struct stage {
	enum usage_kind kind;
	bool of_projects;
	int (*collect)(
		struct enforcing *f, const char *project, struct candidates *c, struct err *e);
	int (*drop)(struct enforcing *f, const struct candidate *c, uint64_t *ret_bytes,
		bool *ret_gone, struct err *e);
};

/* ---- runs ---- */

static int collect_runs(
	struct enforcing *f, const char *project, struct candidates *c, struct err *e)
{
	auto_retention_runs struct retention_runs runs = {0};

	if (retention_removable(state_of(f), project, &runs, e) < 0)
		return -1;
	for (size_t i = 0; i < runs.count; i++)
		add(c, project, runs.items[i].id, &runs.items[i].ended);
	return 0;
}

static int drop_run(struct enforcing *f, const struct candidate *c, uint64_t *ret_bytes,
	bool *ret_gone, struct err *e)
{
	return retention_remove(
		state_of(f), c->name, c->part, f->budget->dry_run, ret_bytes, ret_gone, e);
}

/* ---- images ---- */

static void consider_image(
	struct enforcing *f, const struct claims *claims, const char *name, struct candidates *c)
{
	const char *claim = claims_of(claims, name);
	auto_free char *recipe = NULL, *file = NULL;
	auto_image struct image image = {0};
	struct err ignored = {0};
	struct stat st;

	if (claim)
		hold(f, USAGE_IMAGES, name, claim);
	/* An image that is damaged is left: nobody can say what made it. */
	if (claim || image_open(f->budget->config->image_store, name, NULL, &image, &ignored) < 0)
		return;
	recipe = claims_recipe(&image);
	file = path_join(image.dir, "image.yaml");
	if (recipe && stat(file, &st) == 0)
		add(c, name, NULL, &st.st_mtim);
}

static int collect_images(
	struct enforcing *f, const char *project, struct candidates *c, struct err *e)
{
	const char *store = f->budget->config->image_store;
	auto_claims struct claims claims = {0};
	auto_node struct node *images = NULL;
	const struct node *image;

	(void)project;
	if (claims_collect(f->budget->config, f->budget->list, &f->projects, &claims, e) < 0)
		return -1;
	images = image_list(store);
	node_each (images, image)
		if (path_is_below(node_get_text(image, "dir", ""), store))
			consider_image(f, &claims, node_get_text(image, "name", ""), c);
	return 0;
}

/* Files that other images share become free with the last of these. */
static int measure_image(
	const struct enforcing *f, const char *name, uint64_t *ret_bytes, struct err *e)
{
	const char *store = f->budget->config->image_store;
	auto_fd int dir = open(store, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (dir < 0)
		return err_sys(e, "%s", store);
	return tree_measure_freed(dir, name, store, ret_bytes, e);
}

static int drop_image(struct enforcing *f, const struct candidate *c, uint64_t *ret_bytes,
	bool *ret_gone, struct err *e)
{
	struct err why = {0};

	*ret_gone = false;
	if (measure_image(f, c->name, ret_bytes, e) < 0)
		return -1;
	*ret_gone = f->budget->dry_run ||
		imagestore_remove(f->budget->config->image_store, c->name, state_of(f), &why) == 0;
	if (*ret_gone)
		return 0;
	*ret_bytes = 0;
	if (why.kind != ERR_BUSY) {
		*e = why;
		return -1;
	}
	hold(f, USAGE_IMAGES, c->name, "in use by a run or a machine");
	return 0;
}

/* ---- dependencies and caches ---- */

/* When the project ran last: each run writes its lock. */
static void add_archive(
	struct enforcing *f, const char *project, const char *part, struct candidates *c)
{
	auto_free char *lock = mem_printf("%s/%s/lock", state_of(f), project);
	struct stat st;

	if (lstat(lock, &st) == 0)
		add(c, project, part, &st.st_mtim);
}

static int collect_deps(
	struct enforcing *f, const char *project, struct candidates *c, struct err *e)
{
	(void)e;
	for (int kind = 0; kind < DEPS_KINDS; kind++)
		if (discard_can_fetch(state_of(f), project, deps_names[kind]))
			add_archive(f, project, deps_names[kind], c);
	return 0;
}

static int collect_caches(
	struct enforcing *f, const char *project, struct candidates *c, struct err *e)
{
	(void)e;
	add_archive(f, project, NULL, c);
	return 0;
}

struct scope_list {
	struct candidates *candidates;
	const char *project;
};

static void add_scope(void *arg, const char *scope, const struct timespec *made)
{
	struct scope_list *l = arg;

	add(l->candidates, l->project, scope, made);
}

static int collect_scopes(
	struct enforcing *f, const char *project, struct candidates *c, struct err *e)
{
	struct scope_list l = {.candidates = c, .project = project};

	return scopes_list(state_of(f), project, add_scope, &l, e);
}

static int drop_archive(struct enforcing *f, const struct candidate *c, enum usage_kind kind,
	uint64_t *ret_bytes, bool *ret_gone, struct err *e)
{
	const char *name = kind == USAGE_DEPS ? c->part : STORE_CACHE;
	bool taken = false;

	if (discard_archive(state_of(f), c->name, name, f->budget->dry_run, ret_bytes, &taken, e) <
		0)
		return -1;
	if (!taken)
		hold(f, kind, c->name, "a run is in progress");
	*ret_gone = *ret_bytes > 0;
	return 0;
}

static int drop_deps(struct enforcing *f, const struct candidate *c, uint64_t *ret_bytes,
	bool *ret_gone, struct err *e)
{
	return drop_archive(f, c, USAGE_DEPS, ret_bytes, ret_gone, e);
}

static int drop_cache(struct enforcing *f, const struct candidate *c, uint64_t *ret_bytes,
	bool *ret_gone, struct err *e)
{
	return drop_archive(f, c, USAGE_CACHES, ret_bytes, ret_gone, e);
}

static int drop_scope(struct enforcing *f, const struct candidate *c, uint64_t *ret_bytes,
	bool *ret_gone, struct err *e)
{
	if (scopes_forget_one(
		    state_of(f), c->name, c->part, f->budget->dry_run, ret_bytes, ret_gone, e) < 0)
		return -1;
	if (!*ret_gone)
		hold(f, USAGE_CACHES, c->name, "a run is in progress");
	return 0;
}

/* ---- the stages ---- */

static const struct stage stages[] = {
	{USAGE_RUNS, true, collect_runs, drop_run},
	{USAGE_IMAGES, false, collect_images, drop_image},
	{USAGE_DEPS, true, collect_deps, drop_deps},
	{USAGE_CACHES, true, collect_scopes, drop_scope},
	{USAGE_CACHES, true, collect_caches, drop_cache},
};

/* What cannot be listed is told, and left. */
static void collect(struct enforcing *f, const struct stage *s, struct candidates *c)
{
	if (!s->of_projects) {
		struct candidate all = {.name = f->budget->config->image_store};
		struct err why = {0};

		if (s->collect(f, NULL, c, &why) < 0)
			tell_error(f, s->kind, &all, 0, &why);
		return;
	}
	strv_each (&f->projects, project) {
		struct candidate all = {.name = *project};
		struct err why = {0};

		if (s->collect(f, *project, c, &why) < 0)
			tell_error(f, s->kind, &all, 0, &why);
	}
}

static int drop(
	struct enforcing *f, const struct stage *s, const struct candidate *c, struct err *e)
{
	struct err why = {0};
	uint64_t bytes = 0;
	bool gone = false;

	if (sig_check(e) < 0)
		return -1;
	if (s->drop(f, c, &bytes, &gone, &why) == 0) {
		if (gone)
			tell_removed(f, s->kind, c, bytes);
		return 0;
	}
	if (why.kind == ERR_INTERRUPTED) {
		*e = why;
		return -1;
	}
	tell_error(f, s->kind, c, bytes, &why);
	return 0;
}

static int run_stage(struct enforcing *f, const struct stage *s, struct err *e)
{
	auto_candidates struct candidates c = {0};

	if (fits(f))
		return 0;
	collect(f, s, &c);
	if (c.count)
		qsort(c.items, c.count, sizeof(*c.items), oldest_first);
	for (size_t i = 0; i < c.count && !fits(f); i++)
		if (drop(f, s, &c.items[i], e) < 0)
			return -1;
	return 0;
}

static int on_leftover(void *arg, const char *name, uint64_t bytes, struct err *e)
{
	struct enforcing *f = arg;
	auto_free char *copy = mem_strdup(name);
	const struct candidate c = {.name = copy};

	(void)e;
	tell_removed(f, USAGE_WORK, &c, bytes);
	return 0;
}

static int drop_leftovers(struct enforcing *f, struct err *e)
{
	struct candidate all = {.name = f->budget->config->image_store};
	struct err why = {0};

	if (fits(f) ||
		imagestore_collect(f->budget->config->image_store, f->budget->dry_run, on_leftover,
			f, &why) == 0)
		return 0;
	if (why.kind == ERR_INTERRUPTED) {
		*e = why;
		return -1;
	}
	tell_error(f, USAGE_WORK, &all, 0, &why);
	return 0;
}

/* ---- the sum, and what is left ---- */

/* Small files of no project are left out. */
static void add_rest(void *arg, enum usage_kind kind, const char *name, uint64_t bytes)
{
	struct enforcing *f = arg;
	struct rest *r = name ? find_rest(f, kind, name) : NULL;

	if (!name)
		return;
	if (!r) {
		f->rest = mem_resize(f->rest, f->rest_count + 1, sizeof(*f->rest));
		r = &f->rest[f->rest_count++];
		*r = (struct rest){.kind = kind, .name = mem_strdup(name)};
	}
	r->bytes = num_sum(r->bytes, bytes);
}

static void forget_rest(struct enforcing *f)
{
	for (size_t i = 0; i < f->rest_count; i++)
		free(f->rest[i].name);
	free(f->rest);
	f->rest = NULL;
	f->rest_count = 0;
}

/* All of it is measured: this is when a remembered size that is wrong becomes right. */
static int sum_up(struct enforcing *f, uint64_t *ret_used, struct err *e)
{
	const struct usage_request request = {.state = state_of(f),
		.store = f->budget->config->image_store,
		.remember = !f->budget->dry_run,
		.visit = add_rest,
		.arg = f};
	struct usage usage;

	forget_rest(f);
	if (usage_measure(&request, &usage, e) < 0)
		return -1;
	*ret_used = usage_total(&usage);
	return 0;
}

static int largest_first(const void *a, const void *b)
{
	const struct rest *x = a, *y = b;

	if (x->bytes != y->bytes)
		return x->bytes < y->bytes ? 1 : -1;
	return strcmp(x->name, y->name);
}

/* What holds a kind of things, unless it was found out; its end, if it has one, is a command. */
static const struct holder {
	const char *why, *remedy, *remedy_end;
} holders[USAGE_KINDS] = {
	[USAGE_IMAGES] = {"no recipe of ambient makes it again", "'ambient image remove ",
		"' removes it"},
	[USAGE_DEPS] = {"not fetched by the latest run", "'ambient deps clear ", "' removes them"},
	[USAGE_CACHES] = {"a run is in progress", NULL, NULL},
	[USAGE_SOURCES] = {"the repository of its source, which is on a server", NULL, NULL},
	[USAGE_RUNS] = {"the latest run, the last that passed, and runs in progress", NULL, NULL},
	[USAGE_WORK] = {"in progress", NULL, NULL},
	[USAGE_OTHER] = {"what is known of the project", NULL, NULL},
};

/* The caller frees. */
static char *why_left(const struct enforcing *f, const struct rest *r)
{
	const struct holder *h = &holders[r->kind];
	auto_free char *key = mem_printf("%s %s", usage_name(r->kind), r->name);
	auto_free char *word = text_word(r->name);
	const char *held = node_get_text(f->held, key, NULL);

	if (r->kind == USAGE_IMAGES && strcmp(r->name, ".kernel") == 0)
		return mem_strdup("the kernel of images that are made by recipes");
	if (held || !h->remedy)
		return mem_strdup(held ? held : h->why);
	return mem_printf("%s; %s%s%s", h->why, h->remedy, word, h->remedy_end);
}

static void tell_rest(struct enforcing *f, const struct rest *r)
{
	auto_free char *why = why_left(f, r);

	if (r->bytes)
		f->view->left(f->view->arg,
			&(struct budget_item){
				.kind = r->kind, .name = r->name, .why = why, .bytes = r->bytes});
}

static void tell_all_left(struct enforcing *f)
{
	if (f->rest_count)
		qsort(f->rest, f->rest_count, sizeof(*f->rest), largest_first);
	for (size_t i = 0; i < f->rest_count; i++)
		tell_rest(f, &f->rest[i]);
}

static void hold_all(struct enforcing *f, const char *project)
{
	for (int kind = 0; kind < USAGE_KINDS; kind++)
		hold(f, (enum usage_kind)kind, project, "its state is not understood");
}

/*
 * A project whose state is not understood keeps everything, as in retention_apply, which has told of the
 * error.
 */
static int list_projects(struct enforcing *f, struct err *e)
{
	auto_strv struct strv all = {0};

	if (store_list(state_of(f), &all, e) < 0)
		return -1;
	strv_each (&all, project) {
		struct err told = {0};

		if (store_check(state_of(f), *project, &told) < 0)
			hold_all(f, *project);
		else
			strv_push(&f->projects, *project);
	}
	return 0;
}

static int enforce(struct enforcing *f, struct err *e)
{
	if (sum_up(f, &f->used, e) < 0)
		return -1;
	if (fits(f))
		return 0;
	if (list_projects(f, e) < 0 || drop_leftovers(f, e) < 0)
		return -1;
	for (size_t i = 0; i < ARRAY_SIZE(stages); i++)
		if (run_stage(f, &stages[i], e) < 0)
			return -1;
	if (!f->budget->dry_run && sum_up(f, &f->used, e) < 0)
		return -1;
	if (!fits(f))
		tell_all_left(f);
	return 0;
}

int budget_enforce(
	const struct budget *b, const struct budget_view *view, uint64_t *ret_used, struct err *e)
{
	auto_node struct node *held = node_map();
	struct enforcing f = {.budget = b, .view = view, .held = held};
	int result = enforce(&f, e);

	*ret_used = f.used;
	forget_rest(&f);
	strv_release(&f.projects);
	return result;
}
