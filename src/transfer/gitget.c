/* SPDX-License-Identifier: Apache-2.0 */
#include "transfer/gitget.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/limits.h"
#include "base/text.h"
#include "data/tar.h"
#include "os/fd.h"
#include "os/path.h"
#include "os/tree.h"
#include "transfer/limits.h"

enum { COMMIT_SHORT = 40, URL_SHOWN_MAX = 300 };

struct job {
	const struct gitget *g;
	char *commit;   /* in lower case */
	char *part;     /* name of the directory until it is complete */
	char *path;     /* path of that directory */
	uint64_t names; /* files and directories in the tree of the commit */
	struct gitrun run;
};

static void job_release(struct job *j)
{
	free(j->commit);
	free(j->part);
	free(j->path);
	gitrun_release(&j->run);
}
#define auto_job __attribute__((cleanup(job_release)))

/* ---- existing files ---- */

static bool has_commit(struct job *j, const char *directory)
{
	auto_free char *wanted = mem_printf("%s\n", j->commit);
	auto_free char *name = mem_printf("%s^{commit}", j->commit);
	struct err ignored = {0};

	/* A tag does not count as a commit, even if it points to one. */
	return GITRUN(&j->run, directory, &ignored, "rev-parse", "-q", "--verify", name) == 0 &&
		strcmp(j->run.said.data, wanted) == 0;
}

/* HEAD is the commit, and the working tree contains exactly its files. */
static bool is_whole(struct job *j, const char *directory)
{
	auto_free char *wanted = mem_printf("%s\n", j->commit);
	struct err ignored = {0};

	if (GITRUN(&j->run, directory, &ignored, "rev-parse", "-q", "--verify", "HEAD") != 0 ||
		strcmp(j->run.said.data, wanted) != 0)
		return false;
	return GITRUN(&j->run, directory, &ignored, "status", "--porcelain", "--ignored",
		       "--untracked-files=all", "--ignore-submodules=all") == 0 &&
		j->run.said.len == 0;
}

static bool is_there(struct job *j)
{
	auto_free char *path = path_join(j->g->dir, j->g->name);
	auto_free char *inside = path_join(path, ".git");
	struct stat st;

	/* If there is no .git, git would search the parent directories. */
	if (lstat(path, &st) < 0 || !S_ISDIR(st.st_mode) || lstat(inside, &st) < 0 ||
		!S_ISDIR(st.st_mode))
		return false;
	return is_whole(j, path);
}

/* ---- fetch ---- */

