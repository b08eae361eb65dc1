/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading a file of ours that is an archive with a few members, by the strict rules (tar.h): what
 * `ambient deps export` and `ambient image export` write. Only headers are read; the caller reads
 * the data where it is.
 *
 *	if (tarfile_open(fd, &t, e) < 0) ...
 *	while ((more = tarfile_next(&t, &m, e)) > 0) ...
 */
#ifndef DATA_TARFILE_H
#define DATA_TARFILE_H

#include "base/buf.h"
#include "base/err.h"
#include "data/tar.h"

struct tarfile {
	int fd; /* borrowed: a regular file */
	struct tar_reader reader;
	char *window;
};

struct tarfile_member {
	struct tar_entry entry; /* its strings are valid until the next call */
	uint64_t offset;        /* of the data, which has entry.size bytes within the file */
};

int tarfile_open(int fd, struct tarfile *ret, struct err *e) NODISCARD;
void tarfile_release(struct tarfile *t);
#define auto_tarfile __attribute__((cleanup(tarfile_release)))

/*
 * 1: the next member. 0: the end of the archive, which is the end of the file. -1: ERR_GUEST, the
 * file breaks a rule, or ERR_HOST, it cannot be read.
 */
int tarfile_next(struct tarfile *t, struct tarfile_member *ret, struct err *e) NODISCARD;

/* Append the data of a member to b. ERR_GUEST if they are more than b->max, or the file is cut. */
int tarfile_read(const struct tarfile *t, const struct tarfile_member *m, struct buf *b,
	struct err *e) NODISCARD;

/* Does the file begin with a member of this name? False as well if it cannot be read. */
bool tarfile_begins_with(int fd, const char *name);

#endif
