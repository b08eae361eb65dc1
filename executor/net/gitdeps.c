/* SPDX-License-Identifier: Apache-2.0 */
#include "executor/net/gitdeps.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "actions/ecosystems/gitnames.h"
#include "actions/limits.h"
#include "base/text.h"
#include "executor/net/login.h"
#include "executor/net/room.h"
#include "os/fd.h"
#include "os/tree.h"
#include "transfer/gitmirror.h"

#define PLACE GUEST_DEPS "/" GIT_DEPS
/* In the place of a slash; no path of a repository has one (gitnames.h). */
enum { SLASH = ',', SHOWN_MAX = 200 };

struct work {
	const struct transfer_options *o;
	struct strv places; /* gitnames.h */
	struct gitnames names;
	int dir;       /* PLACE */
	bool bounded;  /* by `room` */
	uint64_t room; /* bytes that mirrors may still take */
};

static void work_release(struct work *w)
{
	strv_release(&w->places);
	gitnames_release(&w->names);
	fd_close(w->dir);
}
#define auto_work __attribute__((cleanup(work_release)))

static void tell(const struct work *w, const char *format, const char *a, const char *b)
{
	auto_free char *first = text_safe(a, SHOWN_MAX), *second = text_safe(b, SHOWN_MAX);
	auto_free char *line = mem_printf(format, first, second);

	w->o->tell(w->o->arg, line);
}

/* ---- what the source names ---- */

static int refuse_file(const char *path, const char *why, struct err *e)
{
	auto_free char *shown = text_safe(path, SHOWN_MAX);

	return err_reason(e, ERR_INPUT, "fetch_lock_file", "%s: %s", shown, why);
}

static int read_file(struct work *w, int source, const char *path, bool must, struct err *e)
{
	const size_t others = w->names.others.count;
	auto_buf struct buf text = {0};

	buf_init(&text, LIMIT_LOCK_BYTES);
	if (fd_read_beneath(source, path, &text, NULL) < 0) {
		if (errno == ENOENT && !must)
			return 0;
		return refuse_file(path,
			errno == EFBIG ? "it is too large for a lock file"
				: errno == ENOENT
				? "it is not in the source"
				: "it is not a regular file in the source directory",
			e);
	}
	if (strlen(text.data) != text.len)
		return refuse_file(path, "it is not a text", e);
	if (gitnames_find(text.data, path, &w->places, &w->names, e) < 0)
		return -1;
	for (size_t i = others; i < w->names.others.count; i++)
		tell(w, "%s names %s, which is not in `hosts`", path, w->names.others.items[i]);
	return 0;
}

