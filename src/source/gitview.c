/* SPDX-License-Identifier: Apache-2.0 */
/* Formats: gitrepository-layout(5), gitformat-index(5), git-pack-refs(1), git-config(1). */
#include "source/gitview.h"

#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "base/limits.h"
#include "base/strv.h"
#include "os/fd.h"
#include "os/path.h"

enum file_kind {
	FILE_PLAIN,
	FILE_IGNORED,
	FILE_HEAD,
	FILE_REF,
	FILE_PACKED_REFS,
	FILE_INDEX,
	FILE_CONFIG,
};

/* A ref (also HEAD) of the repository `base`, which is a path in the archive. */
struct ref {
	const char *base; /* borrowed from gitview.known: there are many refs per repository */
	char *name, *value;
	size_t order; /* of refs with the same name the last one counts: packed refs come first */
};

struct gitview {
	struct strv
		bases; /* repository directories that contain the current entry, outermost first */
	struct strv known; /* repositories that have refs */
	enum file_kind kind;
	char *path;         /* of the current entry */
	const char *inside; /* its path in the innermost repository directory */
	struct digest_text
		shell; /* of HEAD, index and config: digest of path, mode, extended attributes */
	struct ref *refs;
	size_t ref_count, ref_room;
};

struct gitview *gitview_new(void)
{
	return mem_alloc(sizeof(struct gitview));
}

static void ref_release(struct ref *r)
{
	free(r->name);
	free(r->value);
}

void gitview_free(struct gitview *g)
{
	if (!g)
		return;
	for (size_t i = 0; i < g->ref_count; i++)
		ref_release(&g->refs[i]);
	free(g->refs);
	free(g->path);
	strv_release(&g->bases);
	strv_release(&g->known);
	free(g);
}

/* ---- kinds of files ---- */

#define ORIGIN "refs/remotes/origin/"

static bool begins(const char *s, const char *prefix)
{
	return strncmp(s, prefix, strlen(prefix)) == 0;
}

static bool is_hex(const char *s, size_t len)
{
	return strlen(s) == len && strspn(s, "0123456789abcdef") == len;
}

/* 40 or 64 hexadecimal digits at s, followed by `end`. */
static bool is_named(const char *s, const char *end)
{
	size_t len = strspn(s, "0123456789abcdef");

	return (len == 40 || len == 64) && strcmp(s + len, end) == 0;
}

/* Whether it is a file of objects/pack. */
static bool is_of_packs(const char *name)
{
	static const char *const ends[] = {
		".pack", ".idx", ".rev", ".bitmap", ".mtimes", ".keep", ".promisor"};
	static const char *const index_ends[] = {".bitmap", ".rev"};

	if (strcmp(name, "multi-pack-index") == 0)
		return true;
	for (size_t i = 0; begins(name, "pack-") && i < ARRAY_SIZE(ends); i++)
		if (is_named(name + strlen("pack-"), ends[i]))
			return true;
	for (size_t i = 0; begins(name, "multi-pack-index-") && i < ARRAY_SIZE(index_ends); i++)
		if (is_named(name + strlen("multi-pack-index-"), index_ends[i]))
			return true;
	return false;
}

/* Files that only speed up reading of objects. */
static bool is_graph(const char *name)
{
	return strcmp(name, "commit-graph") == 0 ||
		strcmp(name, "commit-graphs/commit-graph-chain") == 0 ||
		(begins(name, "commit-graphs/graph-") &&
			is_named(name + strlen("commit-graphs/graph-"), ".graph"));
}

/* Whether it is a directory of loose objects: two hex digits. */
static bool is_fan(const char *name)
{
	return strlen(name) == 2 && strspn(name, "0123456789abcdef") == 2;
}

/* A file of `objects`: a loose object, "12/34...", or a pack, or an index of these. */
static bool is_object(const char *name)
{
	if (begins(name, "pack/"))
		return is_of_packs(name + strlen("pack/"));
	if (begins(name, "info/"))
		return strcmp(name, "info/packs") == 0 || is_graph(name + strlen("info/"));
	return strlen(name) > 3 && name[2] == '/' && strspn(name, "0123456789abcdef") == 2 &&
		(is_hex(name + 3, 38) || is_hex(name + 3, 62));
}

