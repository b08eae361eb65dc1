/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The interface of the program ambient-archive: between src/store and src/images, which start it in
 * a jail, and src/archive/main.c.
 *
 *	ambient-archive rewrite MAX_BYTES         rewrite.h
 *	ambient-archive layers MAX_BYTES OFFSET LENGTH ...    layers.h
 *	ambient-archive --version
 *
 * `rewrite` reads the regular file REWRITE_IN and writes the archive to the empty file REWRITE_OUT.
 * `layers` reads regular files, the lowest layer first, from REWRITE_LAYERS on; of each, the part that
 * its two arguments say. It writes the archive to the pipe REWRITE_OUT.
 *
 * It sends reports, one datagram each, to the socket REWRITE_REPORTS. The last one is REPORT_DONE or
 * REPORT_FAILED. Its output is untrusted: a hostile archive may have taken control of the program.
 */
#ifndef ARCHIVE_REPORT_H
#define ARCHIVE_REPORT_H

#include <stdint.h>

#include "base/err.h"

#define REWRITE_PROGRAM "ambient-archive"
/* The remedy if a library is missing; later versions of Debian provide this name too. */
#define REWRITE_REMEDY "on Debian: apt-get install libarchive13"

enum { REWRITE_IN = 3, REWRITE_OUT = 4, REWRITE_REPORTS = 5, REWRITE_LAYERS = 6 };

/* Layers of one image: a container engine allows 127. */
enum { REWRITE_LAYERS_MAX = 128 };

/*
 * Different owners, users and groups together, of the files of one image: the number of ids of a
 * squashfs has 16 bits, and sqfstar adds up to two.
 */
enum { REWRITE_OWNERS_MAX = 65533 };

enum rewrite_report_kind { REPORT_PROGRESS = 1, REPORT_DONE, REPORT_FAILED };

/* Attributes of entries that were dropped. */
struct rewrite_dropped {
	uint64_t set_id; /* files and directories with set-id or sticky bits */
	uint64_t xattrs; /* entries with extended attributes or access control lists */
};

struct rewrite_report {
	uint32_t kind;
	uint32_t is_host; /* REPORT_FAILED: the host is at fault, not the archive */
	uint64_t read;    /* bytes read, in both passes */
	uint64_t entries; /* entries read, in both passes */
	uint64_t bytes;   /* written so far; REPORT_DONE: length of the archive */
	struct rewrite_dropped dropped;
	char reason[ERR_REASON_MAX];
	char message[ERR_MSG_MAX]; /* REPORT_FAILED only */
};

#endif
