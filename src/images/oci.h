/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading a container image in the OCI image layout (OCI image specification 1.1: image-layout.md,
 * image-index.md, manifest.md, config.md), as skopeo, umoci and buildah write it: a directory, or a
 * tar archive of one. Manifests of Docker, which have the same keys, are read, too. Every byte is
 * untrusted; each blob is compared with its size and its digest.
 */
#ifndef IMAGES_OCI_H
#define IMAGES_OCI_H

#include "base/buf.h"
#include "base/err.h"
#include "images/blobs.h"
#include "images/container.h"

/*
 * Open the image of this machine's architecture. tag: its org.opencontainers.image.ref.name, or the
 * end of it (container_tag_fits); NULL: the layout must have only one image. Of an image with
 * variants for several kinds of the architecture ("v3"), it is the one without a variant, else that
 * of the lowest. ERR_INPUT: no layout, no such image, a damaged or missing blob, more layers than
 * REWRITE_LAYERS_MAX. The caller releases *ret, also after an error.
 */
int oci_open(const struct blobs *b, const char *tag, struct container_image *ret,
	struct err *e) NODISCARD;

/* As oci_open, of the manifest in the file `name`, of which no digest is known. */
int oci_open_manifest(const struct blobs *b, const char *name, struct container_image *ret,
	struct err *e) NODISCARD;

/*
 * `raw` is what a registry has under the name of this image, whose manifest is known. If that is an
 * index that lists the manifest, its digest becomes that of the image's index; else nothing is done.
 */
void oci_take_index(const struct buf *raw, struct container_image *i);

#endif
