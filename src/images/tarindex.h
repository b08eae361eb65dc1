/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Finds the members of a tar archive without unpacking it: for each name, where its data is in the
 * file. Only headers are read. Every byte is untrusted.
 *
 * Formats: POSIX.1-2017 pax and ustar, GNU (long names, base-256 numbers), v7; not compressed. A
 * sparse file is refused, because its data is not stored as one piece. Members other than files,
 * links and directories are passed over.
 */
#ifndef IMAGES_TARINDEX_H
#define IMAGES_TARINDEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct tarindex_member {
	char *path;             /* without "./" at its start and slashes at its end */
	char *link;             /* the target of a link as it is written; NULL: a file */
	uint64_t offset, bytes; /* of the data of a file */
	bool is_symlink;
};

struct tarindex {
	struct tarindex_member *items; /* in the order of the archive */
	size_t count, size;
	size_t names_bytes;
};

/*
 * Read the index of the first `length` bytes of `fd`, a regular file. `path` is its name in a
 * remedy. ERR_INPUT: it is no tar archive, or a compressed one, is cut short within a member, or
 * has more than LIMIT_TARINDEX_HEADERS. An end marker is not demanded. The caller releases *ret,
 * also after an error.
 */
int tarindex_read(
	int fd, const char *path, uint64_t length, struct tarindex *ret, struct err *e) NODISCARD;

void tarindex_release(struct tarindex *t);
#define auto_tarindex __attribute__((cleanup(tarindex_release)))

/*
 * The file of this path; of several, the last one, as unpacking has it. A link is followed once.
 * NULL: there is none.
 */
const struct tarindex_member *tarindex_find(const struct tarindex *t, const char *path);

#endif
