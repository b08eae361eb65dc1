/* SPDX-License-Identifier: Apache-2.0 */
/* cpio archives in the "newc" format, which Linux accepts as an initramfs. */
#ifndef DATA_CPIO_H
#define DATA_CPIO_H

#include "base/err.h"

/*
 * Append, at the current offset of `to`, an archive that contains one executable file `name` with
 * the contents of the regular file `from`. The kernel joins archives that follow each other.
 */
int cpio_append(int to, const char *name, int from, struct err *e) NODISCARD;

#endif