static int read_files(struct work *w, const struct node *work, struct err *e)
{
	auto_fd int source = open(GUEST_SRC, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	const struct node *path;

	if (source < 0)
		return err_sys(e, "open " GUEST_SRC);
	node_each (node_get(work, "files"), path)
		if (read_file(w, source, path->text, true, e) < 0)
			return -1;
	node_each (node_get(work, "optional"), path)
		if (read_file(w, source, path->text, false, e) < 0)
			return -1;
	return 0;
}

/* ---- places ---- */

static char *directory_of(const struct gitname *name)
{
	char *directory = mem_strdup(name->path);

	for (char *p = directory; *p; p++)
		*p = *p == '/' ? SLASH : *p;
	return directory;
}

static int open_dir(int parent, const char *name, struct err *e)
{
	int fd = fd_make_directory(parent, name);

	return fd < 0 ? err_sys(e, "make %s in " GUEST_DEPS, name) : fd;
}

static int remove_unnamed(struct work *w, struct err *e)
{
	auto_strv struct strv logins = {0};

	for (size_t i = 0; i < w->names.count; i++)
		if (!strv_has(&logins, w->names.items[i].login))
			strv_push(&logins, w->names.items[i].login);
	if (tree_remove_others(w->dir, &logins, PLACE, e) < 0)
		return -1;
	strv_each (&logins, login) {
		auto_fd int dir = open_dir(w->dir, *login, e);
		auto_strv struct strv kept = {0};

		for (size_t i = 0; i < w->names.count; i++)
			if (strcmp(w->names.items[i].login, *login) == 0)
				strv_push_owned(&kept, directory_of(&w->names.items[i]));
		if (dir < 0 || tree_remove_others(dir, &kept, *login, e) < 0)
			return -1;
	}
	return 0;
}

/* ---- mirrors ---- */

static int mirror_into(
	struct work *w, const struct gitname *name, int dir, const char *path, struct err *e)
{
	auto_free char *url = mem_printf("ssh://%s/%s", name->login, name->path);
	auto_strv struct strv ssh = {0};
	const struct gitmirror m = {.server = login_server(url, &ssh),
		.commits = &name->commits,
		.dir = path,
		.name = name->path,
		.limit = "the dependencies' deps_max_size"};
	struct transfer_options bounded = *w->o;
	uint64_t taken;

	bounded.dir_fd = dir;
	bounded.bounded = w->bounded;
	bounded.room = w->room;
	if (gitmirror(&m, &bounded, e) < 0 || tree_archive_size(dir, ".", path, &taken, e) < 0)
		return -1;
	w->room -= taken < w->room ? taken : w->room;
	return 0;
}

static int mirror(struct work *w, const struct gitname *name, struct err *e)
{
	auto_fd int login = open_dir(w->dir, name->login, e);
	auto_free char *directory = directory_of(name);
	auto_free char *path = mem_printf(PLACE "/%s/%s", name->login, directory);
	auto_fd int dir = login < 0 ? -1 : open_dir(login, directory, e);

	if (dir < 0)
		return -1;
	tell(w, "mirroring ssh://%s/%s", name->login, name->path);
	return mirror_into(w, name, dir, path, e);
}

/* ---- the way to them ---- */

static size_t length_without_suffix(const char *path)
{
	static const char suffix[] = ".git";
	size_t len = strlen(path), cut = len > strlen(suffix) ? len - strlen(suffix) : len;

	return strcmp(path + cut, suffix) == 0 ? cut : len;
}

static void add_way(struct buf *b, const char *from, const char *path)
{
	buf_addf(b, "\tinsteadOf = %s%s\n", from, path);
}

/*
 * Git applies a setting to all URLs that begin so, and of several the longest, so that by https, by
 * which public repositories are named, there are no more than are needed. Neither login nor path has a
 * character that would have to be quoted.
 */
static void add_settings(struct buf *b, const struct gitname *name)
{
	auto_free char *directory = directory_of(name);
	auto_free char *host = mem_printf("https://%s/", strchr(name->login, '@') + 1);
	auto_free char *url = mem_printf("ssh://%s/", name->login);
	auto_free char *odd_url = mem_printf("ssh://%s:", name->login);
	auto_free char *short_form = mem_printf("%s:", name->login);
	auto_free char *absolute = mem_printf("%s:/", name->login);
	auto_free char *stem = mem_strndup(name->path, length_without_suffix(name->path));

	buf_addf(b, "[url \"file://" PLACE "/%s/%s\"]\n", name->login, directory);
	add_way(b, url, name->path);
	add_way(b, odd_url, name->path);
	add_way(b, short_form, name->path);
	add_way(b, absolute, name->path);
	if (name->https || name->module)
		add_way(b, host, name->path);
	if (name->module)
		add_way(b, host, stem);
}

/* Submodules by files are forbidden by default, for the sake of hosts with files of others. */
static void write_settings(const struct work *w, struct buf *b)
{
	buf_adds(b, "[protocol \"file\"]\n\tallow = always\n");
	for (size_t i = 0; i < w->names.count; i++)
		add_settings(b, &w->names.items[i]);
}

static int write_config(struct work *w, struct err *e)
{
	auto_buf struct buf text = {0};
	auto_fd int fd = openat(w->dir, GIT_DEPS_CONFIG,
		O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);

	buf_init(&text, LIMIT_NODE_BYTES);
	write_settings(w, &text);
	if (fd < 0 || fd_write_all(fd, text.data, text.len) < 0)
		return err_sys(e, "write " PLACE "/" GIT_DEPS_CONFIG);
	return 0;
}

/* ---- the command ---- */

static int prepare(struct work *w, struct err *e)
{
	auto_strv struct strv replaced = {0};
	struct transfer_options bounded = *w->o;

	strv_push(&replaced, GIT_DEPS);
	if (room_find(&bounded, &replaced, 0, e) < 0)
		return -1;
	w->bounded = bounded.bounded;
	w->room = bounded.room;
	w->dir = open_dir(w->o->dir_fd, GIT_DEPS, e);
	return w->dir < 0 ? -1 : remove_unnamed(w, e);
}

static void add_place(struct work *w, const struct node *place)
{
	const char *path = node_get_text(place, "path", NULL);

	strv_pushf(&w->places, "%s@%s%s%s", node_get_text(place, "user", ""),
		node_get_text(place, "host", ""), path ? "/" : "", path ? path : "");
}

int gitdeps(const struct node *work, const struct transfer_options *o, struct err *e)
{
	auto_work struct work w = {.o = o, .dir = -1};
	const struct node *place;

	node_each (node_get(work, "hosts"), place)
		add_place(&w, place);
	if (read_files(&w, work, e) < 0 || prepare(&w, e) < 0)
		return -1;
	if (!w.names.count)
		o->tell(o->arg, "git_deps: the source names no repository of these hosts");
	for (size_t i = 0; i < w.names.count; i++)
		if (mirror(&w, &w.names.items[i], e) < 0)
			return -1;
	return write_config(&w, e);
}
