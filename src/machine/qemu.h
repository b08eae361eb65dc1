/* SPDX-License-Identifier: Apache-2.0 */
/*
 * QEMU's argument list, as data: struct qemu in, argv out, no side effects. Tests compare it with
 * golden files (tests/spec/qemu), and tests/tools/fake-qemu reads exactly this list.
 *
 * Everything that QEMU may touch is given as a descriptor or as a file in the root of its jail.
 */
#ifndef MACHINE_QEMU_H
#define MACHINE_QEMU_H

#include <stdbool.h>
#include <stdint.h>

#include "base/strv.h"
#include "contract/contract.h"

enum qemu_machine { MACHINE_MICROVM, MACHINE_Q35 };
enum qemu_accelerator { ACCELERATOR_TCG, ACCELERATOR_KVM };

/* Where QEMU's jail has what. */
#define QEMU_KERNEL_PATH "/kernel"
#define QEMU_INITRD_PATH "/initrd" /* a whole number of pages, see vm.c */
enum { QEMU_PAGE_BYTES = 4096 };
enum { QEMU_FD_LOG = 10, QEMU_FD_CTL = 11, QEMU_FD_CONSOLE = 12, QEMU_FD_DRIVES = 20 };

struct qemu_drive {
	const char *serial;
	bool writable;
};

struct qemu {
	enum qemu_machine machine;
	enum qemu_accelerator accelerator;
	unsigned cpus;
	uint64_t memory;  /* bytes; given to QEMU in whole MiB, rounded up */
	uint64_t tsc_khz; /* 0: not known; needed by MACHINE_MICROVM under TCG */
	struct qemu_drive drives[DRIVES_MAX]; /* drive i is descriptor QEMU_FD_DRIVES + i */
	size_t drive_count;
	/*
	 * User-mode network: of trusted machines only, in a jail where nothing but a listening
	 * proxy is (docs/egress.md). Without it there is no network device at all.
	 */
	bool network;
};

/* The argument list, argv[0] included, appended to an empty vector. */
void qemu_argv(const struct qemu *q, struct strv *ret_argv);

const char *qemu_machine_name(enum qemu_machine m);
const char *qemu_accelerator_name(enum qemu_accelerator a);

#endif
