/* SPDX-License-Identifier: Apache-2.0 */
/* Copying large files that are mostly holes, or very long. */
#ifndef OS_SPARSE_H
#define OS_SPARSE_H

#include <stdint.h>

#include "base/err.h"

/*
 * Copy `bytes` bytes from `offset` of a regular file to the start of an empty one, which gets that
 * length. Holes and zeros become holes. A signal (sig.h) ends the copy within moments. Data is
 * written to the disk continuously, so that there is no long sync at the end.
 */
int sparse_copy(int from, uint64_t offset, int to, uint64_t bytes, struct err *e) NODISCARD;

/*
 * Write the bytes of a file up to `end` to the disk, and wait for those of earlier calls. *done is
 * the end of the last call, 0 at first. For other code that writes long files.
 */
void sparse_flush(int fd, uint64_t *done, uint64_t end);

#endif
