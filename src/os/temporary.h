/* SPDX-License-Identifier: Apache-2.0 */
/* Files without a name: nothing is left of them, however the program ends. */
#ifndef OS_TEMPORARY_H
#define OS_TEMPORARY_H

#include "base/err.h"

/*
 * A file in `tmpdir` for reading and writing, which only this descriptor leads to. ERR_INPUT, with
 * the remedy, when the directory does not exist or may not be written in.
 */
int temporary_file(const char *tmpdir, int *ret_fd, struct err *e) NODISCARD;

#endif