static bool is_below(const char *name, const char *dir)
{
	size_t len = strlen(dir);

	return strncmp(name, dir, len) == 0 && (name[len] == '\0' || name[len] == '/');
}

static bool is_note(const char *name)
{
	static const char *const notes[] = {
		"FETCH_HEAD", "ORIG_HEAD", "COMMIT_EDITMSG", "gc.log", "info/refs", "logs/HEAD"};

	for (size_t i = 0; i < ARRAY_SIZE(notes); i++)
		if (strcmp(name, notes[i]) == 0)
			return true;
	return begins(name, "logs/refs/") && strcmp(name, "logs/refs/stash") != 0;
}

/* Directories for files that are ignored or parsed; git creates and removes them with the files. */
static enum file_kind kind_of_directory(const char *name)
{
	static const char *const own[] = {"logs", "objects", "objects/info",
		"objects/info/commit-graphs", "objects/pack", "refs"};

	for (size_t i = 0; i < ARRAY_SIZE(own); i++)
		if (strcmp(name, own[i]) == 0)
			return FILE_IGNORED;
	if (begins(name, "objects/") && is_fan(name + strlen("objects/")))
		return FILE_IGNORED;
	return is_below(name, "refs") || is_below(name, "logs/refs") ? FILE_IGNORED : FILE_PLAIN;
}

/* ---- the part of the header that counts for parsed files ---- */

static void digest_text(struct digest *d, const char *text)
{
	digest_add(d, text, strlen(text) + 1);
}

/* Path, mode and extended attributes. */
static struct digest_text digest_of_shell(const struct tar_entry *t)
{
	struct digest *d = digest_new();

	digest_text(d, t->path);
	digest_add(d, &t->mode, sizeof(t->mode));
	for (size_t i = 0; i < t->xattr_count; i++) {
		uint64_t len = t->xattrs[i].len;

		digest_text(d, t->xattrs[i].name);
		digest_add(d, &len, sizeof(len));
		digest_add(d, t->xattrs[i].value, t->xattrs[i].len);
	}
	return digest_end(d);
}

static enum file_kind kind_of_file(const char *name)
{
	if (strcmp(name, "HEAD") == 0)
		return FILE_HEAD;
	if (begins(name, "refs/"))
		return FILE_REF;
	if (strcmp(name, "packed-refs") == 0)
		return FILE_PACKED_REFS;
	if (strcmp(name, "index") == 0)
		return FILE_INDEX;
	if (strcmp(name, "config") == 0)
		return FILE_CONFIG;
	if ((begins(name, "objects/") && is_object(name + strlen("objects/"))) || is_note(name))
		return FILE_IGNORED;
	return FILE_PLAIN;
}

/* ---- finding repositories ---- */

/* The target of a symbolic ref; NULL: not symbolic. */
static const char *named_by(const char *value)
{
	static const char prefix[] = "ref:";

	return begins(value, prefix)
		? value + strlen(prefix) + strspn(value + strlen(prefix), " \t")
		: NULL;
}

static const char *path_inside(const char *base, const char *path)
{
	size_t len = strlen(base);

	return strncmp(path, base, len) == 0 && path[len] == '/' ? path + len + 1 : NULL;
}

static void leave_bases(struct gitview *g)
{
	while (g->bases.count && !path_inside(g->bases.items[g->bases.count - 1], g->path)) {
		free(g->bases.items[--g->bases.count]);
		g->bases.items[g->bases.count] = NULL;
	}
	g->inside =
		g->bases.count ? path_inside(g->bases.items[g->bases.count - 1], g->path) : NULL;
}

static bool has_directory(int dir, const char *name)
{
	struct stat st;

	return fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(st.st_mode);
}

