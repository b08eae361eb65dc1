/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Archives that others made, on their way into the store: the program ambient-archive
 * (archive/report.h) writes them again in a jail, where it has the file to read, the file to write and
 * nothing else. What it wrote is read over by the strict reader of our own archives (data/tar.h) before
 * anybody uses it, for the archive that it read may have taken it over.
 */
#ifndef STORE_CONVERT_H
#define STORE_CONVERT_H

#include <stdint.h>

#include "archive/report.h"
#include "base/err.h"

struct convert_result {
	uint64_t bytes;   /* of our archive */
	uint64_t entries; /* in it */
	struct rewrite_dropped dropped;
};

/*
 * From the regular file `from`, of any form that archive/foreign.h names, to the empty regular file
 * `to`, at most max_bytes. `program`: the path of ambient-archive. ERR_INPUT says what is wrong with
 * the archive; reason PACK_TOO_LARGE when it would be more. A signal ends it at once, and after two
 * minutes without progress it is given up. After an error what is in `to` is of no use.
 */
int convert_archive(const char *program, int from, int to, uint64_t max_bytes,
	struct convert_result *ret, struct err *e) NODISCARD;

#endif
