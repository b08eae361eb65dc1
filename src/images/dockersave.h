/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading a container image from an archive of `docker save` or `podman save`: a manifest.json that
 * lists images, their configurations and layers by the names of members (Docker image specification
 * 1.2, "Combined Image JSON + Filesystem Changeset Format"). Newer versions of Docker write the OCI
 * layout into the same archive; its manifest.json then names the blobs.
 *
 * Every byte is untrusted. The digest of a configuration is its name; layers, which are not
 * compressed in this form, are compared with its rootfs.diff_ids.
 */
#ifndef IMAGES_DOCKERSAVE_H
#define IMAGES_DOCKERSAVE_H

#include "base/err.h"
#include "images/blobs.h"
#include "images/container.h"

/*
 * Open an image. tag: one of its RepoTags, or the end of one (container_tag_fits); NULL: the
 * archive must have only one image. ERR_INPUT: no such archive, no such image, another
 * architecture, a damaged or missing member, a compressed layer, more layers than
 * REWRITE_LAYERS_MAX. ret->manifest is empty. The caller releases *ret, also after an error.
 */
int dockersave_open(const struct blobs *b, const char *tag, struct container_image *ret,
	struct err *e) NODISCARD;

#endif
