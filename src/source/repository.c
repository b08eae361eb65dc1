/* SPDX-License-Identifier: Apache-2.0 */
#include "source/repository.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/text.h"
#include "os/fd.h"
#include "os/path.h"
#include "source/limits.h"
#include "source/repository_internal.h"

void repository_release(struct repository *r)
{
	fd_close(r->common.fd);
	free(r->common.outside);
	fd_close(r->own.fd);
	free(r->own.outside);
	free(r->place);
	strv_release(&r->pointer_paths);
	strv_release(&r->pointers);
	strv_release(&r->kept_alternates);
	strv_release(&r->nested);
	for (size_t i = 0; i < r->alternate_count; i++) {
		fd_close(r->alternates[i].part.fd);
		free(r->alternates[i].part.outside);
		free(r->alternates[i].inside);
	}
	*r = (struct repository)REPOSITORY_EMPTY;
}

/* ---- reading ----------------------------------------------------------------------------- */

static int refuse_file(const char *shown, const char *why, struct err *e)
{
	return repository_refuse(e,
		"%s %s, so what git needs cannot be known: mend it, or use a clone of its own",
		shown, why);
}

static bool is_absent_within(int dir, const char *path)
{
	auto_fd int fd = fd_open_within(dir, path, O_PATH | O_NOFOLLOW);

	return fd < 0 && (errno == ENOENT || errno == ENOTDIR || errno == ELOOP);
}

int repository_read(
	int dir, const char *path, const char *shown, size_t max, struct buf *b, struct err *e)
{
	auto_free char *why = NULL;

	buf_init(b, max);
	if (fd_read_beneath(dir, path, b, NULL) == 0)
		return memchr(b->data, '\0', b->len) ? refuse_file(shown, "is no text", e) : 1;
	switch (errno) {
	case ENOENT:
	case ENOTDIR:
		return 0;
	case ELOOP:
		/* A dangling or endless symbolic link may be on the path. */
		if (is_absent_within(dir, path))
			return 0;
		return refuse_file(shown, "is behind a symbolic link", e);
	case EINVAL:
		return refuse_file(shown, "is a symbolic link or no regular file", e);
	case EFBIG:
		why = mem_printf("is larger than %zu bytes", max);
		break;
	default:
		why = mem_printf("cannot be read (%s)", strerror(errno));
	}
	return refuse_file(shown, why, e);
}

int repository_read_line(
	int dir, const char *path, const char *shown, const char *prefix, char **ret, struct err *e)
{
	auto_buf struct buf b = {0};
	size_t skip = strlen(prefix);
	int found = repository_read(dir, path, shown, LIMIT_GIT_POINTER, &b, e);

	*ret = NULL;
	if (found <= 0 || strncmp(b.data, prefix, skip) != 0)
		return found < 0 ? -1 : 0;
	while (b.len > skip && strchr("\r\n", b.data[b.len - 1]))
		b.data[--b.len] = '\0';
	if (strchr(b.data, '\n'))
		return refuse_file(shown, "has more than one line", e);
	*ret = b.len > skip ? mem_strdup(b.data + skip) : NULL;
	return 0;
}

int repository_read_alternates(
	int dir, const char *path, const char *shown, struct strv *ret, struct err *e)
{
	auto_buf struct buf b = {0};
	int found = repository_read(dir, path, shown, LIMIT_GIT_POINTER, &b, e);
	char *at, *line;

	if (found <= 0)
		return found;
	for (at = b.data; (line = strsep(&at, "\n"));) {
		if (*line == '"')
			return refuse_file(shown, "has a path in quotes", e);
		if (*line && *line != '#')
			strv_push(ret, line);
	}
	return 0;
}

char *repository_resolve(const char *dir, const char *name)
{
	auto_free char *joined = path_join(dir, name);

	return path_absolute(joined);
}

const char *repository_in_tree(const struct repository_search *s, const char *path)
{
	size_t len = strlen(s->source);

	if (!path_is_below(path, s->source))
		return NULL;
	path += len;
	return *path == '/' ? path + 1 : path;
}

char *repository_real(const struct repository_search *s, const char *path, int flags, bool *ret_out)
{
	auto_fd int fd = fd_open_within(s->root, path, O_PATH | flags);
	auto_free char *name = NULL;
	const char *place;

	*ret_out =
		fd < 0 && errno != ENOENT && errno != ENOTDIR && errno != ELOOP && errno != EACCES;
	if (fd < 0)
		return NULL;
	name = fd_name(fd);
	place = repository_in_tree(s, name);
	*ret_out = !place;
	return place ? mem_strdup(place) : NULL;
}

bool repository_exists(int dir, const char *path, mode_t type)
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

/* ---- directories named by the operator --------------------------------------------------- */

