/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Finds settings in the configuration files of repositories that would have another effect in a VM.
 * The values are compared as text or looked up beneath the tree; no other file of the host is
 * opened.
 *
 * Settings are ignored if they affect only the commands that use them: core.hooksPath, programs,
 * templates. core.fsmonitor is disabled in a VM (compose.c).
 */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/text.h"
#include "os/path.h"
#include "source/gitconfig.h"
#include "source/limits.h"
#include "source/repository_internal.h"

/* The depth is git's limit. The total is limited, too, since each file may include many. */
enum { INCLUDES_DEPTH_MAX = 10, INCLUDES_MAX = 100 };

struct looking {
	const struct repository_search *s;
	const char *repository; /* its path, for messages */
	const char *top;        /* of its work tree, in the tree: relative paths start there */
	unsigned *includes;     /* number so far */
	struct err *e;
};

/* One file. Each included file has its own struct. */
struct file {
	struct looking *l;
	const char *shown;
	const char *dir; /* its directory in the tree, for includes; NULL: it is packed elsewhere */
	int depth;
	char *worktree; /* the value of core.worktree; like git, not from included files */
};

static char *show(const char *path)
{
	return text_safe(path, REPOSITORY_SHOWN_MAX);
}

/* ---- files that settings name ------------------------------------------------------------ */

/*
 * Absolute, in a home directory, or relative to git's installation: a path of the host, not of the
 * tree.
 */
static bool is_of_host(const char *value)
{
	return value[0] == '/' || value[0] == '~' || strncmp(value, "%(", 2) == 0;
}

bool repository_is_true_anywhere(
	const struct repository_search *s, const char *dir, const char *line)
{
	auto_free char *path = path_join(dir, line);
	bool out = line[0] == '/';
	auto_free char *place = out ? NULL : repository_real(s, path, O_DIRECTORY, &out);

	(void)place;
	return !out;
}

/*
 * Check the path of an ignore or attributes file. Its lines could be written to `instead`, a file
 * of the repository.
 */
static int check_named(
	const struct file *f, const char *setting, const char *value, const char *instead)
{
	const struct looking *l = f->l;
	auto_free char *path = path_join(l->repository, instead);
	auto_free char *shown = show(path), *value_shown = NULL;

	if (!value || !*value || strcmp(value, "/dev/null") == 0 ||
		(!is_of_host(value) && repository_is_true_anywhere(l->s, l->top, value)))
		return 0;
	value_shown = show(value);
	return repository_refuse(l->e,
		"%s sets %s to %s, which is not there in a machine: write its lines to %s, and "
		"remove the setting",
		f->shown, setting, value_shown, shown);
}

/* ---- includes ---------------------------------------------------------------------------- */

static int read_file(struct file *f, int dir, const char *path, struct err *e);

static int refuse_include(const struct file *f, const char *value, const char *why)
{
	auto_free char *value_shown = show(value);

	return repository_refuse(f->l->e,
		"%s includes %s, %s: write its settings into the configuration of the repository, "
		"and remove the line",
		f->shown, value_shown, why);
}

/* condition: of includeIf; NULL: none. */
static int check_include(const struct file *f, const char *condition, const char *value)
{
	struct looking *l = f->l;
	auto_free char *path = f->dir ? path_join(f->dir, value) : NULL;
	auto_free char *place = NULL, *shown = NULL, *dir = NULL;
	bool out = true;

	if (condition && strncmp(condition, "gitdir", strlen("gitdir")) == 0)
		return refuse_include(f, value,
			"if the repository is in a certain directory, and in a machine it is in "
			"another one");
	if (path && !is_of_host(value))
		place = repository_real(l->s, path, 0, &out);
	if (out)
		return refuse_include(f, value, "which is not there in a machine");
	if (!place || !repository_exists(l->s->root, place, S_IFREG))
		return 0;
	if (f->depth == INCLUDES_DEPTH_MAX || ++*l->includes > INCLUDES_MAX)
		return refuse_include(f, value, "which is one file more than can be followed");
	shown = show(path);
	dir = path_parent(path);
	return read_file(&(struct file){.l = l, .shown = shown, .dir = dir, .depth = f->depth + 1},
		l->s->root, place, l->e);
}

/* ---- a file ------------------------------------------------------------------------------ */

static int on_setting(void *arg, const char *key, const char *value)
{
	struct file *f = arg;
	auto_free char *condition = gitconfig_condition(key);

	if (strcmp(key, "core.worktree") == 0 && f->depth == 0) {
		free(f->worktree);
		f->worktree = value ? mem_strdup(value) : NULL;
	}
	if (strcmp(key, "core.excludesfile") == 0)
		return check_named(f, "core.excludesFile", value, "info/exclude");
	if (strcmp(key, "core.attributesfile") == 0)
		return check_named(f, "core.attributesFile", value, "info/attributes");
	/* Without a value, git itself fails with a message. */
	if (value && *value && (condition || strcmp(key, "include.path") == 0))
		return check_include(f, condition, value);
	return 0;
}

static int read_file(struct file *f, int dir, const char *path, struct err *e)
{
	auto_buf struct buf b = {0};
	int found = repository_read(dir, path, f->shown, LIMIT_GIT_CONFIG, &b, e);
	bool understood = true;

	if (found <= 0)
		return found;
	if (gitconfig_each(b.data, b.len, on_setting, f, &understood) < 0)
		return -1;
	if (understood)
		return 0;
	return repository_refuse(
		e, "%s cannot be understood: see what 'git config --list' says", f->shown);
}

static int refuse_worktree(const char *shown, const char *value, struct err *e)
{
	auto_free char *value_shown = show(value);

	return repository_refuse(e,
		"%s sets core.worktree to %s, which is not there in a machine: remove the "
		"setting, or use a clone of its own",
		shown, value_shown);
}

int repository_check_moved_config(const struct repository_search *s, int dir, const char *path,
	const char *name, bool may_have_worktree, struct err *e)
{
	auto_free char *file = path_join(path, name), *shown = show(file);
	unsigned includes = 0;
	struct looking l = {.s = s, .repository = path, .top = ".", .includes = &includes, .e = e};
	struct file f = {.l = &l, .shown = shown};
	int result = read_file(&f, dir, name, e);

	if (result == 0 && f.worktree && !may_have_worktree)
		result = refuse_worktree(shown, f.worktree, e);
	free(f.worktree);
	return result;
}

int repository_check_config(const struct repository_search *s, const char *path, const char *top,
	const char *name, struct err *e)
{
	auto_free char *file = path_join(path, name), *shown = show(file);
	bool out;
	auto_free char *place = repository_real(s, file, 0, &out);
	unsigned includes = 0;
	struct looking l = {.s = s, .repository = path, .top = top, .includes = &includes, .e = e};
	struct file f = {.l = &l, .shown = shown, .dir = path};
	int result;

	/* git on the host ignores a missing file and a dangling link, too. */
	if (!place || !repository_exists(s->root, place, S_IFREG))
		return 0;
	result = read_file(&f, s->root, place, e);
	if (result == 0 && f.worktree && !repository_is_true_anywhere(s, path, f.worktree))
		result = refuse_worktree(shown, f.worktree, e);
	free(f.worktree);
	return result;
}
