/* SPDX-License-Identifier: Apache-2.0 */
#include "executor/machine/scratch.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "data/pack.h"
#include "data/unpack.h"
#include "os/fd.h"
#include "os/path.h"

/* A directory of the root that is on the scratch disk. */
struct place {
	const char *path; /* path in the root */
	const char *disk; /* path on the disk */
	mode_t mode;
	bool fresh; /* emptied at the start of a run */
};

static const struct place places[] = {
	{GUEST_CI, SCRATCH "/ci", 0755, .fresh = true},
	{GUEST_HOME, SCRATCH "/home", 0700, false},
	{GUEST_TMP, SCRATCH "/tmp", 01777, false},
	{"/var/tmp", SCRATCH "/var-tmp", 01777, false},
};

/*
 * A kept disk (`ambient qemu --persist`) contains the upper layer of an earlier machine, which is
 * reused. The work directory is removed, because with `volatile` overlayfs leaves a mark in it that
 * prevents another mount.
 */
static int make_layers(struct err *e)
{
	if (path_remove_tree(SCRATCH_WORK, e) < 0 || path_make_dirs(SCRATCH_UPPER, 0755, e) < 0)
		return -1;
	return path_make_dirs(SCRATCH_WORK, 0755, e);
}

/*
 * Without barriers, because only a kept disk must be complete, and it is synced at the end.
 * noinit_itable and no_prefetch_block_bitmaps avoid a kernel thread that reads all bitmaps of the
 * disk during the first action (docs/performance.md).
 */
int scratch_mount(const struct machine *m, struct err *e)
{
	static const char options[] =
		"barrier=0,noinit_itable,no_prefetch_block_bitmaps,noblock_validity";
	const struct drive *d = machine_drive(m, DRIVE_SCRATCH);
	auto_free char *device = d ? mem_printf("/dev/%s", d->device) : NULL;

	if (!d)
		return err_set(e, ERR_HOST, "the host announced no drive '%s'", DRIVE_SCRATCH);
	if (guest_mount(device, SCRATCH, "ext4", MS_NOATIME, options, e) < 0)
		return err_wrap(e, "drive '%s'", DRIVE_SCRATCH);
	return make_layers(e);
}

/* In most images the directory is empty, and each boot checks it, so this is optimised. */
static bool is_empty(int dir)
{
	_Alignas(struct dirent64) char names[1024];
	ssize_t n = getdents64(dir, names, sizeof(names)), at = 0;

	while (at < n) {
		const struct dirent64 *d = (const void *)(names + at);

		if (strcmp(d->d_name, ".") != 0 && strcmp(d->d_name, "..") != 0)
			return false;
		at += d->d_reclen;
	}
	return n >= 0;
}

/* Copy a tree by packing and unpacking it: names, contents, owners, modes, times, attributes. */
static int copy_tree(const char *from, int to, struct err *e)
{
	const struct pack_options keep = {.keep_owner = true, .out_is_zero = true};
	const struct unpack_policy as_it_was = {.keep_owner = true};
	auto_pack_result struct pack_result packed = {0};
	auto_fd int tree = open(from, O_RDONLY | O_DIRECTORY | O_CLOEXEC), archive = -1;
	struct unpack_result unpacked;

	if (tree < 0)
		return errno == ENOENT ? 0 : err_sys(e, "%s", from);
	if (is_empty(tree))
		return 0;
	archive = open(SCRATCH, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	if (archive < 0)
		return err_sys(e, "make a file in " SCRATCH);
	if (pack_tree(tree, from, archive, &keep, &packed, e) < 0)
		return -1;
	return unpack_tree(archive, packed.bytes, to, &as_it_was, &unpacked, e);
}

/* The directory is renamed after it is complete. */
static int furnish(const struct place *p, const char *from, struct err *e)
{
	auto_fd int dir = -1;
	struct stat st;

	if (p->fresh && path_remove_tree(p->disk, e) < 0)
		return -1;
	if (stat(p->disk, &st) == 0)
		return 0;
	if (path_remove_tree(SCRATCH "/new", e) < 0)
		return -1;
	if (mkdir(SCRATCH "/new", p->mode) < 0 || chmod(SCRATCH "/new", p->mode) < 0)
		return err_sys(e, SCRATCH "/new");
	dir = open(SCRATCH "/new", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return err_sys(e, SCRATCH "/new");
	if (!p->fresh && copy_tree(from, dir, e) < 0)
		return err_wrap(e, "copy %s to the scratch disk", p->path);
	return rename(SCRATCH "/new", p->disk) < 0 ? err_sys(e, "%s", p->disk) : 0;
}

/* If the image has a symbolic link there, it is kept. */
static int bind(const struct place *p, const char *root, struct err *e)
{
	auto_free char *path = mem_printf("%s%s", root, p->path);
	struct stat st;

	if (lstat(path, &st) == 0 && S_ISLNK(st.st_mode))
		return 0;
	if (furnish(p, path, e) < 0)
		return -1;
	return guest_mount(p->disk, path, NULL, MS_BIND, NULL, e);
}

int scratch_bind(const char *root, struct err *e)
{
	for (size_t i = 0; i < ARRAY_SIZE(places); i++)
		if (bind(&places[i], root, e) < 0)
			return -1;
	return 0;
}
