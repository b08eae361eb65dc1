/* SPDX-License-Identifier: Apache-2.0 */
#include "data/iso9660.h"

#include <assert.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "os/fd.h"

/* The blocks: 16 that are not used, the two volume descriptors, two path tables, the directory. */
enum { BLOCK = 2048, PRIMARY = 16, TERMINATOR, TABLE_LITTLE, TABLE_BIG, DIRECTORY, DATA };

enum { RECORD = 33 /* without its name */, ROOT_RECORD = 34, PATH_ENTRY = 10 };
enum { IS_DIRECTORY = 2, TYPE_PRIMARY = 1, TYPE_TERMINATOR = 255 };

static_assert(ISO9660_FILES_MAX * (RECORD + ISO9660_NAME_MAX + 1) + 2 * ROOT_RECORD <= BLOCK,
	"the directory is one block");

/* Most numbers are written twice, in both byte orders. */
static void put16(uint8_t *p, uint16_t value)
{
	p[0] = p[3] = (uint8_t)value;
	p[1] = p[2] = (uint8_t)(value >> 8);
}

static void put32(uint8_t *p, uint32_t value)
{
	for (int i = 0; i < 4; i++)
		p[i] = p[7 - i] = (uint8_t)(value >> (8 * i));
}

static uint32_t blocks_of(size_t len)
{
	return (uint32_t)((len + BLOCK - 1) / BLOCK);
}

/* A record of a directory (ECMA-119, 9.1). Returns its length. */
static size_t put_record(uint8_t *p, const char *name, size_t name_len, uint32_t block,
	uint32_t bytes, uint8_t flags)
{
	/* 2020-01-01: the time of all files; nothing depends on it. */
	static const uint8_t date[] = {120, 1, 1, 0, 0, 0, 0};
	const size_t len = RECORD + name_len + (name_len % 2 == 0);

	p[0] = (uint8_t)len;
	put32(p + 2, block);
	put32(p + 10, bytes);
	memcpy(p + 18, date, sizeof(date));
	p[25] = flags;
	put16(p + 28, 1);
	p[32] = (uint8_t)name_len;
	memcpy(p + RECORD, name, name_len);
	return len;
}

/* The directory itself is "\0", its parent "\1". */
static size_t put_self(uint8_t *p, const char *name)
{
	return put_record(p, name, 1, DIRECTORY, BLOCK, IS_DIRECTORY);
}

/* Texts end with spaces. */
static void put_text(uint8_t *p, size_t from, size_t to, const char *text)
{
	for (size_t i = from; i < to; i++)
		p[i] = *text ? (uint8_t)*text++ : ' ';
}

/* The type of a volume descriptor, and what all of them begin with (8.1). */
static void put_head(uint8_t *p, uint8_t type)
{
	p[0] = type;
	put_text(p, 1, 6, "CD001");
	p[6] = 1;
}

/* The primary volume descriptor (8.4). */
static void make_primary(uint8_t *p, const char *label, uint32_t blocks)
{
	/* Followed by a byte for the time zone. */
	static const char no_date[] = "0000000000000000";

	put_head(p, TYPE_PRIMARY);
	put_text(p, 8, 40, "");
	put_text(p, 40, 72, label);
	put32(p + 80, blocks);
	put16(p + 120, 1); /* volumes */
	put16(p + 124, 1); /* the number of this one */
	put16(p + 128, BLOCK);
	put32(p + 132, PATH_ENTRY);
	p[140] = TABLE_LITTLE;
	p[151] = TABLE_BIG;
	(void)put_self(p + 156, "\0");
	put_text(p, 190, 813, "");
	for (size_t at = 813; at < 881; at += 17)
		put_text(p, at, at + 16, no_date);
	p[881] = 1;
}

/* The only directory (9.4). The block of a directory is at offset 2, in one byte order. */
static void make_path_table(uint8_t *p, size_t block_at, size_t parent_at)
{
	p[0] = 1;
	p[block_at] = DIRECTORY;
	p[parent_at] = 1;
}

static void make_directory(uint8_t *p, const struct iso9660_file *files, size_t count)
{
	uint32_t block = DATA;

	p += put_self(p, "\0");
	p += put_self(p, "\1");
	for (size_t i = 0; i < count; i++) {
		p += put_record(
			p, files[i].name, strlen(files[i].name), block, (uint32_t)files[i].len, 0);
		block += blocks_of(files[i].len);
	}
}

static int put_block(int fd, uint32_t number, const void *data, size_t len, struct err *e)
{
	return fd_pwrite_all(fd, data, len, (uint64_t)number * BLOCK) < 0
		? err_sys(e, "write a file system")
		: 0;
}

int iso9660_write(
	int fd, const char *label, const struct iso9660_file *files, size_t count, struct err *e)
{
	uint8_t head[DATA - PRIMARY][BLOCK] = {0};
	uint32_t blocks = DATA, block = DATA;

	if (count > ISO9660_FILES_MAX || strlen(label) > ISO9660_LABEL_MAX)
		BUG("a file system '%s' with %zu files", label, count);
	for (size_t i = 0; i < count; i++)
		blocks += blocks_of(files[i].len);
	make_primary(head[0], label, blocks);
	put_head(head[TERMINATOR - PRIMARY], TYPE_TERMINATOR);
	make_path_table(head[TABLE_LITTLE - PRIMARY], 2, 6);
	make_path_table(head[TABLE_BIG - PRIMARY], 5, 7);
	make_directory(head[DIRECTORY - PRIMARY], files, count);
	if (ftruncate(fd, (off_t)blocks * BLOCK) < 0)
		return err_sys(e, "make a file system");
	if (put_block(fd, PRIMARY, head, sizeof(head), e) < 0)
		return -1;
	for (size_t i = 0; i < count; i++) {
		if (put_block(fd, block, files[i].data, files[i].len, e) < 0)
			return -1;
		block += blocks_of(files[i].len);
	}
	return 0;
}
