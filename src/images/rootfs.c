/* SPDX-License-Identifier: Apache-2.0 */
#include "images/rootfs.h"

#include <sys/stat.h>

#include "images/blobs.h"
#include "os/fd.h"

int rootfs_open(const char *path, struct container_image *ret, struct err *e)
{
	auto_blob struct blob layer = BLOB_NONE;
	struct stat st;

	if (fd_open_file(path, &layer.fd, e) < 0)
		return -1;
	if (fstat(layer.fd, &st) < 0)
		return err_sys(e, "%s", path);
	layer.bytes = (uint64_t)st.st_size;
	layer.state = blob_state_of(&st);
	if (digest_of_file(layer.fd, layer.bytes, &ret->archive, e) < 0)
		return err_wrap(e, "%s", path);
	container_add_layer(ret, &layer);
	return 0;
}