static bool has_file(int dir, const char *name, struct buf *b)
{
	buf_init(b, LIMIT_TAR_PATH);
	return fd_read_beneath(dir, name, b, NULL) == 0;
}

/* Whether it is "ref: refs/..." or the name of a commit. */
static bool is_head(const struct buf *b)
{
	const char *name = named_by(b->data);

	return (name && begins(name, "refs/")) || is_named(b->data, "\n") || is_named(b->data, "");
}

/*
 * Whether git would accept the directory as a repository; false if in doubt, because then all its
 * bytes count. dir -1: a directory made by compose.h. is_linked: the directory of a worktree, whose
 * objects are elsewhere.
 */
static bool has_repository(int dir, bool is_linked)
{
	auto_buf struct buf head = {0}, common = {0};

	if (dir < 0)
		return true;
	if (!has_file(dir, "HEAD", &head) || !is_head(&head) ||
		has_file(dir, "commondir", &common) != is_linked)
		return false;
	return is_linked || (has_directory(dir, "objects") && has_directory(dir, "refs"));
}

static bool is_repository(const struct gitview *g, int dir)
{
	static const char worktrees[] = "worktrees/";

	if (strcmp(path_base(g->path), ".git") == 0)
		return has_repository(dir, false);
	if (!g->inside)
		return false;
	if (begins(g->inside, worktrees))
		return !strchr(g->inside + strlen(worktrees), '/') && has_repository(dir, true);
	return begins(g->inside, "modules/") && has_repository(dir, false);
}

/*
 * Whether the current entry is in an `objects` directory of a worktree. git does not use this
 * directory.
 */
static bool is_stray(const struct gitview *g)
{
	const char *base = g->bases.count > 1 ? g->bases.items[g->bases.count - 1] : "";
	auto_free char *above = path_parent(base);

	return strcmp(path_base(above), "worktrees") == 0 && is_below(g->inside, "objects");
}

enum gitview_part gitview_entry(struct gitview *g, const struct tar_entry *t, int fd)
{
	free(g->path);
	g->path = mem_strdup(t->path);
	leave_bases(g);
	if (t->type == TAR_DIR && is_repository(g, fd)) {
		strv_push(&g->bases, g->path);
		return GITVIEW_AS_IT_IS;
	}
	g->kind = FILE_PLAIN;
	if (g->inside && t->type == TAR_DIR && !is_stray(g))
		g->kind = kind_of_directory(g->inside);
	else if (g->inside && (t->type == TAR_FILE || t->type == TAR_HARDLINK) && !is_stray(g))
		g->kind = kind_of_file(g->inside);
	/* A hard link has no contents in the archive that could be parsed. */
	if (t->type == TAR_HARDLINK && g->kind != FILE_IGNORED)
		g->kind = FILE_PLAIN;
	if (g->kind == FILE_PLAIN)
		return GITVIEW_AS_IT_IS;
	if (g->kind == FILE_HEAD || g->kind == FILE_INDEX || g->kind == FILE_CONFIG)
		g->shell = digest_of_shell(t);
	return g->kind == FILE_IGNORED ? GITVIEW_IGNORED : GITVIEW_READ;
}

/* ---- refs ---- */

/* The repository of the current entry. */
static const char *known_base(struct gitview *g)
{
	const char *base = g->bases.items[g->bases.count - 1];

	if (!g->known.count || strcmp(g->known.items[g->known.count - 1], base) != 0)
		strv_push(&g->known, base);
	return g->known.items[g->known.count - 1];
}

static void add_ref(
	struct gitview *g, const char *name, size_t name_len, const char *value, size_t value_len)
{
	if (g->ref_count == g->ref_room) {
		g->ref_room = g->ref_room ? 2 * g->ref_room : 64;
		g->refs = mem_resize(g->refs, g->ref_room, sizeof(*g->refs));
	}
	g->refs[g->ref_count] = (struct ref){
		.base = known_base(g),
		.name = mem_printf("%.*s", (int)name_len, name),
		.value = mem_printf("%.*s", (int)value_len, value),
		.order = g->ref_count,
	};
	g->ref_count++;
}

