/* SPDX-License-Identifier: Apache-2.0 */
/* Partition tables that sfdisk writes are in tests/cli/disks.test. */
#include "expect.h"

#include "images/partitions.h"

enum { DISK_BYTES = 1 << 20, SECTORS = DISK_BYTES / 512 };

/* A disk with a boot sector. */
static void start(uint8_t *disk)
{
	memset(disk, 0, PARTITIONS_BYTES);
	disk[510] = 0x55;
	disk[511] = 0xaa;
}

static void put_gpt(uint8_t *disk, uint8_t first_block, uint8_t count, uint8_t entry_bytes)
{
	static const uint8_t signature[8] = {'E', 'F', 'I', ' ', 'P', 'A', 'R', 'T'};

	memcpy(disk + 512, signature, sizeof(signature));
	disk[512 + 72] = first_block;
	disk[512 + 80] = count;
	disk[512 + 84] = entry_bytes;
}

static void put_efi_entry(uint8_t *at)
{
	static const uint8_t type[16] = {0x28, 0x73, 0x2a, 0xc1, 0x1f, 0xf8, 0xd2, 0x11, 0xba, 0x4b,
		0x00, 0xa0, 0xc9, 0x3e, 0xc9, 0x3b};

	memcpy(at, type, sizeof(type));
}

static bool is_uefi(const uint8_t *disk, size_t len)
{
	struct err e = {0};
	bool uefi = false;

	expect_ok(partitions_read(disk, len, DISK_BYTES, &uefi, &e), &e);
	return uefi;
}

static void test_a_boot_record_with_an_efi_partition(void **state)
{
	uint8_t disk[PARTITIONS_BYTES];

	(void)state;
	start(disk);
	assert_false(is_uefi(disk, sizeof(disk)));
	disk[446 + 3 * 16 + 4] = 0xef;
	assert_true(is_uefi(disk, 512));
}

static void test_the_last_entry_of_a_partition_table_counts(void **state)
{
	uint8_t disk[PARTITIONS_BYTES];

	(void)state;
	start(disk);
	put_gpt(disk, 2, 128, 128);
	assert_false(is_uefi(disk, sizeof(disk)));
	put_efi_entry(disk + 1024 + 127 * 128);
	assert_true(is_uefi(disk, sizeof(disk)));
	put_gpt(disk, 2, 127, 128);
	assert_false(is_uefi(disk, sizeof(disk)));
}

static void test_a_damaged_table_has_no_partitions(void **state)
{
	uint8_t disk[PARTITIONS_BYTES];

	(void)state;
	start(disk);
	put_efi_entry(disk + 1024);
	put_gpt(disk, 2, 1, 0); /* entries without a length */
	assert_false(is_uefi(disk, sizeof(disk)));
	put_gpt(disk, 2, 1, 128);
	memset(disk + 512 + 72, 0xff, 8); /* a table beyond all disks */
	assert_false(is_uefi(disk, sizeof(disk)));
	put_gpt(disk, 33, 255, 255);
	memset(disk + 512 + 73, 0, 7);
	memset(disk + 512 + 80, 0xff, 8); /* 4294967295 entries of as many bytes */
	assert_false(is_uefi(disk, sizeof(disk)));
	assert_false(is_uefi(disk, 1023)); /* the disk ends before its table */
}

static void test_a_disk_without_a_boot_sector_does_not_boot(void **state)
{
	uint8_t disk[PARTITIONS_BYTES] = {0};
	struct err e = {0}, short_disk = {0};
	bool uefi;

	(void)state;
	expect_err(partitions_read(disk, sizeof(disk), DISK_BYTES, &uefi, &e), &e, ERR_INPUT,
		"the disk has no boot sector: it is not one that a machine can boot from");
	start(disk);
	assert_int_equal(partitions_read(disk, 511, 511, &uefi, &short_disk), -1);
}

static void expect_cut(const uint8_t *disk)
{
	struct err e = {0};
	bool uefi;

	expect_err(partitions_read(disk, PARTITIONS_BYTES, DISK_BYTES, &uefi, &e), &e, ERR_INPUT,
		"the disk is not complete: it has 2048 sectors, and a partition that ends at "
		"sector 2049");
}

static void test_a_partition_beyond_the_end_is_of_a_truncated_disk(void **state)
{
	uint8_t disk[PARTITIONS_BYTES], *entry = disk + 446;

	(void)state;
	start(disk);
	entry[4] = 0x83;
	entry[8] = 1;
	entry[13] = SECTORS >> 8;
	expect_cut(disk);
	entry[8] = 0;
	assert_false(is_uefi(disk, sizeof(disk)));
	entry[8] = 1;
	entry[4] = 0xee; /* protective: its size is not that of the disk */
	put_gpt(disk, 2, 1, 128);
	put_efi_entry(disk + 1024);
	disk[1024 + 40] = 1;
	disk[1024 + 41] = SECTORS >> 8;
	expect_cut(disk);
	disk[1024 + 40] = 0;
	assert_true(is_uefi(disk, sizeof(disk)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_boot_record_with_an_efi_partition),
		cmocka_unit_test(test_the_last_entry_of_a_partition_table_counts),
		cmocka_unit_test(test_a_damaged_table_has_no_partitions),
		cmocka_unit_test(test_a_partition_beyond_the_end_is_of_a_truncated_disk),
		cmocka_unit_test(test_a_disk_without_a_boot_sector_does_not_boot),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
