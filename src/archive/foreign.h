/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads archives of other programs by libarchive: tar (v7, ustar, pax, GNU), alone or compressed
 * once by gzip, bzip2, xz, zstd or lz4, and zip. Only foreign.c uses libarchive.
 *
 * No other format and no other filter is enabled, so libarchive starts no program. Names are
 * returned byte for byte, except names that a zip marks as UTF-8, which libarchive converts to
 * normalization form C. Warnings of libarchive are errors, except that a tar's names cannot be
 * converted, because they are used unconverted.
 *
 * The caller is single-threaded and has set LC_CTYPE.
 */
#ifndef ARCHIVE_FOREIGN_H
#define ARCHIVE_FOREIGN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/limits.h"
#include "data/tar.h"

struct foreign;

#define FOREIGN_EMPTY "there is nothing in it"

struct foreign_source {
	int fd;             /* a regular file, borrowed */
	uint64_t offset;    /* of the archive in it */
	uint64_t length;    /* bytes after it are not read */
	uint64_t max_bytes; /* of a decompressed tar, with its headers and the zeros at its end */
	/*
	 * A tar may end without its end marker, and without the padding of its last file: a digest
	 * says that it is whole. Some builders of container images write neither.
	 */
	bool no_end_marker;
	bool tar_only; /* a zip is refused */
	/* Called after each read, with the number of bytes. -1 with *e set stops reading. */
	int (*on_read)(void *arg, uint64_t bytes, struct err *e);
	void *arg;
};

/*
 * foreign_source.max_bytes for a tar whose files have so many bytes in our form: a tar can also have
 * longer headers, extended attributes, and zeros at its end.
 */
static inline uint64_t foreign_max_bytes(uint64_t bytes)
{
	return 4 * bytes + 64 * MIB;
}

struct foreign_entry {
	/*
	 * Everything but the holes is set. The time is within the range of our archives. The mode has all of TAR_MODE_BITS. The extended
	 * attributes are those that our archives can have (tar_xattr_is_kept), in their order.
	 */
	struct tar_entry entry;
	bool xattrs;      /* has extended attributes or access control lists, kept or not */
	bool xattrs_lost; /* has some that are not in `entry` */
	bool sparse;      /* has a list of holes: its data may end before its size */
	const char *kind; /* neither file, link nor directory: "a fifo"; else NULL */
	bool unknown;     /* of a type that entry.type cannot say */
};

/*
 * Open an archive. `to_end`: after the last entry, read the rest of the file, which may only
 * contain zeros, compressed with the archive or after it. This detects damage at the end of the
 * compressed data, and text after an archive.
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
 * 1: *ret is the next entry; its strings are valid until the next call. 0: the end; a tar must have
 * an end marker. -1: ERR_INPUT with the fault, or the error of on_read.
 */
int foreign_next(struct foreign *f, struct foreign_entry *ret, struct err *e) NODISCARD;

/* Skip the data of the entry. */
int foreign_skip(struct foreign *f, struct err *e) NODISCARD;

/* 1: the next part of the data, at *ret_offset; gaps between parts are zeros. 0: the end. */
int foreign_data(struct foreign *f, const void **ret_data, size_t *ret_len, uint64_t *ret_offset,
	struct err *e) NODISCARD;

#endif
