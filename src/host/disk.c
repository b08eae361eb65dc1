/* SPDX-License-Identifier: Apache-2.0 */
#include "host/disk.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/path.h"
#include "host/drives.h"

#define MAGIC "ambient disk 1\n"

void disk_release(struct disk *d)
{
	if (d->name)
		(void)unlink(d->name);
	free(d->name);
	free(d->path);
	fd_close(d->fd);
	fd_close(d->lock_fd);
	*d = (struct disk)DISK_NONE;
}

/* ---- whose it is ---- */

static void make_label(const struct image *image, char label[DISK_LABEL_BYTES])
{
	memset(label, 0, DISK_LABEL_BYTES);
	(void)snprintf(label, DISK_LABEL_BYTES, MAGIC "image %s %s\n", image->name, image->digest);
}

/* *ret_bytes: of the disk without its label. */
static int check_label(
	int fd, const char *path, const struct image *image, uint64_t *ret_bytes, struct err *e)
{
	char wanted[DISK_LABEL_BYTES], label[DISK_LABEL_BYTES];
	struct stat st;

	if (fstat(fd, &st) < 0)
		return err_sys(e, "%s", path);
	if (!S_ISREG(st.st_mode) || st.st_size <= DISK_LABEL_BYTES)
		return err_set(e, ERR_INPUT, "%s: no disk that --persist has made", path);
	*ret_bytes = (uint64_t)st.st_size - DISK_LABEL_BYTES;
	if (fd_pread_full(fd, label, sizeof(label), *ret_bytes) != DISK_LABEL_BYTES)
		return err_sys(e, "read %s", path);
	if (memcmp(label, MAGIC, strlen(MAGIC)) != 0)
		return err_set(e, ERR_INPUT, "%s: no disk that --persist has made", path);
	make_label(image, wanted);
	if (memcmp(label, wanted, sizeof(label)) != 0)
		return err_set(e, ERR_INPUT,
			"%s: the disk belongs to another image, or to an older state of image %s; "
			"its changes mean nothing on this one. Use the image that it was made "
			"with, or another FILE",
			path, image->name);
	return 0;
}

/* ---- opening and saving ---- */

static int make_named_copy(struct disk *d)
{
	auto_free char *name = mem_printf("%s.XXXXXX", d->path);

	d->fd = mkostemp(name, O_CLOEXEC);
	if (d->fd >= 0)
		d->name = steal_ptr(&name);
	return d->fd;
}

static int make_copy(struct disk *d, struct err *e)
{
	auto_free char *dir = path_parent(d->path);

	d->fd = open(dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	if (d->fd < 0 && (errno == EOPNOTSUPP || errno == EISDIR))
		(void)make_named_copy(d);
	return d->fd < 0 ? err_sys(e, "--persist: make a file in %s", dir) : 0;
}

static int fill_from_file(struct disk *d, const struct image *image, struct err *e)
{
	uint64_t bytes = 0;

	if (flock(d->lock_fd, LOCK_EX | LOCK_NB) < 0)
		return errno == EWOULDBLOCK
			? err_reason(e, ERR_BUSY, "locked",
				  "%s: another machine works on this disk", d->path)
			: err_sys(e, "lock %s", d->path);
	if (check_label(d->lock_fd, d->path, image, &bytes, e) < 0 ||
		drives_copy(d->lock_fd, d->fd, bytes, e) < 0)
		return -1;
	return ftruncate(d->fd, (off_t)bytes) < 0 ? err_sys(e, "copy the disk") : 0;
}

int disk_open(const char *path, const struct image *image, uint64_t bytes, struct disk *ret_disk,
	struct err *e)
{
	auto_disk struct disk d = {.path = mem_strdup(path), .fd = -1};
	int r;

	d.lock_fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (d.lock_fd < 0 && errno != ENOENT)
		return err_sys(e, "%s", path);
	if (make_copy(&d, e) < 0)
		return -1;
	r = d.lock_fd < 0 ? drives_format_scratch(d.fd, bytes, e) : fill_from_file(&d, image, e);
	if (r < 0)
		return -1;
	*ret_disk = d;
	d = (struct disk)DISK_NONE;
	return 0;
}

static int add_label(const struct disk *d, const struct image *image, struct err *e)
{
	char label[DISK_LABEL_BYTES];
	struct stat st;

	make_label(image, label);
	if (fstat(d->fd, &st) < 0 ||
		fd_pwrite_all(d->fd, label, sizeof(label), (uint64_t)st.st_size) < 0 ||
		fsync(d->fd) < 0)
		return err_sys(e, "write %s", d->path);
	return 0;
}

static int name_copy(struct disk *d, struct err *e)
{
	auto_free char *name = mem_printf("%s.new", d->path);
	auto_free char *copy = mem_printf("/proc/self/fd/%d", d->fd);

	if (unlink(name) < 0 && errno != ENOENT)
		return err_sys(e, "remove %s", name);
	if (linkat(AT_FDCWD, copy, AT_FDCWD, name, AT_SYMLINK_FOLLOW) < 0)
		return err_sys(e, "make %s", name);
	d->name = steal_ptr(&name);
	return 0;
}

int disk_save(struct disk *d, const struct image *image, struct err *e)
{
	auto_free char *dir = path_parent(d->path);

	if (add_label(d, image, e) < 0)
		return err_because(e, "host_disk");
	if (!d->name && name_copy(d, e) < 0)
		return -1;
	if (rename(d->name, d->path) < 0)
		return err_sys(e, "rename %s to %s", d->name, d->path);
	free(d->name);
	d->name = NULL;
	return fd_sync_dir(dir, e);
}
