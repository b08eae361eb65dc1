/* SPDX-License-Identifier: Apache-2.0 */
#include "host/repository.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/fd.h"
#include "base/limits.h"
#include "base/path.h"
#include "base/text.h"

enum { SHOWN_MAX = 300 };

struct search {
	char *source; /* its real path */
	int root;
	uid_t owner;
	const struct strv *named; /* NULL: nothing outside may be used */
	struct repository *found;
};

void repository_release(struct repository *r)
{
	fd_close(r->common.fd);
	free(r->common.outside);
	fd_close(r->own.fd);
	free(r->own.outside);
	free(r->place);
	free(r->pointer);
	strv_release(&r->kept_alternates);
	for (size_t i = 0; i < r->alternate_count; i++) {
		fd_close(r->alternates[i].part.fd);
		free(r->alternates[i].part.outside);
		free(r->alternates[i].inside);
	}
	*r = (struct repository)REPOSITORY_EMPTY;
}

/* ---- reading ----------------------------------------------------------------------------- */

/* A small file beneath a directory. False when it is absent, no regular file, or not one text. */
static bool read_text(int dir, const char *path, struct buf *b)
{
	buf_init(b, LIMIT_GIT_POINTER);
	return fd_read_beneath(dir, path, b, NULL) == 0 && !memchr(b->data, '\0', b->len);
}

/* The one line of a file, without its end. The caller frees; NULL when there is no such line. */
static char *read_line(int dir, const char *path, const char *prefix)
{
	auto_buf struct buf b = {0};
	size_t skip = strlen(prefix);

	if (!read_text(dir, path, &b) || strncmp(b.data, prefix, skip) != 0)
		return NULL;
	while (b.len > skip && strchr("\r\n", b.data[b.len - 1]))
		b.data[--b.len] = '\0';
	if (b.len == skip || strchr(b.data, '\n'))
		return NULL;
	return mem_strdup(b.data + skip);
}

/* The absolute path of what a file in the directory `dir` names. The caller frees. */
static char *resolve(const char *dir, const char *name)
{
	auto_free char *joined = path_join(dir, name);

	return path_absolute(joined);
}

static bool exists_beneath(int dir, const char *path, mode_t type)
{
	auto_fd int fd = fd_open_beneath(dir, path, O_PATH | O_NOFOLLOW);
	struct stat st;

	return fd >= 0 && fstat(fd, &st) == 0 && (st.st_mode & S_IFMT) == type;
}

static bool is_owned(int dir, const char *path, uid_t owner)
{
	auto_fd int fd = fd_open_beneath(dir, path, O_PATH | O_NOFOLLOW);
	struct stat st;

	return fd >= 0 && fstat(fd, &st) == 0 && st.st_uid == owner;
}

/* ---- what the operator named ------------------------------------------------------------- */

/* Where a directory of `git_objects` has its objects, or with `objects` false its repository. */
static const char *part_of_named(int dir, bool objects)
{
	if (exists_beneath(dir, ".git", S_IFDIR))
		return objects ? ".git/objects" : ".git";
	return objects && exists_beneath(dir, "objects", S_IFDIR) ? "objects" : ".";
}

/* Is this the part of that directory? As the operator wrote it, or as it really is. */
static bool is_part(const char *named, const char *part, const char *wanted)
{
	auto_free char *as_written = resolve(named, part);
	auto_free char *real = realpath(named, NULL);
	auto_free char *as_it_is = real ? resolve(real, part) : NULL;

	return strcmp(as_written, wanted) == 0 || (as_it_is && strcmp(as_it_is, wanted) == 0);
}

/*
 * Open what the tree calls `wanted`, if the operator named it: by the operator's path. False when
 * it is not named, or not there.
 */
static bool open_named(
	const struct search *s, const char *wanted, bool objects, struct repository_part *ret)
{
	if (!s->named)
		return false;
	strv_each (s->named, named) {
		auto_fd int dir = open(*named, O_PATH | O_DIRECTORY | O_CLOEXEC);
		const char *part = dir < 0 ? NULL : part_of_named(dir, objects);
		int fd;

		if (!part || !is_part(*named, part, wanted))
			continue;
		fd = fd_open_beneath(dir, part, O_PATH | O_DIRECTORY);
		if (fd < 0)
			continue;
		*ret = (struct repository_part){fd, resolve(*named, part)};
		return true;
	}
	return false;
}

