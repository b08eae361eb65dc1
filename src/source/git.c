/* SPDX-License-Identifier: Apache-2.0 */
/*
 * git is run at most twice for each repository: `status` returns commit and changes in one answer;
 * if that is clean, `ls-files` finds entries of the index that need further checks. These are
 * submodules, for which git would start child processes, so each is inspected in a jail of its own;
 * entries of a sparse checkout; and entries whose flags make status skip their files.
 *
 * Any message of git on standard error makes the answer unknown. The answers are parsed in gitreply.c.
 */
#include "source/git.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "jail/jail.h"
#include "os/fd.h"
#include "os/path.h"
#include "os/proc.h"
#include "source/gitjail.h"
#include "source/gitreply.h"
#include "source/limits.h"

#define CONFIG_INSIDE "/gitconfig"
#define SETTINGS_INSIDE "/gitsettings"
#define INDEX_INSIDE "/index"

/* Used unless the operator sets it. */
static const char modes_count[] = "core.fileMode=true";

static const char *const status_arguments[] = {"status", "--porcelain=v2", "--branch", "-z",
	"--untracked-files=normal", "--ignore-submodules=dirty", "--no-renames",
	"--no-ahead-behind", NULL};
static const char *const index_arguments[] = {"ls-files", "-s", "-v", "-z", NULL};

/* The inspection of one source tree with all its submodules. */
struct inspection {
	const char *git;
	const struct git_tree *tree;
	const char *config; /* the operator's settings, as text of a git configuration file */
	uid_t uid;
	gid_t gid;
	int64_t deadline_ms; /* of clock_ms: git is not started later than this */
	unsigned submodules; /* inspected so far */
};

/* A repository of the source tree, by the directory of its files; "" is the source tree itself. */
struct question {
	const struct inspection *in;
	const char *path;
	int index; /* use this file as the index, dated a second later; -1: the repository's own */
	const struct strv *overruled; /* further settings that override the tree's; NULL: none */
};

const char *git_clean_word(enum git_clean clean)
{
	switch (clean) {
	case GIT_CLEAN:
		return "clean";
	case GIT_DIRTY:
		return "dirty";
	case GIT_UNKNOWN:
		break;
	}
	return "unknown";
}

/* The path of the tree's own repository in the jail. The caller frees it. */
static char *git_dir(const struct repository *r)
{
	switch (r->kind) {
	case REPOSITORY_WORKTREE:
		/*
		 * The whole repository is bound, because the file `commondir` of the worktree
		 * contains "../..".
		 */
		return mem_printf(REPOSITORY_COMMON "/worktrees/%s", path_base(r->own.outside));
	case REPOSITORY_NAMED:
		return mem_strdup(REPOSITORY_COMMON);
	case REPOSITORY_INSIDE:
	case REPOSITORY_NONE:
		break;
	}
	return path_join(REPOSITORY_SOURCE, r->place);
}

/*
 * Alternates are bound at the paths that the tree names. If another directory of the jail is
 * already there, the alternate is not bound, and git reports an error.
 */
static void bind_alternates(struct jail *j, const struct repository *r)
{
	for (size_t i = 0; i < r->alternate_count; i++) {
		const struct repository_alternate *a = &r->alternates[i];
		bool is_free =
			!path_is_below(a->inside, "/usr") && !path_is_below(a->inside, "/dev");

		for (size_t k = 0; k < j->bind_count; k++)
			is_free = is_free && !path_is_below(a->inside, j->binds[k].inside) &&
				!path_is_below(j->binds[k].inside, a->inside);
		if (is_free)
			jail_bind(j, a->part.outside, a->inside, 0);
	}
}

static void bind_repository(struct jail *j, const struct question *q)
{
	const struct repository *r = q->in->tree->repository;

	jail_bind(j, q->in->tree->source, REPOSITORY_SOURCE, 0);
	if (r->common.fd >= 0)
		jail_bind(j, r->common.outside, REPOSITORY_COMMON, 0);
	bind_alternates(j, r);
}