/*
 * The part of a directory of `git_objects`: its objects directory or, with `objects` false, its
 * repository.
 */
static const char *part_of_named(int dir, bool objects)
{
	if (repository_exists(dir, ".git", S_IFDIR))
		return objects ? ".git/objects" : ".git";
	return objects && repository_exists(dir, "objects", S_IFDIR) ? "objects" : ".";
}

/* Whether `wanted` is this part of the directory, by the operator's path or by the real path. */
static bool is_part(const char *named, const char *part, const char *wanted)
{
	auto_free char *as_written = repository_resolve(named, part);
	auto_free char *real = realpath(named, NULL);
	auto_free char *as_it_is = real ? repository_resolve(real, part) : NULL;

	return strcmp(as_written, wanted) == 0 || (as_it_is && strcmp(as_it_is, wanted) == 0);
}

/*
 * Open the directory that the tree calls `wanted`, if the operator named it. It is opened by the
 * operator's path. False if it is not named or does not exist.
 */
static bool open_named(const struct repository_search *s, const char *wanted, bool objects,
	struct repository_part *ret)
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
		*ret = (struct repository_part){fd, repository_resolve(*named, part)};
		return true;
	}
	return false;
}

/* ---- messages ---------------------------------------------------------------------------- */

int repository_refuse(struct err *e, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	(void)err_vset(e, ERR_INPUT, fmt, ap);
	va_end(ap);
	return err_because(e, "source_repository");
}

/*
 * Refuse a directory outside of the source; `what` is "it is a linked worktree of", `path` is
 * shown.
 */
static int refuse_outside(const struct repository_search *s, const char *what, const char *path,
	const char *remedy, struct err *e)
{
	auto_free char *shown = text_safe(path, REPOSITORY_SHOWN_MAX);

	if (!s->named)
		return repository_refuse(e,
			"%s %s, which is outside of the source, and a run with --cache-scope packs "
			"nothing from there: use a clone of its own as the source",
			what, shown);
	return repository_refuse(
		e, "%s %s, which is outside of the source: %s", what, shown, remedy);
}

/* ---- alternates -------------------------------------------------------------------------- */

static int find_alternates(struct repository_search *s, int dir, const char *file,
	const char *outside, const char *inside, struct err *e);

/* `place` is the path in the tree, `shown` the full path. */
static int refuse_no_directory(
	const struct repository_search *s, const char *place, const char *shown, struct err *e)
{
	bool leads_out = false;
	auto_free char *real = repository_real(s, place, O_DIRECTORY, &leads_out);

	if (real || leads_out)
		return repository_refuse(e,
			"its repository takes objects from %s, which is reached through a symbolic "
			"link: write the path of the directory itself in "
			".git/objects/info/alternates, or use a clone of its own as the source",
			shown);
	return repository_refuse(e,
		"its repository takes objects from %s, which is no directory: mend "
		".git/objects/info/alternates, or use a clone of its own as the source",
		shown);
}

/* An alternate inside the tree is packed with the tree. */
static int keep_alternate(
	const struct repository_search *s, const char *line, const char *path, struct err *e)
{
	auto_free char *shown = text_safe(path, REPOSITORY_SHOWN_MAX);
	const char *place = repository_in_tree(s, path);

	if (line[0] == '/')
		return repository_refuse(e,
			"its repository takes objects from %s, which has another path in a "
			"machine: write a relative path in .git/objects/info/alternates",
			shown);
	if (!*place || !repository_exists(s->root, place, S_IFDIR))
		return refuse_no_directory(s, place, shown, e);
	strv_push(&s->found->kept_alternates, line);
	return repository_check_alternates(s, place, 1, e);
}

/* One line of an alternates file. outside, inside: the objects directory that contains the file. */
static int add_alternate(struct repository_search *s, const char *line, const char *outside,
	const char *inside, struct err *e)
{
	struct repository *r = s->found;
	auto_free char *wanted = repository_resolve(outside, line);
	struct repository_alternate *a = &r->alternates[r->alternate_count];

	if (path_is_below(wanted, s->source) && path_is_below(outside, s->source))
		return keep_alternate(s, line, wanted, e);
	if (r->alternate_count == REPOSITORY_ALTERNATES_MAX)
		return repository_refuse(e, "its repository takes objects from more than %d others",
			REPOSITORY_ALTERNATES_MAX);
	if (!open_named(s, wanted, true, &a->part))
		return refuse_outside(s, "its repository takes objects from", wanted,
			"name that repository in 'git_objects' of the project, or copy the objects "
			"by 'git repack -a -d' and remove .git/objects/info/alternates",
			e);
	a->inside =
		line[0] == '/' ? repository_resolve("/", line) : repository_resolve(inside, line);
	r->alternate_count++;
	if (repository_check_links(&a->part, NULL, e) < 0)
		return -1;
	return find_alternates(s, a->part.fd, "info/alternates", wanted, a->inside, e);
}

