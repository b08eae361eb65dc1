/* SPDX-License-Identifier: Apache-2.0 */
#include "source/compose.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "contract/contract.h"
#include "os/fd.h"
#include "os/path.h"
#include "source/limits.h"

/* The files that a linked worktree uses from its repository (gitrepository-layout(5)). */
static const char *const shared[] = {"config", "description", "objects", "packed-refs", "shallow"};
/*
 * Directories that both have. The entries in `own` come from the worktree, because those of the
 * repository belong to another worktree.
 */
static const char *const mixed[] = {"info", "logs", "refs"};
static const struct {
	const char *parent, *name, *path;
} own[] = {
	{"info", "sparse-checkout", ".git/info/sparse-checkout"},
	{"logs", "HEAD", ".git/logs/HEAD"},
	{"refs", "bisect", ".git/refs/bisect"},
	{"refs", "rewritten", ".git/refs/rewritten"},
	{"refs", "worktree", ".git/refs/worktree"},
};
/* Files that would make the copy a linked worktree again. */
static const char *const dropped[] = {"commondir", "gitdir", "locked"};

static const char preface[] = "# From the git configuration of the operator, by ambient:\n";
static const char after[] = "# For a tree that was unpacked, by ambient:\n"
			    "[core]\n\tcheckStat = minimal\n\ttrustctime = false\n"
			    "\tfsmonitor = false\n\tuntrackedCache = false\n";
/* The work tree is the directory of `.git`, wherever it was for the original repository. */
static const char here[] = "\tbare = false\n\tworktree = ..\n";

struct composer {
	struct composition *out;
	const char *place; /* of the repository in the archive */
	const struct gitsettings *settings;
	int dir;           /* of the repository: contains config and info */
	int own;           /* contains the index: the directory of a linked worktree, else dir */
	bool is_moved;     /* the repository is outside of the source */
	const char *added; /* name of the directory of added files, relative to the repository */
};

void composition_release(struct composition *c)
{
	for (size_t i = 0; i < c->fd_count; i++)
		fd_close(c->fds[i]);
	free(c->fds);
	free(c->grafts);
	strv_release(&c->texts);
	*c = (struct composition){0};
}

/* ---- adding grafts ----------------------------------------------------------------------- */

static const char *keep_text(struct composition *c, char *text)
{
	strv_push_owned(&c->texts, text);
	return text;
}

static int keep_fd(struct composition *c, int fd)
{
	c->fds = mem_resize(c->fds, c->fd_count + 1, sizeof(*c->fds));
	c->fds[c->fd_count++] = fd;
	return fd;
}

static void add(struct composition *c, const struct pack_graft *g)
{
	c->grafts = mem_resize(c->grafts, c->count + 1, sizeof(*c->grafts));
	c->grafts[c->count++] = *g;
}

static void add_nothing(struct composition *c, const char *path)
{
	add(c, &(struct pack_graft){.path = path, .kind = PACK_NOTHING});
}

static void add_entry(struct composition *c, const char *path, int dir, const char *name)
{
	add(c, &(struct pack_graft){.path = path, .kind = PACK_ENTRY, .dir = dir, .name = name});
}

/* The path in the archive for a path in the repository. */
static const char *in_place(struct composer *c, const char *path)
{
	return keep_text(c->out, mem_printf("%s/%s", c->place, path));
}

/* Takes ownership of the text. */
static void add_text(struct composition *c, const char *path, char *text, const struct stat *like)
{
	add(c,
		&(struct pack_graft){.path = path,
			.kind = PACK_BYTES,
			.data = keep_text(c, text),
			.len = strlen(text),
			.time = like->st_mtim});
}

static bool look(int dir, const char *path, struct stat *ret)
{
	auto_fd int fd = fd_open_beneath(dir, path, O_PATH | O_NOFOLLOW);

	return fd >= 0 && fstat(fd, ret) == 0;
}

/* ---- modified files ---------------------------------------------------------------------- */

/*
 * Read a text file of the repository; false if it is no regular file, too large, or contains a NUL.
 */
static bool read_text(int dir, const char *path, struct buf *b, struct stat *st)
{
	buf_init(b, LIMIT_GIT_CONFIG);
	return fd_read_beneath(dir, path, b, st) == 0 && !memchr(b->data, '\0', b->len);
}

/*
 * The directory for added files, relative to the repository: a name that is free in it, so that
 * nothing of the source is replaced. It does not depend on what is added. The number of tries is at
 * most that of the entries, all of which are packed.
 */
