/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The packages of an image as an SPDX 2.3 document, in its JSON form (https://spdx.github.io/spdx-spec/v2.3/):
 * the image is a package that contains the others. About licences nothing is asserted.
 *
 * The documents of an image that the same version makes differ in one thing: it was created when the image
 * was made or imported on this host, by the time of its image.yaml. Nothing in the image itself says when it
 * was made. The namespace has the image's digest.
 */
#ifndef IMAGES_SPDX_H
#define IMAGES_SPDX_H

#include "base/err.h"
#include "data/node.h"
#include "settings/image.h"

/*
 * *ret_document is owned by the caller. ERR_INPUT: reason no_packages, the image has no list of packages, as
 * one that was imported from a container image or a disk; or the list is not understood.
 */
int spdx_describe(const struct image *image, struct node **ret_document, struct err *e) NODISCARD;

#endif
