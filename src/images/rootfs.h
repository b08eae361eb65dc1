/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A tar archive of a root file system, as debootstrap, `docker export` and distributions make it,
 * alone or compressed: it is taken for a container image of one layer that says nothing of itself.
 */
#ifndef IMAGES_ROOTFS_H
#define IMAGES_ROOTFS_H

#include "base/err.h"
#include "images/container.h"

/*
 * ERR_INPUT: it is no regular file that can be read, it is empty, or it begins as a zip archive. What
 * else is in it is not looked at. The caller releases *ret in each case.
 */
int rootfs_open(const char *path, struct container_image *ret, struct err *e) NODISCARD;

#endif
