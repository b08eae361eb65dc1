/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Disks in files of others, qcow2 or raw, and the file that becomes of one in an image: qcow2,
 * uncompressed, which names no other file. qemu-img makes it, in a jail that has nothing but the two
 * files; so what the file of others names is never opened, whatever its header says.
 */
#ifndef IMAGES_DISKFILE_H
#define IMAGES_DISKFILE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

enum diskfile_format { DISKFILE_NONE, DISKFILE_QCOW2, DISKFILE_RAW };

/*
 * What the file is. DISKFILE_NONE: no regular file, or one without the marks of either format; a raw
 * disk has a boot sector.
 */
enum diskfile_format diskfile_probe(const char *path);

/*
 * Write the disk in `path` to the new file `made`. *ret_uefi: see partitions.h. ERR_INPUT: see
 * qcow2_check; a disk without a boot sector; a damaged one. ERR_HOST, reason host_no_qemu_img.
 * ERR_INTERRUPTED.
 */
int diskfile_convert(const char *path, enum diskfile_format format, const char *made,
	bool *ret_uefi, struct err *e) NODISCARD;

#endif
