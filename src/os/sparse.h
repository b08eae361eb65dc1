/* SPDX-License-Identifier: Apache-2.0 */
/* Copies of large files that are mostly holes, or very long. */
#ifndef OS_SPARSE_H
#define OS_SPARSE_H

#include <stdint.h>

#include "base/err.h"

/*
 * Copy `bytes` bytes from `offset` of a regular file to the start of an empty one, which gets that
 * length. What are holes there, or zeros, is a hole here. A signal (sig.h) ends it within moments:
 * what is written goes to the disk as it comes, so that no wait for all of it stands at the end.
 */
int sparse_copy(int from, uint64_t offset, int to, uint64_t bytes, struct err *e) NODISCARD;

/*
 * Bytes up to `end` of a file have been written: hand them to the disk, wait for older ones. *done
 * is where the last call ended, 0 at first. For whoever writes a long file otherwise.
 */
void sparse_flush(int fd, uint64_t *done, uint64_t end);

#endif
