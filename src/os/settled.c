/* SPDX-License-Identifier: Apache-2.0 */
#include "os/settled.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/vfs.h>

#include "base/clock.h"
#include "base/mem.h"

static bool is_good_type(long type)
{
	static const long good[] = {
		EXT4_SUPER_MAGIC, XFS_SUPER_MAGIC, BTRFS_SUPER_MAGIC, F2FS_SUPER_MAGIC};

	for (size_t i = 0; i < ARRAY_SIZE(good); i++)
		if (type == good[i])
			return true;
	return false;
}

uint64_t settled_filesystem(int fd)
{
	struct statfs fs;
	uint64_t id;

	if (fd < 0 || fstatfs(fd, &fs) < 0 || !is_good_type((long)fs.f_type))
		return 0;
	_Static_assert(sizeof(fs.f_fsid) == sizeof(id), "an id has eight bytes");
	memcpy(&id, &fs.f_fsid, sizeof(id));
	return id;
}

/* A ctime in the future shows that the clock was wrong, so the ctime cannot be relied on. */
static bool is_old(const struct stat *st)
{
	struct timespec now = clock_now();

	now.tv_sec -= SETTLED_S;
	return st->st_ctim.tv_nsec && clock_compare(&st->st_ctim, &now) < 0;
}

/*
 * After this, a program that has mapped the file takes a page fault at its next write, and the file
 * gets a new ctime. Without dirty pages this does not wait.
 */
static bool write_pages(int fd)
{
	return sync_file_range(fd, 0, 0,
		       SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE |
			       SYNC_FILE_RANGE_WAIT_AFTER) == 0;
}

bool settled_file(int fd, const struct stat *st)
{
	return is_old(st) && write_pages(fd);
}
