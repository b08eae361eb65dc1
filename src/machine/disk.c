/* SPDX-License-Identifier: Apache-2.0 */
#include "machine/disk.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "machine/drives.h"
#include "os/fd.h"
#include "os/outfile.h"
#include "os/space.h"

#define MAGIC "ambient disk 1\n"

void disk_release(struct disk *d)
{
	free(d->path);
	outfile_release(&d->copy);
	fd_close(d->lock_fd);
	*d = (struct disk)DISK_NONE;
}

/* ---- the label: which image the disk belongs to ---- */

static void make_label(const struct image *image, char label[DISK_LABEL_BYTES])
{
	memset(label, 0, DISK_LABEL_BYTES);
	(void)snprintf(label, DISK_LABEL_BYTES, MAGIC "image %s %s\n", image->name, image->digest);
}

/* *ret_bytes: the size of the disk without its label. */
static int check_label(
	int fd, const char *path, const struct image *image, uint64_t *ret_bytes, struct err *e)
{
	char wanted[DISK_LABEL_BYTES], label[DISK_LABEL_BYTES];
	struct stat st;

	if (fstat(fd, &st) < 0)
		return err_sys(e, "%s", path);
	if (!S_ISREG(st.st_mode) || st.st_size <= DISK_LABEL_BYTES)
		return err_set(e, ERR_INPUT, "%s: not a disk that --persist has made", path);
	*ret_bytes = (uint64_t)st.st_size - DISK_LABEL_BYTES;
	if (fd_pread_full(fd, label, sizeof(label), *ret_bytes) != DISK_LABEL_BYTES)
		return err_sys(e, "read %s", path);
	if (memcmp(label, MAGIC, strlen(MAGIC)) != 0)
		return err_set(e, ERR_INPUT, "%s: not a disk that --persist has made", path);
	make_label(image, wanted);
	if (memcmp(label, wanted, sizeof(label)) != 0)
		return err_set(e, ERR_INPUT,
			"%s: the disk belongs to another image, or to an older state of image %s; "
			"its changes cannot be applied to this one. Use the image that it was made "
			"with, or another FILE",
			path, image->name);
	return 0;
}

/* ---- opening and saving ---- */

static int fill_from_file(struct disk *d, uint64_t bytes, struct err *e)
{
	if (flock(d->lock_fd, LOCK_EX | LOCK_NB) < 0)
		return errno == EWOULDBLOCK ? err_reason(e, ERR_BUSY, "locked",
						      "%s: another machine uses this disk", d->path)
					    : err_sys(e, "lock %s", d->path);
	if (drives_copy(d->lock_fd, d->copy.fd, bytes, e) < 0)
		return -1;
	return ftruncate(d->copy.fd, (off_t)bytes) < 0 ? err_sys(e, "copy the disk") : 0;
}

int disk_open(const char *path, const struct image *image, uint64_t bytes, struct disk *ret_disk,
	struct err *e)
{
	auto_disk struct disk d = {.path = mem_strdup(path), .copy = OUTFILE_NONE, .lock_fd = -1};
	uint64_t had = 0;
	int r;

	d.lock_fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (d.lock_fd < 0 && errno != ENOENT)
		return err_sys(e, "%s", path);
	if (d.lock_fd >= 0 && check_label(d.lock_fd, path, image, &had, e) < 0)
		return -1;
	if (d.lock_fd >= 0 && fd_make_private(d.lock_fd) < 0)
		return err_sys(e, "%s", path);
	if (outfile_open(path, OUTFILE_WHOLE, 0600, &d.copy, e) < 0)
		return err_wrap(e, "--persist");
	if (d.copy.stream)
		return err_set(e, ERR_INPUT, "--persist %s: a regular file is needed", path);
	r = d.lock_fd < 0 ? drives_format_scratch(d.copy.fd, bytes, e) : fill_from_file(&d, had, e);
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
	if (fstat(d->copy.fd, &st) < 0 ||
		fd_pwrite_all(d->copy.fd, label, sizeof(label), (uint64_t)st.st_size) < 0) {
		(void)err_sys(e, "write %s", d->path);
		space_explain(e, d->copy.fd);
		return -1;
	}
	return 0;
}

int disk_save(struct disk *d, const struct image *image, struct err *e)
{
	if (add_label(d, image, e) < 0)
		return err_because(e, ERR_REASON_DISK);
	return outfile_finish(&d->copy, e);
}
