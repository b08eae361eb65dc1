/* SPDX-License-Identifier: Apache-2.0 */
#include "archive/layertree.h"

#include <inttypes.h>
#include <limits.h>
#include <string.h>

#include "archive/members.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/num.h"
#include "base/text.h"

enum {
	SHOWN_MAX = 300,
	LINKS_MAX = 40, /* as the kernel: path_resolution(7) */
	TABLE_LEAST = 1024,
};

#define WHITEOUT ".wh."
#define WHITEOUT_OPAQUE ".wh..wh..opq"
#define WHITEOUT_META ".wh..wh." /* of aufs; other files of this prefix have no meaning */

/* A part of a path. */
struct word {
	const char *text;
	size_t len;
};

/* ---- the table of names ---- */

/* FNV-1a over the parent's address and the name: the table is private to one short process. */
static size_t hash(const struct layertree_name *parent, struct word name)
{
	uint64_t h = 0xcbf29ce484222325u ^ (uintptr_t)parent;

	for (size_t i = 0; i < name.len; i++)
		h = (h ^ (unsigned char)name.text[i]) * 0x100000001b3u;
	return (size_t)(h ^ h >> 32);
}

static struct layertree_name **bucket_of(
	const struct layertree *t, const struct layertree_name *parent, struct word name)
{
	return &t->table[hash(parent, name) & (t->table_size - 1)];
}

/* The caller frees the result. */
static char *show_word(struct word w)
{
	auto_free char *text = mem_strndup(w.text, w.len);

	return text_safe(text, SHOWN_MAX);
}

static struct word word_of(const struct layertree_name *n)
{
	return (struct word){n->name, strlen(n->name)};
}

static struct layertree_name *find(
	const struct layertree *t, const struct layertree_name *parent, struct word name)
{
	struct layertree_name *n = *bucket_of(t, parent, name);

	while (n &&
		(n->parent != parent || strncmp(n->name, name.text, name.len) != 0 ||
			n->name[name.len]))
		n = n->bucket;
	return n;
}

static void insert(struct layertree *t, struct layertree_name *n)
{
	struct layertree_name **bucket = bucket_of(t, n->parent, word_of(n));

	n->bucket = *bucket;
	*bucket = n;
}

static void grow(struct layertree *t)
{
	struct layertree_name **old = t->table;
	size_t old_size = t->table_size;

	if (t->name_count < t->table_size)
		return;
	t->table_size = 2 * old_size;
	t->table = mem_array(t->table_size, sizeof(struct layertree_name *));
	for (size_t i = 0; i < old_size; i++) {
		struct layertree_name *n = old[i];

		while (n) {
			struct layertree_name *next = n->bucket;

			insert(t, n);
			n = next;
		}
	}
	free(old);
}

/* ---- names ---- */

static bool is_dir(const struct layertree_name *n)
{
	return !n->file || n->file->type == TAR_DIR;
}

/* In the order in which they were added, so that the same layers give the same archive. */
static void give_name(struct layertree_file *file, struct layertree_name *n)
{
	n->file = file;
	n->before = file->last;
	n->other = NULL;
	*(n->before ? &n->before->other : &file->names) = n;
	file->last = n;
}

static void take_name(struct layertree_name *n)
{
	struct layertree_file *file = n->file;

	if (!file)
		return;
	*(n->before ? &n->before->other : &file->names) = n->other;
	*(n->other ? &n->other->before : &file->last) = n->before;
	n->file = NULL;
	n->before = n->other = NULL;
}

static void leave_siblings(struct layertree_name *n)
{
	if (n->older)
		n->older->newer = n->newer;
	if (n->newer)
		n->newer->older = n->older;
	else
		n->parent->child = n->older;
}

static void leave_table(struct layertree *t, struct layertree_name *n)
{
	struct layertree_name **at = bucket_of(t, n->parent, word_of(n));

	while (*at != n)
		at = &(*at)->bucket;
	*at = n->bucket;
	t->name_count--;
}

/* A name that has no children. */
static void remove_one(struct layertree *t, struct layertree_name *n)
{
	take_name(n);
	leave_siblings(n);
	leave_table(t, n);
	free(n->target);
	free(n);
}

static void remove_all(struct layertree *t, struct layertree_name *n);

static void remove_children(struct layertree *t, struct layertree_name *dir)
{
	struct layertree_name *n = dir->child;

	while (n) {
		struct layertree_name *older = n->older;

		remove_all(t, n);
		n = older;
	}
}

