/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A container image, whatever form it has (oci.h, dockersave.h, rootfs.h): its layers, and what its
 * configuration says (OCI image specification 1.1, config.md). Every byte is untrusted.
 */
#ifndef IMAGES_CONTAINER_H
#define IMAGES_CONTAINER_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "data/digest.h"
#include "data/node.h"
#include "images/blobs.h"

#define CONTAINER_SYSTEM "linux" /* the machine's, in the words of Go */
#define CONTAINER_SHA256 "sha256:"

/* The files by which a form is recognized. Archives of `docker save` have both since version 25. */
#define CONTAINER_OCI_INDEX "index.json"
#define CONTAINER_SAVE_MANIFEST "manifest.json"

struct container_image {
	struct digest_text manifest; /* "": the form has none */
	struct digest_text index; /* of several architectures, in which the manifest is; "": none */
	struct digest_text id;    /* of its configuration; "": the form has none */
	struct digest_text archive; /* of the file, if the form is just an archive of files */
	struct node *config; /* its configuration: a map, of this machine's architecture; or NULL */
	struct blob *layers; /* the lowest one first; mostly compressed */
	size_t layer_count;
};

void container_release(struct container_image *i);
#define auto_container_image __attribute__((cleanup(container_release)))

/* A lower-case SHA-256 in hexadecimal digits, of just that length? */
bool container_is_hex(const char *text);

/*
 * Take a configuration, whose digest was compared. ERR_INPUT: it is no JSON object, or is that of
 * another architecture.
 */
int container_take_config(struct container_image *i, const struct blobs *b, const char *name,
	const struct buf *text, struct err *e) NODISCARD;

/* The digest of the index, "sha256:HEX"; another form of it is ignored. */
void container_set_index(struct container_image *i, const char *digest);

/* Take a layer, which then belongs to the image. */
void container_add_layer(struct container_image *i, struct blob *layer);

/* The same for images of any number of layers. ERR_INPUT: there are too many, or it is empty. */
int container_take_layer(struct container_image *i, const struct blobs *b, const char *name,
	struct blob *layer, struct err *e) NODISCARD;

/*
 * Layers are read again after their digests were compared. Once they have been, this says whether the
 * files are still what they were before the first reading. ERR_INPUT: "the file of layer 2 was changed
 * while it was imported".
 */
int container_check_layers(const struct container_image *i, struct err *e) NODISCARD;

/*
 * Is `tag` the wanted one? `loosely`: also if it ends with it, after a slash or a colon, as
 * "docker.io/library/debian:12" does with "debian:12". Callers look for an exact one first.
 */
bool container_tag_fits(const char *tag, const char *wanted, bool loosely);

#endif