/* ---- messages ---------------------------------------------------------------------------- */

static int refuse(struct err *e, const char *fmt, ...) PRINTF_LIKE(2, 3);
static int refuse(struct err *e, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	(void)err_vset(e, ERR_INPUT, fmt, ap);
	va_end(ap);
	return err_because(e, "source_repository");
}

/* What is outside, and why it is not packed; `what` is "a linked worktree of", `path` is shown. */
static int refuse_outside(const struct search *s, const char *what, const char *path,
	const char *remedy, struct err *e)
{
	auto_free char *shown = text_safe(path, SHOWN_MAX);

	if (!s->named)
		return refuse(e,
			"%s %s, which is outside of the source, and a run with --cache-scope packs "
			"nothing from there: use a clone of its own as the source",
			what, shown);
	return refuse(e, "%s %s, which is outside of the source: %s", what, shown, remedy);
}

/* ---- alternates -------------------------------------------------------------------------- */

static int find_alternates(struct search *s, int dir, const char *file, const char *outside,
	const char *inside, struct err *e);

/* A directory of objects in the tree: it is packed with it. */
static int keep_alternate(struct repository *r, const char *line, const char *path, struct err *e)
{
	auto_free char *shown = text_safe(path, SHOWN_MAX);

	if (line[0] == '/')
		return refuse(e,
			"its repository takes objects from %s, which has another path in a "
			"machine: write a relative path in .git/objects/info/alternates",
			shown);
	strv_push(&r->kept_alternates, line);
	return 0;
}

/* One line of a file of alternates. outside, inside: the directory of objects that has the file. */
static int add_alternate(
	struct search *s, const char *line, const char *outside, const char *inside, struct err *e)
{
	struct repository *r = s->found;
	auto_free char *wanted = resolve(outside, line);
	struct repository_alternate *a = &r->alternates[r->alternate_count];

	if (path_is_below(wanted, s->source) && path_is_below(outside, s->source))
		return keep_alternate(r, line, wanted, e);
	if (r->alternate_count == REPOSITORY_ALTERNATES_MAX)
		return refuse(e, "its repository takes objects from more than %d others",
			REPOSITORY_ALTERNATES_MAX);
	if (!open_named(s, wanted, true, &a->part))
		return refuse_outside(s, "its repository takes objects from", wanted,
			"name that repository in 'git_objects' of the project, or copy the objects "
			"by 'git repack -a -d' and remove .git/objects/info/alternates",
			e);
	a->inside = line[0] == '/' ? resolve("/", line) : resolve(inside, line);
	r->alternate_count++;
	return find_alternates(s, a->part.fd, "info/alternates", wanted, a->inside, e);
}

static int find_alternates(struct search *s, int dir, const char *file, const char *outside,
	const char *inside, struct err *e)
{
	auto_buf struct buf b = {0};
	char *at, *line;

	if (!read_text(dir, file, &b))
		return 0;
	for (at = b.data; (line = strsep(&at, "\n"));)
		if (*line && *line != '#' && add_alternate(s, line, outside, inside, e) < 0)
			return -1;
	return 0;
}

/* ---- linked worktrees -------------------------------------------------------------------- */

/* A directory by its real path, through no symbolic link at all. */
static int open_real(const char *path)
{
	auto_fd int top = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);

	return top < 0 ? -1 : fd_open_beneath(top, path[1] ? path + 1 : ".", O_PATH | O_DIRECTORY);
}

/* Has the path a component `.git`? A commit cannot have one. */
static bool is_in_dot_git(const char *path)
{
	static const char name[] = "/.git";
	const char *at = path;

	while ((at = strstr(at, name))) {
		at += sizeof(name) - 1;
		if (*at == '\0' || *at == '/')
			return true;
	}
	return false;
}

/*
 * The repository that a worktree belongs to, from the path in its .git file: COMMON/worktrees/NAME.
 * NULL when the path is another. The caller frees.
 */
static char *common_of(const char *path)
{
	static const char middle[] = "/worktrees";
	auto_free char *above = path_parent(path);
	size_t len = strlen(above);

	if (len < sizeof(middle) || strcmp(above + len - (sizeof(middle) - 1), middle) != 0)
		return NULL;
	return path_parent(above);
}