/* A name with all below it. The depth of the tree is limited. */
static void remove_all(struct layertree *t, struct layertree_name *n)
{
	remove_children(t, n);
	remove_one(t, n);
}

static int too_many(const struct layertree *t, const char *path, struct err *e)
{
	if (t->entries > t->max_entries)
		return members_refuse(
			path, e, "the layers have more than %" PRIu64 " entries", t->max_entries);
	return members_refuse(path, e, "the names of the layers have more than %s",
		num_show_size(LIMIT_PACK_NAMES_BYTES).s);
}

/* An entry, or a directory that no entry describes: what needs memory. */
static int count(struct layertree *t, size_t len, const char *path, struct err *e)
{
	t->entries++;
	t->names_bytes += len;
	return t->entries > t->max_entries || t->names_bytes > LIMIT_PACK_NAMES_BYTES
		? too_many(t, path, e)
		: 0;
}

/* NULL with *e if it is too long or too deep. `path` is that of the entry, for messages. */
static struct layertree_name *add_name(struct layertree *t, struct layertree_name *parent,
	struct word name, const char *path, struct err *e)
{
	struct layertree_name *n;

	/* Linux has no longer ones, and sqfstar cuts them. */
	if (name.len > NAME_MAX) {
		auto_free char *shown = show_word(name);

		(void)members_refuse(
			path, e, "the name '%s' has more than %d bytes", shown, NAME_MAX);
		return NULL;
	}
	if (parent->depth == LIMIT_TAR_DEPTH || parent->path_len + name.len + 1 > LIMIT_TAR_PATH) {
		(void)members_refuse(path, e,
			"it is more than %d levels deep, or its path has more than "
			"%d bytes",
			LIMIT_TAR_DEPTH, LIMIT_TAR_PATH);
		return NULL;
	}
	grow(t);
	n = mem_alloc(sizeof(*n) + name.len + 1);
	memcpy(n->name, name.text, name.len);
	n->parent = parent;
	n->depth = parent->depth + 1;
	n->path_len = parent->path_len + name.len + 1;
	n->layer = t->layer_count - 1;
	n->older = parent->child;
	if (n->older)
		n->older->newer = n;
	parent->child = n;
	insert(t, n);
	t->name_count++;
	return n;
}

/* ---- paths ---- */

/* The next component that is neither empty nor "."; false at the end. */
static bool next_word(const char **text, struct word *ret)
{
	do {
		*text += strspn(*text, "/");
		*ret = (struct word){*text, strcspn(*text, "/")};
		*text += ret->len;
	} while (ret->len == 1 && *ret->text == '.');
	return ret->len > 0;
}

static bool is_up(struct word w)
{
	return w.len == 2 && memcmp(w.text, "..", 2) == 0;
}

/* A walk to a directory. */
struct walk {
	struct layertree *t;
	const char *path; /* of the entry, for messages */
	unsigned links;   /* followed so far */
	bool make;        /* directories that are missing */
	struct err *e;
};

static int walk_to(
	struct walk *w, struct layertree_name *from, const char *text, struct layertree_name **ret);

/*
 * From a directory by one component: *at is the next directory, NULL if it is missing and not to be
 * made.
 */
static int step(struct walk *w, struct layertree_name **at, struct word word)
{
	struct layertree_name *n;

	if (is_up(word)) {
		*at = (*at)->parent ? (*at)->parent : *at;
		return 0;
	}
	n = find(w->t, *at, word);
	if (!n && w->make) {
		if (count(w->t, word.len, w->path, w->e) < 0)
			return -1;
		n = add_name(w->t, *at, word, w->path, w->e);
		if (!n)
			return -1;
	}
	if (n && n->target) {
		if (++w->links > LINKS_MAX)
			return members_refuse(w->path, w->e,
				"the path leads through more than %d symbolic links", LINKS_MAX);
		return walk_to(w, *at, n->target, at);
	}
	if (n && !is_dir(n)) {
		auto_free char *shown = text_safe(n->name, SHOWN_MAX);

		return members_refuse(
			w->path, w->e, "it is below '%s', which is not a directory", shown);
	}
	*at = n;
	return 0;
}

static int walk_to(
	struct walk *w, struct layertree_name *from, const char *text, struct layertree_name **ret)
{
	struct layertree_name *at = text[0] == '/' ? w->t->root : from;
	struct word word;

