/* SPDX-License-Identifier: Apache-2.0 */
#include "images/imagestore.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/limits.h"
#include "base/mem.h"
#include "base/strv.h"
#include "base/text.h"
#include "images/users.h"
#include "os/fd.h"
#include "os/path.h"
#include "os/sig.h"
#include "os/tree.h"
#include "settings/image.h"

enum { LOCK_PAUSE_MS = 50, RANDOM_LETTERS = 6 };

int imagestore_check_name(const char *name, struct err *e)
{
	auto_free char *shown = text_safe(name, LIMIT_NAME_BYTES);

	if (!name[0] || strlen(name) > LIMIT_NAME_BYTES || name[0] == '.' || name[0] == '-' ||
		strpbrk(name, "/@:") || strcmp(shown, name) != 0)
		return err_set(e, ERR_INPUT,
			"'%s' cannot be the name of an image: it has no '/', ':', '@' or control "
			"character, does not begin with '.' or '-', and has at most %d bytes",
			shown, LIMIT_NAME_BYTES);
	return 0;
}

/* ---- the lock ---- */

static int pause_briefly(struct err *e)
{
	const struct timespec pause = {.tv_nsec = LOCK_PAUSE_MS * 1000 * 1000};

	(void)nanosleep(&pause, NULL);
	return sig_check(e);
}

static char *lock_path(const char *store, const char *name)
{
	return mem_printf("%s/.%s.lock", store, name);
}

static int open_lock(const char *path, int *ret_fd, struct err *e)
{
	*ret_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);
	return *ret_fd < 0 ? err_sys(e, "%s", path) : 0;
}

/* Whoever held it before may have removed the file: then the lock is of nothing. */
static bool is_the_lock(int fd, const char *path)
{
	struct stat ours, there;

	return fstat(fd, &ours) == 0 && lstat(path, &there) == 0 && ours.st_dev == there.st_dev &&
		ours.st_ino == there.st_ino;
}

/* *ret_fd -1: another program holds it. */
static int try_lock(const char *path, int *ret_fd, struct err *e)
{
	do {
		fd_close(*ret_fd);
		if (open_lock(path, ret_fd, e) < 0)
			return -1;
		if (flock(*ret_fd, LOCK_EX | LOCK_NB) < 0) {
			if (errno != EWOULDBLOCK && errno != EINTR)
				return err_sys(e, "lock %s", path);
			fd_close(*ret_fd);
			*ret_fd = -1;
			return 0;
		}
	} while (!is_the_lock(*ret_fd, path));
	return 0;
}

static int take_lock(struct imagestore_change *c, struct err *e)
{
	auto_free char *path = lock_path(c->store, c->name);

	while (try_lock(path, &c->lock_fd, e) == 0) {
		if (c->lock_fd >= 0)
			return 0;
		if (pause_briefly(e) < 0)
			return -1;
	}
	return -1;
}

/* The file goes while it is held, so that none is left of names that have no image any more. */
static void drop_lock(const char *store, const char *name, int fd)
{
	auto_free char *path = fd < 0 ? NULL : lock_path(store, name);

	if (path)
		(void)unlink(path);
	fd_close(fd);
}

/* ---- leftovers ---- */

/* The name of the image in ".NAME.new.XXXXXX"; NULL: it is something else. The caller frees. */
static char *leftover_of(const char *entry)
{
	static const char middle[] = ".new.";
	const size_t tail = strlen(middle) + RANDOM_LETTERS;
	size_t len = strlen(entry);

	/* ".x.new.b.lock" is the lock of an image x.new.b. */
	if (entry[0] != '.' || len < tail + 2 ||
		strncmp(entry + len - tail, middle, strlen(middle)) != 0 ||
		strchr(entry + len - RANDOM_LETTERS, '.'))
		return NULL;
	return mem_strndup(entry + 1, len - tail - 1);
}

static int select_leftover(const struct dirent *d)
{
	auto_free char *name = leftover_of(d->d_name);

	return name != NULL;
}

/* The names of all leftovers. A store that does not exist has none. */
static int list_leftovers(const char *store, struct strv *ret, struct err *e)
{
	struct dirent **entries = NULL;
	int count = scandir(store, &entries, select_leftover, alphasort);

	if (count < 0)
		return errno == ENOENT ? 0 : err_sys(e, "list %s", store);
	for (int i = 0; i < count; i++) {
		strv_push(ret, entries[i]->d_name);
		free(entries[i]);
	}
	free(entries);
	return 0;
}

