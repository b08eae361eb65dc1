/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Changing the image store: a directory of images (settings/image.h), each of which appears and
 * disappears in one rename. vm-images/build keeps the same rules:
 *
 *	STORE/NAME                an image, complete
 *	STORE/.NAME.lock          flock: held by whoever makes or removes NAME, and then removed;
 *	                          after it is taken, it must still be the file of that name
 *	STORE/.NAME.new.XXXXXX    an image in the making; left by a killed program, removed by the
 *	                          next one that holds the lock
 *
 *	if (imagestore_begin(store, name, &c, e) < 0) ...
 *	... files and image.yaml in c.image ...
 *	if (imagestore_publish(&c, e) < 0) ...
 */
#ifndef IMAGES_IMAGESTORE_H
#define IMAGES_IMAGESTORE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

struct imagestore_change {
	char *store, *name;
	char *target; /* STORE/NAME */
	char *work;   /* STORE/.NAME.new.XXXXXX, mode 0700; NULL: none */
	char *image;  /* the new image: a directory in `work`, which is empty at first */
	int lock_fd;
};

#define IMAGESTORE_NONE ((struct imagestore_change){.lock_fd = -1})

/* ERR_INPUT if a name cannot be that of an image in a store: it is a path, or begins with a dot. */
int imagestore_check_name(const char *name, struct err *e) NODISCARD;

/*
 * Take the lock of NAME, waiting for another program that holds it (ERR_INTERRUPTED when a signal
 * comes), and make a directory for the new image. The store is created if it is missing.
 */
int imagestore_begin(const char *store, const char *name, struct imagestore_change *ret,
	struct err *e) NODISCARD;

/*
 * Make the empty file `path` in the new image, for a program in a jail. The user of the jail opens
 * it, so its mode lets everybody write; its directory lets nobody else in. The caller sets its mode
 * in the end.
 */
int imagestore_make_file(const char *path, int *ret_fd, struct err *e) NODISCARD;

/*
 * Write everything to the disk, and put the new image in the place of the old one. ERR_INPUT: what
 * is there is no image.
 */
int imagestore_publish(struct imagestore_change *c, struct err *e) NODISCARD;

/* Remove what was not published, and release the lock. Accepts IMAGESTORE_NONE. */
void imagestore_release(struct imagestore_change *c);
#define auto_imagestore_change __attribute__((cleanup(imagestore_release)))

/*
 * Remove NAME from the store. ERR_INPUT, reason no_image, if it is not there, or is no image;
 * ERR_BUSY, reason image_in_use, if a machine or a run uses it (image_use), with the projects of the
 * state directory whose runs these are. Works on a full disk.
 */
int imagestore_remove(
	const char *store, const char *name, const char *state, struct err *e) NODISCARD;

/* A directory that a killed program left, of the image `name`, and the disk space it takes. */
typedef int imagestore_visitor(void *arg, const char *name, uint64_t bytes, struct err *e);

/*
 * Remove what killed programs left in the store, and call `removed` for each. An image in the making,
 * whose lock is held, is left alone. A store that does not exist has nothing. dry_run: only report.
 * Ends at the first error.
 */
int imagestore_collect(const char *store, bool dry_run, imagestore_visitor *removed, void *arg,
	struct err *e) NODISCARD;

#endif
