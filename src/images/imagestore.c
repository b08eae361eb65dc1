/* SPDX-License-Identifier: Apache-2.0 */
#include "images/imagestore.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/limits.h"
#include "base/mem.h"
#include "base/text.h"
#include "os/fd.h"
#include "os/path.h"
#include "os/sig.h"

enum { LOCK_PAUSE_MS = 50 };

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

static int take_lock(struct imagestore_change *c, struct err *e)
{
	auto_free char *path = mem_printf("%s/.%s.lock", c->store, c->name);

	c->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);
	if (c->lock_fd < 0)
		return err_sys(e, "%s", path);
	while (flock(c->lock_fd, LOCK_EX | LOCK_NB) < 0) {
		if (errno != EWOULDBLOCK && errno != EINTR)
			return err_sys(e, "lock %s", path);
		if (pause_briefly(e) < 0)
			return -1;
	}
	return 0;
}

static int remove_leftovers(const struct imagestore_change *c, struct err *e)
{
	auto_free char *prefix = mem_printf(".%s.new.", c->name);
	DIR *dir = opendir(c->store);
	const struct dirent *d;
	int result = 0;

	if (!dir)
		return err_sys(e, "%s", c->store);
	while (result == 0 && (d = readdir(dir))) {
		auto_free char *path = path_join(c->store, d->d_name);

		if (strncmp(d->d_name, prefix, strlen(prefix)) == 0)
			result = path_remove_tree(path, e);
	}
	(void)closedir(dir);
	return result;
}

static int hold(const char *store, const char *name, struct imagestore_change *c, struct err *e)
{
	if (imagestore_check_name(name, e) < 0 || path_make_dirs(store, 0755, e) < 0)
		return -1;
	c->store = mem_strdup(store);
	c->name = mem_strdup(name);
	c->target = path_join(store, name);
	return take_lock(c, e) < 0 ? -1 : remove_leftovers(c, e);
}

/* ---- a new image ---- */

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
int imagestore_publish(struct imagestore_change *c, struct err *e)
{
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
	fd_close(c->lock_fd);
	free(c->store);
	free(c->name);
	free(c->target);
	free(c->work);
	free(c->image);
	*c = IMAGESTORE_NONE;
}

/* ---- removal ---- */

/* By one rename into the work directory, so that no half of an image is ever seen. */
int imagestore_remove(const char *store, const char *name, struct err *e)
{
	auto_imagestore_change struct imagestore_change c = IMAGESTORE_NONE;

	if (imagestore_begin(store, name, &c, e) < 0)
		return -1;
	if (rename(c.target, c.image) == 0)
		return fd_sync_dir(c.store, e);
	if (errno == ENOENT)
		return err_reason(e, ERR_INPUT, "no_image",
			"image '%s' is not in the image store %s", name, store);
	return err_sys(e, "remove %s", c.target);
}
