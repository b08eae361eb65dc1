/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the partition table at the start of a disk says about its boot loader: a master boot record,
 * or a GUID partition table (UEFI specification 2.10, chapter 5).
 */
#ifndef IMAGES_PARTITIONS_H
#define IMAGES_PARTITIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/* So much of a disk is enough, with sectors of 512 bytes. */
enum { PARTITIONS_BYTES = 34 * 512 };

/*
 * Read the first `len` bytes of a disk of disk_bytes bytes. *ret_uefi: it has an EFI system
 * partition. ERR_INPUT: the disk has no boot sector, so it cannot be booted; it ends before one of
 * its partitions. data is untrusted; a damaged table is one without partitions.
 */
int partitions_read(const uint8_t *data, size_t len, uint64_t disk_bytes, bool *ret_uefi,
	struct err *e) NODISCARD;

#endif
