/* SPDX-License-Identifier: Apache-2.0 */
/* Mutating archives so that most keep right checksums, a whole number of blocks and an end. */
#ifndef FUZZ_TARMUTATE_H
#define FUZZ_TARMUTATE_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "data/tar.h"

/* Of libFuzzer; not there when a corpus is only replayed. */
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max_size) __attribute__((weak));

static inline void mend_sum(uint8_t *block)
{
	enum { CHKSUM = 148 };
	unsigned sum = 0;

	memset(block + CHKSUM, ' ', 8);
	for (size_t i = 0; i < TAR_BLOCK; i++)
		sum += block[i];
	block[CHKSUM + 6] = '\0';
	for (size_t i = 6; i-- > 0; sum >>= 3)
		block[CHKSUM + i] = (uint8_t)('0' + (sum & 7));
}

static inline size_t mutate_archive(uint8_t *data, size_t size, size_t max_size, unsigned seed)
{
	enum { MAGIC = 257 };

	if (!LLVMFuzzerMutate)
		return size;
	size = LLVMFuzzerMutate(data, size, max_size);
	if (seed % 8 == 0)
		return size;
	for (size_t at = 0; at + TAR_BLOCK <= size; at += TAR_BLOCK)
		if (memcmp(data + at + MAGIC, "ustar", 5) == 0)
			mend_sum(data + at);
	while (size % TAR_BLOCK && size < max_size)
		data[size++] = 0;
	if (seed % 3 == 0 && size + TAR_END_BYTES <= max_size) {
		memset(data + size, 0, TAR_END_BYTES);
		size += TAR_END_BYTES;
	}
	return size;
}

#endif