static int refuse_worktree(const char *common, const char *why, struct err *e)
{
	auto_free char *shown = text_safe(common, SHOWN_MAX);

	return refuse(e, "its .git calls it a linked worktree of %s, %s", shown, why);
}

/* Does the repository say itself that this tree is its worktree? */
static bool is_named_back(const struct search *s, const struct repository *r)
{
	auto_free char *line = read_line(r->own.fd, "gitdir", "");
	auto_free char *named = line ? resolve(r->own.outside, line) : NULL;
	auto_free char *wanted = path_join(s->source, ".git");
	auto_free char *shared = read_line(r->own.fd, "commondir", "");
	auto_free char *common = shared ? resolve(r->own.outside, shared) : NULL;

	return named && strcmp(named, wanted) == 0 && common &&
		strcmp(common, r->common.outside) == 0;
}

static bool has_one_owner(const struct search *s, const struct repository *r)
{
	static const char *const common[] = {".", "HEAD", "objects", "refs", "config"};
	static const char *const own[] = {".", "HEAD", "gitdir"};
	bool same = is_owned(s->root, ".git", s->owner);

	for (size_t i = 0; i < ARRAY_SIZE(common); i++)
		same = same && is_owned(r->common.fd, common[i], s->owner);
	for (size_t i = 0; i < ARRAY_SIZE(own); i++)
		same = same && is_owned(r->own.fd, own[i], s->owner);
	return same;
}

static int check_worktree(const struct search *s, struct err *e)
{
	const struct repository *r = s->found;
	const char *common = r->common.outside;

	if (!is_named_back(s, r))
		return refuse_worktree(common,
			"which does not name it in turn: if one of them was moved, mend both by "
			"'git worktree repair'; else use a clone of its own as the source",
			e);
	if (!has_one_owner(s, r))
		return refuse_worktree(common,
			"but they do not have the same owner: use a clone of its own as the source",
			e);
	if (exists_beneath(r->own.fd, "reftable", S_IFDIR))
		return refuse_worktree(common,
			"whose format (reftable) cannot be packed for one worktree: use a clone of "
			"its own as the source",
			e);
	if (exists_beneath(r->own.fd, "modules", S_IFDIR))
		return refuse_worktree(common,
			"and has submodules there, which cannot be packed from a worktree: use a "
			"clone of its own, with submodules, as the source",
			e);
	return 0;
}

/* Open both parts of the repository; refused where a stranger could have made them. */
static int open_worktree(
	struct search *s, char *common, const char *path, bool is_named, struct err *e)
{
	struct repository *r = s->found;
	auto_free char *own = mem_printf("worktrees/%s", path_base(path));

	if (!is_named && (!is_in_dot_git(common) || path_is_below(common, s->source)))
		return refuse_worktree(common,
			"which is not the .git of another tree: name that repository in "
			"'git_objects' of the project, or use a clone of its own as the source",
			e);
	r->common = (struct repository_part){open_real(common), mem_strdup(common)};
	if (r->common.fd < 0)
		return refuse_worktree(common,
			"which cannot be opened as a directory without symbolic links: "
			"mend it by 'git worktree repair', or use a clone of its own as the source",
			e);
	r->own = (struct repository_part){
		fd_open_beneath(r->common.fd, own, O_PATH | O_DIRECTORY), mem_strdup(path)};
	if (r->own.fd < 0)
		return refuse_worktree(common,
			"which has no such worktree any more: use a clone of its own as the source",
			e);
	return 0;
}

/* Is the repository of this path one that the operator named? Then *ret is its directory. */
static bool take_named(const struct search *s, const char *path, struct repository_part *ret)
{
	return open_named(s, path, false, ret);
}

static int find_worktree(struct search *s, char *common, const char *path, struct err *e)
{
	struct repository_part part = {.fd = -1};
	bool is_named = take_named(s, common, &part);

	fd_close(part.fd);
	free(part.outside);
	if (!s->named)
		return refuse_outside(s, "it is a linked worktree of", common, "", e);
	if (open_worktree(s, common, path, is_named, e) < 0 || check_worktree(s, e) < 0)
		return -1;
	s->found->kind = REPOSITORY_WORKTREE;
	return 0;
}

