/* SPDX-License-Identifier: Apache-2.0 */
/* Images: a directory with image.yaml and the files that it names (vm-images/README.md). */
#ifndef SETTINGS_IMAGE_H
#define SETTINGS_IMAGE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/strv.h"
#include "data/node.h"

enum image_part { IMAGE_KERNEL, IMAGE_INITRAMFS, IMAGE_ROOT, IMAGE_PARTS };

struct image_file {
	char *path; /* absolute */
	uint64_t bytes;
	char sha256[65]; /* as image.yaml says */
};

struct image {
	char *name;
	char *dir;
	struct image_file parts[IMAGE_PARTS];
	char digest[65];   /* sha256 of image.yaml: it names the digests of all parts */
	bool microvm, q35; /* machines that it boots on */
	struct node *node; /* image.yaml */
};

/*
 * Open the image `name` in the store, else among those that were installed with the program
 * (locate_images), or the directory at `path` when that is not NULL. image.yaml is checked; sizes
 * of the parts are compared. ERR_INPUT: no such image (with how to make it), a wrong image.yaml, a
 * kind that this version cannot boot (reason not_in_this_version).
 */
int image_open(const char *store, const char *name, const char *path, struct image *ret_image,
	struct err *e) NODISCARD;

/*
 * Read the text of an image.yaml that stands in `dir`; no file is looked at. ERR_INPUT, with line
 * and column where there is one.
 */
int image_parse(const char *dir, const char *text, size_t len, struct image *ret_image,
	struct err *e) NODISCARD;

void image_release(struct image *i);
#define auto_image __attribute__((cleanup(image_release)))

/*
 * Compare the digests of all parts with image.yaml. Digests are remembered in `memory` (a file in
 * the state directory; NULL: always read) by device, inode, size, mtime and ctime; it is
 * written by way of the directory `work`, which is ours, on the same file system, and emptied by
 * somebody; work NULL: it is only read. ERR_INPUT,
 * reason image_digest, naming the part. When the memory cannot be written that is pushed to
 * `warnings` (statefile_not_kept).
 */
int image_verify(const struct image *i, const char *memory, const char *work, struct strv *warnings,
	struct err *e) NODISCARD;

/* All images of a store, and those that were installed: a list of maps {name, dir, format, bytes,
 * digest, error}. The caller frees. */
struct node *image_list(const char *store);

#endif
