/* SPDX-License-Identifier: Apache-2.0 */
/* Formats: gitrepository-layout(5), gitformat-index(5), git-pack-refs(1), git-config(1). */
#include "host/gitview.h"

#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/limits.h"
#include "base/path.h"
#include "base/strv.h"

enum file_kind { FILE_PLAIN, FILE_IGNORED, FILE_REF, FILE_PACKED_REFS, FILE_INDEX, FILE_CONFIG };

/* A ref of the repository `base`, which is a path in the archive. */
struct ref {
	char *base, *name, *value;
	size_t order; /* of the two of one name the later one counts: packed ones come first */
};

struct gitview {
	struct strv
		bases; /* the repository directories around the entry at hand, outermost first */
	enum file_kind kind;
	char *path;         /* of the entry at hand */
	const char *inside; /* its path in the innermost repository directory */
	struct ref *refs;
	size_t ref_count, ref_room;
};

struct gitview *gitview_new(void)
{
	return mem_alloc(sizeof(struct gitview));
}

void gitview_free(struct gitview *g)
{
	if (!g)
		return;
	for (size_t i = 0; i < g->ref_count; i++) {
		free(g->refs[i].base);
		free(g->refs[i].name);
		free(g->refs[i].value);
	}
	free(g->refs);
	free(g->path);
	strv_release(&g->bases);
	free(g);
}

/* ---- which file is what ---- */

static bool begins(const char *s, const char *prefix)
{
	return strncmp(s, prefix, strlen(prefix)) == 0;
}

static bool is_hex(const char *s, size_t len)
{
	return strlen(s) == len && strspn(s, "0123456789abcdef") == len;
}

/* "12/34..." of 40 or 64 digits, files of packs, and what only makes reading faster. */
static bool is_object(const char *name)
{
	if (begins(name, "pack/pack-") || begins(name, "pack/multi-pack-index") ||
		begins(name, "info/commit-graph") || strcmp(name, "info/packs") == 0)
		return true;
	return strlen(name) > 3 && name[2] == '/' && strspn(name, "0123456789abcdef") == 2 &&
		(is_hex(name + 3, 38) || is_hex(name + 3, 62));
}

static bool is_note(const char *name)
{
	static const char *const notes[] = {
		"FETCH_HEAD", "ORIG_HEAD", "COMMIT_EDITMSG", "gc.log", "info/refs"};

	for (size_t i = 0; i < ARRAY_SIZE(notes); i++)
		if (strcmp(name, notes[i]) == 0)
			return true;
	return begins(name, "logs/") && strcmp(name, "logs/refs/stash") != 0;
}

static bool is_below(const char *name, const char *dir)
{
	size_t len = strlen(dir);

	return strncmp(name, dir, len) == 0 && (name[len] == '\0' || name[len] == '/');
}

static enum file_kind kind_of_directory(const char *name)
{
	return is_below(name, "objects") || is_below(name, "refs") || is_below(name, "logs")
		? FILE_IGNORED
		: FILE_PLAIN;
}

