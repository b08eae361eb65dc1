/* SPDX-License-Identifier: Apache-2.0 */
#include "archive/members.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/limits.h"
#include "base/mem.h"
#include "base/num.h"
#include "base/text.h"
#include "data/pack.h"

enum { SHOWN_MAX = 300 };

int members_refuse(const char *path, struct err *e, const char *fmt, ...)
{
	auto_free char *shown = text_safe(path, SHOWN_MAX);
	va_list ap;

	va_start(ap, fmt);
	(void)err_vset(e, ERR_INPUT, fmt, ap);
	va_end(ap);
	return err_wrap(e, "entry '%s'", shown);
}

/* ---- names ---- */

/*
 * The path without a leading "./", which `tar -c .` writes, and for directories without trailing
 * slashes. "" is the root itself. The result points into `text`; *ret_len is its length.
 */
static const char *trim(const char *text, bool is_dir, size_t *ret_len)
{
	size_t len;

	while (text[0] == '.' && text[1] == '/')
		for (text++; *text == '/'; text++)
			;
	if (strcmp(text, ".") == 0)
		text++;
	len = strlen(text);
	while (is_dir && len > 1 && text[len - 1] == '/')
		len--;
	*ret_len = len;
	return text;
}

/* NULL with *e if the path is invalid in our archives. */
static char *plain_path(const char *text, bool is_dir, const char *what, struct err *e)
{
	size_t len;
	const char *from = trim(text, is_dir, &len), *why;
	auto_free char *path = mem_strndup(from, len);

	if (len > LIMIT_TAR_PATH) {
		(void)members_refuse(
			text, e, "%s has %zu bytes, more than %d", what, len, LIMIT_TAR_PATH);
		return NULL;
	}
	if (len && !tar_path_is_plain(path, &why)) {
		(void)members_refuse(text, e, "%s %s", what, why);
		return NULL;
	}
	if (len && tar_path_depth(path) > LIMIT_TAR_DEPTH) {
		(void)members_refuse(
			text, e, "%s is more than %d levels deep", what, LIMIT_TAR_DEPTH);
		return NULL;
	}
	return steal_ptr(&path);
}

/* ---- adding ---- */

void members_init(struct members *m, uint64_t max_entries)
{
	*m = (struct members){.max_entries = max_entries};
}

static void member_free(struct member *member)
{
	free(member->path);
	free(member->link);
	free(member);
}

void members_release(struct members *m)
{
	for (size_t i = 0; i < m->count; i++)
		member_free(m->items[i]);
	free(m->items);
	free(m->sorted);
	*m = (struct members){0};
}

static int too_many(const struct members *m, struct err *e)
{
	return err_set(e, ERR_INPUT, "it has more than %" PRIu64 " entries", m->max_entries);
}

/*
 * Append a member within the limits for entries and names. On failure *e is set and the member is
 * freed.
 */
static int append(struct members *m, struct member *new, struct err *e)
{
	m->names_bytes += strlen(new->path ? new->path : "") + strlen(new->link ? new->link : "");
	if (m->count >= m->max_entries || m->names_bytes > LIMIT_PACK_NAMES_BYTES) {
		member_free(new);
		return m->count >= m->max_entries
			? too_many(m, e)
			: err_set(e, ERR_INPUT, "its names have more than %s together",
				  num_show_size(LIMIT_PACK_NAMES_BYTES).s);
	}
	if (m->count == m->size) {
		m->size = m->size ? 2 * m->size : 64;
		m->items = mem_resize(m->items, m->size, sizeof(struct member *));
	}
	new->number = m->count;
	m->items[m->count++] = new;
	return 0;
}

static int check_kind(const struct foreign_entry *f, struct err *e)
{
	const struct tar_entry *t = &f->entry;

	if (f->kind)
		return members_refuse(t->path, e, "it is %s", f->kind);
	if (t->type == TAR_HARDLINK && t->size)
		return members_refuse(t->path, e, "it is a hard link with data of its own");
	if ((t->type == TAR_HARDLINK || t->type == TAR_SYMLINK) && !*t->link)
		return members_refuse(t->path, e, "it is a link without a target");
	return 0;
}

static int take_link(struct member *new, const struct tar_entry *t, struct err *e)
{
	struct err why = {0};

	if (t->type == TAR_HARDLINK) {
		new->link = plain_path(t->link, false, "the path", &why);
		if (!new->link || !*new->link)
			return members_refuse(t->path, e, "it is a hard link to: %s",
				new->link ? "the root of the archive" : why.msg);
	} else if (t->type == TAR_SYMLINK) {
		if (!tar_symlink_stays_inside(new->path, t->link)) {
			auto_free char *shown = text_safe(t->link, SHOWN_MAX);

			return members_refuse(t->path, e,
				"it is a symbolic link to '%s', which leads out of the tree",
				shown);
		}
		new->link = mem_strdup(t->link);
	}
	return 0;
}

