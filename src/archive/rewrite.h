/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An archive that somebody else made (foreign.h), written again in the form of ours.
 *
 * It is read twice. The first time only the entries are looked at: what breaks a rule, and what would
 * be larger than allowed, is known before a byte is written, and so is where each file will stand,
 * whatever the order of the input. The second time each file's data is written to its place; zeros
 * are left out, so that they are holes. So no copy of the data is kept on the way, and memory grows
 * only with names.
 */
#ifndef ARCHIVE_REWRITE_H
#define ARCHIVE_REWRITE_H

#include <stdint.h>

#include "archive/report.h"
#include "base/err.h"

struct rewrite_options {
	uint64_t max_bytes;   /* of our archive; at most LIMIT_DRIVE_MOST */
	uint64_t max_entries; /* 0: LIMIT_TAR_ENTRIES; missing directories count */
	/* Progress and interruption; -1 with *e set stops the work. May be NULL. */
	int (*tick)(void *arg, const struct rewrite_report *so_far, struct err *e);
	void *tick_arg;
};

/*
 * Read the first `length` bytes of the regular file `in`, write to the empty regular file `out`,
 * which has the length ret->bytes then; it is not synced. ERR_INPUT says what is wrong with the archive,
 * ERR_HOST what is wrong here. After an error what is in `out` is of no use.
 */
int rewrite_archive(int in, uint64_t length, int out, const struct rewrite_options *o,
	struct rewrite_report *ret, struct err *e) NODISCARD;

#endif