	while (at && next_word(&text, &word))
		if (step(w, &at, word) < 0)
			return -1;
	*ret = at;
	return 0;
}

/* The path of an entry, split before its last component. */
struct split {
	char *parent;
	struct word base; /* in the text of the entry; empty: the root */
};

static int split_path(const char *path, struct split *ret, struct err *e)
{
	const char *text = path, *begin = path;
	struct word word;

	if (strlen(path) > LIMIT_TAR_PATH)
		return members_refuse(path, e, "the path has more than %d bytes", LIMIT_TAR_PATH);
	ret->base = (struct word){path, 0};
	while (next_word(&text, &word)) {
		if (is_up(word)) {
			(void)members_refuse(path, e, "the path has a component '..'");
			return -1;
		}
		ret->base = word;
	}
	ret->parent = mem_strndup(begin, (size_t)(ret->base.text - begin));
	return 0;
}

static int find_parent(struct layertree *t, const char *path, const struct split *s, bool make,
	struct layertree_name **ret, struct err *e)
{
	struct walk w = {.t = t, .path = path, .make = make, .e = e};

	return walk_to(&w, t->root, s->parent, ret);
}

/* ---- whiteouts ---- */

/*
 * What lower layers have put below a directory goes. A directory in which the layer itself has put
 * something stays, and is described by nobody.
 */
static void remove_lower(struct layertree *t, struct layertree_name *n);

/*
 * A layer can say it again and again. All that it adds to a directory after the first time is its
 * own, so that there is nothing more to do.
 */
static void remove_lower_children(struct layertree *t, struct layertree_name *dir)
{
	struct layertree_name *n = dir->child;

	if (dir->cleared == t->layer_count)
		return;
	dir->cleared = t->layer_count;
	while (n) {
		struct layertree_name *older = n->older;

		remove_lower(t, n);
		n = older;
	}
}

static void remove_lower(struct layertree *t, struct layertree_name *n)
{
	size_t layer = t->layer_count - 1;

	if (is_dir(n))
		remove_lower_children(t, n);
	if (n->layer == layer)
		return;
	if (!n->child) {
		remove_one(t, n);
		return;
	}
	take_name(n);
	n->layer = layer;
}

static bool is_whiteout(struct word base)
{
	return base.len >= strlen(WHITEOUT) && memcmp(base.text, WHITEOUT, strlen(WHITEOUT)) == 0;
}

static int apply_whiteout(
	struct layertree *t, const char *path, const struct split *s, struct err *e)
{
	struct word name = {s->base.text + strlen(WHITEOUT), s->base.len - strlen(WHITEOUT)};
	struct layertree_name *parent, *n;

	if (find_parent(t, path, s, false, &parent, e) < 0)
		return -1;
	if (s->base.len == strlen(WHITEOUT_OPAQUE) &&
		memcmp(s->base.text, WHITEOUT_OPAQUE, s->base.len) == 0) {
		if (parent)
			remove_lower_children(t, parent);
		return 0;
	}
	if (s->base.len >= strlen(WHITEOUT_META) &&
		memcmp(s->base.text, WHITEOUT_META, strlen(WHITEOUT_META)) == 0)
		return 0;
	if (name.len == 0 || is_up(name) || (name.len == 1 && *name.text == '.'))
		return members_refuse(path, e, "it is a whiteout without a name");
	n = parent ? find(t, parent, name) : NULL;
	if (n)
		remove_lower(t, n);
	return 0;
}

/* ---- entries ---- */

static void add_file(struct layertree *t, struct layertree_file *file)
{
	struct layertree_layer *l = &t->layers[t->layer_count - 1];

	if (l->count == l->size) {
		l->size = l->size ? 2 * l->size : 64;
		l->files = mem_resize(l->files, l->size, sizeof(struct layertree_file *));
	}
	l->files[l->count++] = file;
}

/* The name for an entry, in the place of what had it; a directory stays one with what is in it. */
static struct layertree_name *place(struct layertree *t, struct layertree_name *parent,
	struct word base, bool dir, const char *path, struct err *e)
{
	struct layertree_name *old = find(t, parent, base);

	if (old && dir && is_dir(old)) {
		take_name(old);
		old->layer = t->layer_count - 1;
		return old;
	}
	if (old)
		remove_all(t, old);
	return add_name(t, parent, base, path, e);
}