static int make_empty(struct job *j, struct err *e)
{
	const char *format = strlen(j->commit) == COMMIT_SHORT ? "--object-format=sha1"
							       : "--object-format=sha256";
	static const char none[] = "* -text -eol -ident -filter -working-tree-encoding\n";
	auto_free char *info = path_join(j->path, ".git/info");
	auto_free char *attributes = path_join(info, "attributes");
	auto_fd int fd = -1;

	if (tree_remove(j->run.o->dir_fd, j->part, j->g->dir, NULL, e) < 0 ||
		path_make_dirs(j->path, 0755, e) < 0 ||
		gitrun_must(&j->run,
			GITRUN(&j->run, j->path, e, "init", "-q", "--template=", format), e) < 0 ||
		path_make_dirs(info, 0755, e) < 0)
		return -1;
	fd = open(attributes, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	if (fd < 0 || fd_write_all(fd, none, strlen(none)) < 0)
		return err_sys(e, "make %s", attributes);
	return 0;
}

/*
 * Some servers serve only commits that are the tip of a branch or tag, or do not support shallow
 * fetches.
 */
static int fetch_all(struct job *j, struct err *e)
{
	(void)gitrun_complaint(&j->run);
	gitrun_tell(&j->run,
		"the server does not serve this commit on its own; fetching the whole history");
	if (make_empty(j, e) < 0)
		return -1;
	return gitrun_must(&j->run,
		GITRUN(&j->run, j->path, e, "fetch", "-q", "--no-tags", "--no-write-fetch-head",
			"--", j->g->server.url, "+refs/heads/*:refs/fetched/heads/*",
			"+refs/tags/*:refs/fetched/tags/*"),
		e);
}

/* Fetch only the commit. 1: the server did not send it; the reason is in j->run.said. */
static int fetch_alone(struct job *j, struct err *e)
{
	int code = GITRUN(&j->run, j->path, e, "fetch", "-q", "--no-tags", "--no-write-fetch-head",
		"--depth=1", "--", j->g->server.url, j->commit);

	if (code < 0)
		return -1;
	return code == 0 && has_commit(j, j->path) ? 0 : 1;
}

/*
 * Retry temporary errors of the server. A server that does not have or does not serve the commit
 * may look the same; then fetch_all() decides.
 */
static int fetch_with_tries(struct job *j, struct err *e)
{
	const struct answer *answer;
	int result;

	for (unsigned tries = 1;; tries++) {
		result = fetch_alone(j, e);
		if (result <= 0)
			return result;
		if (!gitrun_try_again(&j->run, tries, &answer))
			return answer && !answer->again ? gitrun_failed_as_it_said(&j->run, e) : 1;
		if (make_empty(j, e) < 0)
			return -1;
	}
}

static int fetch(struct job *j, struct err *e)
{
	int result = make_empty(j, e) < 0 ? -1 : fetch_with_tries(j, e);

	if (result <= 0)
		return result;
	if (fetch_all(j, e) < 0)
		return -1;
	if (!has_commit(j, j->path)) {
		auto_free char *text = mem_printf("it has no commit %s", j->commit);

		return gitrun_failed(&j->run, "fetch_commit", text, e);
	}
	return 0;
}

/*
 * The number of files that an archive of the dependencies can contain: each takes at least a block.
 */
static uint64_t most_names(const struct job *j)
{
	uint64_t room = j->run.o->room / TAR_BLOCK;

	return j->run.o->bounded && room < LIMIT_TAR_ENTRIES ? room : LIMIT_TAR_ENTRIES;
}

static int check_names(void *arg, pid_t group, struct err *e)
{
	const struct job *j = arg;
	auto_free char *url = NULL;

	(void)group;
	if (j->names <= most_names(j))
		return 0;
	url = text_safe(j->g->server.url, URL_SHOWN_MAX);
	return err_reason(e, ERR_INPUT, "fetch_too_large",
		"%s: the commit has more than %llu files and directories, which is all that there "
		"is room for in the dependencies",
		url, (unsigned long long)most_names(j));
}

static void count_names(void *arg, const char *data, size_t len)
{
	struct job *j = arg;

	for (size_t i = 0; i < len; i++)
		j->names += data[i] == '\0';
}

/*
 * A tree of a few objects can have any number of files, if directories are used repeatedly, and git
 * lists all of them in memory before it writes the first file.
 */
static int check_tree(struct job *j, struct err *e)
{
	const struct proc_watch watch = {.look = check_names, .take = count_names, .arg = j};
	const char *const words[] = {"ls-tree", "-r", "-t", "-z", "--name-only", j->commit, NULL};
	auto_strv struct strv argv = {0};

	gitrun_argv(&j->run, j->path, words, &argv);
	buf_clear(&j->run.said);
	j->names = 0;
	if (gitrun_must(&j->run, proc_run_watched(&argv, &j->run.said, &watch, e), e) < 0)
		return -1;
	return check_names(j, 0, e);
}

static int check_out(struct job *j, struct err *e)
{
	if (check_tree(j, e) < 0)
		return -1;
	if (gitrun_must(&j->run,
		    GITRUN(&j->run, j->path, e, "checkout", "-q", "--force", "--detach", j->commit),
		    e) < 0)
		return -1;
	return is_whole(j, j->path) ? 0 : gitrun_failed_as_it_said(&j->run, e);
}

static int put_in_place(struct job *j, struct err *e)
{
	int dir = j->run.o->dir_fd;
	struct stat st;

	if (fstatat(dir, j->g->name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return renameat(dir, j->part, dir, j->g->name) < 0
			? err_sys(e, "rename %s to %s", j->part, j->g->name)
			: 0;
	if (renameat2(dir, j->part, dir, j->g->name, RENAME_EXCHANGE) < 0)
		return err_sys(e, "exchange %s and %s", j->part, j->g->name);
	return tree_remove(dir, j->part, j->g->dir, NULL, e);
}

static int fetch_into_place(struct job *j, struct err *e)
{
	if (fetch(j, e) < 0 || check_out(j, e) < 0)
		return -1;
	return put_in_place(j, e);
}

static char *lower_case(const char *text)
{
	char *copy = mem_strdup(text);

	for (char *p = copy; *p; p++)
		if (*p >= 'A' && *p <= 'F')
			*p = (char)(*p - 'A' + 'a');
	return copy;
}

static int get(struct job *j, struct err *e)
{
	if (is_there(j)) {
		gitrun_tell(&j->run, "is there already");
		return 0;
	}
	if (gitrun_connect(&j->run, e) < 0 || fetch_into_place(j, e) < 0)
		return -1;
	gitrun_tell(&j->run, "is the commit of the plan");
	return 0;
}

int gitget(const struct gitget *g, const struct transfer_options *o, struct err *e)
{
	auto_job struct job j = {.g = g,
		.commit = lower_case(g->commit),
		.part = mem_printf(".%s.part", g->name),
		.run = {.server = g->server,
			.o = o,
			.name = g->name,
			.limit = "the dependencies' deps_max_size",
			.dir = g->dir}};

	if (!g->name[0] || strchr(g->name, '/') || strcmp(g->name, ".") == 0 ||
		strcmp(g->name, "..") == 0)
		return err_set(e, ERR_INPUT, "'%s' is not a valid name of a directory", g->name);
	j.path = path_join(g->dir, j.part);
	j.run.part = j.part;
	gitrun_init(&j.run);
	return get(&j, e);
}
