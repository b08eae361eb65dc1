/* SPDX-License-Identifier: Apache-2.0 */
/*
 * git is asked twice at most about each repository: `status` for commit and changes in one answer,
 * and, when that says clean, `ls-files` for entries of the index that need a look of our own. Those
 * are submodules, into which git would go by child processes, so each is asked about in a jail of
 * its own; entries of a sparse checkout; and entries that are marked so that status does not look
 * at their files.
 *
 * The settings below keep git from trying what the jail refuses anyway: that would be an error, and
 * so an "unknown" for honest trees as well. What cannot be set aside by name (filter.<name>.clean,
 * a lazy fetch) does try, fails with EPERM, and complains on standard error; any complaint makes
 * the answer unknown. What it answers is read by gitreply.c.
 */
#include "host/git.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/limits.h"
#include "base/path.h"
#include "base/proc.h"
#include "host/gitreply.h"
#include "host/jail.h"

#define SOURCE_INSIDE "/source"

static const char *const environment[] = {
	"GIT_ATTR_NOSYSTEM=1",
	"GIT_CEILING_DIRECTORIES=/",
	"GIT_CONFIG_GLOBAL=/dev/null",
	"GIT_CONFIG_NOSYSTEM=1",
	"GIT_GRAFT_FILE=/nonexistent",
	"GIT_NO_LAZY_FETCH=1",
	"GIT_NO_REPLACE_OBJECTS=1",
	"GIT_OPTIONAL_LOCKS=0",
	"GIT_TERMINAL_PROMPT=0",
	"HOME=/nonexistent",
	"LC_ALL=C",
	"PATH=/usr/bin",
};

/* Stronger than the tree's own configuration: what would run something, or hide a change. */
static const char *const settings[] = {
	"core.attributesFile=/nonexistent",
	"core.checkStat=default",
	"core.excludesFile=/nonexistent",
	"core.fileMode=true",
	"core.fsmonitor=false",
	"core.hooksPath=/nonexistent",
	"core.ignoreStat=false",
	"core.trustctime=true",
	"core.untrackedCache=false",
	"protocol.allow=never",
	"safe.directory=*",
};

static const char *const status_arguments[] = {"status", "--porcelain=v2", "--branch", "-z",
	"--untracked-files=normal", "--ignore-submodules=dirty", "--no-renames",
	"--no-ahead-behind", NULL};
static const char *const index_arguments[] = {"ls-files", "-s", "-v", "-z", NULL};

/* One look at a source tree, with all of its submodules. */
struct inspection {
	const char *git;
	const char *source;
	uid_t uid;
	gid_t gid;
	int root;            /* the directory `source` */
	int64_t deadline_ms; /* of clock_ms: nothing is asked later */
	unsigned submodules; /* that were asked about */
};

/* A repository of the source tree: the directory of its files. "" is the source tree itself. */
struct question {
	const struct inspection *in;
	const char *path;
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

static void fill_jail(struct jail *j, const struct question *q, const char *const *arguments)
{
	const struct inspection *in = q->in;
	const char *slash = *q->path ? "/" : "";

	j->program = in->git;
	j->uid = in->uid;
	j->gid = in->gid;
	/*
	 * git reads root's trees as root, because their files may be open to nobody else. It is
	 * root without a capability, in a jail that shows nothing but /usr and this tree,
	 * read-only.
	 */
	j->root_ok = in->uid == 0;
	j->no_children = true;
	j->max_files = LIMIT_GIT_FILES;
	j->max_memory = LIMIT_GIT_MEMORY;
	j->max_cpu_seconds = LIMIT_GIT_CPU_SECONDS;
	jail_bind(j, in->source, SOURCE_INSIDE, 0);
	jail_device(j, "/dev/null");
	for (size_t i = 0; i < ARRAY_SIZE(environment); i++)
		strv_push(&j->env, environment[i]);
	strv_push(&j->argv, "git");
	strv_pushf(&j->argv, "--git-dir=" SOURCE_INSIDE "%s%s/.git", slash, q->path);
	strv_pushf(&j->argv, "--work-tree=" SOURCE_INSIDE "%s%s", slash, q->path);
	for (size_t i = 0; i < ARRAY_SIZE(settings); i++) {
		strv_push(&j->argv, "-c");
		strv_push(&j->argv, settings[i]);
	}
	for (; *arguments; arguments++)
		strv_push(&j->argv, *arguments);
}

/* Ask git; -1 only when it could not be asked. */
static int ask(const struct question *q, const char *const *arguments, struct gitreply *reply,
	struct err *e)
{
	auto_jail struct jail j;