static const char *free_name(struct composer *c)
{
	auto_free char *name = mem_strdup("ambient");
	struct stat st;

	for (uint64_t i = 2; look(c->own, name, &st); i++) {
		free(name);
		name = mem_printf("ambient-%" PRIu64, i);
	}
	return keep_text(c->out, steal_ptr(&name));
}

/* Add a file `name` to that directory; the bytes are borrowed. */
static void add_file(struct composer *c, const char *name, const struct buf *b)
{
	auto_free char *path = path_join(c->added, name);

	if (b->len)
		add(c->out,
			&(struct pack_graft){.path = in_place(c, path),
				.kind = PACK_BYTES,
				.data = b->data,
				.len = b->len});
}

static void add_directory(struct composer *c, const char *path)
{
	add(c->out, &(struct pack_graft){.path = in_place(c, path), .kind = PACK_DIRECTORY});
}

/* Add the operator's settings before those of the tree, which take precedence. */
static void add_config(struct composer *c)
{
	const struct gitsettings *s = c->settings;
	auto_free char *dir = mem_printf("%s/%s/%s", GUEST_SRC, c->place, c->added);
	auto_free char *before = gitsettings_text(s, dir);
	auto_buf struct buf b = {0};
	struct stat st;

	if (!read_text(c->dir, "config", &b, &st))
		return;
	add_text(c->out, in_place(c, "config"),
		mem_printf("%s%s%s%s%s%s", *before ? preface : "", before, b.data,
			b.len && b.data[b.len - 1] != '\n' ? "\n" : "", after,
			c->is_moved ? here : ""),
		&st);
	if (!s->excludes.len && !s->attributes.len)
		return;
	add_directory(c, c->added);
	add_file(c, GITSETTINGS_EXCLUDES, &s->excludes);
	add_file(c, GITSETTINGS_ATTRIBUTES, &s->attributes);
}

/*
 * Date the index one second later: git rereads files that were changed in the second in which it
 * wrote the index.
 */
static void date_index(struct composer *c)
{
	struct stat st;

	if (look(c->own, "index", &st))
		add(c->out,
			&(struct pack_graft){.path = in_place(c, "index"),
				.kind = PACK_DATED,
				.dir = c->own,
				.name = "index",
				.time = {.tv_sec = st.st_mtim.tv_sec + 1}});
}

/* ---- kinds of repositories --------------------------------------------------------------- */

static void add_own(struct composer *c)
{
	struct stat st;

	for (size_t i = 0; i < ARRAY_SIZE(own); i++) {
		auto_fd int parent = fd_open_beneath(c->own, own[i].parent, O_PATH | O_DIRECTORY);

		if (parent < 0 || !look(parent, own[i].name, &st))
			add_nothing(c->out, own[i].path);
		else
			add_entry(c->out, own[i].path, keep_fd(c->out, fd_steal(&parent)),
				own[i].name);
	}
}

static bool is_one_of(const char *const *names, size_t count, const char *name)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(names[i], name) == 0)
			return true;
	return false;
}

/* Add HEAD, index, and the other files that git keeps per worktree. */
static int add_worktree_files(struct composer *c, struct err *e)
{
	int fd = openat(c->own, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *list = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *d;

	if (!list) {
		fd_close(fd);
		return err_sys(e, "list the worktree's directory of its repository");
	}
	while (c->out->count < LIMIT_GIT_GRAFTS && (d = readdir(list))) {
		const char *name = d->d_name;

		if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0 ||
			is_one_of(dropped, ARRAY_SIZE(dropped), name) ||
			is_one_of(mixed, ARRAY_SIZE(mixed), name) ||
			is_one_of(shared, ARRAY_SIZE(shared), name))
			continue;
		add_entry(c->out, keep_text(c->out, mem_printf(".git/%s", name)), c->own,
			keep_text(c->out, mem_strdup(name)));
	}
	(void)closedir(list);
	if (c->out->count < LIMIT_GIT_GRAFTS)
		return 0;
	return err_set(e, ERR_INPUT,
		"the worktree's directory of its repository has more than %d entries",
		LIMIT_GIT_GRAFTS);
}

static void add_shared(struct composer *c, const char *name)
{
	struct stat st;

	if (look(c->dir, name, &st))
		add_entry(c->out, keep_text(c->out, mem_printf(".git/%s", name)), c->dir, name);
}

