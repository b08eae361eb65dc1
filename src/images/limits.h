/* SPDX-License-Identifier: Apache-2.0 */
/* Limits of container images and of the image store. */
#ifndef IMAGES_LIMITS_H
#define IMAGES_LIMITS_H

#include "base/limits.h"

/* An index, a manifest or a configuration of a container image: registries allow 4 MiB. */
#define LIMIT_OCI_JSON (4 * MIB)
#define LIMIT_IMAGEFILE_INFO (64 * KIB) /* image.json in a file of `ambient image export` */
#define LIMIT_OCI_INDEXES 8             /* indexes within indexes */
/* Headers of a tar archive that has a container image, and the names in them together. */
#define LIMIT_TARINDEX_HEADERS 100000
#define LIMIT_TARINDEX_NAMES_BYTES (8 * MIB)
/* The files of an image together. */
#define LIMIT_IMAGE_BYTES (256 * GIB)
/* Without progress of sqfstar after the end of the layers. */
#define LIMIT_SQUASH_STALL_MS (2 * 60 * 1000LL)
#define LIMIT_SQUASH_MEMORY (4 * GIB)

/* qemu-img, which converts a disk. */
#define LIMIT_QEMU_IMG_MS (2 * 60 * 60 * 1000LL)
#define LIMIT_QEMU_IMG_MEMORY (4 * GIB)

#endif
