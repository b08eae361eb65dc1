/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A walk through a source for repositories that would not work in a VM. Paths in files and links
 * are opened only beneath the tree.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/limits.h"
#include "base/text.h"
#include "data/pack.h"
#include "os/fd.h"
#include "os/path.h"
#include "os/sig.h"
#include "source/repository_internal.h"

/* ALTERNATES_DEPTH_MAX is git's limit. */
enum { ALTERNATES_DEPTH_MAX = 5, POINTERS_MAX = 100 };

/* The position of an entry. Links in hooks are allowed: git ignores hooks that do not exist. */
enum where { IN_TREE, IN_REPOSITORY_TOP, IN_REPOSITORY, IN_HOOKS };

struct walk {
	struct repository_search *s; /* NULL: check only links */
	int root;
	const char *outside;      /* if s is NULL: the path of root */
	const char *const *names; /* only these entries of root; NULL: all */
};

static char *show(const char *path)
{
	return text_safe(path, REPOSITORY_SHOWN_MAX);
}

static bool is_git(const char *path)
{
	return strcmp(path_base(path), ".git") == 0;
}

/* The remedy for the repository that contains the path. */
static const char *clone_of(const char *path)
{
	return strcmp(path, ".git") == 0 || strncmp(path, ".git/", 5) == 0
		? "use a clone of its own as the source"
		: "use a clone of its own in its place, or move it out of the source";
}

/* ---- links ------------------------------------------------------------------------------- */

static int refuse_link(const struct walk *w, const char *path, struct err *e)
{
	auto_free char *shown = show(path);

	if (w->s)
		return repository_refuse(e,
			"%s is a symbolic link that leads out of the source: %s", shown,
			clone_of(path));
	return repository_refuse(e,
		"%s of %s is a symbolic link that leads out of there: use a clone of its own as "
		"the source",
		shown, w->outside);
}

/* git on the host ignores a dangling link, too. */
static int check_link(const struct walk *w, const char *path, struct err *e)
{
	auto_fd int fd = fd_open_within(w->root, path, O_PATH);
	struct stat st;

	if (fd < 0 && errno != ENOENT && errno != ENOTDIR && errno != ELOOP && errno != EACCES)
		return refuse_link(w, path, e);
	if (fd >= 0 && is_git(path) && (fstat(fd, &st) < 0 || !S_ISDIR(st.st_mode))) {
		auto_free char *shown = show(path);

		return repository_refuse(e, "%s is a symbolic link to what is no directory: %s",
			shown, clone_of(path));
	}
	return 0;
}

/* ---- one repository ---------------------------------------------------------------------- */

int repository_check_alternates(
	const struct repository_search *s, const char *objects, int depth, struct err *e)
{
	auto_free char *file = path_join(objects, "info/alternates");
	auto_free char *dir = path_join(s->source, objects), *shown = show(file);
	auto_strv struct strv lines = {0};

	if (repository_read_alternates(s->root, file, shown, &lines, e) < 0)
		return -1;
	strv_each (&lines, line) {
		auto_free char *wanted = repository_resolve(dir, *line);
		auto_free char *name = show(wanted);
		const char *path = repository_in_tree(s, wanted);
		bool out = !path;
		auto_free char *place =
			path && *path ? repository_real(s, path, O_DIRECTORY, &out) : NULL;

		if (out)
			return repository_refuse(e,
				"%s names %s, which is outside of the source: copy the objects by "
				"'git repack -a -d' in that repository, and remove the file",
				shown, name);
		if (**line == '/')
			return repository_refuse(e,
				"%s names %s, which has another path in a machine: write a "
				"relative path there",
				shown, name);
		if (!place)
			continue;
		if (depth >= ALTERNATES_DEPTH_MAX)
			return repository_refuse(e,
				"%s names one more repository than git follows (%d)", shown,
				ALTERNATES_DEPTH_MAX);
		if (repository_check_alternates(s, place, depth + 1, e) < 0)
			return -1;
	}
	return 0;
}

static int check_common(
	const struct repository_search *s, int dir, const char *path, bool is_top, struct err *e)
{
	auto_free char *file = path_join(path, "commondir"), *shown = show(file);
	auto_free char *line = NULL, *name = NULL;
	struct stat st;

	if (is_top && fstatat(dir, "commondir", &st, AT_SYMLINK_NOFOLLOW) == 0)
		return repository_refuse(e,
			"%s makes it a part of another repository: use a clone of its own as the "
			"source",
			shown);
	if (repository_read_line(dir, "commondir", shown, "", &line, e) < 0)
		return -1;
	if (!line || repository_is_true_anywhere(s, path, line))
		return 0;
	name = show(line);
	return repository_refuse(
		e, "%s names %s, which is not there in a machine: %s", shown, name, clone_of(path));
}

