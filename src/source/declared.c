/* SPDX-License-Identifier: Apache-2.0 */
#include "source/declared.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/num.h"
#include "base/text.h"
#include "data/pack.h"
#include "data/tar.h"
#include "os/fd.h"
#include "os/path.h"
#include "os/space.h"
#include "os/temporary.h"
#include "source/limits.h"

enum { SHOWN_MAX = 300 };

static int refuse(const char *path, const char *why, struct err *e)
{
	auto_free char *shown = text_safe(path, SHOWN_MAX);

	return err_set(e, ERR_INPUT, "the file '%s' of the source, which it reads, %s", shown, why);
}

/* O_NONBLOCK: a fifo must not make it wait. */
static int open_declared(int root, const char *path, int *ret_fd, struct err *e)
{
	auto_fd int fd = -1;
	const char *why;
	struct stat st;

	if (!tar_path_is_plain(path, &why))
		return refuse(path, why, e);
	fd = fd_open_beneath(root, path, O_RDONLY | O_NONBLOCK | O_NOCTTY);
	if (fd < 0 && errno == ELOOP)
		return refuse(path, "is reached by a symbolic link: name the file itself", e);
	if (fd < 0 && (errno == ENOENT || errno == ENOTDIR))
		return refuse(path, "is not there", e);
	if (fd < 0)
		return refuse(path, strerror(errno), e);
	if (fstat(fd, &st) < 0)
		return err_sys(e, "%s", path);
	if (!S_ISREG(st.st_mode))
		return refuse(path, "is not a regular file", e);
	if ((uint64_t)st.st_size > LIMIT_DECLARED_BYTES) {
		auto_free char *size = mem_printf("has %s, more than the limit of %s",
			num_show_size_beside((uint64_t)st.st_size, LIMIT_DECLARED_BYTES).s,
			num_show_size_beside(LIMIT_DECLARED_BYTES, (uint64_t)st.st_size).s);

		return refuse(path, size, e);
	}
	*ret_fd = fd_steal(&fd);
	return 0;
}

/* ---- which files ---- */

void declared_release(struct declared *d)
{
	for (size_t i = 0; i < d->count; i++)
		free(d->files[i].path);
	free(d->files);
	*d = (struct declared){0};
}

static void add_file(struct declared *d, const char *path, bool empty)
{
	if (d->count == d->room) {
		d->room = d->room ? 2 * d->room : 16;
		d->files = mem_resize(d->files, d->room, sizeof(*d->files));
	}
	d->files[d->count++] = (struct declared_file){.path = mem_strdup(path), .empty = empty};
}

static bool has_file(const struct declared *d, const char *path)
{
	for (size_t i = 0; i < d->count; i++)
		if (strcmp(d->files[i].path, path) == 0)
			return true;
	return false;
}

/* A finding of one action; all that it finds goes to the same list. */
struct search {
	int root;
	const struct action *action;
	struct action_reads reads;
	struct declared *found;
	size_t first; /* of this action */
};

static void reads_release(struct action_reads *r)
{
	strv_release(&r->files);
	strv_release(&r->optional);
	strv_release(&r->names);
	strv_release(&r->without);
}

static int check_count(const struct search *s, struct err *e)
{
	if (s->found->count - s->first <= LIMIT_DECLARED_FILES)
		return 0;
	return err_set(
		e, ERR_INPUT, "it reads more than %d files of the source", LIMIT_DECLARED_FILES);
}

/* ---- files that others name ---- */

static void add_followed(struct search *s, const struct strv *named)
{
	strv_each (named, path) {
		auto_free char *rooted = mem_printf("/%s", *path);
		auto_free char *plain = path_absolute(rooted);

		if (plain[1] && !has_file(s->found, plain + 1))
			add_file(s->found, plain + 1, false);
	}
}

static int follow(struct search *s, int fd, const char *path, struct err *e)
{
	auto_strv struct strv named = {0};
	auto_buf struct buf text = {0};

	buf_init(&text, LIMIT_DECLARED_BYTES + 1);
	if (fd_read_to_end(fd, path, &text, e) < 0)
		return -1;
	s->action->follow(path, text.len ? text.data : "", &named);
	add_followed(s, &named);
	return check_count(s, e);
}

/* The list grows while it is read. */
static int check_files(struct search *s, struct err *e)
{
	for (size_t i = s->first; i < s->found->count; i++) {
		const struct declared_file *file = &s->found->files[i];
		auto_free char *path = mem_strdup(file->path);
		auto_fd int fd = -1;

		if (file->empty)
			continue;
		if (open_declared(s->root, path, &fd, e) < 0)
			return -1;
		if (s->action->follow && follow(s, fd, path, e) < 0)
			return -1;
	}
	return 0;
}

