/* SPDX-License-Identifier: Apache-2.0 */
#include "upkeep/memory.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/mem.h"
#include "data/jsonl.h"
#include "os/fd.h"
#include "settings/statefile.h"

/*
 * Of several programs at the same time, those that come later do not write. The file that one writes is
 * locked by name, because the one before may have moved it meanwhile.
 */
static int open_new(const char *path, int *ret_fd)
{
	auto_fd int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);
	struct stat mine, named;

	if (fd < 0 || flock(fd, LOCK_EX | LOCK_NB) < 0 || fstat(fd, &mine) < 0 ||
		lstat(path, &named) < 0 || mine.st_ino != named.st_ino || !S_ISREG(mine.st_mode) ||
		ftruncate(fd, 0) < 0)
		return -1;
	*ret_fd = fd_steal(&fd);
	return 0;
}

void memory_write(const char *path, const struct node *file)
{
	auto_free char *new = mem_printf("%s.new", path);
	auto_buf struct buf text = {0};
	auto_fd int fd = -1;

	buf_init(&text, STATEFILE_BYTES);
	jsonl_add(&text, file);
	if (text.overflow || open_new(new, &fd) < 0)
		return;
	if (write(fd, text.data, text.len) == (ssize_t)text.len && rename(new, path) == 0)
		return;
	(void)unlink(new);
}
