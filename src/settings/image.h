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

/*
 * DIRECT: QEMU loads the kernel and the initramfs, in which the executor is the first process. DISK:
 * firmware starts the boot loader of the image's disk, and something in its system starts the
 * executor (machine/bootdisk.h).
 */
enum image_boot { IMAGE_BOOT_DIRECT, IMAGE_BOOT_DISK };

/*
 * The last one is the only part of an image that boots from its disk, and of no other. All others
 * have the first three.
 */
enum image_part {
	IMAGE_KERNEL,
	IMAGE_INITRAMFS,
	IMAGE_ROOT,
	IMAGE_MODULES,
	IMAGE_DISK,
	IMAGE_PARTS
};

/* The key of image.yaml that describes a part. */
const char *image_part_key(enum image_part part);

/* The only type of a disk. */
#define IMAGE_DISK_TYPE "qcow2"

struct image_file {
	char *path; /* absolute; NULL: the image has no such part */
	uint64_t bytes;
	char sha256[65]; /* as in image.yaml */
};

struct image {
	char *name;
	char *dir;
	struct image_file parts[IMAGE_PARTS];
	char digest[65];   /* SHA-256 of image.yaml, which contains the digests of all parts */
	char manifest[65]; /* of the container image that it was made from; "": of none */
	char index[65];    /* of the index in which that was; "": in none */
	enum image_boot boot;
	bool uefi;                      /* of a disk: its boot loader is for UEFI, else for BIOS */
	bool microvm, q35;              /* the machine types that it boots on */
	bool no_network;                /* image.yaml says that it cannot be a trusted machine's */
	struct image_defaults defaults; /* for machines of plans */
	struct node *node;              /* the contents of image.yaml */
	struct image_use *use;          /* image_use; NULL: none */
};

/*
 * An image of a store, as users name it: NAME, or NAME@sha256:DIGEST. The digest is a pin: an image
 * of that name whose own digest, manifest and index have other ones is refused (reason image_pin).
 * What image.yaml says of these two is believed; the own digest covers every byte.
 */
struct image_name {
	char *name;
	char pin[65]; /* "": none */
};

/* ERR_INPUT: what follows '@' is not "sha256:" and 64 lower-case hex digits; no name. */
int image_name_parse(const char *text, struct image_name *ret_name, struct err *e) NODISCARD;

void image_name_release(struct image_name *n);
#define auto_image_name __attribute__((cleanup(image_name_release)))

/*
 * A disk may be named by its file, as earlier versions of Ambient CI have it. It is imported into
 * the store under image_file_name, with the file's image_file_stamp as `built_from.stamp`. Another
 * stamp says that the file has changed. The caller frees both. The stamp is NULL if there is no
 * regular file.
 */
#define IMAGE_STAMP "stamp"
char *image_file_name(const char *path);
char *image_file_stamp(const char *path);

/*
 * Open an image: the directory at `path`, the disk of the file at `path` (ERR_INPUT, reason
 * ERR_REASON_NOT_IMPORTED, if it is not in the store as it is now), or if `path` is NULL, the image `name` (image_name_parse)
 * in the store, else among the images that were installed with the program (locate_images). An
 * image of the store has the name that it has there. image.yaml and the sizes of the parts are
 * checked. ERR_INPUT: no such image (with the way to make it), another digest than the name says,
 * an invalid image.yaml, an image that this version cannot boot (reason not_in_this_version).
 */
#define ERR_REASON_NOT_IMPORTED "image_not_imported"
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
 * Tell others that the image is in use, until it is released: by a shared flock on its image.yaml,
 * with which imagestore_remove refuses to remove it. If that is not possible, the image can be
 * removed while it is in use, which is no error: another user could otherwise prevent every run.
 */
void image_use(struct image *i);

uint64_t image_bytes(const struct image *i); /* of an opened image: of its parts together */

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

/* As image_verify, of one part and without a cache. A part that the image does not have is no error. */
int image_verify_part(const struct image *i, enum image_part part, struct err *e) NODISCARD;

/*
 * Was it made of files of others that no recipe names: a container image, an archive of a root file
 * system, a disk? Its programs must not be where secrets are.
 */
bool image_is_foreign(const struct image *i);

/* Is there an image in this directory of the store? Not, for example, some other directory. */
bool image_is_in(const char *dir);

/*
 * All images of a store, and the installed ones: a list of maps {name, dir, format, bytes, digest,
 * manifest, error}. The caller frees.
 */
struct node *image_list(const char *store);

#endif
