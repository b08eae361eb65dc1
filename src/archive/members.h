/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an archive holds, as it will stand in one of ours (docs/format-drive.md): in the order of a
 * sorted walk, each directory before what it contains, the first name of a file before its others.
 *
 *	members_init(&m, max_entries);
 *	while (there are entries)
 *		if (members_add(&m, &entry, e) < 0) ...
 *	if (members_arrange(&m, max_bytes, &bytes, e) < 0) ...
 *
 * Names are checked when they are added, everything else when they are arranged, at last by the
 * strict reader of our own archives. An error names the entry, made safe to show.
 */
#ifndef ARCHIVE_MEMBERS_H
#define ARCHIVE_MEMBERS_H

#include <stdbool.h>
#include <stdint.h>

#include "archive/foreign.h"
#include "archive/report.h"

struct member {
	char *path;         /* plain; NULL: the root itself, which our archives do not have */
	char *link;         /* a symbolic link's text, or the path that a hard link names */
	enum tar_type type; /* as it was; once arranged, as it will be */
	uint32_t mode;      /* permission bits */
	uint32_t mtime_ns;
	int64_t mtime;
	uint64_t size;
	struct member *file; /* of a hard link, the file; of a file, the name that has its data */
	uint64_t header;     /* once arranged, where its header will stand */
	uint64_t data;       /* and its data */
	size_t number;       /* in the order in which they were added */
};

struct members {
	struct member *
		*items; /* in the order in which they were added; then those that were missing */
	size_t count, size;
	struct member **sorted;
	size_t sorted_count;
	uint64_t max_entries;
	uint64_t names_bytes;
	struct rewrite_dropped dropped;
};

void members_init(struct members *m, uint64_t max_entries);
void members_release(struct members *m);
#define auto_members __attribute__((cleanup(members_release)))

int members_add(struct members *m, const struct foreign_entry *f, struct err *e) NODISCARD;

/* When the archive is read once more: is it the entry that was added as this number? */
bool members_is(const struct members *m, size_t number, const struct foreign_entry *f);

/*
 * Sort them, add directories that are missing, find the files of hard links, and say where each
 * stands. *ret_bytes is the length of the archive. ERR_INPUT when it would be over max_bytes.
 */
int members_arrange(
	struct members *m, uint64_t max_bytes, uint64_t *ret_bytes, struct err *e) NODISCARD;

/* The header of an arranged member: at most TAR_HEADER_MAX bytes, whose number is returned. */
size_t members_encode(const struct member *m, char *out);

/* ERR_INPUT: "entry 'PATH': ...". Always returns -1. */
int members_refuse(const char *path, struct err *e, const char *fmt, ...) PRINTF_LIKE(3, 4);

#endif