/* ---- the whole --------------------------------------------------------------------------- */

static int find_pointed(struct search *s, const char *path, struct err *e)
{
	auto_free char *common = common_of(path);

	if (common)
		return find_worktree(s, common, path, e);
	if (!take_named(s, path, &s->found->common))
		return refuse_outside(s, "its .git is a file that names the repository", path,
			"name that repository in 'git_objects' of the project, or use a clone of "
			"its "
			"own as the source",
			e);
	s->found->kind = REPOSITORY_NAMED;
	return 0;
}

/* A link that stays in the tree is packed with what it leads to, and works in the machine. */
static int check_links(const struct search *s, struct err *e)
{
	static const char *const paths[] = {".git", ".git/objects", ".git/refs", ".git/HEAD",
		".git/config", ".git/index", ".git/packed-refs"};

	for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
		char target[LIMIT_TAR_PATH];
		auto_free char *path = path_join(s->source, paths[i]), *dir = path_parent(path);
		ssize_t n = readlinkat(s->root, paths[i], target, sizeof(target) - 1);
		auto_free char *leads_to = NULL;

		if (n <= 0)
			continue;
		target[n] = '\0';
		leads_to = resolve(dir, target);
		if (target[0] == '/' || !path_is_below(leads_to, s->source))
			return refuse(e,
				"%s is a symbolic link that leads out of the source: use a clone "
				"of its own as the source",
				paths[i]);
	}
	return 0;
}

static int find_inside(struct search *s, const char *place, struct err *e)
{
	auto_free char *git = path_join(s->source, place), *objects = path_join(git, "objects");
	auto_free char *file = path_join(place, "objects/info/alternates");
	auto_free char *inside = mem_printf(REPOSITORY_SOURCE "/%s/objects", place);

	s->found->kind = REPOSITORY_INSIDE;
	s->found->place = mem_strdup(place);
	return find_alternates(s, s->root, file, objects, inside, e);
}

/* The file .git names a directory of the tree: `path`, as it is written there, and absolute. */
static int find_pointed_inside(
	struct search *s, const char *path, const char *absolute, struct err *e)
{
	size_t len = strlen(s->source);
	const char *place = absolute[len] == '/' ? absolute + len + 1 : "";

	if (!*place || !exists_beneath(s->root, place, S_IFDIR))
		return 0;
	if (path[0] == '/')
		s->found->pointer = mem_printf("gitdir: %s\n", place);
	return find_inside(s, place, e);
}

static int find(struct search *s, struct err *e)
{
	struct repository *r = s->found;
	auto_free char *path = NULL, *absolute = NULL;

	if (check_links(s, e) < 0)
		return -1;
	if (exists_beneath(s->root, ".git", S_IFDIR))
		return find_inside(s, ".git", e);
	path = read_line(s->root, ".git", "gitdir: ");
	absolute = path ? resolve(s->source, path) : NULL;
	if (!absolute)
		return 0;
	if (path_is_below(absolute, s->source))
		return find_pointed_inside(s, path, absolute, e);
	if (find_pointed(s, absolute, e) < 0)
		return -1;
	free(path);
	path = path_join(r->common.outside, "objects");
	return find_alternates(
		s, r->common.fd, "objects/info/alternates", path, REPOSITORY_COMMON "/objects", e);
}

int repository_find(const char *source, int root, const struct strv *named, struct repository *ret,
	struct err *e)
{
	auto_free char *real = realpath(source, NULL);
	struct search s = {.source = real, .root = root, .named = named, .found = ret};
	struct stat st;

	*ret = (struct repository)REPOSITORY_EMPTY;
	if (!real || fstat(root, &st) < 0)
		return err_sys(e, "%s", source);
	s.owner = st.st_uid;
	return find(&s, e);
}

bool repository_is_bare(int root)
{
	struct stat st;

	return fstatat(root, ".git", &st, AT_SYMLINK_NOFOLLOW) < 0 && errno == ENOENT &&
		exists_beneath(root, "HEAD", S_IFREG) && exists_beneath(root, "objects", S_IFDIR) &&
		exists_beneath(root, "refs", S_IFDIR);
}