static int add_worktree(struct composer *c, int root, struct err *e)
{
	struct stat st = {0};

	if (!look(root, ".git", &st))
		return err_sys(e, ".git");
	add(c->out,
		&(struct pack_graft){.path = ".git", .kind = PACK_DIRECTORY, .time = st.st_mtim});
	for (size_t i = 0; i < ARRAY_SIZE(shared); i++)
		add_shared(c, shared[i]);
	for (size_t i = 0; i < ARRAY_SIZE(mixed); i++)
		add_shared(c, mixed[i]);
	add_own(c);
	return add_worktree_files(c, e);
}

/* ---- borrowed objects -------------------------------------------------------------------- */

static void add_alternates(struct composer *c, const struct repository *r)
{
	auto_buf struct buf list = {0};
	struct stat st = {0};

	if (!r->alternate_count)
		return;
	buf_init(&list, LIMIT_GIT_CONFIG);
	strv_each (&r->kept_alternates, line)
		buf_addf(&list, "%s\n", *line);
	add_directory(c, c->added);
	for (size_t i = 0; i < r->alternate_count; i++) {
		const char *path = keep_text(
			c->out, mem_printf("%s/%s/objects-%zu", c->place, c->added, i + 1));

		buf_addf(&list, "../%s/objects-%zu\n", c->added, i + 1);
		add_entry(c->out, path, r->alternates[i].part.fd, ".");
		add_nothing(c->out, keep_text(c->out, mem_printf("%s/info/alternates", path)));
	}
	add_text(c->out, in_place(c, "objects/info/alternates"), mem_strdup(list.data), &st);
}

/* The path was a directory when the source was inspected. */
static int has_changed(const char *place, struct err *e)
{
	return err_set(e, ERR_INPUT, "%s changed while the run started (%s): try again", place,
		strerror(errno));
}

static int compose_nested(struct composer *c, int root, struct err *e)
{
	auto_fd int dir = fd_open_beneath(root, c->place, O_PATH | O_DIRECTORY);

	if (dir < 0)
		return has_changed(c->place, e);
	c->dir = c->own = dir;
	c->added = free_name(c);
	add_config(c);
	return 0;
}

/* git in a submodule reads only the configuration of the submodule. */
static int add_nested(const struct repository *r, int root, const struct gitsettings *settings,
	struct composition *ret, struct err *e)
{
	auto_free char *any = gitsettings_text(settings, "");
	size_t bytes = 0;

	for (size_t i = 0; *any && i < r->nested.count; i++) {
		struct composer c = {.out = ret, .place = r->nested.items[i], .settings = settings};
		size_t before = ret->texts.count;

		if (compose_nested(&c, root, e) < 0)
			return -1;
		for (size_t k = before; k < ret->texts.count; k++)
			bytes += strlen(ret->texts.items[k]);
		if (bytes > LIMIT_GIT_NESTED)
			return err_set(e, ERR_INPUT,
				"the configurations of the repositories in the source are larger "
				"than "
				"%u bytes together",
				(unsigned)LIMIT_GIT_NESTED);
	}
	return 0;
}

int compose_repository(const struct repository *r, int root, const struct gitsettings *settings,
	const struct git_state *git, struct composition *ret, struct err *e)
{
	struct composer c = {.out = ret,
		.place = r->place ? r->place : ".git",
		.settings = settings,
		.dir = r->common.fd};

	*ret = (struct composition){0};
	for (size_t i = 0; i < r->pointers.count; i++)
		add_text(ret, r->pointer_paths.items[i], mem_strdup(r->pointers.items[i]),
			&(struct stat){0});
	if (add_nested(r, root, settings, ret, e) < 0)
		return -1;
	c.is_moved = r->kind != REPOSITORY_INSIDE;
	if (r->kind == REPOSITORY_NONE)
		return 0;
	if (r->kind == REPOSITORY_INSIDE) {
		c.dir = fd_open_beneath(root, c.place, O_PATH | O_DIRECTORY);
		if (c.dir < 0)
			return has_changed(c.place, e);
		(void)keep_fd(ret, c.dir);
	}
	c.own = r->kind == REPOSITORY_WORKTREE ? r->own.fd : c.dir;
	c.added = free_name(&c);
	/* The first graft of a path counts, so add these before the entries that they replace. */
	add_config(&c);
	if (git->settled)
		date_index(&c);
	add_alternates(&c, r);
	if (r->kind == REPOSITORY_WORKTREE)
		return add_worktree(&c, root, e);
	if (r->kind == REPOSITORY_NAMED) {
		add_entry(ret, ".git", r->common.fd, ".");
		add_nothing(ret, ".git/worktrees");
	}
	return 0;
}