/*
 * is_used: git uses it without further configuration; else the directory only looks like a
 * repository.
 */
static int check_repository(
	const struct repository_search *s, int dir, const char *path, bool is_used, struct err *e)
{
	const char *place = s->found->place;
	bool is_top = place && strcmp(path, place) == 0;
	auto_free char *objects = path_join(path, "objects");
	auto_free char *above = is_git(path) ? path_parent(path) : mem_strdup(path);
	const char *top = is_top || strcmp(path, ".git") == 0 ? "." : above;

	if (check_common(s, dir, path, is_top, e) < 0)
		return -1;
	if (is_used && !is_top && repository_exists(dir, "config", S_IFREG))
		strv_push(&s->found->nested, path);
	if ((is_used || is_top) &&
		(repository_check_config(s, path, top, "config", e) < 0 ||
			repository_check_config(s, path, top, "config.worktree", e) < 0))
		return -1;
	return is_top ? 0 : repository_check_alternates(s, objects, 0, e);
}

/* ---- files .git -------------------------------------------------------------------------- */

static int refuse_pointer(const char *path, const char *absolute, struct err *e)
{
	auto_free char *shown = show(path), *name = show(absolute);

	return repository_refuse(e,
		"%s names the repository %s, which is outside of the source: %s", shown, name,
		clone_of(path));
}

/* Add a .git file with the same place as a relative path, which is valid wherever the tree is. */
static int add_pointer(struct repository *r, const char *path, const char *place, struct err *e)
{
	auto_buf struct buf text = {0};

	if (r->pointers.count == POINTERS_MAX)
		return repository_refuse(e,
			"more than %d files .git in the source name a directory of it by an "
			"absolute path: write relative paths",
			POINTERS_MAX);
	buf_init(&text, 2 * LIMIT_TAR_LONG_PATH);
	buf_adds(&text, "gitdir: ");
	for (const char *slash = path; (slash = strchr(slash, '/')); slash++)
		buf_adds(&text, "../");
	buf_addf(&text, "%s\n", place);
	strv_push(&r->pointer_paths, path);
	strv_push(&r->pointers, text.data);
	return 0;
}

int repository_follow(struct repository_search *s, const char *path, const char *line,
	const char *absolute, char **ret, struct err *e)
{
	auto_free char *above = path_parent(path), *relative = path_join(above, line);
	auto_free char *place = NULL, *inside = NULL;
	bool out = true, is_true = false;

	*ret = NULL;
	if (line[0] != '/') {
		place = repository_real(s, relative, O_DIRECTORY, &out);
		is_true = !out;
	}
	/* The path leads through the directories above the tree, which have other names in a VM. */
	if (!is_true) {
		inside = mem_strdup(repository_in_tree(s, absolute));
		place = *inside ? repository_real(s, inside, O_DIRECTORY, &out) : NULL;
		if (*inside && out)
			return refuse_pointer(path, absolute, e);
	}
	if (!place || !*place)
		return 0;
	if (!is_true && add_pointer(s->found, path, place, e) < 0)
		return -1;
	*ret = steal_ptr(&place);
	return 0;
}

/* Check a .git file of a directory below the source. */
static int check_pointer(struct repository_search *s, const char *path, struct err *e)
{
	auto_free char *shown = show(path), *above = path_parent(path);
	auto_free char *dir = path_join(s->source, above);
	auto_free char *line = NULL, *absolute = NULL, *place = NULL;

	if (repository_read_line(s->root, path, shown, "gitdir: ", &line, e) < 0)
		return -1;
	if (!line)
		return 0;
	absolute = repository_resolve(dir, line);
	if (!repository_in_tree(s, absolute))
		return refuse_pointer(path, absolute, e);
	return repository_follow(s, path, line, absolute, &place, e);
}

/* ---- the walk ---------------------------------------------------------------------------- */

static int walk(const struct walk *w, int dir, const char *path, enum where where, struct err *e);

