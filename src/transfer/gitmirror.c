/* SPDX-License-Identifier: Apache-2.0 */
#include "transfer/gitmirror.h"

#include <dirent.h>
#include <fcntl.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"
#include "os/fd.h"
#include "os/tree.h"
#include "transfer/limits.h"

enum { SHA1_DIGITS = 40, SHA256_DIGITS = 64, REF_SHOWN_MAX = 200, PACKS_MAX = 20 };

/* What the server's list of references says about the one that is asked for. */
struct listing {
	const char *ref;
	char line[LIMIT_GIT_REF_LINE];
	size_t len;
	bool too_long;    /* the line: it is ignored */
	struct buf *said; /* gets lines that are no references */
	bool exact, branch,
		tag; /* there is a reference with the name itself, refs/heads/, refs/tags/ */
	char *head,
		*head_commit; /* the branch that HEAD names, and the commit of HEAD; NULL: none */
	size_t digits;        /* of the server's hashes; 0: it has no reference */
};

struct mirror {
	const struct gitmirror *m;
	struct listing list;
	char *full; /* the reference that is asked for, by its full name in the mirror */
	char *spec; /* "+THEIRS:OURS" */
	struct gitrun run;
};

static void mirror_release(struct mirror *m)
{
	free(m->list.head);
	free(m->list.head_commit);
	free(m->full);
	free(m->spec);
	gitrun_release(&m->run);
}
#define auto_mirror __attribute__((cleanup(mirror_release)))

#define GIT(m, e, ...) GITRUN(&(m)->run, (m)->m->dir, e, __VA_ARGS__)
#define MUST(m, e, ...) gitrun_must(&(m)->run, GIT(m, e, __VA_ARGS__), e)

/* ---- what the server has ---- */

static size_t hash_digits(const char *text)
{
	size_t n = strspn(text, "0123456789abcdef");

	return n == SHA1_DIGITS || n == SHA256_DIGITS ? n : 0;
}

static bool is_hash(const char *text)
{
	size_t digits = hash_digits(text);

	return digits && !text[digits];
}

static bool is_below(const char *name, const char *place, const char *ref)
{
	size_t len = strlen(place);

	return strncmp(name, place, len) == 0 && strcmp(name + len, ref) == 0;
}

static void take_reference(struct listing *l, const char *hash, size_t digits, const char *name)
{
	l->digits = digits;
	if (strcmp(name, "HEAD") == 0 && !l->head_commit)
		l->head_commit = mem_strndup(hash, digits);
	if (!l->ref)
		return;
	l->exact |= strcmp(name, l->ref) == 0;
	l->branch |= is_below(name, "refs/heads/", l->ref);
	l->tag |= is_below(name, "refs/tags/", l->ref);
}

static bool starts(const char *text, const char *head)
{
	return strncmp(text, head, strlen(head)) == 0;
}

/* "HASH\tNAME", or "ref: NAME\tHEAD"; what git says itself is neither. */
static void take_line(struct listing *l, char *line)
{
	static const char names[] = "ref: refs/heads/";
	size_t digits = hash_digits(line);
	char *tab = strchr(line, '\t');

	if (tab && digits && line + digits == tab) {
		take_reference(l, line, digits, tab + 1);
	} else if (tab && starts(line, names)) {
		*tab = '\0';
		if (strcmp(tab + 1, "HEAD") == 0 && !l->head)
			l->head = mem_strdup(line + strlen("ref: "));
	} else {
		buf_adds(l->said, line);
		buf_addc(l->said, '\n');
	}
}

static void take_list(void *arg, const char *data, size_t len)
{
	struct listing *l = arg;

	for (size_t i = 0; i < len; i++) {
		if (data[i] != '\n') {
			l->too_long |= l->len + 1 >= sizeof(l->line);
			if (!l->too_long)
				l->line[l->len++] = data[i];
			continue;
		}
		l->line[l->len] = '\0';
		if (!l->too_long)
			take_line(l, l->line);
		l->len = 0;
		l->too_long = false;
	}
}

static void forget_list(struct mirror *m)
{
	free(m->list.head);
	free(m->list.head_commit);
	m->list = (struct listing){.ref = m->m->ref, .said = &m->run.said};
}

static int ask(struct mirror *m, struct err *e)
{
	const char *const words[] = {"ls-remote", "--symref", "--", m->m->server.url, NULL};
	const struct answer *answer;

	for (unsigned tries = 1;; tries++) {
		int code;

		forget_list(m);
		code = gitrun_listen(&m->run, "/", words, take_list, &m->list, e);
		if (code <= 0)
			return code;
		if (!gitrun_try_again(&m->run, tries, &answer))
			return gitrun_failed_as_it_said(&m->run, e);
	}
}

static int refuse_name(struct mirror *m, const char *what, const char *name, struct err *e)
{
	auto_free char *shown = text_safe(name, REF_SHOWN_MAX);
	auto_free char *text = mem_printf("%s%s", what, shown);

	return gitrun_failed(&m->run, "fetch_commit", text, e);
}