/* NULL with *e if the target of a hard link is not there. */
static struct layertree_name *find_target(
	struct layertree *t, const struct tar_entry *entry, struct err *e)
{
	struct split s = {0};
	struct layertree_name *parent = NULL, *n = NULL;
	auto_free char *shown = text_safe(entry->link, SHOWN_MAX);
	struct err why = {0};
	bool found = split_path(entry->link, &s, &why) == 0 &&
		find_parent(t, entry->link, &s, false, &parent, &why) == 0 && parent;

	if (found)
		n = find(t, parent, s.base);
	free(s.parent);
	if (n && !is_dir(n))
		return n;
	(void)members_refuse(entry->path, e, "it is a hard link to '%s', which is %s", shown,
		n ? "a directory" : "not in this or a lower layer");
	return NULL;
}

static int add_link(struct layertree *t, struct layertree_name *parent, const struct split *s,
	const struct tar_entry *entry, struct err *e)
{
	struct layertree_name *old = find(t, parent, s->base), *target, *n;

	target = find_target(t, entry, e);
	if (!target || target == old)
		return target ? 0 : -1;
	if (old && is_dir(old))
		return members_refuse(
			entry->path, e, "it is a hard link in the place of a directory");
	n = place(t, parent, s->base, false, entry->path, e);
	if (!n)
		return -1;
	n->target = target->target ? mem_strdup(target->target) : NULL;
	give_name(target->file, n);
	return 0;
}

static int add_entry(struct layertree *t, struct layertree_name *parent, const struct split *s,
	const struct tar_entry *entry, struct layertree_file *file, struct err *e)
{
	struct layertree_name *n =
		place(t, parent, s->base, entry->type == TAR_DIR, entry->path, e);

	if (!n)
		return -1;
	if (entry->type == TAR_SYMLINK)
		n->target = mem_strdup(entry->link);
	give_name(file, n);
	return 0;
}

static int check_target(const struct tar_entry *entry, struct err *e)
{
	size_t len = strlen(entry->link);

	if (entry->type != TAR_SYMLINK && entry->type != TAR_HARDLINK)
		return 0;
	if (len == 0 || len > LIMIT_TAR_PATH)
		return members_refuse(
			entry->path, e, "it is a link whose target has %zu bytes", len);
	return 0;
}

static int apply(struct layertree *t, const struct tar_entry *entry, const struct split *s,
	struct layertree_file **ret, struct err *e)
{
	struct layertree_name *parent;

	if (s->base.len == 0)
		return entry->type == TAR_DIR ? 0
					      : members_refuse(entry->path, e, "its path is empty");
	if (is_whiteout(s->base))
		return apply_whiteout(t, entry->path, s, e);
	if (check_target(entry, e) < 0 || find_parent(t, entry->path, s, true, &parent, e) < 0)
		return -1;
	if (entry->type == TAR_HARDLINK)
		return add_link(t, parent, s, entry, e);
	*ret = mem_alloc(sizeof(**ret));
	(*ret)->type = entry->type;
	(*ret)->size = entry->size;
	return add_entry(t, parent, s, entry, *ret, e);
}

int layertree_add(struct layertree *t, const struct foreign_entry *f, struct err *e)
{
	struct layertree_file *file = NULL;
	struct split s = {0};
	int result;

	if (count(t, strlen(f->entry.path), f->entry.path, e) < 0 ||
		split_path(f->entry.path, &s, e) < 0)
		return -1;
	result = apply(t, &f->entry, &s, &file, e);
	free(s.parent);
	add_file(t, file);
	return result;
}

/* ---- what a machine needs ---- */

/* What a path leads to, through all links. NULL: to nothing, or in a circle. */
static struct layertree_name *resolve(
	const struct layertree *t, struct layertree_name *from, const char *text, unsigned *links)
{
	struct layertree_name *at = text[0] == '/' ? t->root : from;
	struct word word;

	while (at && next_word(&text, &word)) {
		struct layertree_name *n;

		if (!is_dir(at))
			return NULL;
		n = is_up(word) ? at->parent ? at->parent : at : find(t, at, word);
		if (n && n->target)
			n = ++*links > LINKS_MAX ? NULL : resolve(t, at, n->target, links);
		at = n;
	}
	return at;
}