/* Place the operator's settings, and an index that is newer than all files. */
static void place_files(struct jail *j, const struct question *q)
{
	const struct gitsettings *s = q->in->tree->settings;
	const char *config = q->in->config;
	struct stat st;

	if (*config) {
		jail_place(j, CONFIG_INSIDE, config, strlen(config));
		strv_push(&j->env, "GIT_CONFIG_GLOBAL=" CONFIG_INSIDE);
	} else {
		strv_push(&j->env, "GIT_CONFIG_GLOBAL=/dev/null");
	}
	if (s && s->excludes.len)
		jail_place(j, SETTINGS_INSIDE "/" GITSETTINGS_EXCLUDES, s->excludes.data,
			s->excludes.len);
	if (s && s->attributes.len)
		jail_place(j, SETTINGS_INSIDE "/" GITSETTINGS_ATTRIBUTES, s->attributes.data,
			s->attributes.len);
	if (q->index >= 0) {
		if (fstat(q->index, &st) < 0)
			st.st_mtim.tv_sec = 0;
		/* As compose.c does for the VM. */
		jail_place_fd(j, INDEX_INSIDE, q->index, st.st_mtim.tv_sec + 1);
		strv_push(&j->env, "GIT_INDEX_FILE=" INDEX_INSIDE);
	}
}

static void add_arguments(struct jail *j, const struct question *q, const char *const *arguments)
{
	auto_free char *tree = path_join(REPOSITORY_SOURCE, q->path);
	auto_free char *git = *q->path ? path_join(tree, ".git") : git_dir(q->in->tree->repository);

	gitjail_repository(j, git, *q->path ? tree : REPOSITORY_SOURCE);
	if (!q->in->tree->settings || !q->in->tree->settings->ignores_modes) {
		strv_push(&j->argv, "-c");
		strv_push(&j->argv, modes_count);
	}
	for (size_t i = 0; q->overruled && i < q->overruled->count; i++) {
		strv_push(&j->argv, "-c");
		strv_push(&j->argv, q->overruled->items[i]);
	}
	for (; *arguments; arguments++)
		strv_push(&j->argv, *arguments);
}

static void fill_jail(struct jail *j, const struct question *q, const char *const *arguments)
{
	const struct inspection *in = q->in;

	gitjail_fill(j, in->git, in->uid, in->gid);
	bind_repository(j, q);
	place_files(j, q);
	add_arguments(j, q, arguments);
}

/* Run git; -1 only if it could not be run. */
static int ask(const struct question *q, const char *const *arguments, struct gitreply *reply,
	struct err *e)
{
	auto_jail struct jail j;

	jail_init(&j, "git");
	fill_jail(&j, q, arguments);
	return jail_run(&j, LIMIT_GIT_MS, &reply->out, &reply->errors, &reply->end, e);
}

/* Open a path of the source tree as O_PATH, without following links out of the tree. */
static int look_at(const struct inspection *in, const char *path, struct git_state *state)
{
	int fd = fd_open_beneath(in->tree->root, path, O_PATH | O_NOFOLLOW);

	if (fd < 0 && errno != ENOENT && errno != ENOTDIR)
		gitreply_doubt(state, "%.80s: %s", path, strerror(errno));
	return fd;
}

/* git assumes that files outside of a sparse checkout are absent, and does not check. */
static void check_sparse(
	const struct question *q, const struct strv *paths, struct git_state *state)
{
	strv_each (paths, path) {
		auto_free char *below = path_join(q->path, *path);
		auto_fd int fd = look_at(q->in, *q->path ? below : *path, state);

		if (fd >= 0)
			gitreply_doubt(state,
				"%.80s is outside of the sparse checkout, and git does not look "
				"at it",
				*path);
		if (state->reason[0])
			return;
	}
}

static int ask_status(
	struct inspection *in, const char *path, struct git_state *state, struct err *e);

/*
 * A change in a submodule is a change of the tree. The submodule's commit has been compared by the
 * status of the tree.
 */
static int ask_submodule(
	struct inspection *in, const char *path, struct git_state *state, struct err *e)
{
	auto_free char *link = path_join(path, ".git");
	auto_fd int fd = look_at(in, link, state);
	struct git_state below = {.repository = true};

