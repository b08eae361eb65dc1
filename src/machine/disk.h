/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The disk of a machine that is kept in a file: `ambient qemu --persist FILE`.
 *
 * The file is the scratch drive as the guest left it, an ext4 file system that the host never
 * reads. The image's overlay stores its changes in it. It is followed by one block of
 * DISK_LABEL_BYTES that identifies the image:
 *
 *     ambient disk 1
 *     image <name> <digest>
 *
 * A machine uses a copy in the same directory, made by reflink if possible. So the file is
 * unchanged until disk_save replaces it by one rename (os/outfile.h).
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
	struct outfile copy; /* replaces the file when the disk is saved */
	int lock_fd;         /* the file, if there was one: locked against a second machine */
};
#define DISK_NONE                                                                                  \
	{                                                                                          \
		.copy = OUTFILE_NONE, .lock_fd = -1                                                \
	}

/*
 * Create a copy of the file, or a new disk of `bytes` bytes if there is no file. ERR_INPUT: the
 * file is not a disk, or belongs to another image. ERR_BUSY: another machine uses it.
 */
int disk_open(const char *path, const struct image *image, uint64_t bytes, struct disk *ret_disk,
	struct err *e) NODISCARD;

/* Replace the file by the copy. Call after the machine has ended. */
int disk_save(struct disk *d, const struct image *image, struct err *e) NODISCARD;

void disk_release(struct disk *d);
#define auto_disk __attribute__((cleanup(disk_release)))

#endif
