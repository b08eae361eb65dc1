/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The architecture of machines: the names that others have for it. Machines have that of the host,
 * because executor and host are built together, and the images in a store are for it. Another
 * architecture is another row of the table; vm-images/architectures has the rows of the programs
 * that make images.
 */
#ifndef SETTINGS_ARCHITECTURE_H
#define SETTINGS_ARCHITECTURE_H

#include <stdint.h>

struct architecture {
	const char *name;      /* as `uname -m` and image.yaml have it */
	const char *debian;    /* of Debian's packages: dpkg --print-architecture */
	const char *container; /* of container images: GOARCH of the Go language */
	const char *qemu;      /* QEMU's program for it */
	uint16_t elf;          /* e_machine of its programs */
};

/* That of this program. Never NULL. */
const struct architecture *architecture_own(void);

#endif
