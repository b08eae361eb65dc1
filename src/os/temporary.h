/* SPDX-License-Identifier: Apache-2.0 */
/* Files without a name. They disappear however the program ends. */
#ifndef OS_TEMPORARY_H
#define OS_TEMPORARY_H

#include "base/err.h"

/*
 * Create a file in `tmpdir` for reading and writing that is reachable only through this descriptor.
 * ERR_INPUT, with the remedy, when the directory does not exist or is not writable.
 */
int temporary_file(const char *tmpdir, int *ret_fd, struct err *e) NODISCARD;

#endif