static int refuse_ref(struct mirror *m, const char *what, struct err *e)
{
	return refuse_name(m, what, m->m->ref ? m->m->ref : "", e);
}

static void want(struct mirror *m, const char *theirs, char *full)
{
	m->full = full;
	m->spec = mem_printf("+%s:%s", theirs, full);
}

static int want_head(struct mirror *m, struct err *e)
{
	const struct listing *l = &m->list;

	if (!l->head_commit)
		return refuse_ref(m, "the repository has no commit that its HEAD names", e);
	if (l->head)
		want(m, l->head, mem_strdup(l->head));
	else
		want(m, "HEAD", mem_printf(GITMIRROR_COMMITS "%s", l->head_commit));
	return 0;
}

static int want_named(struct mirror *m, struct err *e)
{
	const struct listing *l = &m->list;
	const char *place = l->branch ? "refs/heads/" : "refs/tags/";
	auto_free char *theirs = mem_printf("%s%s", place, m->m->ref);

	if (l->branch && l->tag)
		return refuse_ref(m,
			"a branch and a tag have this name; write refs/heads/NAME or "
			"refs/tags/NAME: ",
			e);
	if (!l->branch && !l->tag)
		return refuse_ref(m, "the repository has no branch and no tag ", e);
	want(m, theirs, mem_strdup(theirs));
	return 0;
}

/* HEAD may name none of them. */
static void want_branches(struct mirror *m)
{
	m->full = m->list.head ? mem_strdup(m->list.head) : NULL;
	m->spec = mem_strdup("+refs/heads/*:refs/heads/*");
}

static int choose(struct mirror *m, struct err *e)
{
	const char *ref = m->m->ref;

	if (m->m->commits) {
		want_branches(m);
		return 0;
	}
	if (!ref)
		return want_head(m, e);
	if (is_hash(ref)) {
		want(m, ref, mem_printf(GITMIRROR_COMMITS "%s", ref));
		return 0;
	}
	if (!starts(ref, "refs/"))
		return want_named(m, e);
	if (!m->list.exact)
		return refuse_ref(m, "the repository has no reference ", e);
	want(m, ref, mem_strdup(ref));
	return 0;
}

/* ---- the repository ---- */

static const char *format_of(const struct mirror *m)
{
	return m->list.digits == SHA256_DIGITS ? "sha256" : "sha1";
}

/* A repository of ours with hashes like the server's. */
static bool is_there(struct mirror *m)
{
	auto_free char *wanted = mem_printf("%s\n", format_of(m));
	struct err ignored = {0};

	return faccessat(m->run.o->dir_fd, "HEAD", F_OK, AT_SYMLINK_NOFOLLOW) == 0 &&
		GIT(m, &ignored, "--git-dir=.", "rev-parse", "--show-object-format") == 0 &&
		strcmp(m->run.said.data, wanted) == 0;
}

static int make_empty(struct mirror *m, struct err *e)
{
	auto_free char *format = mem_printf("--object-format=%s", format_of(m));
	static const struct strv none = {0};

	if (tree_remove_others(m->run.o->dir_fd, &none, m->m->dir, e) < 0)
		return -1;
	return MUST(m, e, "init", "-q", "--bare", "--template=", format, ".");
}

/* As gitrun_words. Packs, because what is in one file each is many names in the archive. */
static int fetch_once(struct mirror *m, struct err *e)
{
	return GIT(m, e, "-c", "fetch.unpackLimit=1", "-c", "fetch.fsck.badDate=warn", "-c",
		"fetch.fsck.badEmail=warn", "-c", "fetch.fsck.badName=warn", "-c",
		"fetch.fsck.badTimezone=warn", "-c", "fetch.fsck.missingEmail=warn", "-c",
		"fetch.fsck.missingNameBeforeEmail=warn", "-c",
		"fetch.fsck.missingSpaceBeforeDate=warn", "-c",
		"fetch.fsck.missingSpaceBeforeEmail=warn", "-c", "fetch.fsck.zeroPaddedDate=warn",
		"-c", "fetch.fsck.zeroPaddedFilemode=warn", "--git-dir=.", "fetch", "-q",
		"--no-tags", "--prune", "--no-write-fetch-head", "--", m->m->server.url, m->spec,
		"+refs/tags/*:refs/tags/*");
}

/* 1: it failed; the reason is in said. */
static int fetch_with_tries(struct mirror *m, struct err *e)
{
	const struct answer *answer;

	for (unsigned tries = 1;; tries++) {
		int code = fetch_once(m, e);

		if (code <= 0)
			return code;
		if (gitrun_try_again(&m->run, tries, &answer))
			continue;
		return answer ? gitrun_failed_as_it_said(&m->run, e) : 1;
	}
}

