/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rewrites an archive of another program (foreign.h) in the form of our archives.
 *
 * The input is read in two passes. The first pass reads only the entries: it detects broken rules
 * and exceeded sizes before a byte is written, and computes the offset of each file, for any order
 * of the input. The second pass writes the data of each file to its offset; zeros are skipped and
 * become holes. No other copy of the data is needed, and memory grows only with the names.
 */
#ifndef ARCHIVE_REWRITE_H
#define ARCHIVE_REWRITE_H

#include <stdint.h>

#include "archive/report.h"
#include "base/err.h"

struct rewrite_options {
	uint64_t max_bytes;   /* of the output; at most LIMIT_DRIVE_MOST */
	uint64_t max_entries; /* 0: LIMIT_TAR_ENTRIES; missing directories count */
	/* Called for progress; -1 with *e set stops the rewriting. May be NULL. */
	int (*tick)(void *arg, const struct rewrite_report *so_far, struct err *e);
	void *tick_arg;
};

/*
 * Read the first `length` bytes of the regular file `in`, and write the archive to the empty
 * regular file `out`, which then has the length ret->bytes and is not synced. ERR_INPUT: a fault of
 * the archive; ERR_HOST: a fault of the host. After an error, the contents of `out` are undefined.
 */
int rewrite_archive(int in, uint64_t length, int out, const struct rewrite_options *o,
	struct rewrite_report *ret, struct err *e) NODISCARD;

#endif
