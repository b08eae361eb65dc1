/* SPDX-License-Identifier: Apache-2.0 */
#include "images/squashroot.h"

#include <endian.h>
#include <inttypes.h>
#include <stdbool.h>
#include <string.h>

#include "os/fd.h"

/* struct squashfs_super_block: offsets of what is used here. */
enum {
	SUPER_BYTES = 96,
	SUPER_MAGIC = 0,
	SUPER_IDS = 26, /* their number */
	SUPER_MAJOR = 28,
	SUPER_ROOT = 32, /* position of the inode of the root directory */
	SUPER_ID_TABLE = 48,
	SUPER_INODES = 64,
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
	TYPE_LONG_DIR = 8,
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

/* The id with this index in the table of ids. */
static int read_id(int fd, uint64_t table, unsigned index, uint32_t *ret, struct err *e)
{
	const unsigned each = BLOCK / sizeof(uint32_t);
	uint8_t pointer[sizeof(uint64_t)], id[sizeof(uint32_t)];
	uint64_t block;
	size_t length;

	if (table > INT64_MAX / 2 ||
		read_at(fd, pointer, sizeof(pointer), table + index / each * sizeof(pointer), e) <
			0)
		return strange("the table of ids", e);
	block = get64(pointer);
	if (block > INT64_MAX / 2 || read_block_length(fd, block, &length, e) < 0)
		return strange("the table of ids", e);
	if (read_at(fd, id, sizeof(id), block + BLOCK_HEADER + index % each * sizeof(id), e) < 0)
		return -1;
	*ret = get32(id);
	return 0;
}

/* The index of user and group 0; *ret_found is false if nothing has it. */
static int find_root_id(int fd, const uint8_t *super, uint16_t *ret, bool *ret_found, struct err *e)
{
	unsigned count = get16(super + SUPER_IDS);
	uint32_t id = 0;

	*ret_found = false;
	for (unsigned i = 0; i < count && !*ret_found; i++) {
		if (read_id(fd, get64(super + SUPER_ID_TABLE), i, &id, e) < 0)
			return -1;
		*ret_found = id == 0;
		*ret = (uint16_t)i;
	}
	return 0;
}

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

int squashroot_set(int fd, struct err *e)
{
	uint8_t super[SUPER_BYTES], inode[INODE_BYTES];
	uint64_t at[INODE_BYTES] = {0};
	uint16_t id = 0;
	bool found;

	if (read_at(fd, super, sizeof(super), 0, e) < 0)
		return -1;
	if (get32(super + SUPER_MAGIC) != MAGIC || get16(super + SUPER_MAJOR) != 4)
		return strange("it is not one of version 4", e);
	if (locate_inode(fd, super, at, e) < 0 || read_inode(fd, at, inode, e) < 0 ||
		find_root_id(fd, super, &id, &found, e) < 0)
		return -1;
	memset(inode + INODE_TIME, 0, sizeof(uint32_t));
	id = htole16(id);
	if (found) {
		memcpy(inode + INODE_USER, &id, sizeof(id));
		memcpy(inode + INODE_GROUP, &id, sizeof(id));
	}
	return write_inode(fd, at, inode, e);
}