/* The file must be one line without NUL. */
static bool read_ref(struct gitview *g, const char *data, size_t len)
{
	size_t line = len && data[len - 1] == '\n' ? len - 1 : len;

	if (line == 0 || line > LIMIT_TAR_PATH || memchr(data, '\0', len) ||
		memchr(data, '\n', line))
		return false;
	add_ref(g, g->inside, strlen(g->inside), data, line);
	return true;
}

/* The name in "HEX NAME"; NULL for other lines. */
static char *packed_name(const char *line, size_t len)
{
	size_t hex = 0;

	while (hex < len && strchr("0123456789abcdef", line[hex]))
		hex++;
	if ((hex != 40 && hex != 64) || hex + 6 >= len || line[hex] != ' ' ||
		!begins(line + hex + 1, "refs/") || len - hex > LIMIT_TAR_PATH)
		return NULL;
	return mem_strndup(line + hex + 1, len - hex - 1);
}

/*
 * Comments, and "^HEX" (the object of a tag), follow from other data and are ignored. git finds
 * names by binary search, so the file must be sorted; else its bytes count.
 */
static bool read_packed_refs(struct gitview *g, const char *data, size_t len)
{
	auto_free char *previous = mem_strdup("");
	const char *end = data + len;

	if (memchr(data, '\0', len) || (len && end[-1] != '\n'))
		return false;
	for (const char *line = data, *next; line < end; line = next) {
		size_t n;
		char *name;

		next = (const char *)memchr(line, '\n', (size_t)(end - line)) + 1;
		n = (size_t)(next - line) - 1;
		if (*line == '#' || *line == '^')
			continue;
		name = packed_name(line, n);
		if (!name || strcmp(previous, name) >= 0) {
			free(name);
			return false;
		}
		free(previous);
		previous = name;
		add_ref(g, name, strlen(name), line, n - strlen(name) - 1);
	}
	return true;
}

/* Usually both are the same pointer, and the strings may be long. */
static int compare_bases(const char *a, const char *b)
{
	return a == b ? 0 : strcmp(a, b);
}

static int by_name(const void *a, const void *b)
{
	const struct ref *x = a, *y = b;
	int base = compare_bases(x->base, y->base), name = strcmp(x->name, y->name);

	if (base || name)
		return base ? base : name;
	return x->order < y->order ? -1 : 1;
}

/* Sort by name and keep only the ref that counts of each name. */
static void settle_refs(struct gitview *g)
{
	size_t kept = 0;

	if (g->ref_count)
		qsort(g->refs, g->ref_count, sizeof(*g->refs), by_name);
	for (size_t i = 0; i < g->ref_count; i++) {
		struct ref r = g->refs[i];
		const struct ref *next = &g->refs[i] + 1;
		bool counts = i + 1 == g->ref_count || compare_bases(next->base, r.base) != 0 ||
			strcmp(next->name, r.name) != 0;

		g->refs[i] = (struct ref){0};
		if (counts)
			g->refs[kept++] = r;
		else
			ref_release(&r);
	}
	g->ref_count = kept;
}

/* The value of a ref of the same repository; "" if there is none. */
static const char *value_of(const struct gitview *g, const char *base, const char *name)
{
	size_t low = 0, high = g->ref_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		const struct ref *r = &g->refs[middle];
		int order = compare_bases(base, r->base);

		order = order ? order : strcmp(name, r->name);
		if (order == 0)
			return r->value;
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return "";
}

/* The commit that a value leads to, within git's limit of symbolic refs; "" if there is none. */
static const char *commit_of(const struct gitview *g, const char *base, const char *value)
{
	enum { SYMBOLIC_MAX = 5 };
	const char *name;

	for (int i = 0; (name = named_by(value)); i++) {
		if (i == SYMBOLIC_MAX)
			return "";
		value = value_of(g, base, name);
	}
	return value;
}

