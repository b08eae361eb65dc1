/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The files that a container image is made of, by their names: those of a directory, or the members
 * of a tar archive, which is read as it is, without unpacking it.
 */
#ifndef IMAGES_BLOBS_H
#define IMAGES_BLOBS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "base/err.h"
#include "data/digest.h"
#include "data/node.h"
#include "images/tarindex.h"

/* What changes when a file is written to, or cut. */
struct blob_state {
	off_t bytes;
	struct timespec mtime, ctime;
};

struct blobs {
	const char *path;   /* of the directory or the archive; borrowed */
	const char *folder; /* of blobs that are named by their digests; borrowed */
	int fd;
	bool is_archive;
	struct blob_state state; /* of an archive, from before its index was read */
	struct tarindex index;
};

/* Bytes of a regular file. */
struct blob {
	int fd;
	uint64_t offset, bytes;
	struct blob_state state; /* of the file when it was opened */
};

#define BLOBS_FOLDER "blobs/sha256/" /* in the OCI image layout */

#define BLOBS_NONE ((struct blobs){.fd = -1})
#define BLOB_NONE ((struct blob){.fd = -1})

/*
 * ERR_INPUT: it is no directory; it is no tar archive (tarindex_read). The caller releases *ret,
 * also after an error.
 */
int blobs_open_directory(const char *path, struct blobs *ret, struct err *e) NODISCARD;
int blobs_open_archive(const char *path, struct blobs *ret, struct err *e) NODISCARD;
void blobs_release(struct blobs *b);
#define auto_blobs __attribute__((cleanup(blobs_release)))

/* Is there a regular file of this name? */
bool blobs_has(const struct blobs *b, const char *name);

/*
 * Open a regular file. Symbolic links of a directory are not followed, those of an archive once.
 * The caller releases *ret.
 */
int blobs_get(const struct blobs *b, const char *name, struct blob *ret, struct err *e) NODISCARD;
void blob_release(struct blob *blob);
#define auto_blob __attribute__((cleanup(blob_release)))

struct blob_state blob_state_of(const struct stat *st);

/*
 * Is the file as it was when it was opened? ERR_INPUT: "FILE was changed while it was imported", where
 * `shown` is FILE. What is written within the same tick of the kernel's clock as an earlier change is
 * not seen.
 */
int blob_check(const struct blob *blob, const char *shown, struct err *e) NODISCARD;

/* Append a whole blob to `text`. ERR_INPUT if it is longer than text->max. `name`: for messages. */
int blobs_read(const struct blobs *b, const char *name, const struct blob *blob, struct buf *text,
	struct err *e) NODISCARD;

/* Sets ERR_INPUT, "DIR/NAME: ..." or "ARCHIVE: NAME: ...". Always returns -1. */
int blobs_refuse(const struct blobs *b, const char *name, struct err *e, const char *fmt, ...)
	PRINTF_LIKE(4, 5);

/* The text of a JSON object. ERR_INPUT if it is of another kind. The caller frees. */
int blobs_parse(const struct blobs *b, const char *name, const struct buf *text,
	enum node_kind kind, struct node **ret, struct err *e) NODISCARD;

/* Compare a digest with the one that is wanted; ERR_INPUT: the blob is damaged. */
int blobs_compare(const struct blobs *b, const char *name, const struct digest_text *found,
	const char *wanted, struct err *e) NODISCARD;

#endif
