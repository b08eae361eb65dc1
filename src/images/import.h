/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Importing an image of another form into the image store. What it becomes is an image as any other
 * (vm-images/README.md). Of a container image, or an archive of a root file system, it has the root
 * file system; kernel, initramfs and modules are those of one of our images. A file of `ambient
 * image export` (imagefile.h) becomes the image that was exported, with the same digest. A disk
 * with a boot loader stays a disk.
 */
#ifndef IMAGES_IMPORT_H
#define IMAGES_IMPORT_H

#include <stdbool.h>

#include "base/err.h"
#include "base/strv.h"
#include "data/digest.h"

struct import {
	const char *store;
	/*
	 * A file of `ambient image export`, a disk (diskfile.h), or a container image or root file
	 * system (forms.h)
	 */
	const char *source;
	const char *
		name; /* NULL: that of the exported image, of the tag, or of the directory or file */
	const char *stamp;    /* of a disk that a project names by its file; else NULL */
	const char *firmware; /* of a disk: "bios" or "uefi"; NULL: what the disk has */
	const char *kernel;   /* the image whose kernel it gets, in the store or installed */
	const char *archive_program;
	/* Called with lines about the progress of fetching; safe text. */
	void (*tell)(void *arg, const char *line);
	void *arg;
};

struct import_result {
	char *name;
	char digest[65]; /* of the image */
	/*
	 * Of what it was made from, and of which part of that: "manifest" or "configuration" of a
	 * container image, "archive" of a root file system. NULL: of neither.
	 */
	const char *origin_of;
	struct digest_text origin;
	enum import_disk { IMPORT_NO_DISK, IMPORT_BIOS, IMPORT_UEFI } disk; /* how a disk boots */
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

/*
 * Is `path` the file of a disk that is not in the store as it is now? Then a run has to import it
 * first, under the name image_file_name. `path` may be NULL.
 */
bool import_is_due(const char *store, const char *path);

#endif
