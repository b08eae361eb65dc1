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
 *
 * Formats: git-status(1), "Porcelain Format Version 2", and git-ls-files(1), option -v, of
 * git 2.39.
 */
#include "host/git.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/limits.h"
#include "base/path.h"
#include "base/proc.h"
#include "base/text.h"
#include "host/jail.h"

#define SOURCE_INSIDE "/source"

enum { COMPLAINT_BYTES = 160 };

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

/* The first doubt is the reason. The tree's words get into it, so it is made harmless as a whole.
 */
PRINTF_LIKE(2, 3) static void doubt(struct git_state *state, const char *fmt, ...)
{
	auto_free char *safe = NULL;
	char text[GIT_REASON_MAX];
	va_list ap;

	state->clean = GIT_UNKNOWN;
	if (state->reason[0])
		return;
	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	safe = text_safe(text, sizeof(state->reason) - 1);
	(void)snprintf(state->reason, sizeof(state->reason), "%s", safe);
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

/*
 * Ask git. 0 with *ret_sound when it answered without any complaint; else the doubt is noted. A
 * full `out` is left to the caller to judge, *ret_cut says so.
 */
static int ask(const struct question *q, const char *const *arguments, struct buf *out,
	bool *ret_cut, bool *ret_sound, struct git_state *state, struct err *e)
{
	auto_jail struct jail j;
	auto_buf struct buf errors = {0};
	struct jail_end end;

	jail_init(&j, "git");
	buf_init(&errors, COMPLAINT_BYTES);
	fill_jail(&j, q, arguments);
	if (jail_run(&j, LIMIT_GIT_MS, out, &errors, &end, e) < 0)
		return -1;
	errors.data[strcspn(errors.data, "\n")] = '\0';
	*ret_cut = end.overflow;
	*ret_sound = !end.timed_out && (end.overflow || end.exit_code == 0) && !errors.len;
	if (end.timed_out)
		doubt(state, "git %s took longer than %d s", arguments[0],
			(int)(LIMIT_GIT_MS / 1000));
	else if (errors.len)
		doubt(state, "git %s: %s", arguments[0], errors.data);
	else if (!*ret_sound)
		doubt(state, "git %s ended with status %d, signal %d", arguments[0], end.exit_code,
			end.signal);
	return 0;
}

static bool is_object_id(const char *s)
{
	size_t len = strspn(s, "0123456789abcdef");

	return !s[len] && (len == 40 || len == 64);
}

/* The next field of a list whose fields end in NUL, or NULL at the end of what is whole. */
static const char *next_field(const struct buf *b, size_t *offset)
{
	const char *field = b->data + *offset;
	const char *end = memchr(field, '\0', b->len - *offset);

	if (!end)
		return NULL;
	*offset += (size_t)(end - field) + 1;
	return field;
}

/* *ret_clean only when every line is understood and none is a change. */
static void read_status(const struct buf *out, enum git_clean *ret_clean, struct git_state *state)
{
	static const char oid[] = "# branch.oid ";
	enum git_clean clean = GIT_CLEAN;
	const char *field;
	size_t offset = 0;

	while (clean == GIT_CLEAN && (field = next_field(out, &offset))) {
		if (strncmp(field, oid, sizeof(oid) - 1) == 0) {
			field += sizeof(oid) - 1;
			if (is_object_id(field))
				(void)snprintf(state->commit, sizeof(state->commit), "%s", field);
		} else if (strchr("12u?", field[0]) && field[0]) {
			clean = GIT_DIRTY;
		} else if (field[0] != '#') {
			doubt(state, "git status: a line that is not understood: %.80s", field);
			clean = GIT_UNKNOWN;
		}
	}
	if (!state->commit[0])
		doubt(state, "there is no commit yet");
	else
		*ret_clean = clean;
}

/*
 * Tags of `ls-files -v`: H is an ordinary entry. Lower case: assume-unchanged, S: skip-worktree,
 * and whatever else a status that was clean cannot have.
 */
static void read_index(const struct buf *out, bool cut, struct git_state *state)
{
	const char *field;
	size_t offset = 0;

	while ((field = next_field(out, &offset))) {
		if (strncmp(field, "H ", 2) == 0)
			continue;
		doubt(state, "the index tells git not to look at some files, such as %.80s",
			field[0] && field[1] ? field + 2 : "?");
		return;
	}
	if (cut)
		doubt(state, "the index is larger than %u MiB",
			(unsigned)(LIMIT_GIT_INDEX_BYTES / MIB));
	else
		state->clean = GIT_CLEAN;
}

static int ask_index(const struct question *q, struct git_state *state, struct err *e)
{
	auto_buf struct buf out = {0};
	bool cut, sound;

	buf_init(&out, LIMIT_GIT_INDEX_BYTES);
	if (ask(q, index_arguments, &out, &cut, &sound, state, e) < 0)
		return -1;
	if (sound)
		read_index(&out, cut, state);
	return 0;
}

static int ask_status(const struct question *q, struct git_state *state, struct err *e)
{
	auto_buf struct buf out = {0};
	enum git_clean clean = GIT_UNKNOWN;
	bool cut, sound;

	buf_init(&out, LIMIT_GIT_STATUS_BYTES);
	if (ask(q, status_arguments, &out, &cut, &sound, state, e) < 0)
		return -1;
	read_status(&out, &clean, state);
	if (!sound)
		return 0;
	if (clean == GIT_CLEAN)
		return ask_index(q, state, e);
	state->clean = clean;
	return 0;
}

/* Only a directory holds the whole repository; a file or a link leads out of the source tree. */
static bool is_self_contained(const char *source, struct git_state *state)
{
	auto_free char *path = path_join(source, ".git");
	struct stat st;

	if (lstat(path, &st) < 0) {
		if (errno != ENOENT)
			doubt(state, ".git: %s", strerror(errno));
		return false;
	}
	state->repository = true;
	if (S_ISDIR(st.st_mode))
		return true;
	doubt(state, ".git is not a directory but points elsewhere (a worktree or a submodule)");
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
			doubt(&state, "git is not installed");
		else if (ask_status(&q, &state, e) < 0)
			return err_wrap(e, "look at the repository in %s", source_dir);
	}
	*ret = state;
	return 0;
}
