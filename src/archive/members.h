/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The members of a foreign archive, arranged for one of our archives (docs/format-drive.md): in the
 * order of a sorted walk, each directory before its contents, the first name of a file before its
 * other names.
 *
 *	members_init(&m, max_entries);
 *	while (there are entries)
 *		if (members_add(&m, &entry, e) < 0) ...
 *	if (members_arrange(&m, max_bytes, &bytes, e) < 0) ...
 *
 * members_add checks names. members_arrange makes all other checks, the last ones by the strict
 * reader of our own archives. An error names the entry, without control characters.
 */
#ifndef ARCHIVE_MEMBERS_H
#define ARCHIVE_MEMBERS_H

#include <stdbool.h>
#include <stdint.h>

#include "archive/foreign.h"
#include "archive/report.h"

struct member {
	char *path;         /* without "./"; NULL: the root, which has no entry in our archives */
	char *link;         /* target of a symbolic link, or path of a hard link's file */
	enum tar_type type; /* of the input; after members_arrange, of the output */
	uint32_t mode;      /* permission bits */
	uint32_t mtime_ns;
	int64_t mtime;
	uint64_t size;
	struct member *file; /* of a hard link: its file; of a file: the name with its data */
	uint64_t header;     /* after members_arrange: offset of the header */
	uint64_t data;       /* and of the data */
	size_t number;       /* index in the order of members_add */
};

struct members {
	struct member **items; /* in the order of members_add, followed by added directories */
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

/* For the second pass: is this the entry that was added with this number? */
bool members_is(const struct members *m, size_t number, const struct foreign_entry *f);

/*
 * Sort the members, add missing directories, find the files of hard links, and compute all offsets.
 * *ret_bytes is the length of the archive. ERR_INPUT if it would exceed max_bytes.
 */
int members_arrange(
	struct members *m, uint64_t max_bytes, uint64_t *ret_bytes, struct err *e) NODISCARD;

/* Write the header of an arranged member, at most TAR_HEADER_MAX bytes. Returns its length. */
size_t members_encode(const struct member *m, char *out);

/* Sets ERR_INPUT, "entry 'PATH': ...". Always returns -1. */
int members_refuse(const char *path, struct err *e, const char *fmt, ...) PRINTF_LIKE(3, 4);

#endif
