/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Archives that others made, read by libarchive: tar (v7, ustar, pax, GNU), alone or compressed once
 * by gzip, bzip2, xz, zstd or lz4, and zip. The only file that knows libarchive.
 *
 * No other format and no other filter is enabled, so no program is started. Names are given out as
 * the archive has them, byte for byte, but for those that a zip says are UTF-8, which libarchive
 * brings to normalization form C. What libarchive only warns of is an error, except that a tar's
 * names cannot be converted: those are wanted as they are.
 *
 * The caller is single-threaded; the locale's character type is set.
 */
#ifndef ARCHIVE_FOREIGN_H
#define ARCHIVE_FOREIGN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "data/tar.h"

struct foreign;

struct foreign_source {
	int fd;          /* a regular file, borrowed */
	uint64_t length; /* what is behind it is not read */
	uint64_t
		max_bytes; /* that a tar may have, decompressed, headers and zeros at its end included */
	/* Called each time that a part was read, with its length. -1 with *e set ends the reading. */
	int (*on_read)(void *arg, uint64_t bytes, struct err *e);
	void *arg;
};

struct foreign_entry {
	/* Only path, link, type, mode, size and time. The mode has all of TAR_MODE_BITS. */
	struct tar_entry entry;
	bool xattrs;      /* it has extended attributes, or access control lists */
	bool sparse;      /* it lists its holes: its data may end before its size */
	const char *kind; /* of what no archive of ours may have, "a fifo"; else NULL */
};

/*
 * Open it. `to_end`: after the last entry, look at all that follows up to the end of the file, which
 * may be zeros only, and is how damage of the compression there is seen.
 */
int foreign_open(
	const struct foreign_source *s, bool to_end, struct foreign **ret, struct err *e) NODISCARD;
void foreign_close(struct foreign *f); /* NULL is fine */
static inline void foreign_auto_close(struct foreign **f)
{
	foreign_close(*f);
}
#define auto_foreign __attribute__((cleanup(foreign_auto_close)))

/*
 * 1: *ret is the next entry, with strings that live until the next call; 0: the end, which a tar
 * must have marked; -1: ERR_INPUT that says what is wrong, or what on_read returned.
 */
int foreign_next(struct foreign *f, struct foreign_entry *ret, struct err *e) NODISCARD;

/* Go over the data of the entry. */
int foreign_skip(struct foreign *f, struct err *e) NODISCARD;

/* 1: the next part of its data, which stands at *ret_offset; what is between is zeros. 0: the end. */
int foreign_data(struct foreign *f, const void **ret_data, size_t *ret_len, uint64_t *ret_offset,
	struct err *e) NODISCARD;

#endif
