/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs the program ambient-archive (archive/report.h) in a jail, in which only the files that it
 * reads and writes exist. What it reports and writes is untrusted: a hostile archive may have taken
 * control of it.
 *
 *	archiver_init(&j, program, "rewrite", max_bytes);
 *	jail_keep_as(&j, from, REWRITE_IN);
 *	if (archiver_run(&j, to, length, max_bytes, &report, e) < 0) ...
 */
#ifndef STORE_ARCHIVER_H
#define STORE_ARCHIVER_H

#include <stdint.h>

#include "archive/report.h"
#include "base/err.h"
#include "jail/jail.h"

/*
 * Prepare the jail for a command of the program, with max_bytes as its first argument. The caller
 * adds further arguments and the descriptors of the command, except REWRITE_OUT and
 * REWRITE_REPORTS, and releases the jail. `program` is the path of ambient-archive, borrowed.
 */
void archiver_init(struct jail *j, const char *program, const char *command, uint64_t max_bytes);

/*
 * Run it with the output `out`, until it has ended. length: bytes of its input. *ret is its last
 * report, REPORT_DONE. ERR_INPUT describes the fault of the archive; reason PACK_TOO_LARGE if the
 * output would exceed max_bytes; reason host_no_archive if the program or its library is missing. A
 * signal stops it at once; it also fails after LIMIT_ARCHIVE_STALL_MS without progress.
 */
int archiver_run(struct jail *j, int out, uint64_t length, uint64_t max_bytes,
	struct rewrite_report *ret, struct err *e) NODISCARD;

#endif
