/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tar format of the drives: POSIX.1-2017 `pax` interchange format, in the one form that our
 * writer emits (docs/format-drive.md). Pure functions over memory: no files, no system calls.
 *
 * Theory of operation. An entry has exactly one encoding. The reader decodes a header, encodes what
 * it understood again and compares the two byte by byte: what it cannot reproduce, it refuses.
 * Entries come in the order of a sorted walk: a directory directly before what it contains, names
 * of one directory in ascending byte order. So duplicates, missing parents and files behind
 * symbolic links cannot be written down at all, and are found with the path of the entry before as
 * the only memory.
 */
#ifndef DATA_TAR_H
#define DATA_TAR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/limits.h"

enum {
	TAR_BLOCK = 512,
	TAR_END_BYTES = 2 * TAR_BLOCK, /* the end of an archive: two blocks of zeros */
	/* The longest header: a pax header, its records, the ustar header. */
	TAR_HEADER_MAX = LIMIT_TAR_PAX_BYTES + 2 * TAR_BLOCK,
	/* Permission bits and the set-id and sticky bits; what an entry can carry. */
	TAR_MODE_BITS = 07777,
	TAR_SPECIAL_BITS = 07000,
};

/* Moments that an entry can carry: from 1901 to 2514, a little more than ext4 can hold. */
#define TAR_MTIME_MIN (-(1LL << 31))
#define TAR_MTIME_MAX ((1LL << 34) - 1)

#define TAR_SIZE_MAX INT64_MAX

/*
 * The values are the typeflags of the format, but for TAR_SOCKET, which is a file with a record.
 * There are no others in our archives, save 'x'.
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
	const char *name; /* one that tar_xattr_is_kept accepts */
	const char *value;
	size_t len; /* of the value, which may hold any bytes */
};

/* A part of a file that is not there and reads as zeros; both are multiples of TAR_HOLE_UNIT. */
struct tar_hole {
	uint64_t start, len;
};

enum { TAR_HOLE_UNIT = 4096 };

struct tar_entry {
	enum tar_type type;
	/*
	 * "a/b": relative, no empty, "." or ".." components, no slash at the end, no limit on the
	 * kind of bytes. At most LIMIT_TAR_LONG_PATH.
	 */
	const char *path;
	const char *link; /* of links: a symlink's text, or the path of an earlier file; else "" */
	uint32_t mode;    /* TAR_MODE_BITS only */
	uint32_t uid, gid;
	uint64_t size;         /* bytes of data behind the header; 0 unless TAR_FILE */
	int64_t mtime;         /* seconds since 1970, rounded down */
	uint32_t mtime_ns;     /* 0 to 999999999 */
	uint32_t major, minor; /* of devices; else 0 */
	/* Of files and directories, in ascending order of their names: LIMIT_TAR_XATTRS, _BYTES. */
	const struct tar_xattr *xattrs;
	size_t xattr_count;
	/*
	 * Of files, ascending and apart. Their zeros are part of the archive as all contents are; a
	 * reader that knows of them need not read them.
	 */
	const struct tar_hole *holes;
	size_t hole_count;
};

/*
 * May an archive carry this attribute? security.capability, and user.* but for user.overlay.*,
 * which would be an instruction to an overlay file system. None with '=' in its name, which no
 * record can hold.
 */
bool tar_xattr_is_kept(const char *name);

/* Why it may not; NULL: it may. */
const char *tar_xattr_refusal(const char *name);

/*
 * Write the header blocks of an entry to `out`, which has room for TAR_HEADER_MAX. Returns how many
 * bytes: a multiple of TAR_BLOCK. The entry must be within the limits named above (a BUG
 * otherwise).
 */
size_t tar_encode(const struct tar_entry *entry, char *out);

/* Bytes of zeros that follow `size` bytes of data up to the next block. */
static inline size_t tar_padding(uint64_t size)
{
	return (size_t)(-size & (TAR_BLOCK - 1));
}

bool tar_all_zero(const char *data, size_t len);

/*
 * Has this the form of an entry's path? Otherwise *ret_why is the end of a sentence about it: "has
 * a component '..'". Length and depth are for the caller to limit.
 */
bool tar_path_is_plain(const char *path, const char **ret_why);

unsigned tar_path_depth(const char *path); /* how many components */

/* Where two paths stand in a sorted walk: < 0, 0, > 0 as strcmp. "a" < "a/b" < "a.b". */
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

/* What a reader accepts beyond the form. A zero stands for the limit of limits.h. */
struct tar_rules {
	/*
	 * For archives of a guest on the host: only directories, files, hard links, and symbolic
	 * links that stay inside; no set-id or sticky bits, no extended attributes, no list of
	 * holes; nothing behind the end marker.
	 */
	bool strict;
	/*
	 * Also devices and sockets, and in spite of `strict` fifos, links that lead anywhere,
	 * set-id and sticky bits and extended attributes: for a caller that makes none of them.
	 */
	bool specials;
	uint64_t max_entries; /* LIMIT_TAR_ENTRIES when strict, else none */
	uint64_t max_bytes;   /* sum of the sizes of files; else none */
	unsigned max_depth;   /* components of a path; LIMIT_TAR_DEPTH, which is also the most */
	size_t max_path; /* bytes; LIMIT_TAR_PATH when strict, else LIMIT_TAR_LONG_PATH, the most */
};

struct tar_reader {
	struct tar_rules rules; /* with the limits filled in */
	uint64_t length;        /* of the archive, or of the drive it is on */
	uint64_t offset;        /* where the next header is */
	uint64_t header_offset; /* of the last entry */
	uint64_t entries;       /* read so far */
	uint64_t files;         /* of them TAR_FILE */
	uint64_t bytes;         /* sum of their sizes */
	struct buf path;        /* of the last entry */
	struct buf link;
	struct buf previous;                       /* the path of the entry before it */
	struct tar_xattr xattrs[LIMIT_TAR_XATTRS]; /* of the last entry */
	size_t xattr_count, xattr_bytes;
	char *xattr_text; /* their names and values, NULs behind the names */
	struct tar_hole holes[LIMIT_TAR_HOLES];
	size_t hole_count;
	bool previous_is_dir, previous_is_link;
	char *scratch; /* TAR_HEADER_MAX, for the second encoding */
};

void tar_reader_init(struct tar_reader *r, const struct tar_rules *rules, uint64_t length);
void tar_reader_release(struct tar_reader *r);
#define auto_tar_reader __attribute__((cleanup(tar_reader_release)))

/*
 * Read the header at r->offset. `data` holds the archive from there on: `len` bytes, at least
 * TAR_HEADER_MAX or all that is left of r->length.
 *
 * 1: *ret is the entry (its strings live until the next call), *ret_header the bytes of its header;
 * data and padding follow it, all of them within r->length, and r->offset is already behind them.
 * 0: the end; r->offset is behind the end marker.
 * -1: ERR_GUEST naming the entry, the offset of its header and what is wrong.
 */
int tar_next(struct tar_reader *r, const char *data, size_t len, struct tar_entry *ret,
	size_t *ret_header, struct err *e) NODISCARD;

/* The padding behind the data of the entry read last must be zeros; ERR_GUEST otherwise. */
int tar_check_padding(
	const struct tar_reader *r, const char *padding, size_t len, struct err *e) NODISCARD;

/* ERR_GUEST about the entry read last: "entry 'a/b': ...". Always returns -1. */
int tar_refuse(const struct tar_reader *r, struct err *e, const char *fmt, ...) PRINTF_LIKE(3, 4);

#endif