static int fill(struct member *new, const struct tar_entry *t, struct err *e)
{
	new->path = plain_path(t->path, t->type == TAR_DIR, "its path", e);
	if (!new->path)
		return -1;
	if (!*new->path) {
		free(steal_ptr(&new->path));
		return t->type == TAR_DIR ? 0 : members_refuse(t->path, e, "its path is empty");
	}
	new->type = t->type;
	new->mode = t->type == TAR_SYMLINK ? 0777 : t->mode & ~(uint32_t)TAR_SPECIAL_BITS;
	new->size = t->type == TAR_FILE ? t->size : 0;
	new->mtime = t->mtime;
	new->mtime_ns = t->mtime_ns;
	return take_link(new, t, e);
}

int members_add(struct members *m, const struct foreign_entry *f, struct err *e)
{
	struct member *new;

	if (check_kind(f, e) < 0)
		return -1;
	new = mem_alloc(sizeof(*new));
	if (fill(new, &f->entry, e) < 0) {
		member_free(new);
		return -1;
	}
	m->dropped.set_id += new->path && f->entry.type != TAR_SYMLINK &&
		f->entry.type != TAR_HARDLINK && (f->entry.mode & TAR_SPECIAL_BITS);
	m->dropped.xattrs += new->path && f->xattrs;
	return append(m, new, e);
}

bool members_is(const struct members *m, size_t number, const struct foreign_entry *f)
{
	const struct member *old = m->items[number];
	struct member new = {0};
	struct err ignored = {0};
	bool same = fill(&new, &f->entry, &ignored) == 0 && !f->kind && !old->path == !new.path &&
		(!new.path || strcmp(old->path, new.path) == 0) && old->size == new.size &&
		(old->type == TAR_FILE) == (new.type == TAR_FILE);

	free(new.path);
	free(new.link);
	return same;
}

/* ---- sorting and searching ---- */

/* Members with the same path are in the order in which they were added. */
static int compare(const void *a, const void *b)
{
	const struct member *const *x = a, *const *y = b;
	int order = tar_path_compare((*x)->path, (*y)->path);

	return order ? order : ((*x)->number > (*y)->number) - ((*x)->number < (*y)->number);
}

static void sort(struct members *m)
{
	m->sorted = mem_resize(m->sorted, m->count + 1, sizeof(struct member *));
	m->sorted_count = 0;
	for (size_t i = 0; i < m->count; i++)
		if (m->items[i]->path)
			m->sorted[m->sorted_count++] = m->items[i];
	qsort(m->sorted, m->sorted_count, sizeof(struct member *), compare);
}

static int check_once(const struct members *m, struct err *e)
{
	for (size_t i = 1; i < m->sorted_count; i++)
		if (strcmp(m->sorted[i]->path, m->sorted[i - 1]->path) == 0)
			return members_refuse(m->sorted[i]->path, e, "it comes twice");
	return 0;
}

static struct member *find(const struct members *m, const char *path)
{
	size_t low = 0, high = m->sorted_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = tar_path_compare(m->sorted[middle]->path, path);

		if (order == 0)
			return m->sorted[middle];
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}

/* ---- directories ---- */

/* Check that the first `len` bytes of the path are a directory, and add it if it is missing. */
static int want_directory(struct members *m, const char *path, size_t len, struct err *e)
{
	auto_free char *parent = mem_strndup(path, len);
	const struct member *found = find(m, parent);
	struct member *new;

	if (found && found->type == TAR_DIR)
		return 0;
	if (found) {
		auto_free char *shown = text_safe(parent, SHOWN_MAX);

		return members_refuse(path, e, "it is below '%s', which is %s", shown,
			found->type == TAR_SYMLINK ? "a symbolic link" : "not a directory");
	}
	new = mem_alloc(sizeof(*new));
	new->path = steal_ptr(&parent);
	new->type = TAR_DIR;
	new->mode = 0755;
	return append(m, new, e);
}

/*
 * Add missing directories above each entry. The members below a directory are contiguous, so
 * directories that also contain the previous entry have been checked.
 */
static int add_directories(struct members *m, struct err *e)
{
	const char *previous = "";
	size_t count = m->count;

	for (size_t i = 0; i < m->sorted_count; i++) {
		const char *path = m->sorted[i]->path;

		for (const char *slash = strchr(path, '/'); slash; slash = strchr(slash + 1, '/')) {
			size_t len = (size_t)(slash - path);

			if (strncmp(previous, path, len + 1) != 0 &&
				want_directory(m, path, len, e) < 0)
				return -1;
		}
		previous = path;
	}
	if (m->count > count)
		sort(m);
	return 0;
}

/* ---- hard links ---- */

/*
 * The target of a hard link must come before it: a file or another hard link. A hard link to a
 * symbolic link becomes a copy of that symbolic link.
 */