static int remove_leftovers(const struct imagestore_change *c, struct err *e)
{
	auto_strv struct strv entries = {0};

	if (list_leftovers(c->store, &entries, e) < 0)
		return -1;
	strv_each (&entries, entry) {
		auto_free char *path = path_join(c->store, *entry), *name = leftover_of(*entry);

		if (name && strcmp(name, c->name) == 0 && path_remove_tree(path, e) < 0)
			return -1;
	}
	return 0;
}

/* *ret_left: it is in use by the program that holds the lock. */
static int collect_one(const char *store, const char *entry, bool dry_run, uint64_t *ret_bytes,
	bool *ret_left, struct err *e)
{
	auto_free char *name = leftover_of(entry), *path = lock_path(store, name);
	auto_fd int dir = open(store, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int lock = -1, result = 0;

	if (dir < 0)
		return err_sys(e, "%s", store);
	if (try_lock(path, &lock, e) < 0)
		return -1;
	*ret_left = lock < 0;
	if (!*ret_left)
		result = (dry_run ? tree_measure : tree_remove)(dir, entry, store, ret_bytes, e);
	drop_lock(store, name, lock);
	return result;
}

int imagestore_collect(
	const char *store, bool dry_run, imagestore_visitor *removed, void *arg, struct err *e)
{
	auto_strv struct strv entries = {0};

	if (list_leftovers(store, &entries, e) < 0)
		return -1;
	strv_each (&entries, entry) {
		auto_free char *name = leftover_of(*entry);
		uint64_t bytes = 0;
		bool left = false;

		if (collect_one(store, *entry, dry_run, &bytes, &left, e) < 0)
			return -1;
		if (!left && removed(arg, name, bytes, e) < 0)
			return -1;
	}
	return 0;
}

/* ---- a new image ---- */

static int hold(const char *store, const char *name, struct imagestore_change *c, struct err *e)
{
	if (imagestore_check_name(name, e) < 0 || path_make_dirs(store, 0755, e) < 0)
		return -1;
	c->store = mem_strdup(store);
	c->name = mem_strdup(name);
	c->target = path_join(store, name);
	return take_lock(c, e) < 0 ? -1 : remove_leftovers(c, e);
}

int imagestore_begin(
	const char *store, const char *name, struct imagestore_change *ret, struct err *e)
{
	auto_imagestore_change struct imagestore_change c = IMAGESTORE_NONE;
	auto_free char *work = mem_printf("%s/.%s.new.XXXXXX", store, name);

	if (hold(store, name, &c, e) < 0)
		return -1;
	if (!mkdtemp(work))
		return err_sys(e, "make %s", work);
	c.work = steal_ptr(&work);
	c.image = path_join(c.work, "image");
	if (mkdir(c.image, 0755) < 0)
		return err_sys(e, "make %s", c.image);
	*ret = c;
	c = IMAGESTORE_NONE;
	return 0;
}

static int sync_file(int dir, const char *name, struct err *e)
{
	auto_fd int fd = openat(dir, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);

	return fd < 0 || fsync(fd) < 0 ? err_sys(e, "write %s to the disk", name) : 0;
}

/* An image is a directory of files. */
static int sync_image(const char *path, struct err *e)
{
	DIR *dir = opendir(path);
	const struct dirent *d;
	int result = 0;

	if (!dir)
		return err_sys(e, "%s", path);
	while (result == 0 && (d = readdir(dir)))
		if (d->d_name[0] != '.')
			result = sync_file(dirfd(dir), d->d_name, e);
	(void)closedir(dir);
	return result < 0 ? -1 : fd_sync_dir(path, e);
}

/* An old image is then where the new one was, and is removed with `work`. */
int imagestore_make_file(const char *path, int *ret_fd, struct err *e)
{
	auto_fd int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);

	if (fd < 0 || fchmod(fd, 0666) < 0)
		return err_sys(e, "make %s", path);
	*ret_fd = fd_steal(&fd);
	return 0;
}

/* What somebody else has put there is not ours to replace. A link to an image elsewhere is a name. */
static int check_replaced(const struct imagestore_change *c, struct err *e)
{
	struct stat st;

	if (lstat(c->target, &st) < 0 || image_is_in(c->target))
		return 0;
	return err_set(e, ERR_INPUT,
		"%s is no image, and is not replaced: remove it, or give the image another name",
		c->target);
}