/*
 * Whether origin's branch is at the commit of the local branch with the same name; name: after
 * "refs/remotes/origin/"
 */
static bool is_branch_again(
	const struct gitview *g, const char *base, const char *name, const char *value)
{
	auto_free char *branch = mem_printf("refs/heads/%s", name);

	return !named_by(value) && *value && strcmp(value_of(g, base, branch), value) == 0;
}

/* Whether origin's HEAD names the checked-out branch, and is_branch_again is true for it. */
static bool is_head_again(const struct gitview *g, const char *base, const char *value)
{
	const char *there = named_by(value), *here = named_by(value_of(g, base, "HEAD"));

	if (!there || !here || !begins(there, ORIGIN) || !begins(here, "refs/heads/") ||
		strcmp(there + strlen(ORIGIN), here + strlen("refs/heads/")) != 0)
		return false;
	return is_branch_again(g, base, there + strlen(ORIGIN), value_of(g, base, there));
}

/* Whether only a clone of this repository adds the ref (gitview.h). */
static bool is_of_a_clone(const struct gitview *g, const struct ref *r)
{
	const char *name = begins(r->name, ORIGIN) ? r->name + strlen(ORIGIN) : NULL;

	if (!name)
		return false;
	return strcmp(name, "HEAD") == 0 ? is_head_again(g, r->base, r->value)
					 : is_branch_again(g, r->base, name, r->value);
}

void gitview_end(struct gitview *g, struct digest *d)
{
	const char *base = NULL;

	settle_refs(g);
	for (size_t i = 0; i < g->ref_count; i++) {
		const struct ref *r = &g->refs[i];

		if (is_of_a_clone(g, r))
			continue;
		if (!base || compare_bases(base, r->base) != 0) {
			digest_text(d, "repository");
			digest_text(d, r->base);
			base = r->base;
		}
		digest_text(d, "ref");
		digest_text(d, r->name);
		digest_text(d, r->value);
		/* The value may name a ref that is ignored itself, so add the commit. */
		digest_text(d, commit_of(g, r->base, r->value));
	}
}

/* ---- the index ---- */

struct index {
	const unsigned char *data;
	size_t len, at;
	unsigned version;
	size_t hash;                       /* bytes of an object's name */
	char previous[LIMIT_TAR_PATH + 1]; /* the previous path, for version 4 */
	size_t previous_len;
};

enum {
	INDEX_HEAD = 12,
	ENTRY_MODE = 24, /* after times, device and inode; followed by user, group and size */
	ENTRY_OBJECT = 40,
	FLAGS_NO_TIMES = 0xb000, /* assume-valid and stage; not "extended", not the path's length */
	FLAG_EXTENDED = 0x4000,
};

