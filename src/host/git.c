/* SPDX-License-Identifier: Apache-2.0 */
/*
 * git is asked twice at most: `status` for commit and changes in one answer, and, when that says
 * clean, `ls-files -v` for entries of the index that are marked so that status does not look at
 * them.
 *
 * The settings below keep git from trying what the jail refuses anyway: that would be an error, and
 * so an "unknown" for honest trees as well. What cannot be set aside by name (filter.<name>.clean,
 * a submodule, a lazy fetch) does try, fails with EPERM, and complains on standard error; any
 * complaint makes the answer unknown.
 * What it answers is read by gitreply.c.
 */
#include "host/git.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

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
	"--untracked-files=normal", "--ignore-submodules=none", "--no-renames", "--no-ahead-behind",
	NULL};
static const char *const index_arguments[] = {"ls-files", "-v", "-z", NULL};

/* What both invocations have in common. */
struct question {
	const char *git;
	const char *source;
	uid_t uid;
	gid_t gid;
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
	j->program = q->git;
	j->uid = q->uid;
	j->gid = q->gid;
	/*
	 * git reads root's trees as root, because their files may be open to nobody else. It is
	 * root without a capability, in a jail that shows nothing but /usr and this tree,
	 * read-only.
	 */
	j->root_ok = q->uid == 0;
	j->no_children = true;
	j->max_files = LIMIT_GIT_FILES;
	j->max_memory = LIMIT_GIT_MEMORY;
	j->max_cpu_seconds = LIMIT_GIT_CPU_SECONDS;
	jail_bind(j, q->source, SOURCE_INSIDE, 0);
	jail_device(j, "/dev/null");
	for (size_t i = 0; i < ARRAY_SIZE(environment); i++)
		strv_push(&j->env, environment[i]);
	strv_push(&j->argv, "git");
	strv_push(&j->argv, "--git-dir=" SOURCE_INSIDE "/.git");
	strv_push(&j->argv, "--work-tree=" SOURCE_INSIDE);
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

static int ask_index(const struct question *q, struct git_state *state, struct err *e)
{
	auto_gitreply struct gitreply reply;

	gitreply_init(&reply, LIMIT_GIT_INDEX_BYTES);
	if (ask(q, index_arguments, &reply, e) < 0)
		return -1;
	gitreply_index(&reply, state);
	return 0;
}

static int ask_status(const struct question *q, struct git_state *state, struct err *e)
{
	auto_gitreply struct gitreply reply;

	gitreply_init(&reply, LIMIT_GIT_STATUS_BYTES);
	if (ask(q, status_arguments, &reply, e) < 0)
		return -1;
	return gitreply_status(&reply, state) ? ask_index(q, state, e) : 0;
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

static int choose_identity(const char *source, struct question *q, struct err *e)
{
	struct stat st;
	uid_t unused;

	if (stat(source, &st) < 0 || (!S_ISDIR(st.st_mode) && (errno = ENOTDIR))) {
		(void)err_sys(e, "source %s", source);
		e->kind = ERR_INPUT;
		return -1;
	}
	q->uid = st.st_uid;
	q->gid = st.st_gid;
	/* The owner's rights are enough; those of group root are never given to anybody else. */
	return q->uid != 0 && q->gid == 0 ? jail_vm_user(NULL, &unused, &q->gid, e) : 0;
}

int git_inspect(const char *source_dir, struct git_state *ret, struct err *e)
{
	auto_free char *git = proc_find("git");
	struct question q = {.git = git, .source = source_dir};
	struct git_state state = {.clean = GIT_UNKNOWN};

	if (choose_identity(source_dir, &q, e) < 0)
		return -1;
	if (is_self_contained(source_dir, &state)) {
		if (!git)
			gitreply_doubt(&state, "git is not installed");
		else if (ask_status(&q, &state, e) < 0)
			return err_wrap(e, "look at the repository in %s", source_dir);
	}
	*ret = state;
	return 0;
}