int imagestore_publish(struct imagestore_change *c, struct err *e)
{
	if (check_replaced(c, e) < 0)
		return -1;
	if (sync_image(c->image, e) < 0)
		return -1;
	if (renameat2(AT_FDCWD, c->image, AT_FDCWD, c->target, RENAME_EXCHANGE) < 0 &&
		(errno != ENOENT || rename(c->image, c->target) < 0))
		return err_sys(e, "put the image in the place of %s", c->target);
	return fd_sync_dir(c->store, e);
}

void imagestore_release(struct imagestore_change *c)
{
	struct err ignored = {0};

	/* What cannot be removed is removed by the next program that makes this image. */
	if (c->work)
		err_ignore(path_remove_tree(c->work, &ignored));
	drop_lock(c->store, c->name, c->lock_fd);
	free(c->store);
	free(c->name);
	free(c->target);
	free(c->work);
	free(c->image);
	*c = IMAGESTORE_NONE;
}

/* ---- removal ---- */

static int in_use(int fd, const char *name, const char *state, struct err *e)
{
	auto_free char *users = NULL;
	struct stat st;

	if (fstat(fd, &st) < 0)
		return err_sys(e, "image.yaml");
	users = users_of(state, &st);
	return err_reason(e, ERR_BUSY, "image_in_use",
		"image '%s' is in use by %s%s; wait for its end, or stop it", name,
		users ? "a run of " : "a run of another user or a machine without a project",
		users ? users : "");
}

/*
 * Hold the image alone until it is gone, so that no run begins to use it. A directory without a
 * readable image.yaml is no image that a run could use.
 */
static int claim(const struct imagestore_change *c, const char *state, int *ret_fd, struct err *e)
{
	auto_free char *file = path_join(c->target, "image.yaml");

	*ret_fd = open(file, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (*ret_fd < 0 || flock(*ret_fd, LOCK_EX | LOCK_NB) == 0)
		return 0;
	return errno == EWOULDBLOCK ? in_use(*ret_fd, c->name, state, e)
				    : err_sys(e, "lock %s", file);
}

static int check_is_image(const struct imagestore_change *c, struct err *e)
{
	auto_free char *word = NULL;
	struct stat st;

	if (lstat(c->target, &st) < 0)
		return err_reason(e, ERR_INPUT, "no_image",
			"image '%s' is not in the image store %s", c->name, c->store);
	if (image_is_in(c->target))
		return 0;
	word = text_word(c->target);
	return err_reason(e, ERR_INPUT, "no_image",
		"%s is no image: there is no image.yaml in it. To remove it: rm -r %s", c->target,
		word);
}

/* A new name in the store, which whoever makes this image next removes. A full disk has room for it. */
static int move_away(const struct imagestore_change *c, char **ret_path, struct err *e)
{
	auto_free char *path = mem_printf("%s/.%s.new.XXXXXX", c->store, c->name);
	char *letters = path + strlen(path) - RANDOM_LETTERS;
	int tries = 0;

	do {
		uint8_t random[RANDOM_LETTERS];

		if (getrandom(random, sizeof(random), 0) != sizeof(random))
			return err_sys(e, "random bytes");
		for (size_t i = 0; i < RANDOM_LETTERS; i++)
			letters[i] = (char)('a' + random[i] % 26);
		if (renameat2(AT_FDCWD, c->target, AT_FDCWD, path, RENAME_NOREPLACE) == 0) {
			*ret_path = steal_ptr(&path);
			return 0;
		}
	} while (errno == EEXIST && ++tries < 100);
	return err_sys(e, "remove %s", c->target);
}

/* Where no file can be made, nobody can hold a lock that is not there. */
static int lock_for_removal(struct imagestore_change *c, struct err *e)
{
	if (take_lock(c, e) == 0 || e->sys == ENOSPC || e->sys == EDQUOT)
		return 0;
	return -1;
}

int imagestore_remove(const char *store, const char *name, const char *state, struct err *e)
{
	auto_imagestore_change struct imagestore_change c = IMAGESTORE_NONE;
	auto_free char *away = NULL;
	auto_fd int alone = -1;

	if (imagestore_check_name(name, e) < 0)
		return -1;
	c.store = mem_strdup(store);
	c.name = mem_strdup(name);
	c.target = path_join(store, name);
	if (check_is_image(&c, e) < 0 || lock_for_removal(&c, e) < 0 ||
		claim(&c, state, &alone, e) < 0 || move_away(&c, &away, e) < 0)
		return -1;
	if (fd_sync_dir(store, e) < 0)
		return -1;
	return path_remove_tree(away, e);
}
