/* SPDX-License-Identifier: Apache-2.0 */
/* cpio archives in the "newc" form, as Linux takes for an initramfs (initramfs buffer format). */
#ifndef DATA_CPIO_H
#define DATA_CPIO_H

#include "base/err.h"

/*
 * Append, at the current offset of `to`, an archive that holds one executable file `name` with the
 * content of the regular file `from`. Archives behind each other are joined by the kernel.
 */
int cpio_append(int to, const char *name, int from, struct err *e) NODISCARD;

#endif