static uint32_t be32(const unsigned char *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

/*
 * The number of bytes to remove from the end of the previous path; false if the number is
 * incomplete.
 */
static bool read_cut(struct index *x, size_t *ret_cut)
{
	uint64_t value = 0;

	for (int i = 0; i < 4 && x->at < x->len; i++) {
		unsigned char c = x->data[x->at++];

		value = i ? ((value + 1) << 7 | (c & 127)) : (c & 127);
		if (!(c & 128)) {
			*ret_cut = value;
			return true;
		}
	}
	return false;
}

/* Read the path of an entry into x->previous. */
static bool read_path(struct index *x, size_t start)
{
	size_t cut = x->previous_len, keep, n;
	const unsigned char *end;

	if (x->version == 4 && !read_cut(x, &cut))
		return false;
	end = x->at < x->len ? memchr(x->data + x->at, '\0', x->len - x->at) : NULL;
	if (!end || cut > x->previous_len)
		return false;
	keep = x->version == 4 ? x->previous_len - cut : 0;
	n = (size_t)(end - (x->data + x->at));
	if (keep + n == 0 || keep + n > LIMIT_TAR_PATH)
		return false;
	memcpy(x->previous + keep, x->data + x->at, n);
	x->previous_len = keep + n;
	x->previous[x->previous_len] = '\0';
	x->at += n + 1;
	/*
	 * Up to version 3, entries are padded with one to eight zeros to a multiple of eight bytes.
	 */
	if (x->version < 4)
		x->at = start + ((x->at - 1 - start + 8) & ~(size_t)7);
	return x->at <= x->len;
}

static bool read_entry(struct index *x, struct digest *d)
{
	size_t start = x->at, fixed = ENTRY_OBJECT + x->hash + 2;
	unsigned flags, more = 0;
	unsigned char kept[4];

	if (x->len - start < fixed + 2)
		return false;
	flags = (unsigned)x->data[start + fixed - 2] << 8 | x->data[start + fixed - 1];
	x->at = start + fixed;
	if (flags & FLAG_EXTENDED) {
		if (x->version < 3)
			return false;
		more = (unsigned)x->data[x->at] << 8 | x->data[x->at + 1];
		x->at += 2;
	}
	if (!read_path(x, start))
		return false;
	flags &= FLAGS_NO_TIMES;
	kept[0] = (unsigned char)(flags >> 8);
	kept[1] = (unsigned char)flags;
	kept[2] = (unsigned char)(more >> 8);
	kept[3] = (unsigned char)more;
	digest_add(d, x->data + start + ENTRY_MODE, 4);
	digest_add(d, x->data + start + ENTRY_OBJECT, x->hash);
	digest_add(d, kept, sizeof(kept));
	digest_add(d, x->previous, x->previous_len + 1);
	return true;
}

/* Extensions that are caches or contain times: not visible to a plan. */
static bool is_passing_extension(const unsigned char *name)
{
	static const char *const names[] = {"TREE", "UNTR", "FSMN", "EOIE", "IEOT"};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (memcmp(name, names[i], 4) == 0)
			return true;
	return false;
}

/* Up to the checksum at the end. */
static bool read_extensions(struct index *x, struct digest *d)
{
	size_t end = x->len - x->hash;

	while (x->at < end) {
		const unsigned char *head = x->data + x->at;
		uint32_t size;

		if (end - x->at < 8)
			return false;
		size = be32(head + 4);
		if (size > end - x->at - 8)
			return false;
		if (!is_passing_extension(head))
			digest_add(d, head, 8 + (size_t)size);
		x->at += 8 + (size_t)size;
	}
	return x->at == end;
}

static bool read_index_of(const char *data, size_t len, size_t hash, struct digest *d)
{
	auto_free struct index *x = mem_alloc(sizeof(*x));
	uint32_t count;

	x->data = (const unsigned char *)data;
	x->len = len;
	x->hash = hash;
	if (len < INDEX_HEAD + hash || memcmp(data, "DIRC", 4) != 0)
		return false;
	x->version = be32(x->data + 4);
	if (x->version < 2 || x->version > 4)
		return false;
	count = be32(x->data + 8);
	x->at = INDEX_HEAD;
	for (uint32_t i = 0; i < count; i++)
		if (!read_entry(x, d))
			return false;
	return x->at <= len - hash && read_extensions(x, d);
}

/* The file does not contain the kind of its object names, so try both. */
static bool read_index(const char *data, size_t len, struct digest *d)
{
	static const size_t hashes[] = {20, 32};

	for (size_t i = 0; i < ARRAY_SIZE(hashes); i++) {
		struct digest *entries = digest_new();
		bool whole = read_index_of(data, len, hashes[i], entries);
		struct digest_text text = digest_end(entries);

		if (whole) {
			digest_add(d, text.s, sizeof(text.s));
			return true;
		}
	}
	return false;
}

/* ---- config ---- */

/* The lines of a text, without the newlines. */
struct lines {
	const char *at, *end;
};

static bool next_line(struct lines *l, const char **ret_line, size_t *ret_len)
{
	const char *end = l->at < l->end ? memchr(l->at, '\n', (size_t)(l->end - l->at)) : NULL;

	if (!end)
		return false;
	*ret_line = l->at;
	*ret_len = (size_t)(end - l->at);
	l->at = end + 1;
	return true;
}

static bool is_line(struct lines *l, const char *wanted)
{
	const char *line;
	size_t n;

	return next_line(l, &line, &n) && n == strlen(wanted) && memcmp(line, wanted, n) == 0;
}

/* A line with a URL that git reads without unescaping. */
static bool is_url(struct lines *l)
{
	static const char key[] = "\turl = ";
	const char *line;
	size_t n;

	return next_line(l, &line, &n) && n > strlen(key) && begins(line, key) &&
		line[n - 1] != '\\' && line[n - 1] != '\r' && !memchr(line, '"', n) &&
		!memchr(line, '#', n) && !memchr(line, ';', n);
}

/*
 * Whether the section ends here: the next line that is not a comment starts another section, or
 * there is none.
 */
static bool is_over(struct lines l)
{
	const char *line;
	size_t n;

	while (next_line(&l, &line, &n))
		if (n == 0 || *line != '#')
			return n && *line == '[';
	return true;
}

/* [branch "NAME"] as written by git clone, which tracks the branch with the same name. */
static bool is_branch_section(struct lines *l, const char *line, size_t n)
{
	static const char before[] = "[branch \"", after[] = "\"]";
	size_t rest = strlen(before) + strlen(after);
	auto_free char *merge = NULL, *name = NULL;

	if (n <= rest || !begins(line, before) || memcmp(line + n - strlen(after), after, 2) != 0)
		return false;
	name = mem_strndup(line + strlen(before), n - rest);
	if (strpbrk(name, "\"\\"))
		return false;
	merge = mem_printf("\tmerge = refs/heads/%s", name);
	return is_line(l, "\tremote = origin") && is_line(l, merge) && is_over(*l);
}

static bool is_origin_section(struct lines *l, const char *line, size_t n)
{
	static const char name[] = "[remote \"origin\"]";

	return n == strlen(name) && memcmp(line, name, n) == 0 && is_url(l) &&
		is_line(l, "\tfetch = +refs/heads/*:refs/remotes/origin/*") && is_over(*l);
}

/* Whether another section could change the meaning of those written by `git clone`. */
static bool names_peers(const char *text)
{
	return strcasestr(text, "[remote") || strcasestr(text, "[branch") ||
		strcasestr(text, "[include");
}

/* All lines except the sections that are exactly as `git clone` writes them. */
static void add_others(struct lines all, struct buf *others)
{
	const char *line;
	bool goes_on = false; /* the previous line ends in a backslash: no section starts here */
	size_t n;

	while (next_line(&all, &line, &n)) {
		struct lines origin = all, branch = all;

		if (!goes_on && is_origin_section(&origin, line, n)) {
			all = origin;
		} else if (!goes_on && is_branch_section(&branch, line, n)) {
			all = branch;
		} else {
			buf_add(others, line, n + 1);
			goes_on = n && line[n - 1] == '\\';
		}
	}
}

static bool read_config(const char *data, size_t len, struct digest *d)
{
	auto_buf struct buf others = {0};

	if (memchr(data, '\0', len) || (len && data[len - 1] != '\n'))
		return false;
	buf_init(&others, len);
	add_others((struct lines){data, data + len}, &others);
	if (names_peers(others.data))
		digest_add(d, data, len);
	else
		digest_add(d, others.data, others.len);
	return true;
}

bool gitview_read(struct gitview *g, const char *data, size_t len, struct digest *d)
{
	switch (g->kind) {
	case FILE_HEAD:
		digest_text(d, g->shell.s);
		return read_ref(g, data, len);
	case FILE_REF:
		return read_ref(g, data, len);
	case FILE_PACKED_REFS:
		return read_packed_refs(g, data, len);
	case FILE_INDEX:
		digest_text(d, g->shell.s);
		return read_index(data, len, d);
	case FILE_CONFIG:
		digest_text(d, g->shell.s);
		return read_config(data, len, d);
	case FILE_PLAIN:
	case FILE_IGNORED:
		break;
	}
	return false;
}
