/* SPDX-License-Identifier: Apache-2.0 */
#include "os/tree.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/num.h"
#include "base/text.h"
#include "os/fd.h"

enum { BLOCK = 512, SHOWN_NAME = 200, VISITS_PER_TICK = 256, SEEN_FIRST_ROOM = 64 };

struct tree_file {
	dev_t dev;
	ino_t ino;
};

/* A directory between the top and the current position. */
struct level {
	DIR *dir;      /* NULL: closed, because too many below it are open */
	long position; /* of a closed one */
	char *name;
	struct stat st;
};

struct walk {
	int top; /* borrowed */
	const char *shown;
	bool remove;
	bool archive;           /* count bytes as in an archive, not as on the disk */
	bool freed;             /* count only what a removal would free */
	struct tree_seen *seen; /* count each file once, whole; NULL: the share of each name */
	const struct tree_owner *owner; /* NULL: files stay whose they are */
	size_t visited;
	uint64_t bytes;
	dev_t device;
	struct level *levels;
	size_t count, room;
};

static int failed(const struct walk *w, const char *what, const char *name, struct err *e)
{
	int sys = errno;
	auto_free char *safe = text_safe(name, SHOWN_NAME);

	errno = sys;
	if (w->count == 0)
		return err_sys(e, "%s %s/%s", what, w->shown, safe);
	return err_sys(e, "%s %s in %s, %zu directories deep", what, safe, w->shown, w->count);
}

/* The current directory. */
static int here(const struct walk *w)
{
	DIR *dir = w->count ? w->levels[w->count - 1].dir : NULL;

	if (w->count && !dir)
		BUG("the directory that a walk is in was closed");
	return dir ? dirfd(dir) : w->top;
}

/* ---- files with several names ---- */

/* Where the file is, or the free place for it. There always is one. */
static struct tree_file *place_of(const struct tree_seen *s, dev_t dev, ino_t ino)
{
	const uint64_t mix = 0x9e3779b97f4a7c15;
	size_t i = (size_t)(((uint64_t)ino ^ (uint64_t)dev << 32) * mix >> 32) & (s->room - 1);

	while (s->files[i].ino && (s->files[i].ino != ino || s->files[i].dev != dev))
		i = (i + 1) & (s->room - 1);
	return &s->files[i];
}

static void make_room(struct tree_seen *s)
{
	struct tree_seen larger = {.room = s->room ? 2 * s->room : SEEN_FIRST_ROOM};

	larger.files = mem_array(larger.room, sizeof(*larger.files));
	for (size_t i = 0; i < s->room; i++)
		if (s->files[i].ino)
			*place_of(&larger, s->files[i].dev, s->files[i].ino) = s->files[i];
	free(s->files);
	s->files = larger.files;
	s->room = larger.room;
}

/* false: it was there before. */
static bool see(struct tree_seen *s, const struct stat *st)
{
	struct tree_file *place;

	if (2 * s->count >= s->room)
		make_room(s);
	place = place_of(s, st->st_dev, st->st_ino);
	if (place->ino)
		return false;
	*place = (struct tree_file){.dev = st->st_dev, .ino = st->st_ino};
	s->count++;
	return true;
}

void tree_seen_release(struct tree_seen *s)
{
	free(s->files);
	*s = (struct tree_seen){0};
}

/* ---- sizes ---- */

static uint64_t bytes_of(const struct walk *w, const struct stat *st, uint64_t links)
{
	if (w->seen)
		return links > 1 && !see(w->seen, st) ? 0 : (uint64_t)st->st_blocks * BLOCK;
	/* A file with other hard links frees no space when this name is removed. */
	if ((w->remove || w->freed) && links > 1)
		return 0;
	if (!w->archive)
		return (uint64_t)st->st_blocks * BLOCK / links;
	if (!S_ISREG(st->st_mode))
		return BLOCK;
	return BLOCK + ((uint64_t)st->st_size + BLOCK - 1) / BLOCK * BLOCK / links;
}

static void count_bytes(struct walk *w, const struct stat *st)
{
	uint64_t links = S_ISDIR(st->st_mode) || st->st_nlink == 0 ? 1 : st->st_nlink;

	w->bytes = num_sum(w->bytes, bytes_of(w, st, links));
}

