/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An image as one file, which is carried to another host: `ambient image export` and `import`.
 *
 * The file is an archive (data/tar.h) with these members, and no others:
 *
 *	image.json     {"format": 1, "name": NAME, "digest": HEX}; the digest of image.yaml
 *	image.yaml     as in the image, byte for byte, so that the image keeps its digest
 *	parts          a directory
 *	parts/FILE     each file that image.yaml names, in ascending order
 *
 * The same image gives the same bytes.
 */
#ifndef IMAGES_IMAGEFILE_H
#define IMAGES_IMAGEFILE_H

#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "settings/image.h"

/*
 * Write an image to `path` (os/outfile.h), which appears complete or not at all; a pipe gets the
 * same bytes as they are read. Each part is compared with its digest on the way: ERR_INPUT, reason
 * image_digest. A path that is a file of the image is ERR_INPUT.
 */
int imagefile_export(const struct image *i, const char *path, struct err *e) NODISCARD;

/*
 * Open a file of an image. *ret_fd is -1 if `source` is something else: a file with other contents,
 * or none, and it has a prefix such as "oci:". ERR_INPUT: there is no such file.
 */
int imagefile_open(const char *source, int *ret_fd, struct err *e) NODISCARD;

struct imagefile {
	int fd;                        /* borrowed */
	char *name;                    /* of the image where it was exported; not checked */
	struct buf yaml;               /* the text of image.yaml */
	struct image image;            /* parsed; its directory is "." */
	uint64_t offsets[IMAGE_PARTS]; /* of the contents of its parts in the file */
};

/*
 * Read everything but the contents of the parts. ERR_INPUT, reason image_damaged: the file is
 * truncated, has other members or lengths than image.yaml says, or breaks a rule. Other errors are
 * those of image_parse. The caller releases *ret in each case.
 */
int imagefile_read(int fd, struct imagefile *ret, struct err *e) NODISCARD;

void imagefile_release(struct imagefile *f);
#define auto_imagefile __attribute__((cleanup(imagefile_release)))

/*
 * Make the image in the empty directory `dir`, which is private to the caller: image.yaml and its
 * parts, each compared with its digest. ERR_INPUT, reason image_damaged; ERR_HOST;
 * ERR_INTERRUPTED.
 */
int imagefile_unpack(const struct imagefile *f, const char *dir, struct err *e) NODISCARD;

#endif
