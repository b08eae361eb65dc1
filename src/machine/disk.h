/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A machine's disk that is kept in a file: `ambient qemu --persist FILE`.
 *
 * The file is the scratch drive as the guest left it, an ext4 that the host never looks into, in
 * which the image's overlay has what changed. Behind it stands one block of DISK_LABEL_BYTES that
 * says of which image:
 *
 *     ambient disk 1
 *     image <name> <digest>
 *
 * A machine works on a copy beside the file, made by reflink where that can be, so the file is as
 * it was until disk_save replaces it by one rename (os/outfile.h).
 */
#ifndef MACHINE_DISK_H
#define MACHINE_DISK_H

#include <stdint.h>

#include "base/err.h"
#include "os/outfile.h"
#include "settings/image.h"

enum { DISK_LABEL_BYTES = 512 };

struct disk {
	char *path;
	struct outfile copy; /* takes the place of the file when the disk is saved */
	int lock_fd;         /* the file, if there was one: locked against a second machine */
};
#define DISK_NONE                                                                                  \
	{                                                                                          \
		.copy = OUTFILE_NONE, .lock_fd = -1                                                \
	}

/*
 * Make a copy of the file, or a new disk of `bytes` bytes when there is no file. ERR_INPUT: the
 * file is no disk, or one of another image. ERR_BUSY: another machine works on it.
 */
int disk_open(const char *path, const struct image *image, uint64_t bytes, struct disk *ret_disk,
	struct err *e) NODISCARD;

/* Put the copy into the place of the file. After the machine is gone. */
int disk_save(struct disk *d, const struct image *image, struct err *e) NODISCARD;

void disk_release(struct disk *d);
#define auto_disk __attribute__((cleanup(disk_release)))

#endif
