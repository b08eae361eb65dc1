/* SPDX-License-Identifier: Apache-2.0 */
/* Archives for tests: well-formed ones by the writer's own encoder, and then broken on purpose. */
#ifndef TESTS_UNIT_TARMAKE_H
#define TESTS_UNIT_TARMAKE_H

#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "data/tar.h"

/* Where the fields of a ustar header are (IEEE Std 1003.1-2017, pax). */
enum {
	TARMAKE_NAME = 0,
	TARMAKE_MODE = 100,
	TARMAKE_UID = 108,
	TARMAKE_SIZE = 124,
	TARMAKE_MTIME = 136,
	TARMAKE_CHKSUM = 148,
	TARMAKE_TYPE = 156,
	TARMAKE_LINK = 157,
	TARMAKE_MAGIC = 257,
	TARMAKE_UNAME = 265,
	TARMAKE_PREFIX = 345,
};

/* What an entry of any kind has, in the order of the header. */
#define TARMAKE(type_, path_, link_, mode_, uid_, gid_, size_, mtime_, ns_)                        \
	{                                                                                          \
		.type = (type_), .path = (path_), .link = (link_), .mode = (mode_), .uid = (uid_), \
		.gid = (gid_), .size = (size_), .mtime = (mtime_), .mtime_ns = (ns_)               \
	}

/* Append an entry as the writer would, whatever its path says; `size` bytes of 'd' are its data. */
static inline void tarmake_add(struct buf *b, const struct tar_entry *t)
{
	char *room = buf_room(b, TAR_HEADER_MAX);
	struct tar_entry whole = *t;

	if (!whole.link)
		whole.link = "";
	buf_grew(b, tar_encode(&whole, room));
	for (uint64_t i = 0; i < t->size; i++)
		buf_addc(b, 'd');
	while (b->len % TAR_BLOCK)
		buf_addc(b, '\0');
}

static inline void tarmake_end(struct buf *b)
{
	for (int i = 0; i < TAR_END_BYTES; i++)
		buf_addc(b, '\0');
}

/* Make the checksum of a header right again. */
static inline void tarmake_sum(char *header)
{
	unsigned sum = 0;

	memset(header + TARMAKE_CHKSUM, ' ', 8);
	for (int i = 0; i < TAR_BLOCK; i++)
		sum += (unsigned char)header[i];
	(void)snprintf(header + TARMAKE_CHKSUM, 7, "%06o", sum);
}

/* Overwrite bytes of the header at `header`, keeping its checksum right. */
static inline void tarmake_patch(char *header, size_t at, const char *bytes, size_t len)
{
	memcpy(header + at, bytes, len);
	tarmake_sum(header);
}

/* Append an entry "f" (empty, 0644) behind a pax header with these records. */
static inline void tarmake_add_records(struct buf *b, const char *records, size_t len)
{
	struct tar_entry t = {.type = TAR_FILE, .path = "f", .mode = 0644};
	size_t start = b->len;

	tarmake_add(b, &t);
	(void)snprintf(b->data + start + TARMAKE_NAME, 100, "@PaxHeader");
	(void)snprintf(b->data + start + TARMAKE_SIZE, 12, "%011zo", len);
	tarmake_patch(b->data + start, TARMAKE_TYPE, "x", 1);
	buf_add(b, records, len);
	while (b->len % TAR_BLOCK)
		buf_addc(b, '\0');
	tarmake_add(b, &t);
}

#endif