	jail_init(&j, "git");
	fill_jail(&j, q, arguments);
	return jail_run(&j, LIMIT_GIT_MS, &reply->out, &reply->errors, &reply->end, e);
}

/* What the path is in the source tree: open it beneath, without opening what it is. */
static int look_at(const struct inspection *in, const char *path, struct git_state *state)
{
	int fd = fd_open_beneath(in->root, path, O_PATH | O_NOFOLLOW);

	if (fd < 0 && errno != ENOENT && errno != ENOTDIR)
		gitreply_doubt(state, "%.80s: %s", path, strerror(errno));
	return fd;
}

/* git believes that files outside of a sparse checkout are absent, and does not look. */
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

/* A change in a submodule is one of the tree; its commit was compared by the status of the tree. */
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

static int ask_status(
	struct inspection *in, const char *path, struct git_state *state, struct err *e)
{
	const struct question q = {in, path};
	auto_gitreply struct gitreply reply;

	gitreply_init(&reply, LIMIT_GIT_STATUS_BYTES);
	if (ask(&q, status_arguments, &reply, e) < 0)
		return -1;
	return gitreply_status(&reply, state) ? ask_index(in, &q, state, e) : 0;
}

/* Only a directory holds the whole repository; a file or a link leads out of the source tree. */
static bool is_self_contained(const char *source, struct git_state *state)
{
	auto_free char *path = path_join(source, ".git");
	struct stat st;

	if (lstat(path, &st) < 0) {
		if (errno != ENOENT)
			gitreply_doubt(state, ".git: %s", strerror(errno));
		return false;
	}
	state->repository = true;
	if (S_ISDIR(st.st_mode))
		return true;
	gitreply_doubt(
		state, ".git is not a directory but points elsewhere (a worktree or a submodule)");
	return false;
}

static int open_source(const char *source, struct inspection *in, struct err *e)
{
	struct stat st;
	uid_t unused;

	in->root = open(source, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (in->root < 0 || fstat(in->root, &st) < 0) {
		(void)err_sys(e, "source %s", source);
		e->kind = ERR_INPUT;
		return -1;
	}
	in->uid = st.st_uid;
	in->gid = st.st_gid;
	/* The owner's rights are enough; those of group root are never given to anybody else. */
	return in->uid != 0 && in->gid == 0 ? jail_vm_user(NULL, &unused, &in->gid, e) : 0;
}

static int inspect(struct inspection *in, struct git_state *state, struct err *e)
{
	if (open_source(in->source, in, e) < 0)
		return -1;
	if (!is_self_contained(in->source, state))
		return 0;
	if (!in->git)
		gitreply_doubt(state, "git is not installed");
	else if (ask_status(in, "", state, e) < 0)
		return err_wrap(e, "look at the repository in %s", in->source);
	return 0;
}

int git_inspect(const char *source_dir, struct git_state *ret, struct err *e)
{
	auto_free char *git = proc_find("git");
	struct inspection in = {.git = git,
		.source = source_dir,
		.root = -1,
		.deadline_ms = clock_ms() + LIMIT_GIT_ALL_MS};
	struct git_state state = {.clean = GIT_UNKNOWN};
	int result = inspect(&in, &state, e);

	fd_close(in.root);
	if (result == 0)
		*ret = state;
	return result;
}
