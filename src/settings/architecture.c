/* SPDX-License-Identifier: Apache-2.0 */
#include "settings/architecture.h"

#include <elf.h>

static const struct architecture own =
#if defined(__x86_64__)
	{"x86_64", "amd64", "amd64", "qemu-system-x86_64", EM_X86_64};
#else
#error "add a row for this architecture here, and one in vm-images/architectures"
#endif

const struct architecture *architecture_own(void)
{
	return &own;
}
