/* SPDX-License-Identifier: Apache-2.0 */
#include "images/squashroot.h"

#include <endian.h>
#include <inttypes.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "os/fd.h"

/* struct squashfs_super_block: offsets of what is used here. */
enum {
	SUPER_BYTES = 96,
	SUPER_MAGIC = 0,
	SUPER_COUNT = 4, /* of inodes */
	SUPER_BLOCK_SIZE = 12,
	SUPER_IDS = 26, /* their number */
	SUPER_MAJOR = 28,
	SUPER_ROOT = 32, /* position of the inode of the root directory */
	SUPER_BYTES_USED = 40,
	SUPER_ID_TABLE = 48,
	SUPER_XATTRS = 56,
	SUPER_INODES = 64,
	SUPER_DIRECTORIES = 72,
};

#define MAGIC 0x73717368u

/* Metadata are in blocks of this size, each after a length whose top bit says "not compressed". */
enum { BLOCK = 8192, BLOCK_HEADER = 2 };
#define NOT_COMPRESSED 0x8000u

/* struct squashfs_base_inode */
enum {
	INODE_BYTES = 16,
	INODE_TYPE = 0,
	INODE_USER = 4, /* index in the table of ids */
	INODE_GROUP = 6,
	INODE_TIME = 8,
	TYPE_DIR = 1,
	TYPE_FILE = 2,
	TYPE_LINK = 3,
	TYPE_LONG_DIR = 8,
	TYPE_LONG_FILE = 9,
	TYPE_LONG_LINK = 10,
};
#define NO_FRAGMENT UINT32_MAX

/* struct squashfs_xattr_id_table, struct squashfs_xattr_id */
enum { XATTR_HEAD_BYTES = 16, XATTR_COUNT = 8, XATTR_ID_BYTES = 16 };

enum {
	ID_BYTES = 4,
	IDS_EACH = BLOCK / ID_BYTES, /* in a block */
	IDS_MOST = UINT16_MAX,
	PADDING = 4096, /* to what the length of the file is rounded up */
	PART = 64 * 1024,
};

struct squash {
	int fd;
	uint8_t super[SUPER_BYTES];
	uint32_t ids[IDS_MOST]; /* as in the file: little-endian */
	bool used[IDS_MOST];    /* by others than the root directory */
	size_t id_count;
};

static int strange(const char *what, struct err *e)
{
	return err_set(e, ERR_HOST, "the squashfs is not as expected: %s", what);
}

static int read_at(int fd, void *data, size_t len, uint64_t at, struct err *e)
{
	ssize_t n;

	if (at > INT64_MAX - len)
		return strange("a position in it is outside of it", e);
	n = fd_pread_full(fd, data, len, at);
	if (n < 0)
		return err_sys(e, "read the squashfs");
	return (size_t)n == len ? 0 : strange("it is too short", e);
}

static uint64_t get64(const uint8_t *p)
{
	uint64_t v;

	memcpy(&v, p, sizeof(v));
	return le64toh(v);
}

static uint32_t get32(const uint8_t *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof(v));
	return le32toh(v);
}

static uint16_t get16(const uint8_t *p)
{
	uint16_t v;

	memcpy(&v, p, sizeof(v));
	return le16toh(v);
}

static void put64(uint8_t *p, uint64_t v)
{
	v = htole64(v);
	memcpy(p, &v, sizeof(v));
}

/* The length of a metadata block, which must not be compressed. */
static int read_block_length(int fd, uint64_t at, size_t *ret, struct err *e)
{
	uint8_t header[BLOCK_HEADER];
	uint16_t value;

	if (read_at(fd, header, sizeof(header), at, e) < 0)
		return -1;
	value = get16(header);
	*ret = value & (uint16_t)~NOT_COMPRESSED;
	if (!(value & NOT_COMPRESSED) || *ret == 0 || *ret > BLOCK)
		return strange("a block of inodes or ids is compressed", e);
	return 0;
}

/* The position of each byte of the root's inode, which may continue in the next block. */
static int locate_inode(int fd, const uint8_t *super, uint64_t ret_at[INODE_BYTES], struct err *e)
{
	uint64_t root = get64(super + SUPER_ROOT), inodes = get64(super + SUPER_INODES);
	size_t offset = root & 0xffff, length;
	uint64_t block;

	if (root >> 16 > UINT32_MAX || inodes > INT64_MAX / 2)
		return strange("the position of the root directory", e);
	block = inodes + (root >> 16);
	if (read_block_length(fd, block, &length, e) < 0)
		return -1;
	if (offset >= length)
		return strange("the position of the root directory", e);
	for (size_t i = 0; i < INODE_BYTES; i++, offset++) {
		if (offset == length) {
			block += BLOCK_HEADER + length;
			offset = 0;
			if (read_block_length(fd, block, &length, e) < 0)
				return -1;
		}
		ret_at[i] = block + BLOCK_HEADER + offset;
	}
	return 0;
}

