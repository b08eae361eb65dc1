/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Headers of qcow2, and reading what we made ourselves. What QEMU makes is in tests/cli/disks.test.
 */
#include "treemake.h"

#include <unistd.h>

#include "base/limits.h"
#include "data/limits.h"
#include "data/qcow2.h"

enum { BYTES = 4 << 20, CLUSTER = 1 << 16 };

struct fixture {
	int fd;
	struct err e;
};

static int make_overlay(void **state)
{
	static struct fixture f;
	struct err e = {0};

	f = (struct fixture){.fd = fd_memory("disk", &e)};
	if (f.fd < 0 || qcow2_make_overlay(f.fd, BYTES, &e) < 0)
		return -1;
	*state = &f;
	return 0;
}

static int close_overlay(void **state)
{
	const struct fixture *f = *state;

	return close(f->fd);
}

static void put(int fd, uint64_t offset, const char *bytes, size_t len)
{
	expect_sys(fd_pwrite_all(fd, bytes, len, offset));
}
#define PUT(fd, offset, bytes) put(fd, offset, bytes, sizeof(bytes) - 1)

static void expect_refused(struct fixture *f, const char *why)
{
	uint64_t bytes = 0;
	struct err e = {0};

	assert_int_equal(qcow2_check(f->fd, &bytes, &e), -1);
	assert_int_equal(e.kind, ERR_INPUT);
	if (!strstr(e.msg, why))
		fail_msg("'%s' is not in '%s'", why, e.msg);
}

static void test_an_overlay_is_a_disk_of_zeros(void **state)
{
	struct fixture *f = *state;
	static char data[3 * CLUSTER], zeros[3 * CLUSTER];
	uint64_t bytes = 0;

	expect_ok(qcow2_check(f->fd, &bytes, &f->e), &f->e);
	assert_int_equal(bytes, BYTES);
	memset(data, 1, sizeof(data));
	expect_ok(qcow2_read(f->fd, 1000, data, sizeof(data), &f->e), &f->e);
	assert_memory_equal(data, zeros, sizeof(data));
}

/* One table L1 entry, for a table L2 in cluster 4, whose entry 1 is cluster 5. */
static void test_reading_follows_the_tables(void **state)
{
	struct fixture *f = *state;
	char data[8] = "";

	PUT(f->fd, 3 * CLUSTER, "\x80\0\0\0\0\4\0\0");
	PUT(f->fd, 4 * CLUSTER + 8, "\x80\0\0\0\0\5\0\0");
	PUT(f->fd, 5 * CLUSTER, "after");
	expect_ok(qcow2_read(f->fd, CLUSTER - 3, data, 8, &f->e), &f->e);
	assert_memory_equal(data, "\0\0\0after", 8);
	PUT(f->fd, 4 * CLUSTER + 8, "\x80\0\0\0\0\5\0\1");
	expect_ok(qcow2_read(f->fd, CLUSTER - 3, data, 8, &f->e), &f->e);
	assert_memory_equal(data, "\0\0\0\0\0\0\0\0", 8);
}

static void test_damaged_tables_are_errors(void **state)
{
	struct fixture *f = *state;
	struct err again = {0}, third = {0};
	char data[8];

	PUT(f->fd, 3 * CLUSTER, "\x80\xff\0\0\0\4\0\0");
	expect_err(
		qcow2_read(f->fd, 0, data, 8, &f->e), &f->e, ERR_INPUT, "its tables are damaged");
	PUT(f->fd, 36, "\0\0\0\0");
	expect_err(
		qcow2_read(f->fd, 0, data, 8, &again), &again, ERR_INPUT, "its tables are damaged");
	PUT(f->fd, 36, "\0\0\0\1\xff\xff\xff\xff\xff\xff\xff\xf8");
	expect_err(
		qcow2_read(f->fd, 0, data, 8, &third), &third, ERR_INPUT, "its tables are damaged");
}

static void test_a_compressed_cluster_is_not_read(void **state)
{
	struct fixture *f = *state;
	char data[8];

	PUT(f->fd, 3 * CLUSTER, "\x80\0\0\0\0\4\0\0");
	PUT(f->fd, 4 * CLUSTER, "\x40\0\0\0\0\5\0\0");
	expect_err(qcow2_read(f->fd, 0, data, 8, &f->e), &f->e, ERR_INPUT, "it is compressed");
}

