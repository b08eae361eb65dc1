/* SPDX-License-Identifier: Apache-2.0 */
#include "source/checkout.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/num.h"
#include "base/text.h"
#include "os/fd.h"
#include "os/path.h"
#include "os/proc.h"
#include "source/gitjail.h"
#include "source/limits.h"
#include "source/mirrorrefs.h"

#define INSIDE "/checkout"

enum { SAID_MAX = 4096, SAID_SHOWN_MAX = 300, DIGITS_OF_SHA1 = 40 };

static int refuse(struct err *e)
{
	if (e->kind == ERR_INPUT)
		(void)err_because(e, "source_repository");
	return -1;
}

/* ---- .git ---- */

static int write_in(const char *dir, const char *name, const char *text, struct err *e)
{
	auto_free char *path = path_join(dir, name);
	auto_fd int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0644);

	if (fd < 0 || fd_write_all(fd, text, strlen(text)) < 0)
		return err_sys(e, "make %s", path);
	return 0;
}

static char *head_of(const struct mirrorrefs *refs)
{
	return mirrorrefs_is_branch(refs) ? mem_printf("ref: %s\n", refs->full)
					  : mem_printf("%s\n", refs->commit);
}

/* As `git clone` writes it. */
static char *config_of(const struct checkout *c, const struct mirrorrefs *refs)
{
	bool sha1 = strlen(refs->commit) == DIGITS_OF_SHA1;

	return mem_printf("[core]\n\trepositoryformatversion = %d\n\tfilemode = true\n"
			  "\tbare = false\n\tlogallrefupdates = true\n%s"
			  "[remote \"origin\"]\n\turl = \"%s\"\n"
			  "\tfetch = +refs/heads/*:refs/remotes/origin/*\n",
		sha1 ? 0 : 1, sha1 ? "" : "[extensions]\n\tobjectformat = sha256\n", c->url);
}

static int fill_git(
	const struct checkout *c, const struct mirrorrefs *refs, const char *git, struct err *e)
{
	auto_free char *info = path_join(git, "objects/info");
	auto_free char *names = path_join(git, "refs");
	auto_free char *head = head_of(refs), *config = config_of(c, refs);
	auto_free char *alternates = mem_printf("%s\n", c->objects);

	if (path_make_dirs(info, 0755, e) < 0 || path_make_dirs(names, 0755, e) < 0)
		return -1;
	if (write_in(git, "HEAD", head, e) < 0 || write_in(git, "config", config, e) < 0 ||
		write_in(git, "packed-refs", refs->packed.data, e) < 0)
		return -1;
	return write_in(info, "alternates", alternates, e);
}

/* The index knows which files of the checkout are as it left them. */
static int keep_index(const char *from, const char *to, struct err *e)
{
	auto_free char *old = path_join(from, "index"), *new = path_join(to, "index");
	struct stat st;

	if (lstat(old, &st) < 0 || !S_ISREG(st.st_mode) || rename(old, new) == 0)
		return 0;
	return err_sys(e, "rename %s", old);
}

/* Nothing of the old one stays but the index: not even git, in its jail, decides what is in it. */
static int replace_git(const struct checkout *c, const struct mirrorrefs *refs, struct err *e)
{
	auto_free char *new = path_join(c->work, "checkout.git");
	auto_free char *place = path_join(c->dir, ".git");

	if (path_make_dirs(c->dir, 0755, e) < 0 || path_remove_tree(new, e) < 0 ||
		fill_git(c, refs, new, e) < 0)
		return -1;
	if (keep_index(place, new, e) < 0 || path_remove_tree(place, e) < 0)
		return -1;
	return rename(new, place) < 0 ? err_sys(e, "rename %s to %s", new, place) : 0;
}

/* ---- git ---- */

static int failed(const struct buf *said, const struct jail_end *end, struct err *e)
{
	auto_free char *text = text_safe(said->data, SAID_SHOWN_MAX);

	if (end->timed_out || end->signal)
		return err_set(e, ERR_INPUT,
			"git was ended by a limit: %s of processor time, %s in all",
			num_show_duration(LIMIT_GIT_CHECKOUT_CPU_SECONDS * 1000LL).s,
			num_show_duration(LIMIT_GIT_CHECKOUT_MS).s);
	return err_set(e, ERR_INPUT, "git: %s", *text ? text : "failed without a word");
}

