/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Importing an image of another form into the image store. What it becomes is an image as any other
 * (vm-images/README.md): its root file system is that of the import; kernel, initramfs and modules
 * are those of one of our images. A disk with a boot loader stays a disk.
 */
#ifndef IMAGES_IMPORT_H
#define IMAGES_IMPORT_H

#include <stdbool.h>

#include "base/err.h"
#include "base/strv.h"

struct import {
	const char *store;
	const char *source; /* "oci:DIR", "oci:DIR:TAG", or the path of a disk (diskfile.h) */
	const char *name;   /* NULL: the tag, or the last component of DIR or path */
	/* of a disk: "bios" or "uefi"; NULL: what the disk has */
	const char *firmware;
	const char *kernel; /* the image whose kernel it gets, in the store or installed */
	const char *archive_program;
};

struct import_result {
	char *name;
	char digest[65];      /* of the image */
	char manifest[65];    /* of the container image; "": it is a disk */
	bool uefi;            /* of a disk: it boots by UEFI, else by BIOS */
	struct strv warnings; /* what was left out; one line each */
};

void import_result_release(struct import_result *r);
#define auto_import_result __attribute__((cleanup(import_result_release)))

/*
 * Import an image, in the place of one with this name, if there is one. ERR_INPUT: the source is
 * damaged, of another form or another architecture; ERR_HOST; ERR_INTERRUPTED. After an error the
 * store is as it was. The caller releases *ret in each case.
 */
int import_image(const struct import *i, struct import_result *ret, struct err *e) NODISCARD;

#endif