static int find_file(const struct members *m, struct member *link, struct err *e)
{
	struct member *target = find(m, link->link);
	auto_free char *shown = text_safe(link->link, SHOWN_MAX);

	if (!target || target->number >= link->number)
		return members_refuse(link->path, e,
			"it is a hard link to '%s', which does not come before it", shown);
	if (target->type == TAR_SYMLINK) {
		if (!tar_symlink_stays_inside(link->path, target->link))
			return members_refuse(link->path, e,
				"it is a hard link to the symbolic link '%s', which leads out of "
				"the "
				"tree from there",
				shown);
		free(link->link);
		link->link = mem_strdup(target->link);
		link->type = TAR_SYMLINK;
		link->mode = target->mode;
		return 0;
	}
	link->file = target->type == TAR_HARDLINK ? target->file : target;
	if (link->file->type != TAR_FILE)
		return members_refuse(
			link->path, e, "it is a hard link to '%s', which is no file", shown);
	return 0;
}

/*
 * Choose the first name of each file in sorted order. It becomes the file, and the other names
 * become links to it.
 */
static void choose_names(struct members *m)
{
	for (size_t i = 0; i < m->sorted_count; i++) {
		struct member *file = m->sorted[i]->file;

		if (m->sorted[i]->type == TAR_FILE)
			file = m->sorted[i];
		if (file && !file->file)
			file->file = m->sorted[i];
	}
	for (size_t i = 0; i < m->count; i++) {
		struct member *link = m->items[i];

		if (link->type != TAR_HARDLINK)
			continue;
		link->mode = link->file->mode;
		link->mtime = link->file->mtime;
		link->mtime_ns = link->file->mtime_ns;
	}
}

static int resolve_links(struct members *m, struct err *e)
{
	for (size_t i = 0; i < m->count; i++)
		if (m->items[i]->path && m->items[i]->type == TAR_HARDLINK &&
			find_file(m, m->items[i], e) < 0)
			return -1;
	choose_names(m);
	return 0;
}

/* ---- the archive ---- */

/* The file that the member is a name of; NULL for other kinds of entries. */
static const struct member *file_of(const struct member *m)
{
	return m->type == TAR_FILE ? m : m->type == TAR_HARDLINK ? m->file : NULL;
}

size_t members_encode(const struct member *m, char *out)
{
	const struct member *file = file_of(m);
	struct tar_entry t = {.type = m->type,
		.path = m->path,
		.link = m->type == TAR_SYMLINK ? m->link : "",
		.mode = m->mode,
		.mtime = m->mtime,
		.mtime_ns = m->mtime_ns};

	if (file && file->file == m) {
		t.type = TAR_FILE;
		t.size = file->size;
	} else if (file) {
		t.type = TAR_HARDLINK;
		t.link = file->file->path;
	}
	return tar_encode(&t, out);
}

/* Report other errors that the strict reader would find. */
static int refuse_by_reader(const struct member *m, const struct err *why, struct err *e)
{
	const char *text = strstr(why->msg, "): ");

	return members_refuse(m->path, e, "%s", text ? text + strlen("): ") : why->msg);
}

static int place(
	struct members *m, struct tar_reader *r, char *room, uint64_t max_bytes, struct err *e)
{
	for (size_t i = 0; i < m->sorted_count; i++) {
		struct member *member = m->sorted[i];
		struct tar_entry entry;
		struct err why = {0};
		size_t header;

		(void)members_encode(member, room);
		member->header = r->offset;
		if (tar_next(r, room, TAR_HEADER_MAX, &entry, &header, &why) <= 0)
			return refuse_by_reader(member, &why, e);
		member->data = member->header + header;
		if (r->offset > max_bytes || max_bytes - r->offset < TAR_END_BYTES)
			return err_reason(e, ERR_INPUT, PACK_TOO_LARGE,
				"what is in it takes more than %s (%" PRIu64 " bytes)",
				num_show_size(max_bytes).s, max_bytes);
	}
	return 0;
}

int members_arrange(struct members *m, uint64_t max_bytes, uint64_t *ret_bytes, struct err *e)
{
	const struct tar_rules rules = {.strict = true, .max_entries = m->max_entries};
	auto_tar_reader struct tar_reader r = {0};
	auto_free char *room = mem_alloc(TAR_HEADER_MAX);

	sort(m);
	if (check_once(m, e) < 0 || add_directories(m, e) < 0 || resolve_links(m, e) < 0)
		return -1;
	if (m->sorted_count == 0)
		return err_set(e, ERR_INPUT, FOREIGN_EMPTY);
	tar_reader_init(&r, &rules, INT64_MAX);
	if (place(m, &r, room, max_bytes, e) < 0)
		return -1;
	*ret_bytes = r.offset + TAR_END_BYTES;
	return 0;
}