/* ---- the ids ---- */

/* How many blocks so many ids take. */
static size_t id_blocks(size_t count)
{
	return (count + IDS_EACH - 1) / IDS_EACH;
}

/* The position of a block of ids, from the list at the end of the table. */
static int locate_ids(const struct squash *s, size_t block, uint64_t *ret, struct err *e)
{
	uint64_t table = get64(s->super + SUPER_ID_TABLE);
	uint8_t pointer[sizeof(uint64_t)];

	if (table > INT64_MAX / 2) {
		(void)strange("the position of the table of ids", e);
		return -1; /* analyzers do not know that strange does */
	}
	if (read_at(s->fd, pointer, sizeof(pointer), table + block * sizeof(pointer), e) < 0)
		return -1;
	*ret = get64(pointer);
	return *ret < table ? 0 : strange("the position of the ids", e);
}

static int read_ids(struct squash *s, struct err *e)
{
	s->id_count = get16(s->super + SUPER_IDS);
	for (size_t i = 0; i < id_blocks(s->id_count); i++) {
		size_t left = (s->id_count - i * IDS_EACH) * ID_BYTES, length;
		uint64_t at;

		if (locate_ids(s, i, &at, e) < 0 || read_block_length(s->fd, at, &length, e) < 0)
			return -1;
		if (length != (left < BLOCK ? left : BLOCK))
			return strange("the length of the ids", e);
		if (read_at(s->fd, &s->ids[i * IDS_EACH], length, at + BLOCK_HEADER, e) < 0)
			return -1;
	}
	return 0;
}

/* ---- all inodes ---- */

/* Metadata without the lengths of their blocks. */
struct stream {
	int fd;
	uint64_t at, next, end; /* positions of this block, the next one, and after the last one */
	size_t used, length;
	uint8_t block[BLOCK];
};

static int fill(struct stream *r, struct err *e)
{
	if (r->used < r->length)
		return 0;
	if (r->next >= r->end)
		return strange("there are fewer inodes than it says", e);
	r->at = r->next;
	r->used = 0;
	if (read_block_length(r->fd, r->at, &r->length, e) < 0 ||
		read_at(r->fd, r->block, r->length, r->at + BLOCK_HEADER, e) < 0)
		return -1;
	r->next = r->at + BLOCK_HEADER + r->length;
	return 0;
}

/* ret: NULL to skip. */
static int take(struct stream *r, uint8_t *ret, uint64_t len, struct err *e)
{
	while (len > 0) {
		size_t n;

		if (fill(r, e) < 0)
			return -1;
		n = r->length - r->used < len ? r->length - r->used : (size_t)len;
		if (ret)
			memcpy(ret, r->block + r->used, n);
		ret = ret ? ret + n : NULL;
		r->used += n;
		len -= n;
	}
	return 0;
}

/* Of a file: a number for each block of its data that is no fragment. */
static uint64_t list_bytes(const struct squash *s, uint64_t size, uint32_t fragment)
{
	uint32_t each = get32(s->super + SUPER_BLOCK_SIZE);
	uint64_t blocks = each ? size / each : 0;

	if (each && size % each && fragment == NO_FRAGMENT)
		blocks++;
	return blocks * sizeof(uint32_t);
}

/* Of a directory: its index, whose entries have names. */
static int skip_index(struct stream *r, unsigned count, struct err *e)
{
	uint8_t entry[3 * sizeof(uint32_t)];

	for (unsigned i = 0; i < count; i++)
		if (take(r, entry, sizeof(entry), e) < 0 ||
			take(r, NULL, (uint64_t)get32(entry + 2 * sizeof(uint32_t)) + 1, e) < 0)
			return -1;
	return 0;
}

/* What follows the beginning that all inodes have. */
static int skip_rest(const struct squash *s, struct stream *r, unsigned type, struct err *e)
{
	/* squashfs_dir_inode, squashfs_reg_inode, ...: up to where their lengths differ. */
	static const uint8_t fixed[] = {0, 16, 16, 8, 8, 8, 4, 4, 24, 40, 8, 12, 12, 8, 8};
	uint8_t rest[40] = {0};

	if (type == 0 || type >= sizeof(fixed))
		return strange("the type of an inode", e);
	if (take(r, rest, fixed[type], e) < 0)
		return -1;
	switch (type) {
	case TYPE_FILE:
		return take(r, NULL, list_bytes(s, get32(rest + 12), get32(rest + 4)), e);
	case TYPE_LONG_FILE:
		return take(r, NULL, list_bytes(s, get64(rest + 8), get32(rest + 28)), e);
	case TYPE_LINK:
		return take(r, NULL, get32(rest + 4), e);
	case TYPE_LONG_LINK:
		return take(r, NULL, (uint64_t)get32(rest + 4) + sizeof(uint32_t), e);
	case TYPE_LONG_DIR:
		return skip_index(r, get16(rest + 16), e);
	default:
		return 0;
	}
}