static bool has(int dir, const char *name)
{
	return faccessat(dir, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

/*
 * Whether git would recognise the directory as a repository, or it is a worktree's directory in its
 * repository.
 */
static bool is_repository(int dir, const char *path)
{
	if (is_git(path))
		return true;
	return has(dir, "HEAD") &&
		((has(dir, "objects") && has(dir, "refs")) || has(dir, "commondir"));
}

static bool is_avoided(const struct walk *w, int dir)
{
	struct stat st;

	if (!w->s || !w->s->avoid_count || fstat(dir, &st) < 0)
		return false;
	for (size_t i = 0; i < w->s->avoid_count; i++)
		if (w->s->avoid[i].dev == st.st_dev && w->s->avoid[i].ino == st.st_ino)
			return true;
	return false;
}

static enum where where_is(int dir, const char *path, enum where above)
{
	if (above == IN_HOOKS ||
		(above == IN_REPOSITORY_TOP && strcmp(path_base(path), "hooks") == 0))
		return IN_HOOKS;
	if (is_repository(dir, path))
		return IN_REPOSITORY_TOP;
	return above == IN_TREE ? IN_TREE : IN_REPOSITORY;
}

/* Directories that cannot be opened are skipped: the packer reports them. */
static int enter(const struct walk *w, int above, const char *name, const char *path,
	enum where above_is, struct err *e)
{
	auto_fd int dir = openat(above, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	bool is_used = is_git(path) || above_is != IN_TREE;
	enum where where;

	if (dir < 0 || is_avoided(w, dir))
		return 0;
	where = where_is(dir, path, above_is);
	if (w->s && where == IN_REPOSITORY_TOP && check_repository(w->s, dir, path, is_used, e) < 0)
		return -1;
	return walk(w, fd_steal(&dir), path, where, e);
}

static mode_t type_of(int dir, const struct dirent *d)
{
	struct stat st;

	if (d->d_type != DT_UNKNOWN)
		return DTTOIF(d->d_type);
	return fstatat(dir, d->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0 ? 0 : st.st_mode & S_IFMT;
}

static int look_at(const struct walk *w, int dir, const struct dirent *d, const char *path,
	enum where where, struct err *e)
{
	bool is_dot_git = where == IN_TREE && strcmp(d->d_name, ".git") == 0;

	switch (type_of(dir, d)) {
	case S_IFDIR:
		return enter(w, dir, d->d_name, path, where, e);
	case S_IFLNK:
		if (is_dot_git || where == IN_REPOSITORY_TOP || where == IN_REPOSITORY)
			return check_link(w, path, e);
		return 0;
	case S_IFREG:
		/* The .git of the source itself was checked before. */
		return is_dot_git && strcmp(path, ".git") != 0 ? check_pointer(w->s, path, e) : 0;
	default:
		return 0;
	}
}

static bool is_wanted(const struct walk *w, const char *path, const char *name)
{
	if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
		return false;
	if (*path || w->s)
		return true;
	for (size_t i = 0; w->names && w->names[i]; i++)
		if (strcmp(w->names[i], name) == 0)
			return true;
	return !w->names && strcmp(name, "worktrees") != 0;
}

static int walk_list(
	const struct walk *w, DIR *list, const char *path, enum where where, struct err *e)
{
	const struct dirent *d;

	while ((d = readdir(list))) {
		auto_free char *below = NULL;

		if (!is_wanted(w, path, d->d_name))
			continue;
		below = *path ? path_join(path, d->d_name) : mem_strdup(d->d_name);
		if (look_at(w, dirfd(list), d, below, where, e) < 0)
			return -1;
	}
	return sig_check(e);
}

/* Closes dir. The packer has the same limit for paths, so the walk may stop there. */
static int walk(const struct walk *w, int dir, const char *path, enum where where, struct err *e)
{
	DIR *list = dir >= 0 && strlen(path) <= LIMIT_TAR_LONG_PATH ? fdopendir(dir) : NULL;
	int result;

	if (!list) {
		fd_close(dir);
		return 0;
	}
	result = walk_list(w, list, path, where, e);
	(void)closedir(list);
	return result;
}

int repository_walk(struct repository_search *s, struct err *e)
{
	const struct walk w = {.s = s, .root = s->root};

	return walk(&w, openat(s->root, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), "", IN_TREE, e);
}

int repository_check_links(
	const struct repository_part *part, const char *const *names, struct err *e)
{
	auto_free char *shown = show(part->outside);
	const struct walk w = {.root = part->fd, .outside = shown, .names = names};
	int dir = openat(part->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return dir < 0 ? err_sys(e, "%s", part->outside) : walk(&w, dir, "", IN_REPOSITORY_TOP, e);
}