	if (fd < 0)
		return 0; /* not checked out */
	if (in->submodules++ >= LIMIT_GIT_SUBMODULES || clock_ms() >= in->deadline_ms) {
		gitreply_doubt(state, "there are too many submodules to ask about in time");
		return 0;
	}
	if (ask_status(in, path, &below, e) < 0)
		return -1;
	if (below.clean == GIT_UNKNOWN)
		gitreply_doubt(state, "submodule %.80s: %s", path, below.reason);
	else if (below.clean == GIT_DIRTY)
		state->clean = GIT_DIRTY;
	return 0;
}

static int ask_submodules(struct inspection *in, const char *above, const struct strv *paths,
	struct git_state *state, struct err *e)
{
	strv_each (paths, path) {
		auto_free char *below = path_join(above, *path);

		if (ask_submodule(in, *above ? below : *path, state, e) < 0)
			return -1;
		if (state->reason[0] || state->clean == GIT_DIRTY)
			return 0;
	}
	return 0;
}

static int ask_index(
	struct inspection *in, const struct question *q, struct git_state *state, struct err *e)
{
	auto_gitreply_entries struct gitreply_entries entries = {0};
	auto_gitreply struct gitreply reply;

	gitreply_init(&reply, LIMIT_GIT_INDEX_BYTES);
	if (ask(q, index_arguments, &reply, e) < 0)
		return -1;
	if (!gitreply_index(&reply, state, &entries))
		return 0;
	check_sparse(q, &entries.sparse, state);
	if (!state->reason[0] && ask_submodules(in, q->path, &entries.submodules, state, e) < 0)
		return -1;
	if (!state->reason[0] && state->clean != GIT_DIRTY)
		state->clean = GIT_CLEAN;
	return 0;
}

/* ---- files that differ only by a filter --------------------------------------------------- */

/* Whether each of these files has a filter. False if unknown. */
static int have_filters(
	const struct question *q, const struct strv *paths, bool *ret, struct err *e)
{
	auto_gitreply struct gitreply reply;
	auto_strv struct strv arguments = {0};

	gitreply_init(&reply, 2 * LIMIT_GIT_CHANGES);
	strv_push(&arguments, "check-attr");
	strv_push(&arguments, "-z");
	strv_push(&arguments, "filter");
	strv_push(&arguments, "--");
	strv_push_all(&arguments, paths);
	if (ask(q, (const char *const *)arguments.items, &reply, e) < 0)
		return -1;
	*ret = gitreply_filters(&reply, paths->count);
	return 0;
}

static int open_index(const struct git_tree *tree)
{
	const struct repository *r = tree->repository;
	auto_free char *path = r->kind == REPOSITORY_INSIDE ? path_join(r->place, "index") : NULL;
	int flags = O_RDONLY | O_NONBLOCK | O_NOCTTY, fd;
	struct stat st;

	if (path)
		fd = fd_open_beneath(tree->root, path, flags);
	else
		fd = fd_open_beneath(r->own.fd >= 0 ? r->own.fd : r->common.fd, "index", flags);
	if (fd >= 0 &&
		(fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) ||
			st.st_size > (off_t)LIMIT_GIT_INDEX_BYTES)) {
		fd_close(fd);
		return -1;
	}
	return fd;
}

/*
 * Run status with all filters of the tree set to not required: git then continues without the
 * filters that it could not start, and lists all files that need one.
 */
static int ask_without_filters(const struct inspection *in, struct gitreply *ret, struct err *e)
{
	static const char *const required[] = {
		"config", "--name-only", "-z", "--get-regexp", "^filter\\..*\\.required$", NULL};
	const struct question names = {in, "", -1, NULL};
	auto_gitreply struct gitreply reply;
	auto_strv struct strv overruled = {0};
	const struct question q = {in, "", -1, &overruled};

	gitreply_init(&reply, LIMIT_GIT_FILTERS);
	if (ask(&names, required, &reply, e) < 0)
		return -1;
	gitreply_overrule(&reply, "=false", &overruled);
	return ask(&q, status_arguments, ret, e);
}

/*
 * git rereads a file that was changed in the second in which the index was written; without its
 * filter the contents seem to be changed. `changed` is the status with such changes. *ret: the tree
 * is clean with an index newer than every file, and all files in `changed` have a filter.
 */