static enum file_kind kind_of_file(const char *name)
{
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

/* ---- where repositories are ---- */

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

static bool has(int dir, const char *name)
{
	return dir < 0 || faccessat(dir, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

static bool is_repository(const struct gitview *g, int dir)
{
	if (strcmp(path_base(g->path), ".git") == 0)
		return has(dir, "HEAD");
	if (!g->inside)
		return false;
	if (begins(g->inside, "worktrees/"))
		return !strchr(g->inside + strlen("worktrees/"), '/');
	return begins(g->inside, "modules/") && has(dir, "HEAD") && has(dir, "objects") &&
		has(dir, "refs");
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
	if (g->inside && t->type == TAR_DIR)
		g->kind = kind_of_directory(g->inside);
	else if (g->inside && t->type == TAR_FILE)
		g->kind = kind_of_file(g->inside);
	if (g->kind == FILE_PLAIN)
		return GITVIEW_AS_IT_IS;
	return g->kind == FILE_IGNORED ? GITVIEW_IGNORED : GITVIEW_READ;
}

/* ---- refs ---- */

static void add_ref(
	struct gitview *g, const char *name, size_t name_len, const char *value, size_t value_len)
{
	if (g->ref_count == g->ref_room) {
		g->ref_room = g->ref_room ? 2 * g->ref_room : 64;
		g->refs = mem_resize(g->refs, g->ref_room, sizeof(*g->refs));
	}
	g->refs[g->ref_count] = (struct ref){
		.base = mem_strdup(g->bases.items[g->bases.count - 1]),
		.name = mem_printf("%.*s", (int)name_len, name),
		.value = mem_printf("%.*s", (int)value_len, value),
		.order = g->ref_count,
	};
	g->ref_count++;
}

/* One line, and nothing that would end a text. */
static bool read_ref(struct gitview *g, const char *data, size_t len)
{
	size_t line = len && data[len - 1] == '\n' ? len - 1 : len;

	if (line == 0 || line > LIMIT_TAR_PATH || memchr(data, '\0', len) ||
		memchr(data, '\n', line))
		return false;
	add_ref(g, g->inside, strlen(g->inside), data, line);
	return true;
}

/* "HEX NAME"; comments, and "^HEX", which says what a tag is of, can be told from the others. */
static bool is_packed_ref(const char *line, size_t len)
{
	size_t hex = 0;

	while (hex < len && strchr("0123456789abcdef", line[hex]))
		hex++;
	return (hex == 40 || hex == 64) && hex + 6 < len && line[hex] == ' ' &&
		begins(line + hex + 1, "refs/") && len - hex <= LIMIT_TAR_PATH;
}

static bool read_packed_refs(struct gitview *g, const char *data, size_t len)
{
	const char *end = data + len;

	if (memchr(data, '\0', len) || (len && end[-1] != '\n'))
		return false;
	for (const char *line = data, *next; line < end; line = next) {
		const char *space;
		size_t n;

		next = (const char *)memchr(line, '\n', (size_t)(end - line)) + 1;
		n = (size_t)(next - line) - 1;
		if (*line == '#' || *line == '^')
			continue;
		if (!is_packed_ref(line, n))
			return false;
		space = memchr(line, ' ', n);
		add_ref(g, space + 1, n - (size_t)(space + 1 - line), line, (size_t)(space - line));
	}
	return true;
}

static int by_name(const void *a, const void *b)
{
	const struct ref *x = a, *y = b;
	int base = strcmp(x->base, y->base), name = strcmp(x->name, y->name);

	if (base || name)
		return base ? base : name;
	return x->order < y->order ? -1 : 1;
}

/* "refs/heads/x" and "refs/remotes/origin/x" are "branch x"; NULL: it does not count. */
static char *canonical_name(const char *name)
{
	const char *branch = NULL;

	if (begins(name, "refs/heads/"))
		branch = name + strlen("refs/heads/");
	else if (begins(name, "refs/remotes/")) {
		branch = strchr(name + strlen("refs/remotes/"), '/');
		if (branch && strcmp(branch, "/HEAD") == 0)
			return NULL;
		branch = branch ? branch + 1 : NULL;
	}
	return branch ? mem_printf("branch %s", branch) : mem_strdup(name);
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

void gitview_end(struct gitview *g, struct digest *d)
{
	auto_strv struct strv lines = {0};

	if (g->ref_count)
		qsort(g->refs, g->ref_count, sizeof(*g->refs), by_name);
	for (size_t i = 0; i < g->ref_count; i++) {
		const struct ref *r = &g->refs[i], *next = r + 1;
		auto_free char *name = canonical_name(r->name);
		bool replaced = i + 1 < g->ref_count && strcmp(next->base, r->base) == 0 &&
			strcmp(next->name, r->name) == 0;

		if (name && !replaced)
			strv_pushf(&lines, "ref\n%s\n%s\n%s\n", r->base, name, r->value);
	}
	if (lines.count)
		qsort(lines.items, lines.count, sizeof(*lines.items), by_text);
	for (size_t i = 0; i < lines.count; i++)
		if (i == 0 || strcmp(lines.items[i - 1], lines.items[i]) != 0)
			digest_add(d, lines.items[i], strlen(lines.items[i]) + 1);
}

/* ---- the index ---- */

struct index {
	const unsigned char *data;
	size_t len, at;
	unsigned version;
	size_t hash;                       /* bytes of an object's name */
	char previous[LIMIT_TAR_PATH + 1]; /* the path before, for version 4 */
	size_t previous_len;
};

enum {
	INDEX_HEAD = 12,
	ENTRY_MODE = 24, /* behind times, device and inode; then user, group and size */
	ENTRY_OBJECT = 40,
	FLAGS_NO_TIMES = 0xb000, /* assume-valid and stage; not "extended", not the path's length */
	FLAG_EXTENDED = 0x4000,
};

static uint32_t be32(const unsigned char *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

/* How many bytes of the path before are cut off; false when it does not end. */
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

/* The path of an entry, into x->previous. */
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
	/* Up to version 3 an entry has one to eight zeros behind it, to a multiple of eight. */
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

/* What git can make again, or what says when it looked: not part of what a plan sees. */
static bool is_passing_extension(const unsigned char *name)
{
	static const char *const names[] = {"TREE", "UNTR", "FSMN", "EOIE", "IEOT"};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (memcmp(name, names[i], 4) == 0)
			return true;
	return false;
}

/* Up to the digest at the end. */
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

/* Which of the two kinds of names it has is not in it: it is the one by which it can be read. */
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

/* Only a line of the simplest form is left out; git reads any other, so it counts. */
static bool is_simple(const char *line, size_t len)
{
	return len && line[len - 1] != '\\' && !memchr(line, '"', len) && !memchr(line, '[', len) &&
		!memchr(line, '#', len) && !memchr(line, ';', len) && !memchr(line, '\r', len);
}

/* [remote "x"] or [branch "x"], and nothing else in the line. */
static bool is_peer_section(const char *line, size_t len)
{
	const char *name = line + strlen("[remote \"");

	if (len < strlen("[remote \"x\"]") ||
		(!begins(line, "[remote \"") && !begins(line, "[branch \"")))
		return false;
	return line[len - 1] == ']' && line[len - 2] == '"' &&
		!memchr(name, '"', len - 2 - (size_t)(name - line)) &&
		!memchr(name, '\\', len - 2 - (size_t)(name - line));
}

static bool is_peer_key(const char *line, size_t len)
{
	static const char *const keys[] = {"\turl = ", "\tfetch = ", "\tremote = ", "\tmerge = "};

	for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
		if (len > strlen(keys[i]) && begins(line, keys[i]))
			return is_simple(line, len);
	return false;
}

static bool read_config(const char *data, size_t len, struct digest *d)
{
	const char *end = data + len, *section = NULL; /* a peer's, of which nothing counted yet */
	size_t section_len = 0;
	bool peer = false;

	if (memchr(data, '\0', len) || (len && end[-1] != '\n'))
		return false;
	for (const char *line = data, *next; line < end; line = next) {
		size_t n;

		next = (const char *)memchr(line, '\n', (size_t)(end - line)) + 1;
		n = (size_t)(next - line) - 1;
		if (is_peer_section(line, n)) {
			peer = true;
			section = line;
			section_len = n + 1;
			continue;
		}
		if (peer && is_peer_key(line, n))
			continue;
		if (section)
			digest_add(d, section, section_len);
		section = NULL;
		peer = peer && is_simple(line, n);
		digest_add(d, line, n + 1);
	}
	return true;
}

bool gitview_read(struct gitview *g, const char *data, size_t len, struct digest *d)
{
	switch (g->kind) {
	case FILE_REF:
		return read_ref(g, data, len);
	case FILE_PACKED_REFS:
		return read_packed_refs(g, data, len);
	case FILE_INDEX:
		digest_add(d, g->path, strlen(g->path) + 1);
		return read_index(data, len, d);
	case FILE_CONFIG:
		digest_add(d, g->path, strlen(g->path) + 1);
		return read_config(data, len, d);
	case FILE_PLAIN:
	case FILE_IGNORED:
		break;
	}
	return false;
}
