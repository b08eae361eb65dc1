/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Makes the root file system of an image, a squashfs, from the layers of a container image: as a
 * stream, from ambient-archive to sqfstar(1), each in a jail of its own. Nothing is unpacked on the
 * host, so owners, devices and links of the layers have no meaning here, and no rights are needed.
 *
 * The same layers give the same bytes with the same version of sqfstar.
 */
#ifndef IMAGES_SQUASH_H
#define IMAGES_SQUASH_H

#include <stdint.h>

#include "base/err.h"
#include "images/container.h"

struct squash_result {
	uint64_t dropped; /* files some of whose extended attributes were left out */
};

/*
 * Make the file `name` in `dir`, which is private to the caller. program: the path of
 * ambient-archive. ERR_INPUT: a fault of a layer, with its number; more than LIMIT_IMAGE_BYTES.
 * ERR_HOST: sqfstar is missing (reason host_no_squashfs), or failed; the disk is full, or would have
 * less than a tenth left of what is free now (ERR_REASON_DISK). ERR_INTERRUPTED. After an error, the
 * contents of the file are undefined.
 */
int squash_layers(const struct container_image *image, const char *program, const char *dir,
	const char *name, struct squash_result *ret, struct err *e) NODISCARD;

#endif