static int check_settled(
	const struct inspection *in, const struct gitreply *changed, bool *ret, struct err *e)
{
	auto_fd int index = open_index(in->tree);
	const struct question q = {in, "", index, NULL};
	auto_strv struct strv paths = {0};
	auto_gitreply struct gitreply reply;
	struct git_state state = {0};

	*ret = false;
	gitreply_init(&reply, LIMIT_GIT_STATUS_BYTES);
	if (index < 0 || !gitreply_changes(changed, LIMIT_GIT_CHANGES, &paths))
		return 0;
	if (ask(&q, status_arguments, &reply, e) < 0)
		return -1;
	if (!gitreply_status(&reply, &state))
		return 0;
	return have_filters(&q, &paths, ret, e);
}

/* May set state->settled, and the commit if the first answer did not contain it. */
static int ask_settled(const struct inspection *in, const struct gitreply *first,
	struct git_state *state, struct err *e)
{
	auto_gitreply struct gitreply reply;
	struct git_state seen = {0};

	gitreply_init(&reply, LIMIT_GIT_STATUS_BYTES);
	if (!state->forbidden)
		return check_settled(in, first, &state->settled, e);
	if (ask_without_filters(in, &reply, e) < 0)
		return -1;
	(void)gitreply_status(&reply, &seen);
	memcpy(state->commit, seen.commit, sizeof(state->commit));
	return check_settled(in, &reply, &state->settled, e);
}

/* Whether the differences may be due to filters only. */
static bool may_be_filters(const struct question *q, const struct git_state *state)
{
	const struct gitsettings *s = q->in->tree->settings;

	return !*q->path && (state->forbidden || (state->clean == GIT_DIRTY && s && s->filters));
}

static int ask_status(
	struct inspection *in, const char *path, struct git_state *state, struct err *e)
{
	const struct question q = {in, path, -1, NULL};
	auto_gitreply struct gitreply reply;
	bool clean;

	gitreply_init(&reply, LIMIT_GIT_STATUS_BYTES);
	if (ask(&q, status_arguments, &reply, e) < 0)
		return -1;
	clean = gitreply_status(&reply, state);
	if (may_be_filters(&q, state)) {
		if (ask_settled(in, &reply, state, e) < 0)
			return -1;
		clean = state->settled;
	}
	if (state->settled) {
		state->clean = GIT_UNKNOWN;
		state->reason[0] = '\0';
	}
	return clean ? ask_index(in, &q, state, e) : 0;
}

/*
 * Whether there is a repository to inspect. If not, the state becomes unknown, unless there is no
 * .git.
 */
static bool has_repository(const struct git_tree *tree, struct git_state *state)
{
	struct stat st;

	if (fstatat(tree->root, ".git", &st, AT_SYMLINK_NOFOLLOW) < 0) {
		if (errno != ENOENT)
			gitreply_doubt(state, ".git: %s", strerror(errno));
		return false;
	}
	state->repository = true;
	if (tree->repository->kind != REPOSITORY_NONE)
		return true;
	gitreply_doubt(
		state, ".git is not a directory but points elsewhere (a worktree or a submodule)");
	return false;
}

static int choose_identity(struct inspection *in, struct err *e)
{
	struct stat st;
	uid_t unused;

	if (fstat(in->tree->root, &st) < 0)
		return err_sys(e, "%s", in->tree->source);
	in->uid = st.st_uid;
	in->gid = st.st_gid;
	/* The owner's rights are enough; other users never get the rights of group root. */
	return in->uid != 0 && in->gid == 0 ? jail_vm_user(NULL, &unused, &in->gid, e) : 0;
}

int git_inspect(const struct git_tree *tree, struct git_state *ret, struct err *e)
{
	auto_free char *git = proc_find("git");
	auto_free char *config =
		tree->settings ? gitsettings_text(tree->settings, SETTINGS_INSIDE) : mem_strdup("");
	struct inspection in = {.git = git,
		.tree = tree,
		.config = config,
		.deadline_ms = clock_ms() + LIMIT_GIT_ALL_MS};
	struct git_state state = {.clean = GIT_UNKNOWN};

	if (choose_identity(&in, e) < 0)
		return -1;
	if (has_repository(tree, &state)) {
		if (!git)
			gitreply_doubt(&state, "git is not installed");
		else if (ask_status(&in, "", &state, e) < 0)
			return err_wrap(e, "look at the repository in %s", tree->source);
	}
	*ret = state;
	return 0;
}
