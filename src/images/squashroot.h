/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The root directory of a squashfs. sqfstar 4.5.1 gives it the user, the group and the time of the
 * process that made it, whatever its options say, so that the same input gives other bytes each
 * time. This sets user and group 0, and the time 0.
 *
 * Format: Linux, Documentation/filesystems/squashfs.rst and fs/squashfs/squashfs_fs.h, version 4.0.
 */
#ifndef IMAGES_SQUASHROOT_H
#define IMAGES_SQUASHROOT_H

#include "base/err.h"

/*
 * `fd` is a squashfs whose inodes and ids are not compressed (-noI), open for reading and writing.
 * User and group stay as they are if nothing in it belongs to user 0. ERR_HOST: it is not such a
 * file; then nothing was changed.
 */
int squashroot_set(int fd, struct err *e) NODISCARD;

#endif