static int find_alternates(struct repository_search *s, int dir, const char *file,
	const char *outside, const char *inside, struct err *e)
{
	auto_free char *path = mem_printf("%s/info/alternates", outside);
	auto_free char *shown = text_safe(path, REPOSITORY_SHOWN_MAX);
	auto_strv struct strv lines = {0};

	if (repository_read_alternates(dir, file, shown, &lines, e) < 0)
		return -1;
	strv_each (&lines, line)
		if (add_alternate(s, *line, outside, inside, e) < 0)
			return -1;
	return 0;
}

/* ---- linked worktrees -------------------------------------------------------------------- */

/* Open a directory by its real path, without following any symbolic link. */
static int open_real(const char *path)
{
	auto_fd int top = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);

	return top < 0 ? -1 : fd_open_beneath(top, path[1] ? path + 1 : ".", O_PATH | O_DIRECTORY);
}

/* Whether the path has a component `.git`. A commit cannot contain such a path. */
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
 * The repository of a worktree, from the path in its .git file: COMMON/worktrees/NAME. NULL if the
 * path has another form. The caller frees.
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
	auto_free char *shown = text_safe(common, REPOSITORY_SHOWN_MAX);

	return repository_refuse(e, "its .git calls it a linked worktree of %s, %s", shown, why);
}

/* NULL also if the file cannot be read. The caller frees. */
static char *line_of(int dir, const char *name)
{
	char *line = NULL;
	struct err e;

	return repository_read_line(dir, name, name, "", &line, &e) < 0 ? NULL : line;
}

/* Whether the repository in turn names this tree as its worktree. */
static bool is_named_back(const struct repository_search *s, const struct repository *r)
{
	auto_free char *line = line_of(r->own.fd, "gitdir");
	auto_free char *named = line ? repository_resolve(r->own.outside, line) : NULL;
	auto_free char *wanted = path_join(s->source, ".git");
	auto_free char *shared = line_of(r->own.fd, "commondir");
	auto_free char *common = shared ? repository_resolve(r->own.outside, shared) : NULL;

	return named && strcmp(named, wanted) == 0 && common &&
		strcmp(common, r->common.outside) == 0;
}

static bool has_one_owner(const struct repository_search *s, const struct repository *r)
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

static int check_worktree(const struct repository_search *s, struct err *e)
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
	if (repository_exists(r->own.fd, "reftable", S_IFDIR))
		return refuse_worktree(common,
			"whose format (reftable) cannot be packed for one worktree: use a clone of "
			"its own as the source",
			e);
	if (repository_exists(r->own.fd, "modules", S_IFDIR))
		return refuse_worktree(common,
			"and has submodules there, which cannot be packed from a worktree: use a "
			"clone of its own, with submodules, as the source",
			e);
	return 0;
}

/* Open both parts of the repository; refused if the author of the tree could have made them. */
static int open_worktree(
	struct repository_search *s, char *common, const char *path, bool is_named, struct err *e)
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

/* Whether the operator named the repository with this path; *ret is then its directory. */
static bool take_named(
	const struct repository_search *s, const char *path, struct repository_part *ret)
{
	return open_named(s, path, false, ret);
}

static int find_worktree(struct repository_search *s, char *common, const char *path, struct err *e)
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

/* ---- the whole repository ---------------------------------------------------------------- */

static int find_pointed(struct repository_search *s, const char *path, struct err *e)
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

/*
 * A repository outside of the source is packed at another path, so its own files must not depend on
 * the original path.
 */
static int check_moved(const struct repository_search *s, struct err *e)
{
	static const char *const shared[] = {
		"config", "info", "logs", "objects", "packed-refs", "refs", "shallow", NULL};
	const struct repository *r = s->found;
	bool is_worktree = r->kind == REPOSITORY_WORKTREE;
	const struct repository_part *own = is_worktree ? &r->own : &r->common;
	auto_free char *shown = NULL;

	/* The config of a submodule sets core.worktree, which compose.c replaces. */
	if (repository_check_moved_config(s, r->common.fd, r->common.outside, "config", true, e) <
			0 ||
		repository_check_moved_config(
			s, own->fd, own->outside, "config.worktree", false, e) < 0 ||
		repository_check_links(&r->common, is_worktree ? shared : NULL, e) < 0)
		return -1;
	if (is_worktree)
		return repository_check_links(own, NULL, e);
	if (!repository_exists(own->fd, "commondir", S_IFREG))
		return 0;
	shown = text_safe(own->outside, REPOSITORY_SHOWN_MAX);
	return repository_refuse(e,
		"its .git is a file that names %s, which is a part of another repository "
		"(commondir): use a clone of its own as the source",
		shown);
}

