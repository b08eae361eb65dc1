/* SPDX-License-Identifier: Apache-2.0 */
/* QEMU's argument list, read back: exactly the list that src/machine/qemu.c makes, or an error. */
#ifndef FAKE_MACHINE_H
#define FAKE_MACHINE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "contract/contract.h"

struct fake_drive {
	char serial[DRIVE_SERIAL_MAX + 1];
	int fd;
	bool writable;
};

struct fake_machine {
	char machine[16];     /* microvm, q35 */
	char accelerator[16]; /* tcg, kvm */
	unsigned long long cpus, memory_mib;
	struct fake_drive drives[DRIVES_MAX];
	size_t drive_count;
	bool network;
	bool disk; /* it boots from QEMU_FD_DISK */
};

/*
 * Read the argument list, argv[0] included. Written independently of qemu.c and in its order, so
 * that neither side can change alone. ERR_INPUT naming the first argument that is not as expected.
 */
int fake_machine_read(char *const *argv, struct fake_machine *ret, struct err *e) NODISCARD;

#endif