static int fetch(struct mirror *m, struct err *e)
{
	bool old = is_there(m);
	int result;

	if (!old && make_empty(m, e) < 0)
		return -1;
	result = fetch_with_tries(m, e);
	if (result == 1 && old) {
		(void)gitrun_complaint(&m->run);
		gitrun_tell(&m->run, "git cannot continue the mirror; fetching all of it");
		result = make_empty(m, e) < 0 ? -1 : fetch_with_tries(m, e);
	}
	return result == 1 ? gitrun_failed_as_it_said(&m->run, e) : result;
}

/* ---- the end ---- */

static size_t count_packs(const struct mirror *m)
{
	auto_fd int packs = fd_open_beneath(
		m->run.o->dir_fd, "objects/pack", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct dirent **names = NULL;
	int count = packs < 0 ? 0 : scandirat(packs, ".", &names, NULL, NULL);
	size_t n = 0;

	for (int i = 0; i < count; i++) {
		const char *end = strrchr(names[i]->d_name, '.');

		n += end && strcmp(end, ".pack") == 0;
		free(names[i]);
	}
	free(names);
	return n;
}

/* Each fetch leaves a pack. */
static int tidy(struct mirror *m, struct err *e)
{
	if (count_packs(m) > PACKS_MAX &&
		MUST(m, e, "--git-dir=.", "repack", "-q", "-a", "-d", "-n") < 0)
		return -1;
	return MUST(m, e, "--git-dir=.", "pack-refs", "--all", "--prune");
}

/* A commit, not a tag that leads to something else, and not a tree. */
static int find_commit(struct mirror *m, struct err *e)
{
	auto_free char *commit = mem_printf("%s^{commit}", m->full);
	auto_free char *shown = text_safe(m->full, REF_SHOWN_MAX);
	auto_free char *text = NULL;

	if (GIT(m, e, "--git-dir=.", "rev-parse", "-q", "--verify", commit) != 0)
		return refuse_ref(m, "what the server has under this name is no commit: ", e);
	text = mem_printf(
		"%s is %.*s", shown, (int)strcspn(m->run.said.data, "\n"), m->run.said.data);
	gitrun_tell(&m->run, text);
	return 0;
}

/* A reference keeps it from being tidied away, and lets clients ask for it. */
static int keep_commit(struct mirror *m, const char *commit, struct err *e)
{
	auto_free char *full = mem_printf(GITMIRROR_COMMITS "%s", commit);
	auto_free char *name = mem_printf("%s^{commit}", commit);
	int result;

	if (GIT(m, e, "--git-dir=.", "rev-parse", "-q", "--verify", name) == 0)
		return MUST(m, e, "--git-dir=.", "update-ref", full, commit);
	free(m->spec);
	m->spec = mem_printf("+%s:%s", commit, full);
	result = fetch_with_tries(m, e);
	if (result != 1)
		return result;
	(void)gitrun_complaint(&m->run);
	return refuse_name(m, "the repository has no commit ", commit, e);
}

/* "refs/commits/HASH" of an earlier time. */
static int forget_commit(struct mirror *m, const char *full, struct err *e)
{
	if (!starts(full, GITMIRROR_COMMITS) ||
		strv_has(m->m->commits, full + strlen(GITMIRROR_COMMITS)))
		return 0;
	return MUST(m, e, "--git-dir=.", "update-ref", "-d", full);
}

static int forget_commits(struct mirror *m, struct err *e)
{
	auto_free char *list = NULL;
	char *save = NULL;

	if (MUST(m, e, "--git-dir=.", "for-each-ref", "--format=%(refname)", GITMIRROR_COMMITS) < 0)
		return -1;
	list = mem_strdup(m->run.said.data);
	for (char *full = strtok_r(list, "\n", &save); full; full = strtok_r(NULL, "\n", &save))
		if (forget_commit(m, full, e) < 0)
			return -1;
	return 0;
}

static int keep_commits(struct mirror *m, struct err *e)
{
	strv_each (m->m->commits, commit)
		if (keep_commit(m, *commit, e) < 0)
			return -1;
	return forget_commits(m, e);
}

static int set_head(struct mirror *m, struct err *e)
{
	const char *head = m->m->ref && m->list.head ? m->list.head : m->full;

	return head ? MUST(m, e, "--git-dir=.", "symbolic-ref", "HEAD", head) : 0;
}

int gitmirror(const struct gitmirror *g, const struct transfer_options *o, struct err *e)
{
	auto_mirror struct mirror m = {.m = g,
		.run = {.server = g->server,
			.o = o,
			.name = g->name,
			.limit = g->limit,
			.part = ".",
			.dir = g->dir}};

	gitrun_init(&m.run);
	if (gitrun_connect(&m.run, e) < 0 || ask(&m, e) < 0 || choose(&m, e) < 0 ||
		fetch(&m, e) < 0)
		return -1;
	if ((g->commits ? keep_commits(&m, e) : find_commit(&m, e)) < 0)
		return -1;
	return set_head(&m, e) < 0 || tidy(&m, e) < 0 ? -1 : 0;
}
