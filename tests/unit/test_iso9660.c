/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is written is read back here by the few fields that Linux reads (fs/isofs). That a kernel and
 * cloud-init read it is in tests/vm/disks.test.
 */
#include "expect.h"

#include <unistd.h>

#include "data/iso9660.h"

enum { BLOCK = 2048, RECORD_LEAST = 33 };

static uint8_t disk[64 * BLOCK];

static uint32_t get32(const uint8_t *p)
{
	return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static size_t make(const char *label, const struct iso9660_file *files, size_t count)
{
	struct err e = {0};
	auto_fd int fd = fd_memory("disk", &e);
	ssize_t n;

	expect_ok(iso9660_write(fd, label, files, count, &e), &e);
	memset(disk, 0xff, sizeof(disk));
	n = fd_pread_full(fd, disk, sizeof(disk), 0);
	assert_true(n > 0);
	return (size_t)n;
}

/* The record with this name in the root directory; NULL: none. */
static const uint8_t *find(const char *name, size_t len)
{
	const uint8_t *root = disk + 16 * BLOCK + 156;
	const uint8_t *at = disk + get32(root + 2) * BLOCK, *end = at + get32(root + 10);

	while (at + RECORD_LEAST < end && at[0] >= RECORD_LEAST) {
		assert_int_equal(at[0] % 2, 0);
		if (at[32] == len && memcmp(at + 33, name, len) == 0)
			return at;
		at += at[0];
	}
	return NULL;
}

static void expect_content(const char *name, const char *text)
{
	const uint8_t *record = find(name, strlen(name));

	assert_non_null(record);
	assert_int_equal(get32(record + 10), strlen(text));
	assert_memory_equal(disk + get32(record + 2) * BLOCK, text, strlen(text));
}

static void test_files_and_label_are_found(void **state)
{
	static const char text[] = "#cloud-config\n";
	char large[3 * BLOCK + 2];
	const struct iso9660_file files[] = {
		{"meta-data", "", 0},
		{"network-config", large, sizeof(large) - 1},
		{"user-data", text, sizeof(text) - 1},
	};
	size_t len;

	(void)state;
	memset(large, 'x', sizeof(large) - 1);
	large[sizeof(large) - 1] = '\0';
	len = make("cidata", files, 3);
	assert_memory_equal(disk + 16 * BLOCK, "\1CD001\1", 7);
	assert_memory_equal(disk + 16 * BLOCK + 40, "cidata     ", 11);
	assert_memory_equal(disk + 17 * BLOCK, "\377CD001\1", 7);
	assert_int_equal(get32(disk + 16 * BLOCK + 80) * BLOCK, len);
	expect_content("meta-data", "");
	expect_content("network-config", large);
	expect_content("user-data", text);
	assert_non_null(find("\0", 1));
	assert_non_null(find("\1", 1));
	assert_null(find("user-dat", 8));
}

static void test_the_largest_directory_is_one_block(void **state)
{
	struct iso9660_file files[ISO9660_FILES_MAX];
	char names[ISO9660_FILES_MAX][ISO9660_NAME_MAX + 1];

	(void)state;
	for (int i = 0; i < ISO9660_FILES_MAX; i++) {
		memset(names[i], 'a' + i, ISO9660_NAME_MAX);
		names[i][ISO9660_NAME_MAX] = '\0';
		files[i] = (struct iso9660_file){names[i], names[i], ISO9660_NAME_MAX};
	}
	(void)make("", files, ISO9660_FILES_MAX);
	for (int i = 0; i < ISO9660_FILES_MAX; i++)
		expect_content(names[i], names[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_files_and_label_are_found),
		cmocka_unit_test(test_the_largest_directory_is_one_block),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
