/* SPDX-License-Identifier: Apache-2.0 */
/*
 * QEMU's argument list as data: the input is struct qemu, the output is argv, and there are no side
 * effects. Tests compare it with golden files (tests/spec/qemu), and tests/tools/fake-qemu parses
 * exactly this list.
 *
 * Every file that QEMU uses is passed as a descriptor or as a file in the root of its jail.
 */
#ifndef MACHINE_QEMU_H
#define MACHINE_QEMU_H

#include <stdbool.h>
#include <stdint.h>

#include "base/strv.h"
#include "contract/contract.h"

enum qemu_machine { MACHINE_MICROVM, MACHINE_Q35 };
enum qemu_accelerator { ACCELERATOR_TCG, ACCELERATOR_KVM };

/* Paths in QEMU's jail. */
#define QEMU_KERNEL_PATH "/kernel"
#define QEMU_INITRD_PATH "/initrd" /* the size is a multiple of the page size, see vm.c */
enum { QEMU_PAGE_BYTES = 4096 };
/* In /usr, which the jail has, too; from the package ovmf. */
#define QEMU_UEFI_PATH "/usr/share/ovmf/OVMF.fd"
enum {
	QEMU_FD_LOG = 10,
	QEMU_FD_CTL = 11,
	QEMU_FD_CONSOLE = 12,
	QEMU_FD_DISK = 13, /* QEMU_BOOT_DISK: qcow2, read-only */
	QEMU_FD_OVERLAY = 14,
	QEMU_FD_DRIVES = 20
};

/* A disk is booted by SeaBIOS, which belongs to QEMU, or by OVMF. */
enum qemu_boot { QEMU_BOOT_KERNEL, QEMU_BOOT_DISK };

struct qemu_drive {
	const char *serial;
	bool writable;
};

struct qemu {
	enum qemu_machine machine; /* MACHINE_Q35 for QEMU_BOOT_DISK */
	enum qemu_boot boot;
	bool uefi; /* QEMU_BOOT_DISK: by UEFI */
	enum qemu_accelerator accelerator;
	unsigned cpus;
	uint64_t memory;  /* bytes; passed to QEMU in whole MiB, rounded up */
	uint64_t tsc_khz; /* 0: not known; required for MACHINE_MICROVM under TCG */
	struct qemu_drive drives[DRIVES_MAX]; /* drive i is descriptor QEMU_FD_DRIVES + i */
	size_t drive_count;
	/*
	 * User-mode network. Only for trusted machines, in a jail that contains nothing but a
	 * listening proxy (docs/egress.md). Without it there is no network device.
	 */
	bool network;
};

/* Append the argument list, including argv[0], to an empty vector. */
void qemu_argv(const struct qemu *q, struct strv *ret_argv);

const char *qemu_machine_name(enum qemu_machine m);
const char *qemu_accelerator_name(enum qemu_accelerator a);

#endif