static const char *kind_of(const struct layertree_name *n)
{
	if (is_dir(n))
		return "a directory";
	if (n->file->type == TAR_FILE)
		return "a file";
	return n->file->type == TAR_FIFO ? "a fifo" : "a device";
}

static bool is_of_kind(const struct layertree_need *need, const struct layertree_name *n)
{
	return need->is_file ? n->file && n->file->type == TAR_FILE : is_dir(n);
}

static bool may_be_link(
	const struct layertree_need *need, const char *target, const struct layertree_name *end)
{
	if (end && !is_of_kind(need, end))
		return false;
	if (need->link == LAYERTREE_LINK_NONE || (!end && need->link != LAYERTREE_LINK_ANY))
		return false;
	return need->link != LAYERTREE_LINK_INSIDE || tar_symlink_stays_inside(need->path, target);
}

static int unfit(const struct layertree_need *need, struct err *e, const char *is, const char *to,
	const char *what)
{
	auto_free char *shown = to ? text_safe(to, SHOWN_MAX) : mem_strdup("");
	const char *quote = to ? "'" : "";

	return err_set(e, ERR_INPUT, "/%s is %s%s%s%s%s; a machine needs a %s there, or nothing",
		need->path, is, quote, shown, quote, what, need->is_file ? "file" : "directory");
}

static int check_link(const struct layertree *t, const struct layertree_need *need,
	const struct layertree_name *n, struct err *e)
{
	unsigned links = 1;
	const struct layertree_name *end = resolve(t, n->parent, n->target, &links);
	auto_free char *what = end ? mem_printf(", which is %s", kind_of(end))
				   : mem_strdup(", which leads to nothing");

	return may_be_link(need, n->target, end)
		? 0
		: unfit(need, e, "a symbolic link to ", n->target, what);
}

int layertree_check(const struct layertree *t, const struct layertree_need *need, struct err *e)
{
	const char *slash = strrchr(need->path, '/'), *base = slash ? slash + 1 : need->path;
	auto_free char *above = mem_strndup(need->path, (size_t)(base - need->path));
	const struct layertree_name *n;
	struct layertree_name *parent;
	unsigned links = 0;

	parent = resolve(t, t->root, above, &links);
	n = parent ? find(t, parent, (struct word){base, strlen(base)}) : NULL;
	if (!n)
		return 0;
	if (n->target)
		return check_link(t, need, n, e);
	return is_of_kind(need, n) ? 0 : unfit(need, e, kind_of(n), NULL, "");
}

/* ---- the whole ---- */

void layertree_init(struct layertree *t, uint64_t max_entries)
{
	*t = (struct layertree){.max_entries = max_entries, .table_size = TABLE_LEAST};
	t->table = mem_array(t->table_size, sizeof(struct layertree_name *));
	t->root = mem_alloc(sizeof(*t->root) + 1);
}

void layertree_release(struct layertree *t)
{
	if (!t->root)
		return;
	remove_children(t, t->root);
	for (size_t i = 0; i < t->layer_count; i++) {
		for (size_t k = 0; k < t->layers[i].count; k++)
			free(t->layers[i].files[k]);
		free(t->layers[i].files);
	}
	free(t->layers);
	free(t->root);
	free(t->table);
	*t = (struct layertree){0};
}

void layertree_begin(struct layertree *t)
{
	t->layers = mem_resize(t->layers, t->layer_count + 1, sizeof(*t->layers));
	t->layers[t->layer_count++] = (struct layertree_layer){0};
}

const struct layertree_file *layertree_file(const struct layertree *t, size_t layer, size_t number)
{
	const struct layertree_layer *l = &t->layers[layer];

	return number < l->count ? l->files[number] : NULL;
}

void layertree_path(const struct layertree_name *name, struct buf *path)
{
	if (name->parent->parent) {
		layertree_path(name->parent, path);
		buf_addc(path, '/');
	}
	buf_adds(path, name->name);
}

int layertree_each_implied(const struct layertree *t,
	int (*fn)(void *arg, const struct layertree_name *name, struct err *e), void *arg,
	struct err *e)
{
	const struct layertree_name *n = t->root->child;

	/* From the last child back: the order does not matter, as long as it is always the same. */
	while (n) {
		int result = n->file ? 0 : fn(arg, n, e);

		if (result != 0)
			return result;
		if (n->child) {
			n = n->child;
			continue;
		}
		while (n && !n->older)
			n = n->parent;
		n = n ? n->older : NULL;
	}
	return 0;
}