static void take_inside(struct repository *r, const char *place)
{
	r->kind = REPOSITORY_INSIDE;
	r->place = mem_strdup(place);
}

/*
 * .git is a symbolic link: take the directory of the tree that it leads to. A link out of the tree
 * is refused by the walk.
 */
static void take_linked(struct repository_search *s)
{
	bool out;
	auto_free char *place = repository_real(s, ".git", O_DIRECTORY, &out);

	if (place && *place)
		take_inside(s->found, place);
}

/* .git is a file. */
static int take_pointed(struct repository_search *s, struct err *e)
{
	auto_free char *path = NULL, *absolute = NULL, *place = NULL;

	if (repository_read_line(s->root, ".git", ".git", "gitdir: ", &path, e) < 0)
		return -1;
	if (!path)
		return 0;
	absolute = repository_resolve(s->source, path);
	if (!repository_in_tree(s, absolute))
		return find_pointed(s, absolute, e) < 0 ? -1 : check_moved(s, e);
	if (repository_follow(s, ".git", path, absolute, &place, e) < 0)
		return -1;
	if (place)
		take_inside(s->found, place);
	return 0;
}

static int find(struct repository_search *s, struct err *e)
{
	if (repository_exists(s->root, ".git", S_IFDIR))
		take_inside(s->found, ".git");
	else if (repository_exists(s->root, ".git", S_IFLNK))
		take_linked(s);
	else if (repository_exists(s->root, ".git", S_IFREG))
		return take_pointed(s, e);
	return 0;
}

static int find_borrowed(struct repository_search *s, struct err *e)
{
	const struct repository *r = s->found;
	bool inside = r->kind == REPOSITORY_INSIDE;
	auto_free char *git = inside ? path_join(s->source, r->place) : NULL;
	auto_free char *objects = NULL, *file = NULL, *there = NULL;

	if (r->kind == REPOSITORY_NONE)
		return 0;
	objects = path_join(inside ? git : r->common.outside, "objects");
	file = path_join(inside ? r->place : ".", "objects/info/alternates");
	there = inside ? mem_printf(REPOSITORY_SOURCE "/%s/objects", r->place)
		       : mem_strdup(REPOSITORY_COMMON "/objects");
	return find_alternates(s, inside ? s->root : r->common.fd, file, objects, there, e);
}

int repository_find(const struct repository_tree *tree, struct repository *ret, struct err *e)
{
	auto_free char *real = realpath(tree->source, NULL);
	struct repository_search s = {.source = real,
		.root = tree->root,
		.named = tree->named,
		.avoid = tree->avoid,
		.avoid_count = tree->avoid_count,
		.found = ret};
	struct stat st;

	*ret = (struct repository)REPOSITORY_EMPTY;
	if (!real || fstat(tree->root, &st) < 0)
		return err_sys(e, "%s", tree->source);
	s.owner = st.st_uid;
	/* Check the links first: after that no link can lead out of the tree. */
	if (find(&s, e) < 0 || repository_walk(&s, e) < 0)
		return -1;
	return find_borrowed(&s, e);
}

char *repository_path(const struct repository *r, const char *source)
{
	switch (r->kind) {
	case REPOSITORY_WORKTREE:
		return mem_strdup(r->own.outside);
	case REPOSITORY_NAMED:
		return mem_strdup(r->common.outside);
	case REPOSITORY_INSIDE:
		return path_join(source, r->place);
	case REPOSITORY_NONE:
		break;
	}
	return NULL;
}

char *repository_elsewhere(const char *source)
{
	auto_free char *real = realpath(source, NULL);
	auto_fd int root = real ? open(real, O_PATH | O_DIRECTORY | O_CLOEXEC) : -1;
	auto_free char *line = NULL, *absolute = NULL, *common = NULL;
	struct err ignored = {0};

	if (root < 0 ||
		repository_read_line(root, ".git", ".git", "gitdir: ", &line, &ignored) < 0 ||
		!line)
		return NULL;
	absolute = repository_resolve(real, line);
	if (path_is_below(absolute, real))
		return NULL;
	common = common_of(absolute);
	return common ? steal_ptr(&common) : steal_ptr(&absolute);
}

bool repository_is_bare(int root)
{
	struct stat st;

	return fstatat(root, ".git", &st, AT_SYMLINK_NOFOLLOW) < 0 && errno == ENOENT &&
		repository_exists(root, "HEAD", S_IFREG) &&
		repository_exists(root, "objects", S_IFDIR) &&
		repository_exists(root, "refs", S_IFDIR);
}
