/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Disks in QEMU's format qcow2, versions 2 and 3 (docs/interop/qcow2.txt in the source of QEMU).
 *
 * Such a file can name other files, which QEMU would open: a backing file, an external data file.
 * So the header of a file of unknown origin is read here before QEMU sees the file.
 */
#ifndef DATA_QCOW2_H
#define DATA_QCOW2_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/* Does a file that begins with these bytes call itself qcow2? */
bool qcow2_is_magic(const uint8_t *data, size_t len);

/*
 * Read the header: *ret_bytes is the size of the disk. ERR_INPUT, without the name of the file: not
 * qcow2 of a known version; a backing file, an external data file, encryption or internal snapshots;
 * a disk that is empty, larger than LIMIT_DISK_BYTES, or not a multiple of 512 bytes.
 */
int qcow2_check(int fd, uint64_t *ret_bytes, struct err *e) NODISCARD;

/* Can a disk have this size? ERR_INPUT, as of qcow2_check. */
int qcow2_check_size(uint64_t bytes, struct err *e) NODISCARD;

/*
 * Read from the disk in a file that passed qcow2_check. What was never written is zeros. ERR_INPUT:
 * a damaged table, or a compressed cluster.
 */
int qcow2_read(int fd, uint64_t offset, void *data, size_t len, struct err *e) NODISCARD;

/*
 * Make a disk of `bytes` bytes in an empty file, for use over a backing disk: nothing is written in
 * it. The backing disk is not named in it.
 */
int qcow2_make_overlay(int fd, uint64_t bytes, struct err *e) NODISCARD;

#endif
