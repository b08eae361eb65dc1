/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The root directory of a squashfs. sqfstar 4.5.1 gives it the user, the group and the time of the
 * process that made it, whatever its options say, so that the same input gives other bytes each
 * time. This sets user and group 0, and the time 0: whatever the layers say of their root, programs
 * of all users in a machine must get into it, and only root may change it.
 *
 * It also removes from the table of ids those that only the root directory had, and adds 0 if it is
 * missing. The table then is the same whoever made the file.
 *
 * Format: Linux, Documentation/filesystems/squashfs.rst and fs/squashfs/squashfs_fs.h, version 4.0.
 */
#ifndef IMAGES_SQUASHROOT_H
#define IMAGES_SQUASHROOT_H

#include "base/err.h"

/*
 * `fd` is a squashfs whose inodes and ids are not compressed (-noI), open for reading and writing.
 * ERR_HOST: it is not such a file, or could not be written.
 */
int squashroot_set(int fd, struct err *e) NODISCARD;

#endif
