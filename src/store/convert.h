/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Converts archives made by other programs for the store. The program ambient-archive
 * (archive/report.h) rewrites them in a jail, in which only the input and the output file exist.
 * The strict reader of our own archives (data/tar.h) checks the output before it is used, because a
 * hostile archive may have taken control of the program.
 */
#ifndef STORE_CONVERT_H
#define STORE_CONVERT_H

#include <stdint.h>

#include "archive/report.h"
#include "base/err.h"

struct convert_result {
	uint64_t bytes;   /* length of the output archive */
	uint64_t entries; /* in it */
	struct rewrite_dropped dropped;
};

/*
 * Convert the regular file `from`, in any format of archive/foreign.h, to the empty regular file
 * `to`, at most max_bytes. `program` is the path of ambient-archive. ERR_INPUT describes the fault
 * of the archive; reason PACK_TOO_LARGE if the output would exceed max_bytes. A signal stops the
 * conversion at once; it also fails after two minutes without progress. After an error, the
 * contents of `to` are undefined.
 */
int convert_archive(const char *program, int from, int to, uint64_t max_bytes,
	struct convert_result *ret, struct err *e) NODISCARD;

#endif
