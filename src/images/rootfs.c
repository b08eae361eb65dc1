/* SPDX-License-Identifier: Apache-2.0 */
#include "images/rootfs.h"

#include <string.h>
#include <sys/stat.h>

#include "images/blobs.h"
#include "os/fd.h"

#define ROOTFS_KINDS                                                                               \
	"a root file system is a tar archive, alone or compressed by gzip, bzip2, xz, zstd or lz4"

/* A zip has no owners and no devices: it is a mistake, and worth a message of its own. */
static int check_start(const char *path, int fd, struct err *e)
{
	char start[4];
	ssize_t n = fd_pread_full(fd, start, sizeof(start), 0);

	if (n < 0)
		return err_sys(e, "read %s", path);
	if (n == 0)
		return err_set(e, ERR_INPUT, "%s: it is empty; " ROOTFS_KINDS, path);
	if (n == sizeof(start) &&
		(memcmp(start, "PK\003\004", sizeof(start)) == 0 ||
			memcmp(start, "PK\005\006", sizeof(start)) == 0))
		return err_set(e, ERR_INPUT, "%s: it is a zip archive; " ROOTFS_KINDS, path);
	return 0;
}

int rootfs_open(const char *path, struct container_image *ret, struct err *e)
{
	auto_blob struct blob layer = BLOB_NONE;
	struct stat st;

	if (fd_open_file(path, &layer.fd, e) < 0)
		return -1;
	if (fstat(layer.fd, &st) < 0)
		return err_sys(e, "%s", path);
	if (check_start(path, layer.fd, e) < 0)
		return -1;
	layer.bytes = (uint64_t)st.st_size;
	layer.state = blob_state_of(&st);
	if (digest_of_file(layer.fd, layer.bytes, &ret->archive, e) < 0)
		return err_wrap(e, "%s", path);
	container_add_layer(ret, &layer);
	return 0;
}
