/* SPDX-License-Identifier: Apache-2.0 */
/* Images: a directory with image.yaml and the files listed in it (vm-images/README.md). */
#ifndef SETTINGS_IMAGE_H
#define SETTINGS_IMAGE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/strv.h"
#include "data/node.h"
#include "settings/defaults.h"

enum image_part { IMAGE_KERNEL, IMAGE_INITRAMFS, IMAGE_ROOT, IMAGE_MODULES, IMAGE_PARTS };

/* The key of image.yaml that describes a part. */
const char *image_part_key(enum image_part part);

struct image_file {
	char *path; /* absolute */
	uint64_t bytes;
	char sha256[65]; /* as in image.yaml */
};

struct image {
	char *name;
	char *dir;
	struct image_file parts[IMAGE_PARTS]; /* path NULL: it has no such part (IMAGE_MODULES) */
	char digest[65];   /* SHA-256 of image.yaml, which contains the digests of all parts */
	bool microvm, q35; /* the machine types that it boots on */
	bool no_network;   /* image.yaml says that it cannot be a trusted machine's */
	struct image_defaults defaults; /* for machines of plans */
	struct node *node;              /* the contents of image.yaml */
};

/*
 * Open an image: the directory at `path`, or if `path` is NULL, the image `name` in the store, else
 * among the images that were installed with the program (locate_images). image.yaml and the sizes
 * of the parts are checked. ERR_INPUT: no such image (with the way to make it), an invalid
 * image.yaml, an image that this version cannot boot (reason not_in_this_version).
 */
int image_open(const char *store, const char *name, const char *path, struct image *ret_image,
	struct err *e) NODISCARD;

/*
 * Parse the text of an image.yaml in the directory `dir`; no file is read. ERR_INPUT, with line and
 * column if known.
 */
int image_parse(const char *dir, const char *text, size_t len, struct image *ret_image,
	struct err *e) NODISCARD;

void image_release(struct image *i);
#define auto_image __attribute__((cleanup(image_release)))

/*
 * Compare the digests of all parts with image.yaml. ERR_INPUT, reason image_digest, with the name
 * of the part.
 *
 * Digests are cached in the file `memory` in the state directory, by device, inode, size, mtime and
 * ctime; NULL: files are always read. The file is first written in the directory `work`, which is
 * private to this program, is on the same file system, and is emptied by the next run; work NULL:
 * the cache is only read. If writing it fails, a warning is pushed to `warnings`
 * (statefile_not_kept).
 */
int image_verify(const struct image *i, const char *memory, const char *work, struct strv *warnings,
	struct err *e) NODISCARD;

/*
 * All images of a store, and the installed ones: a list of maps {name, dir, format, bytes, digest,
 * error}. The caller frees.
 */
struct node *image_list(const char *store);

#endif
