/* SPDX-License-Identifier: Apache-2.0 */
#include "treemake.h"

#include "machine/disk.h"

static char name[] = "tiny";
static const struct image image = {.name = name, .digest = "0123abcd"};
static const struct image changed = {.name = name, .digest = "4567cdef"};

enum { DISK_BYTES = 32 << 20, AT = 20 << 20 };

static void open_disk(const char *path, struct disk *d)
{
	struct err e = {0};

	expect_ok(disk_open(path, &image, DISK_BYTES, d, &e), &e);
}

/* As a guest does: something in the middle of it. */
static void change(const struct disk *d, const char *text)
{
	expect_sys(fd_pwrite_all(d->copy.fd, text, strlen(text), AT));
}

static void expect_text(const struct disk *d, const char *wanted)
{
	char text[16] = "";

	assert_int_equal(fd_pread_full(d->copy.fd, text, strlen(wanted), AT), strlen(wanted));
	assert_string_equal(text, wanted);
}

static void save(const char *path, const char *text)
{
	auto_disk struct disk d = DISK_NONE;
	struct err e = {0};

	open_disk(path, &d);
	change(&d, text);
	expect_ok(disk_save(&d, &image, &e), &e);
}

static void expect_refused(
	const char *path, const struct image *i, enum err_kind kind, const char *why)
{
	struct disk d;
	struct err e = {0};

	assert_int_equal(disk_open(path, i, DISK_BYTES, &d, &e), -1);
	assert_int_equal(e.kind, kind);
	if (!strstr(e.msg, why))
		fail_msg("'%s' is not in '%s'", why, e.msg);
}

static void test_what_was_saved_is_there_again(void **state)
{
	auto_dir char *dir = expect_dir();
	auto_free char *path = path_join(dir, "disk");
	auto_disk struct disk d = DISK_NONE;
	struct stat st, copy;

	(void)state;
	save(path, "first");
	save(path, "second");
	open_disk(path, &d);
	expect_text(&d, "second");
	expect_sys(stat(path, &st));
	expect_sys(fstat(d.copy.fd, &copy));
	assert_int_equal(st.st_size, DISK_BYTES + DISK_LABEL_BYTES);
	assert_int_equal(copy.st_size, DISK_BYTES);
	/* Holes stay holes. */
	assert_in_range(copy.st_blocks * 512, 1, DISK_BYTES / 4);
}

static void test_what_was_not_saved_leaves_nothing(void **state)
{
	auto_dir char *dir = expect_dir();
	auto_free char *path = path_join(dir, "disk"), *made = path_join(dir, "disk.new");
	struct disk d;

	(void)state;
	open_disk(path, &d);
	change(&d, "lost");
	disk_release(&d);
	assert_int_equal(access(path, F_OK), -1);
	save(path, "kept");
	open_disk(path, &d);
	change(&d, "lost");
	disk_release(&d);
	open_disk(path, &d);
	expect_text(&d, "kept");
	disk_release(&d);
	assert_int_equal(access(made, F_OK), -1);
}

static void test_a_disk_of_another_image_is_refused(void **state)
{
	auto_dir char *dir = expect_dir();
	auto_free char *path = path_join(dir, "disk");

	(void)state;
	save(path, "x");
	expect_refused(path, &changed, ERR_INPUT, "older state of image tiny");
}

static void test_what_is_no_disk_is_refused(void **state)
{
	auto_dir char *dir = expect_dir();
	auto_free char *text = expect_file(dir, "text", "not a disk"), *large = mem_alloc(4096);
	auto_free char *zeros = path_join(dir, "zeros"), *fifo = path_join(dir, "fifo");
	struct err e = {0};

	(void)state;
	expect_ok(fd_write_file(zeros, large, 4096, 0600, &e), &e);
	expect_sys(mkfifo(fifo, 0600));
	expect_refused(text, &image, ERR_INPUT, "not a disk that --persist has made");
	expect_refused(zeros, &image, ERR_INPUT, "not a disk that --persist has made");
	expect_refused(fifo, &image, ERR_INPUT, "not a disk that --persist has made");
	expect_refused(dir, &image, ERR_INPUT, "not a disk that --persist has made");
}

static void test_two_machines_do_not_share_a_disk(void **state)
{
	auto_dir char *dir = expect_dir();
	auto_free char *path = path_join(dir, "disk");
	auto_disk struct disk d = DISK_NONE;

	(void)state;
	save(path, "x");
	open_disk(path, &d);
	expect_refused(path, &image, ERR_BUSY, "another machine uses this disk");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_was_saved_is_there_again),
		cmocka_unit_test(test_what_was_not_saved_leaves_nothing),
		cmocka_unit_test(test_a_disk_of_another_image_is_refused),
		cmocka_unit_test(test_what_is_no_disk_is_refused),
		cmocka_unit_test(test_two_machines_do_not_share_a_disk),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