/* ---- patterns ---- */

#define EVERYWHERE "**/"

static bool is_pattern(const char *path)
{
	return strncmp(path, EVERYWHERE, strlen(EVERYWHERE)) == 0;
}

static bool matches(const char *name, const char *pattern)
{
	const char *wanted = pattern + strlen(EVERYWHERE);
	size_t len = strlen(name), tail = strlen(wanted + 1);

	if (*wanted != '*')
		return strcmp(name, wanted) == 0;
	return len > tail && strcmp(name + len - tail, wanted + 1) == 0;
}

static bool matches_any(const char *name, const struct strv *patterns)
{
	strv_each (patterns, pattern)
		if (is_pattern(*pattern) && matches(name, *pattern))
			return true;
	return false;
}

static void take_file(struct search *s, const char *path, const char *name)
{
	if (matches_any(name, &s->reads.optional))
		add_file(s->found, path, false);
	else if (matches_any(name, &s->reads.names))
		add_file(s->found, path, true);
}

static int kind_of(DIR *d, const struct dirent *entry)
{
	struct stat st;

	if (entry->d_type != DT_UNKNOWN)
		return entry->d_type;
	if (fstatat(dirfd(d), entry->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return DT_UNKNOWN;
	return IFTODT(st.st_mode);
}

static int take_entry(
	struct search *s, const char *path, const char *name, int kind, struct strv *todo)
{
	if (kind == DT_REG)
		take_file(s, path, name);
	else if (kind == DT_DIR && name[0] != '.' && !strv_has(&s->reads.without, name))
		strv_push(todo, path);
	return todo->count <= LIMIT_DECLARED_DIRECTORIES ? 0 : -1;
}

static int walk_directory(struct search *s, const char *directory, struct strv *todo, struct err *e)
{
	int fd = fd_open_beneath(s->root, directory, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *entry;
	int result = 0;

	if (!d) {
		int cause = errno;

		fd_close(fd);
		return refuse(directory, strerror(cause), e);
	}
	while (result == 0 && (entry = readdir(d))) {
		auto_free char *path = strcmp(directory, ".") == 0
			? mem_strdup(entry->d_name)
			: path_join(directory, entry->d_name);

		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		if (take_entry(s, path, entry->d_name, kind_of(d, entry), todo) < 0)
			result = err_set(e, ERR_INPUT, "the source has more than %d directories",
				LIMIT_DECLARED_DIRECTORIES);
		else
			result = check_count(s, e);
	}
	closedir(d);
	return result;
}

static int walk(struct search *s, struct err *e)
{
	auto_strv struct strv todo = {0};

	strv_push(&todo, ".");
	while (todo.count > 0) {
		auto_free char *directory = todo.items[todo.count - 1];

		todo.items[--todo.count] = NULL;

		if (walk_directory(s, directory, &todo, e) < 0)
			return -1;
	}
	return 0;
}

static bool has_pattern(const struct strv *paths)
{
	strv_each (paths, path)
		if (is_pattern(*path))
			return true;
	return false;
}

static int find_optional(struct search *s, const struct strv *paths, bool empty, struct err *e)
{
	strv_each (paths, path) {
		struct stat st;

		if (is_pattern(*path))
			continue;
		if (fstatat(s->root, *path, &st, AT_SYMLINK_NOFOLLOW) == 0)
			add_file(s->found, *path, empty);
		else if (errno != ENOENT && errno != ENOTDIR)
			return refuse(*path, strerror(errno), e);
	}
	return 0;
}

static int find_all(struct search *s, struct err *e)
{
	strv_each (&s->reads.files, path)
		add_file(s->found, *path, false);
	if (find_optional(s, &s->reads.optional, false, e) < 0 ||
		find_optional(s, &s->reads.names, true, e) < 0)
		return -1;
	if ((has_pattern(&s->reads.optional) || has_pattern(&s->reads.names)) && walk(s, e) < 0)
		return -1;
	return check_count(s, e) < 0 ? -1 : check_files(s, e);
}

int declared_find(int root, const struct entry *entry, struct declared *ret, struct err *e)
{
	struct search s = {
		.root = root, .action = entry->action, .found = ret, .first = ret->count};
	struct err why = {0};
	int result;

	if (!entry->action->reads)
		return 0;
	entry->action->reads(entry, &s.reads);
	result = find_all(&s, &why);
	reads_release(&s.reads);
	return result < 0 ? node_err(entry->node, entry->file, e, "%s", why.msg) : 0;
}

bool declared_is_silent(const struct entry *entry)
{
	struct action_reads reads = {0};
	bool silent;

	if (!entry->action->reads)
		return false;
	entry->action->reads(entry, &reads);
	silent = reads.files.count + reads.optional.count + reads.names.count == 0;
	reads_release(&reads);
	return silent;
}

/* ---- packing ---- */

/* In a sorted walk (tar.h), a directory is followed by what is in it. */
static int rank(char c)
{
	if (c == '\0')
		return 0;
	return c == '/' ? 1 : (unsigned char)c + 1;
}

/* Of two with one path, the one with contents comes first. */
static int by_walk(const void *a, const void *b)
{
	const struct declared_file *one = a, *other = b;
	const char *x = one->path, *y = other->path;

	while (*x && *x == *y) {
		x++;
		y++;
	}
	return *x || *y ? rank(*x) - rank(*y) : one->empty - other->empty;
}

/* The directories of `path` that are not those of `previous`, which is packed. */
static int add_directories(struct packer *p, const char *path, const char *previous, struct err *e)
{
	for (const char *slash = strchr(path, '/'); slash; slash = strchr(slash + 1, '/')) {
		size_t len = (size_t)(slash - path);
		auto_free char *directory = mem_strndup(path, len);

		if (strncmp(previous, path, len + 1) != 0 &&
			pack_add_dir(p, directory, 0755, e) < 0)
			return -1;
	}
	return 0;
}

static int add_to_archive(
	struct packer *p, int root, const struct declared_file *file, struct err *e)
{
	auto_fd int fd = -1;

	if (file->empty)
		return pack_add_file(p, file->path, 0644, "", 0, e);
	if (open_declared(root, file->path, &fd, e) < 0)
		return -1;
	return pack_add_fd(p, file->path, 0644, fd, e);
}

static int add_all(struct packer *p, int root, const struct declared *sorted, struct err *e)
{
	const char *previous = "";

	for (size_t i = 0; i < sorted->count; i++) {
		const struct declared_file *file = &sorted->files[i];

		if (strcmp(file->path, previous) == 0)
			continue;
		if (add_directories(p, file->path, previous, e) < 0 ||
			add_to_archive(p, root, file, e) < 0)
			return -1;
		previous = file->path;
	}
	return 0;
}

/* ---- the digest of what is packed ---- */

static bool on_entry(void *arg, const struct pack_entry *entry)
{
	digest_add(arg, entry->header, entry->header_len);
	return true;
}

static void on_data(void *arg, const char *data, size_t len)
{
	digest_add(arg, data, len);
}

static void on_zeros(void *arg, uint64_t len)
{
	static const char zeros[4096];

	while (len) {
		size_t n = len < sizeof(zeros) ? (size_t)len : sizeof(zeros);

		digest_add(arg, zeros, n);
		len -= n;
	}
}

/* to -1: nothing is written. */
static int pack_sorted(int root, const struct declared *sorted, int to, struct digest *digest,
	struct pack_result *ret, struct err *e)
{
	const struct pack_sink sink = {
		.entry = on_entry, .data = on_data, .zeros = on_zeros, .arg = digest};
	const struct pack_options options = {
		.sink = &sink, .out_is_zero = true, .max_bytes = LIMIT_SOURCE_BYTES};
	auto_packer struct packer *p = pack_begin(to, &options);

	return add_all(p, root, sorted, e) < 0 ? -1 : pack_end(p, ret, e);
}

static int pack_to(
	int root, struct declared *d, int to, struct digest_text *ret_digest, struct err *e)
{
	auto_pack_result struct pack_result result = {0};
	struct digest *digest = digest_new();
	int packed;

	if (d->count > 1)
		qsort(d->files, d->count, sizeof(*d->files), by_walk);
	packed = pack_sorted(root, d, to, digest, &result, e);
	*ret_digest = digest_end(digest);
	if (packed == 0 && to >= 0 && ftruncate(to, (off_t)result.bytes) < 0)
		packed = err_sys(e, "cut the archive");
	if (packed == 0)
		return 0;
	if (to >= 0)
		space_explain(e, to);
	return err_wrap(e, "pack the files of the source for actions that fetch");
}

int declared_pack(int root, struct declared *d, const struct config *config, int *ret_fd,
	struct digest_text *ret_digest, struct err *e)
{
	auto_fd int to = -1;

	if (temporary_file(config->tmpdir, &to, e) < 0 || pack_to(root, d, to, ret_digest, e) < 0)
		return -1;
	*ret_fd = fd_steal(&to);
	return 0;
}

int declared_digest(int root, struct declared *d, struct digest_text *ret_digest, struct err *e)
{
	return pack_to(root, d, -1, ret_digest, e);
}
