/* SPDX-License-Identifier: Apache-2.0 */
#include "images/partitions.h"

#include <inttypes.h>
#include <string.h>

enum { SECTOR = 512 };
enum { MBR_TABLE = 446, MBR_ENTRY = 16, MBR_ENTRIES = 4 };
enum { MBR_TYPE = 4, MBR_START = 8, MBR_COUNT = 12 };
enum { TYPE_NONE = 0, TYPE_PROTECTIVE = 0xee, TYPE_EFI_SYSTEM = 0xef };
enum { GPT_START = 72, GPT_COUNT = 80, GPT_ENTRY_BYTES = 84, GPT_ENTRY_LEAST = 128, GPT_LAST = 40 };

/* C12A7328-F81F-11D2-BA4B-00A0C93EC93B, as it is on a disk. */
static const uint8_t efi_system[16] = {0x28, 0x73, 0x2a, 0xc1, 0x1f, 0xf8, 0xd2, 0x11, 0xba, 0x4b,
	0x00, 0xa0, 0xc9, 0x3e, 0xc9, 0x3b};

static uint32_t get32(const uint8_t *p)
{
	return (uint32_t)p[3] << 24 | (uint32_t)p[2] << 16 | (uint32_t)p[1] << 8 | p[0];
}

static uint64_t get64(const uint8_t *p)
{
	return (uint64_t)get32(p + 4) << 32 | get32(p);
}

/* What was found so far. */
struct table {
	bool uefi;
	uint64_t end; /* of the last partition, in sectors */
};

static void take_partition(struct table *t, bool is_efi, uint64_t end)
{
	t->uefi = t->uefi || is_efi;
	if (end > t->end)
		t->end = end;
}

/* The only partition of a protective record stands for a GUID partition table. */
static void read_mbr(const uint8_t *sector, struct table *t)
{
	for (int i = 0; i < MBR_ENTRIES; i++) {
		const uint8_t *entry = sector + MBR_TABLE + i * MBR_ENTRY;
		const uint8_t type = entry[MBR_TYPE];

		if (type != TYPE_NONE && type != TYPE_PROTECTIVE)
			take_partition(t, type == TYPE_EFI_SYSTEM,
				(uint64_t)get32(entry + MBR_START) + get32(entry + MBR_COUNT));
	}
}

static void read_gpt(const uint8_t *data, size_t len, struct table *t)
{
	static const uint8_t none[16];
	const uint8_t *header = data + SECTOR;
	uint64_t start, bytes;
	uint32_t count;

	if (len < 2 * SECTOR || memcmp(header, "EFI PART", 8) != 0)
		return;
	start = get64(header + GPT_START);
	count = get32(header + GPT_COUNT);
	bytes = get32(header + GPT_ENTRY_BYTES);
	if (start > len / SECTOR || bytes < GPT_ENTRY_LEAST)
		return;
	for (uint64_t at = start * SECTOR; count > 0 && at + GPT_ENTRY_LEAST <= len; count--) {
		const uint8_t *entry = data + at;

		if (memcmp(entry, none, sizeof(none)) != 0)
			take_partition(t, memcmp(entry, efi_system, sizeof(efi_system)) == 0,
				get64(entry + GPT_LAST));
		at += bytes;
	}
}

int partitions_read(
	const uint8_t *data, size_t len, uint64_t disk_bytes, bool *ret_uefi, struct err *e)
{
	struct table t = {0};

	if (len < SECTOR || data[SECTOR - 2] != 0x55 || data[SECTOR - 1] != 0xaa)
		return err_set(e, ERR_INPUT,
			"the disk has no boot sector: it is not one that a machine can boot from");
	read_mbr(data, &t);
	read_gpt(data, len, &t);
	if (t.end > disk_bytes / SECTOR)
		return err_set(e, ERR_INPUT,
			"the disk is not complete: it has %" PRIu64 " sectors, and a partition "
			"that ends at sector %" PRIu64,
			disk_bytes / SECTOR, t.end);
	*ret_uefi = t.uefi;
	return 0;
}
