/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tar format of the drives: POSIX.1-2017 `pax` interchange format, in the one form that our
 * writer emits (docs/format-drive.md). Pure functions over memory: no files, no system calls.
 *
 * Theory of operation. An entry has exactly one encoding. The reader decodes a header, encodes the
 * result again, and compares the two byte by byte. A header that is not reproduced exactly is
 * rejected. Entries are in the order of a sorted walk: a directory directly before its contents,
 * the names in one directory in ascending byte order. So duplicates, missing parents and files
 * below symbolic links cannot be encoded, and the reader detects them by remembering only the path
 * of the previous entry.
 */
#ifndef DATA_TAR_H
#define DATA_TAR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/limits.h"
#include "data/limits.h"

enum {
	TAR_BLOCK = 512,
	TAR_END_BYTES = 2 * TAR_BLOCK, /* the end of an archive: two blocks of zeros */
	/* The longest header: a pax header, its records, the ustar header. */
	TAR_HEADER_MAX = LIMIT_TAR_PAX_BYTES + 2 * TAR_BLOCK,
	/* The mode bits that an entry can have: permissions, set-id and sticky bits. */
	TAR_MODE_BITS = 07777,
	TAR_SPECIAL_BITS = 07000,
};

/* The times that an entry can have: from 1901 to 2514, slightly more than ext4 supports. */
#define TAR_MTIME_MIN (-(1LL << 31))
#define TAR_MTIME_MAX ((1LL << 34) - 1)

#define TAR_SIZE_MAX INT64_MAX

/*
 * The values are the typeflags of the format, except TAR_SOCKET, which is a file with a record. Our
 * archives contain no others, except 'x'.
 */
enum tar_type {
	TAR_FILE = '0',
	TAR_HARDLINK = '1',
	TAR_SYMLINK = '2',
	TAR_CHAR_DEVICE = '3',
	TAR_BLOCK_DEVICE = '4',
	TAR_DIR = '5',
	TAR_FIFO = '6',
	TAR_SOCKET = 's',
};

/* An extended attribute. */
struct tar_xattr {
	const char *name; /* a name that tar_xattr_is_kept accepts */
	const char *value;
	size_t len; /* of the value, which may contain any bytes */
};

/* A hole of a file, which reads as zeros. Both numbers are multiples of TAR_HOLE_UNIT. */
struct tar_hole {
	uint64_t start, len;
};

enum { TAR_HOLE_UNIT = 4096 };

struct tar_entry {
	enum tar_type type;
	/*
	 * "a/b": relative, without empty, "." or ".." components and without a slash at the end.
	 * Any other bytes are allowed. At most LIMIT_TAR_LONG_PATH.
	 */
	const char *path;
	/* of links: the target of a symlink, or the path of an earlier file; else "" */
	const char *link;
	uint32_t mode; /* TAR_MODE_BITS only */
	uint32_t uid, gid;
	uint64_t size;         /* bytes of data after the header; 0 unless TAR_FILE */
	int64_t mtime;         /* seconds since 1970, rounded down */
	uint32_t mtime_ns;     /* 0 to 999999999 */
	uint32_t major, minor; /* of devices; else 0 */
	/*
	 * Of files and directories, ascending by name. At most LIMIT_TAR_XATTRS and
	 * LIMIT_TAR_XATTR_BYTES.
	 */
	const struct tar_xattr *xattrs;
	size_t xattr_count;
	/*
	 * Of files, in ascending order, with data between them. The zeros of a hole are in the
	 * archive like all contents; a reader that knows the holes need not read them.
	 */
	const struct tar_hole *holes;
	size_t hole_count;
};

/*
 * May an archive contain this attribute? True for security.capability and user.*, except
 * user.overlay.*, which would be an instruction to an overlay file system. False for a name with
 * '=', which a record cannot contain.
 */
bool tar_xattr_is_kept(const char *name);

/* Why it may not; NULL: it may. */
const char *tar_xattr_refusal(const char *name);

/*
 * Write the header blocks of an entry to `out`, which has room for TAR_HEADER_MAX bytes. Returns
 * the number of bytes: a multiple of TAR_BLOCK. The entry must be within the limits above (else a
 * BUG).
 */
size_t tar_encode(const struct tar_entry *entry, char *out);

/* The number of zero bytes that follow `size` bytes of data up to the next block. */
static inline size_t tar_padding(uint64_t size)
{
	return (size_t)(-size & (TAR_BLOCK - 1));
}