static int mark_used(struct squash *s, unsigned id, struct err *e)
{
	if (id >= s->id_count)
		return strange("the owner of an inode", e);
	s->used[id] = true;
	return 0;
}

/* Which ids others than the root directory have. */
static int find_used(struct squash *s, struct err *e)
{
	auto_free struct stream *r = mem_alloc(sizeof(*r));
	uint64_t root = get64(s->super + SUPER_ROOT), first = get64(s->super + SUPER_INODES);

	r->fd = s->fd;
	r->next = first;
	r->end = get64(s->super + SUPER_DIRECTORIES);
	for (uint32_t i = 0; i < get32(s->super + SUPER_COUNT); i++) {
		uint8_t inode[INODE_BYTES];
		bool is_root;

		if (fill(r, e) < 0)
			return -1;
		is_root = r->at == first + (root >> 16) && r->used == (root & 0xffff);
		if (take(r, inode, sizeof(inode), e) < 0 ||
			(!is_root &&
				(mark_used(s, get16(inode + INODE_USER), e) < 0 ||
					mark_used(s, get16(inode + INODE_GROUP), e) < 0)) ||
			skip_rest(s, r, get16(inode + INODE_TYPE), e) < 0)
			return -1;
	}
	return 0;
}

/* ---- other ids ---- */

/*
 * The ids that only the root directory has become 0. The table ends with the last id that is used,
 * or with the first 0. *ret_root is the index of the latter.
 */
static int choose_ids(struct squash *s, size_t *ret_count, size_t *ret_root, struct err *e)
{
	size_t count = 0, root = s->id_count;

	for (size_t i = 0; i < s->id_count; i++) {
		if (s->used[i])
			count = i + 1;
		else
			s->ids[i] = 0;
		if (s->ids[i] == 0 && root == s->id_count)
			root = i;
	}
	if (root == IDS_MOST)
		return strange("there are too many ids", e);
	s->ids[root] = 0;
	*ret_root = root;
	*ret_count = root < count ? count : root + 1;
	return 0;
}

static int write_at(int fd, const void *data, size_t len, uint64_t at, struct err *e)
{
	return fd_pwrite_all(fd, data, len, at) < 0 ? err_sys(e, "write the squashfs") : 0;
}

/* The two may overlap. */
static int move_bytes(int fd, uint64_t from, uint64_t to, uint64_t len, struct err *e)
{
	auto_free uint8_t *part = mem_alloc(PART);

	for (uint64_t done = 0; done < len;) {
		size_t n = len - done < PART ? (size_t)(len - done) : PART;
		uint64_t at = to < from ? done : len - done - n;

		if (read_at(fd, part, n, from + at, e) < 0 || write_at(fd, part, n, to + at, e) < 0)
			return -1;
		done += n;
	}
	return 0;
}

static int shift_pointer(int fd, uint64_t at, uint64_t by, struct err *e)
{
	uint8_t pointer[sizeof(uint64_t)];

	if (read_at(fd, pointer, sizeof(pointer), at, e) < 0)
		return -1;
	put64(pointer, get64(pointer) + by);
	return write_at(fd, pointer, sizeof(pointer), at, e);
}

/*
 * The extended attributes, which follow the ids without a gap, as the kernel demands. Positions in
 * them are relative, but those of the blocks of their table are not. `by` may be less than 0.
 */
static int shift_xattrs(struct squash *s, uint64_t from, uint64_t by, struct err *e)
{
	uint64_t table = get64(s->super + SUPER_XATTRS), end = get64(s->super + SUPER_BYTES_USED);
	uint8_t head[XATTR_HEAD_BYTES];
	uint64_t blocks;

	if (table == UINT64_MAX)
		return end == from ? 0 : strange("there is something behind the ids", e);
	if (table < from || end < table || end > INT64_MAX / 2 ||
		read_at(s->fd, head, sizeof(head), table, e) < 0 || get64(head) != from)
		return strange("the position of the extended attributes", e);
	blocks = ((uint64_t)get32(head + XATTR_COUNT) * XATTR_ID_BYTES + BLOCK - 1) / BLOCK;
	if (move_bytes(s->fd, from, from + by, end - from, e) < 0)
		return -1;
	table += by;
	put64(s->super + SUPER_XATTRS, table);
	if (shift_pointer(s->fd, table, by, e) < 0)
		return -1;
	for (uint64_t i = 0; i < blocks; i++)
		if (shift_pointer(s->fd, table + XATTR_HEAD_BYTES + i * sizeof(uint64_t), by, e) <
			0)
			return -1;
	return 0;
}