/* `arguments` end with NULL. */
static int run_git(
	const struct checkout *c, const char *const *arguments, struct buf *out, struct err *e)
{
	auto_free char *git = proc_find("git");
	auto_buf struct buf said = {0};
	auto_jail struct jail j;
	struct jail_end end;

	if (!git)
		return err_set(e, ERR_HOST, "git is not installed");
	buf_init(&said, SAID_MAX);
	jail_init(&j, "git");
	/* The files must belong to the caller. The jail limits what root can do. */
	gitjail_fill(&j, git, geteuid(), getegid());
	j.max_cpu_seconds = LIMIT_GIT_CHECKOUT_CPU_SECONDS;
	strv_push(&j.env, "GIT_CONFIG_GLOBAL=/dev/null");
	jail_bind(&j, c->dir, INSIDE, JAIL_WRITABLE);
	jail_bind(&j, c->objects, c->objects, 0);
	gitjail_repository(&j, INSIDE "/.git", INSIDE);
	strv_push(&j.argv, "-c");
	strv_push(&j.argv, "core.logAllRefUpdates=false");
	for (; *arguments; arguments++)
		strv_push(&j.argv, *arguments);
	if (jail_run(&j, LIMIT_GIT_CHECKOUT_MS, out, &said, &end, e) < 0)
		return -1;
	if (end.overflow)
		return err_set(e, ERR_INPUT, "the commit has too many files, or too long names");
	return end.exit_code == 0 ? 0 : failed(&said, &end, e);
}

/* "MODE TYPE HASH SIZE\tPATH"; the size is "-" if it is no file. */
static uint64_t size_in(const char *entry)
{
	const char *tab = strchr(entry, '\t'), *p = tab;
	struct err ignored = {0};
	auto_free char *text = NULL;
	uint64_t size = 0;

	while (p && p > entry && p[-1] != ' ')
		p--;
	text = p ? mem_strndup(p, (size_t)(tab - p)) : NULL;
	return text && num_parse_u64(text, UINT64_MAX, &size, &ignored) == 0 ? size : 0;
}

/*
 * A tree of a few objects can have any number of files, and files any number of bytes, if the same are
 * used repeatedly.
 */
static int check_size(const struct checkout *c, const struct mirrorrefs *refs, struct err *e)
{
	const char *const words[] = {
		"ls-tree", "-r", "-t", "-l", "-z", "--full-tree", refs->commit, NULL};
	auto_buf struct buf list = {0};
	uint64_t bytes = 0, names = 0;

	buf_init(&list, LIMIT_GIT_TREE_BYTES);
	if (run_git(c, words, &list, e) < 0)
		return -1;
	for (size_t at = 0; at < list.len; at += strlen(list.data + at) + 1, names++)
		if (__builtin_add_overflow(bytes, size_in(list.data + at), &bytes))
			bytes = UINT64_MAX;
	if (names > LIMIT_TAR_ENTRIES)
		return err_set(e, ERR_INPUT, "the commit has more than %d files and directories",
			LIMIT_TAR_ENTRIES);
	if (bytes > c->max_bytes)
		return err_set(e, ERR_INPUT,
			"the files of the commit have %s, more than mirror_max_size, %s",
			num_show_size_beside(bytes, c->max_bytes).s,
			num_show_size_beside(c->max_bytes, bytes).s);
	return 0;
}

static int check_out(const struct checkout *c, struct err *e)
{
	static const char *const reset[] = {"reset", "-q", "--hard", NULL};
	static const char *const clean[] = {"clean", "-q", "-f", "-f", "-d", "-x", NULL};
	auto_buf struct buf out = {0};

	buf_init(&out, SAID_MAX);
	if (run_git(c, reset, &out, e) < 0)
		return -1;
	return run_git(c, clean, &out, e);
}

int checkout_make(const struct checkout *c, struct err *e)
{
	auto_fd int mirror = open(c->mirror, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	auto_mirrorrefs struct mirrorrefs refs = {0};

	if (mirror < 0)
		return err_sys(e, "%s", c->mirror);
	if (mirrorrefs_find(mirror, c->ref, &refs, e) < 0)
		return refuse(e);
	if (replace_git(c, &refs, e) < 0 || check_size(c, &refs, e) < 0 || check_out(c, e) < 0) {
		(void)err_wrap(e, "check out %s", refs.full);
		return refuse(e);
	}
	return 0;
}