bool tar_all_zero(const char *data, size_t len);

/*
 * Does this have the form of an entry's path? If not, *ret_why is the end of a sentence about it:
 * "has a component '..'". The caller limits length and depth.
 */
bool tar_path_is_plain(const char *path, const char **ret_why);

unsigned tar_path_depth(const char *path); /* the number of components */

/* Compare two paths in the order of a sorted walk: < 0, 0, > 0 as strcmp. "a" < "a/b" < "a.b". */
int tar_path_compare(const char *a, const char *b);

/*
 * The mode of a file or directory whose maker is not to say who may read or change it, as git has
 * it: 0755 for directories and for what the owner may execute, else 0644.
 */
uint32_t tar_plain_mode(enum tar_type type, uint32_t mode);

/*
 * Does a symbolic link at `path` with the text `target` point into the tree, whatever other links
 * of that kind are there? It does when the target is not absolute and has ".." only at its start,
 * and no more of them than the link's directory is deep. (".." behind a name could follow another
 * link first: with `d/up -> ..`, the text `d/up/../x` stays inside by its letters and leads out of
 * the tree.)
 */
bool tar_symlink_stays_inside(const char *path, const char *target);

/* Limits and restrictions of a reader. 0 means the limit in limits.h. */
struct tar_rules {
	/*
	 * For archives of a guest on the host. Accepts only directories, files, hard links, and
	 * symbolic links that stay inside; no set-id or sticky bits, no extended attributes, no
	 * list of holes, and nothing after the end marker.
	 */
	bool strict;
	/*
	 * Accept devices and sockets, too, and even with `strict` fifos, links that lead anywhere,
	 * set-id and sticky bits and extended attributes. For callers that do not create any of
	 * them.
	 */
	bool specials;
	uint64_t max_entries; /* LIMIT_TAR_ENTRIES if strict, else no limit */
	uint64_t max_bytes;   /* sum of the sizes of files; 0: no limit */
	unsigned max_depth;   /* components of a path; LIMIT_TAR_DEPTH, which is also the maximum */
	/* bytes; LIMIT_TAR_PATH if strict, else LIMIT_TAR_LONG_PATH, which is the maximum */
	size_t max_path;
};

struct tar_reader {
	struct tar_rules rules; /* with all limits filled in */
	uint64_t length;        /* of the archive, or of its drive */
	uint64_t offset;        /* of the next header */
	uint64_t header_offset; /* of the header of the last entry */
	uint64_t entries;       /* read so far */
	uint64_t files;         /* TAR_FILE entries among them */
	uint64_t bytes;         /* sum of their sizes */
	struct buf path;        /* of the last entry */
	struct buf link;
	struct buf previous;                       /* the path of the previous entry */
	struct tar_xattr xattrs[LIMIT_TAR_XATTRS]; /* of the last entry */
	size_t xattr_count, xattr_bytes;
	char *xattr_text; /* their names and values; each name ends with a NUL */
	struct tar_hole holes[LIMIT_TAR_HOLES];
	size_t hole_count;
	bool previous_is_dir, previous_is_link;
	char *scratch; /* TAR_HEADER_MAX, for the second encoding */
};

void tar_reader_init(struct tar_reader *r, const struct tar_rules *rules, uint64_t length);
void tar_reader_release(struct tar_reader *r);
#define auto_tar_reader __attribute__((cleanup(tar_reader_release)))

/*
 * Read the header at r->offset. `data` contains the archive from there on: `len` bytes, at least
 * TAR_HEADER_MAX or all that is left of r->length. Returns
 *
 * - 1: *ret is the entry (its strings are valid until the next call), *ret_header is the size of
 *   its header. Data and padding follow it, all of them within r->length. r->offset is already
 *   after them.
 * - 0: the end of the archive. r->offset is after the end marker.
 * - -1: ERR_GUEST with the entry, the offset of its header, and the error.
 */
int tar_next(struct tar_reader *r, const char *data, size_t len, struct tar_entry *ret,
	size_t *ret_header, struct err *e) NODISCARD;

/* Check that the padding after the data of the last entry is zeros; ERR_GUEST otherwise. */
int tar_check_padding(
	const struct tar_reader *r, const char *padding, size_t len, struct err *e) NODISCARD;

/* Set ERR_GUEST about the last entry: "entry 'a/b': ...". Always returns -1. */
int tar_refuse(const struct tar_reader *r, struct err *e, const char *fmt, ...) PRINTF_LIKE(3, 4);

#endif