/* The blocks of ids from `at` on, and the list of their positions. */
static int write_ids(struct squash *s, size_t count, uint64_t at, struct err *e)
{
	uint64_t list = at + id_blocks(count) * BLOCK_HEADER + count * ID_BYTES;

	put64(s->super + SUPER_ID_TABLE, list);
	for (size_t i = 0; i < id_blocks(count); i++) {
		size_t left = (count - i * IDS_EACH) * ID_BYTES;
		size_t length = left < BLOCK ? left : BLOCK;
		uint16_t header = htole16((uint16_t)(length | NOT_COMPRESSED));
		uint8_t pointer[sizeof(uint64_t)];

		put64(pointer, at);
		if (write_at(s->fd, &header, sizeof(header), at, e) < 0 ||
			write_at(s->fd, &s->ids[i * IDS_EACH], length, at + BLOCK_HEADER, e) < 0 ||
			write_at(s->fd, pointer, sizeof(pointer), list + i * sizeof(pointer), e) <
				0)
			return -1;
		at += BLOCK_HEADER + length;
	}
	return 0;
}

/* The end is filled up with zeros, as it was. */
static int set_length(struct squash *s, uint64_t by, struct err *e)
{
	uint64_t end = get64(s->super + SUPER_BYTES_USED) + by;

	put64(s->super + SUPER_BYTES_USED, end);
	if (ftruncate(s->fd, (off_t)end) < 0 ||
		ftruncate(s->fd, (off_t)((end + PADDING - 1) / PADDING * PADDING)) < 0)
		return err_sys(e, "write the squashfs");
	return 0;
}

static int replace_ids(struct squash *s, size_t count, struct err *e)
{
	uint64_t at, old_end, new_end;

	if (s->id_count == 0 || locate_ids(s, 0, &at, e) < 0)
		return strange("it has no ids", e);
	old_end = get64(s->super + SUPER_ID_TABLE) + id_blocks(s->id_count) * sizeof(uint64_t);
	new_end = at + id_blocks(count) * (BLOCK_HEADER + sizeof(uint64_t)) + count * ID_BYTES;
	if (new_end != old_end &&
		(shift_xattrs(s, old_end, new_end - old_end, e) < 0 ||
			set_length(s, new_end - old_end, e) < 0))
		return -1;
	if (write_ids(s, count, at, e) < 0)
		return -1;
	s->super[SUPER_IDS] = (uint8_t)count;
	s->super[SUPER_IDS + 1] = (uint8_t)(count >> 8);
	return write_at(s->fd, s->super, sizeof(s->super), 0, e);
}

/* ---- the whole ---- */

static int read_inode(int fd, const uint64_t *at, uint8_t inode[INODE_BYTES], struct err *e)
{
	for (size_t i = 0; i < INODE_BYTES; i++)
		if (read_at(fd, &inode[i], 1, at[i], e) < 0)
			return -1;
	if (get16(inode + INODE_TYPE) != TYPE_DIR && get16(inode + INODE_TYPE) != TYPE_LONG_DIR)
		return strange("its root is not a directory", e);
	return 0;
}

static int write_inode(int fd, const uint64_t *at, const uint8_t inode[INODE_BYTES], struct err *e)
{
	for (size_t i = 0; i < INODE_BYTES; i++)
		if (fd_pwrite_all(fd, &inode[i], 1, at[i]) < 0)
			return err_sys(e, "write the squashfs");
	return 0;
}

static int check_super(struct squash *s, struct err *e)
{
	if (read_at(s->fd, s->super, sizeof(s->super), 0, e) < 0)
		return -1;
	if (get32(s->super + SUPER_MAGIC) != MAGIC || get16(s->super + SUPER_MAJOR) != 4)
		return strange("it is not one of version 4", e);
	return 0;
}

int squashroot_set(int fd, struct err *e)
{
	auto_free struct squash *s = mem_alloc(sizeof(*s));
	uint8_t inode[INODE_BYTES];
	uint64_t at[INODE_BYTES] = {0};
	size_t count = 0, root = 0;
	uint16_t id;

	s->fd = fd;
	if (check_super(s, e) < 0 || locate_inode(fd, s->super, at, e) < 0 ||
		read_inode(fd, at, inode, e) < 0 || read_ids(s, e) < 0 || find_used(s, e) < 0 ||
		choose_ids(s, &count, &root, e) < 0 || replace_ids(s, count, e) < 0)
		return -1;
	id = htole16((uint16_t)root);
	memset(inode + INODE_TIME, 0, sizeof(uint32_t));
	memcpy(inode + INODE_USER, &id, sizeof(id));
	memcpy(inode + INODE_GROUP, &id, sizeof(id));
	return write_inode(fd, at, inode, e);
}