/* ---- entering and leaving directories ---- */

/* Through the descriptor, because the name could have been replaced by a symbolic link. */
static void make_readable(int parent, const char *name)
{
	auto_fd int fd = openat(parent, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	char path[40];

	if (fd < 0)
		return;
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	/* If this does not help, opening the directory reports the error. */
	(void)chmod(path, 0700);
}

static int open_dir(const struct walk *w, const char *name)
{
	const int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
	int fd = openat(here(w), name, flags);

	if (fd < 0 && errno == EACCES && w->remove) {
		make_readable(here(w), name);
		fd = openat(here(w), name, flags);
	}
	return fd;
}

/* Limit the open directories: close the uppermost one and remember its read position. */
static void close_uppermost(struct walk *w)
{
	struct level *l;

	if (w->count <= TREE_OPEN_DIRS)
		return;
	l = &w->levels[w->count - 1 - TREE_OPEN_DIRS];
	l->position = telldir(l->dir);
	(void)closedir(l->dir);
	l->dir = NULL;
}

/* Takes ownership of fd. */
static int push(struct walk *w, int fd, const char *name, const struct stat *st, struct err *e)
{
	DIR *dir = fdopendir(fd);

	if (!dir) {
		fd_close(fd);
		return failed(w, "list", name, e);
	}
	if (w->count == w->room) {
		w->room = w->room ? 2 * w->room : TREE_OPEN_DIRS;
		w->levels = mem_resize(w->levels, w->room, sizeof(*w->levels));
	}
	w->levels[w->count++] = (struct level){.dir = dir, .name = mem_strdup(name), .st = *st};
	close_uppermost(w);
	return 0;
}

/* 0: entered, or nothing to enter. */
static int go_down(struct walk *w, const char *name, struct err *e)
{
	auto_fd int fd = open_dir(w, name);
	struct stat st;

	if (fd < 0 && (errno == ENOENT || (errno == EACCES && !w->remove)))
		return 0;
	if (fd < 0)
		return failed(w, "open", name, e);
	if (fstat(fd, &st) < 0)
		return failed(w, "look at", name, e);
	if (w->count && st.st_dev != w->device) {
		errno = EXDEV;
		return failed(w, "enter", name, e);
	}
	w->device = st.st_dev;
	if (w->owner && fchown(fd, w->owner->uid, w->owner->gid) < 0)
		return failed(w, "give", name, e);
	/* The owner may have made the directory read-only. */
	if (w->remove && (st.st_mode & 0700) != 0700 && fchmod(fd, 0700) < 0)
		return failed(w, "make writable", name, e);
	return push(w, fd_steal(&fd), name, &st, e);
}

/* The parent directory was closed: reopen it, and check that it is the same one. */
static int reopen_parent(struct walk *w, struct err *e)
{
	struct level *parent = &w->levels[w->count - 2];
	auto_fd int fd = openat(here(w), "..", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return failed(w, "go back from", w->levels[w->count - 1].name, e);
	if (st.st_dev != parent->st.st_dev || st.st_ino != parent->st.st_ino)
		return err_set(e, ERR_HOST, "%s: a directory was moved during the walk", w->shown);
	parent->dir = fdopendir(fd);
	if (!parent->dir)
		return failed(w, "go back from", w->levels[w->count - 1].name, e);
	(void)fd_steal(&fd);
	/*
	 * When removing, read from the start: removed entries do not come again. Else continue at
	 * the position.
	 */
	if (!w->remove)
		seekdir(parent->dir, parent->position);
	return 0;
}

static int go_up(struct walk *w, struct err *e)
{
	struct level *l = &w->levels[w->count - 1];
	auto_free char *name = NULL;

	if (w->count > 1 && !w->levels[w->count - 2].dir && reopen_parent(w, e) < 0)
		return -1;
	(void)closedir(l->dir);
	name = l->name;
	w->count--;
	if (w->remove && unlinkat(here(w), name, AT_REMOVEDIR) < 0 && errno != ENOENT)
		return failed(w, "remove directory", name, e);
	count_bytes(w, &l->st);
	return 0;
}

/* ---- the walk ---- */

static int give(const struct walk *w, const char *name, const struct stat *st)
{
	if (st->st_uid == w->owner->uid && st->st_gid == w->owner->gid)
		return 0;
	return fchownat(here(w), name, w->owner->uid, w->owner->gid, AT_SYMLINK_NOFOLLOW);
}

static int tick(struct walk *w, struct err *e)
{
	if (!w->owner || ++w->visited % VISITS_PER_TICK)
		return 0;
	return w->owner->tick(w->owner->arg, e);
}

/* Enter a directory; remove, give or count any other entry. */
static int visit(struct walk *w, const char *name, struct err *e)
{
	struct stat st;

	if (fstatat(here(w), name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 0 : failed(w, "look at", name, e);
	if (S_ISDIR(st.st_mode))
		return go_down(w, name, e);
	if (w->remove && unlinkat(here(w), name, 0) < 0)
		return errno == ENOENT ? 0 : failed(w, "remove", name, e);
	if (w->owner && give(w, name, &st) < 0)
		return errno == ENOENT ? 0 : failed(w, "give", name, e);
	count_bytes(w, &st);
	return 0;
}

static int next(struct walk *w, struct err *e)
{
	struct level *l = &w->levels[w->count - 1];
	struct dirent *entry;

	errno = 0;
	entry = readdir(l->dir);
	if (!entry)
		return errno ? failed(w, "list", l->name, e) : go_up(w, e);
	if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
		return 0;
	return visit(w, entry->d_name, e);
}

static int walk(struct walk *w, const char *name, struct err *e)
{
	int result = visit(w, name, e);

	while (result == 0 && w->count)
		result = next(w, e) < 0 ? -1 : tick(w, e);
	while (w->count) {
		struct level *l = &w->levels[--w->count];

		if (l->dir)
			(void)closedir(l->dir);
		free(l->name);
	}
	free(w->levels);
	return result;
}

int tree_remove(int dir, const char *name, const char *shown, uint64_t *ret_bytes, struct err *e)
{
	struct walk w = {.top = dir, .shown = shown, .remove = true};
	int result = walk(&w, name, e);

	if (ret_bytes)
		*ret_bytes = w.bytes;
	return result;
}

int tree_give(
	int dir, const char *name, const char *shown, const struct tree_owner *owner, struct err *e)
{
	struct walk w = {.top = dir, .shown = shown, .owner = owner};

	return walk(&w, name, e);
}

static int measure(struct walk *w, const char *name, uint64_t *ret_bytes, struct err *e)
{
	if (walk(w, name, e) < 0)
		return -1;
	*ret_bytes = w->bytes;
	return 0;
}

int tree_remove_others(int dir, const struct strv *kept, const char *shown, struct err *e)
{
	struct dirent **names = NULL;
	int count = scandirat(dir, ".", &names, NULL, NULL), result = 0;

	if (count < 0)
		return err_sys(e, "list %s", shown);
	for (int i = 0; i < count; i++) {
		const char *name = names[i]->d_name;

		if (result == 0 && strcmp(name, ".") != 0 && strcmp(name, "..") != 0 &&
			!strv_has(kept, name))
			result = tree_remove(dir, name, shown, NULL, e);
		free(names[i]);
	}
	free(names);
	return result;
}

int tree_measure(int dir, const char *name, const char *shown, uint64_t *ret_bytes, struct err *e)
{
	struct walk w = {.top = dir, .shown = shown};

	return measure(&w, name, ret_bytes, e);
}

int tree_archive_size(
	int dir, const char *name, const char *shown, uint64_t *ret_bytes, struct err *e)
{
	struct walk w = {.top = dir, .shown = shown, .archive = true};

	return measure(&w, name, ret_bytes, e);
}

int tree_measure_once(int dir, const char *name, const char *shown, struct tree_seen *seen,
	uint64_t *ret_bytes, struct err *e)
{
	struct walk w = {.top = dir, .shown = shown, .seen = seen};

	return measure(&w, name, ret_bytes, e);
}

int tree_measure_freed(
	int dir, const char *name, const char *shown, uint64_t *ret_bytes, struct err *e)
{
	struct walk w = {.top = dir, .shown = shown, .freed = true};

	return measure(&w, name, ret_bytes, e);
}
