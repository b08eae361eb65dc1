/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Machines that boot from the disk of an image, by firmware (docs/decisions/0029-disks.md).
 *
 * The disk is read-only and shared by all machines. What a machine changes is in an overlay without
 * a name, which is gone after it. The image's own system comes up; then a unit of its own, or
 * cloud-init by what is on the drive BOOTDISK_CIDATA, unpacks DRIVE_EXEC and starts the program
 * EXECUTOR_OLD_NAME from it, which is the executor (executor/machine/unit.c).
 */
#ifndef MACHINE_BOOTDISK_H
#define MACHINE_BOOTDISK_H

#include "base/err.h"
#include "machine/drives.h"
#include "settings/image.h"

/* A file system for cloud-init's data source NoCloud. */
#define BOOTDISK_CIDATA "ambient-cidata"

struct bootdisk {
	int disk_fd;    /* read-only */
	int overlay_fd; /* -1: the image does not boot from a disk */
};
#define BOOTDISK_NONE ((struct bootdisk){.disk_fd = -1, .overlay_fd = -1})

/*
 * Open the disk of an image, and make an overlay in `tmpdir`. ERR_INPUT, reason image_digest: the
 * disk names other files, or is damaged. The caller releases *ret in each case.
 */
int bootdisk_open(const struct image *image, const char *tmpdir, struct bootdisk *ret,
	struct err *e) NODISCARD;

void bootdisk_release(struct bootdisk *d);
#define auto_bootdisk __attribute__((cleanup(bootdisk_release)))

/* Add the drive BOOTDISK_CIDATA. */
int bootdisk_add_cidata(struct drives *d, struct err *e) NODISCARD;

/* ERR_HOST, reason host_no_uefi, if this host has no UEFI firmware for machines. */
int bootdisk_check_uefi(struct err *e) NODISCARD;

#endif
