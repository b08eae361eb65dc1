/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading a container image from a directory in the OCI image layout (OCI image specification 1.1:
 * image-layout.md, image-index.md, manifest.md, config.md), as skopeo, umoci and buildah write it.
 * Manifests of Docker, which have the same keys, are read, too. Every byte is untrusted; each blob
 * is compared with its size and its digest.
 */
#ifndef IMAGES_OCI_H
#define IMAGES_OCI_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "data/digest.h"

struct oci_layer {
	int fd; /* of the regular file, as it is: mostly compressed */
	uint64_t bytes;
};

struct oci_image {
	struct digest_text digest; /* of the manifest */
	struct oci_layer *layers;  /* the lowest one first */
	size_t layer_count;
};

/*
 * Open the image of this machine's architecture in the layout `dir`. tag: its
 * org.opencontainers.image.ref.name; NULL: the layout must have only one image. ERR_INPUT: no
 * layout, no such image, a damaged or missing blob, more layers than REWRITE_LAYERS_MAX.
 */
int oci_open(const char *dir, const char *tag, struct oci_image *ret, struct err *e) NODISCARD;

void oci_release(struct oci_image *i);
#define auto_oci_image __attribute__((cleanup(oci_release)))

#endif
