/* SPDX-License-Identifier: Apache-2.0 */
#include "data/cpio.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "os/fd.h"

#define TRAILER "TRAILER!!!"

/* All parts of the archive are aligned to four bytes. */
static int pad(int to, uint64_t written, struct err *e)
{
	static const char zeros[4];
	size_t n = (size_t)(-written & 3);

	if (n && fd_write_all(to, zeros, n) < 0)
		return err_sys(e, "write cpio padding");
	return 0;
}

/* magic, inode, mode, uid, gid, nlink, mtime, size, device (2), special device (2), name, checksum
 */
static int put_header(int to, const char *name, mode_t mode, uint32_t size, struct err *e)
{
	size_t name_size = strlen(name) + 1;
	char header[110 + 1];

	(void)snprintf(header, sizeof(header),
		"070701%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x", 0u, (unsigned)mode,
		0u, 0u, 1u, 0u, size, 0u, 0u, 0u, 0u, (unsigned)name_size, 0u);
	if (fd_write_all(to, header, 110) < 0 || fd_write_all(to, name, name_size) < 0)
		return err_sys(e, "write cpio header");
	return pad(to, 110 + name_size, e);
}

int cpio_append(int to, const char *name, int from, struct err *e)
{
	struct stat st;

	if (fstat(from, &st) < 0)
		return err_sys(e, "stat");
	if (!S_ISREG(st.st_mode) || st.st_size > UINT32_MAX)
		return err_set(e, ERR_INPUT, "not a regular file of less than 4 GiB");
	if (lseek(to, (off_t)(-lseek(to, 0, SEEK_CUR) & 3), SEEK_CUR) < 0)
		return err_sys(e, "seek");
	if (put_header(to, name, S_IFREG | 0755, (uint32_t)st.st_size, e) < 0 ||
		fd_copy(from, to, (uint64_t)st.st_size, e) < 0 ||
		pad(to, (uint64_t)st.st_size, e) < 0)
		return -1;
	return put_header(to, TRAILER, 0, 0, e);
}