static void test_reading_ends_with_the_disk(void **state)
{
	struct fixture *f = *state;
	char data[8];

	expect_err(qcow2_read(f->fd, BYTES - 7, data, 8, &f->e), &f->e, ERR_INPUT,
		"the disk ends at 4194304 bytes");
}

static void test_what_names_another_file_is_refused(void **state)
{
	PUT(((struct fixture *)*state)->fd, 8, "\0\0\0\0\0\0\1\0");
	expect_refused(*state, "it has a backing file");
	PUT(((struct fixture *)*state)->fd, 8, "\0\0\0\0\0\0\0\0");
	PUT(((struct fixture *)*state)->fd, 72, "\0\0\0\0\0\0\0\4");
	expect_refused(*state, "its data is in another file");
}

static void test_what_needs_a_key_or_a_choice_is_refused(void **state)
{
	PUT(((struct fixture *)*state)->fd, 32, "\0\0\0\2");
	expect_refused(*state, "it is encrypted");
	PUT(((struct fixture *)*state)->fd, 32, "\0\0\0\0");
	PUT(((struct fixture *)*state)->fd, 60, "\0\0\0\1");
	expect_refused(*state, "it has internal snapshots");
}

static void test_impossible_headers_are_refused(void **state)
{
	struct fixture *f = *state;

	PUT(f->fd, 20, "\0\0\0\x20");
	expect_refused(f, "the size of a cluster");
	PUT(f->fd, 20, "\0\0\0\x10\0\0\1\0\0\0\0\1");
	expect_refused(f, "not a multiple of 512");
	PUT(f->fd, 24, "\0\0\2\0\0\0\0\0");
	expect_refused(f, "more than 1.0 TiB");
	PUT(f->fd, 24, "\0\0\0\0\0\0\0\0");
	expect_refused(f, "the disk has 0 bytes");
	PUT(f->fd, 4, "\0\0\0\4");
	expect_refused(f, "version 4 of the format qcow2");
	PUT(f->fd, 0, "QFI\xfa");
	expect_refused(f, "it is not a disk in the format qcow2");
	expect_sys(ftruncate(f->fd, 71));
	expect_refused(f, "it is not a disk in the format qcow2");
}

/* A header of version 2 ends before the features; what follows it is something else. */
static void test_version_2_has_no_features(void **state)
{
	struct fixture *f = *state;
	uint64_t bytes = 0;

	PUT(f->fd, 4, "\0\0\0\2");
	PUT(f->fd, 72, "\377\377\377\377\377\377\377\377");
	expect_ok(qcow2_check(f->fd, &bytes, &f->e), &f->e);
}

static void test_the_largest_disk_has_an_overlay(void **state)
{
	struct fixture *f = *state;
	uint64_t bytes = 0;
	char data[8] = "1234567";

	expect_sys(ftruncate(f->fd, 0));
	expect_ok(qcow2_make_overlay(f->fd, LIMIT_DISK_BYTES, &f->e), &f->e);
	expect_ok(qcow2_check(f->fd, &bytes, &f->e), &f->e);
	assert_int_equal(bytes, LIMIT_DISK_BYTES);
	expect_ok(qcow2_read(f->fd, LIMIT_DISK_BYTES - 8, data, 8, &f->e), &f->e);
	assert_memory_equal(data, "\0\0\0\0\0\0\0\0", 8);
	expect_err(qcow2_make_overlay(f->fd, 513, &f->e), &f->e, ERR_INPUT,
		"the disk has 513 bytes, which is not a multiple of 512");
}

#define with_overlay(name) cmocka_unit_test_setup_teardown(name, make_overlay, close_overlay)

int main(void)
{
	const struct CMUnitTest tests[] = {
		with_overlay(test_an_overlay_is_a_disk_of_zeros),
		with_overlay(test_reading_follows_the_tables),
		with_overlay(test_damaged_tables_are_errors),
		with_overlay(test_a_compressed_cluster_is_not_read),
		with_overlay(test_reading_ends_with_the_disk),
		with_overlay(test_what_names_another_file_is_refused),
		with_overlay(test_what_needs_a_key_or_a_choice_is_refused),
		with_overlay(test_impossible_headers_are_refused),
		with_overlay(test_version_2_has_no_features),
		with_overlay(test_the_largest_disk_has_an_overlay),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
