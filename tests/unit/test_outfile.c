/* SPDX-License-Identifier: Apache-2.0 */
/* Files that users name, and long copies. What commands make of them is in tests/cli/outputs.test.
 */
#include "treemake.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "os/outfile.h"
#include "os/sparse.h"

static void write_whole(const char *path, const char *text, bool finish)
{
	auto_outfile struct outfile o = OUTFILE_NONE;
	struct err e = {0};

	expect_ok(outfile_open(path, OUTFILE_WHOLE, 0644, &o, &e), &e);
	expect_ok(outfile_write(&o, text, strlen(text), &e), &e);
	if (finish)
		expect_ok(outfile_finish(&o, &e), &e);
}

static void expect_content(const char *path, const char *wanted)
{
	auto_buf struct buf b = {0};
	struct err e = {0};

	buf_init(&b, 1000);
	expect_ok(fd_read_file(path, &b, &e), &e);
	assert_string_equal(b.data, wanted);
}

static void test_a_whole_file_takes_the_place_when_it_is_finished(void **state)
{
	auto_dir char *dir = expect_dir();
	auto_free char *path = path_join(dir, "f");

	(void)state;
	write_whole(path, "lost", false);
	assert_int_equal(access(path, F_OK), -1);
	write_whole(path, "first", true);
	write_whole(path, "lost", false);
	expect_content(path, "first");
	write_whole(path, "second", true);
	expect_content(path, "second");
}

static void test_what_became_no_file_meanwhile_is_not_replaced(void **state)
{
	auto_dir char *dir = expect_dir();
	auto_free char *path = path_join(dir, "f");
	auto_free char *wanted = mem_printf("%s: what is there now is not a regular file", path);
	auto_outfile struct outfile o = OUTFILE_NONE;
	struct stat st;
	struct err e = {0};

	(void)state;
	expect_ok(outfile_open(path, OUTFILE_WHOLE, 0644, &o, &e), &e);
	expect_sys(mkfifo(path, 0600));
	expect_err(outfile_finish(&o, &e), &e, ERR_INPUT, wanted);
	expect_sys(lstat(path, &st));
	assert_true(S_ISFIFO(st.st_mode));
}

static void test_lines_begin_when_they_are_told_to(void **state)
{
	auto_dir char *dir = expect_dir();
	auto_free char *path = expect_file(dir, "f", "old");
	auto_free char *made = path_join(dir, "made");
	struct outfile o = OUTFILE_NONE, unused = OUTFILE_NONE;
	struct err e = {0};

	(void)state;
	expect_ok(outfile_open(path, OUTFILE_LINES, 0644, &o, &e), &e);
	expect_content(path, "old");
	expect_ok(outfile_begin(&o, &e), &e);
	expect_ok(outfile_write(&o, "new", 3, &e), &e);
	outfile_release(&o);
	expect_content(path, "new");
	expect_ok(outfile_open(made, OUTFILE_LINES, 0644, &unused, &e), &e);
	outfile_release(&unused);
	assert_int_equal(access(made, F_OK), -1);
}

/* ---- long copies ---- */

enum { HOLE = 8 << 20, OFFSET = 512 };

static void test_a_copy_has_the_bytes_and_no_more_blocks(void **state)
{
	auto_dir char *dir = expect_dir();
	auto_free char *a = expect_file(dir, "a", ""), *b = expect_file(dir, "b", "");
	auto_fd int from = open(a, O_RDWR | O_CLOEXEC), to = open(b, O_RDWR | O_CLOEXEC);
	char zeros[10000] = {0}, got[4] = "";
	struct stat st;
	struct err e = {0};

	(void)state;
	expect_sys(ftruncate(from, OFFSET + HOLE + 5000));
	expect_sys(fd_pwrite_all(from, "head", 4, OFFSET));
	expect_sys(fd_pwrite_all(from, zeros, sizeof(zeros), OFFSET + 100000));
	expect_sys(fd_pwrite_all(from, "tail", 4, OFFSET + HOLE + 4996));
	expect_ok(sparse_copy(from, OFFSET, to, HOLE + 5000, &e), &e);
	expect_sys(fstat(to, &st));
	assert_int_equal(st.st_size, HOLE + 5000);
	assert_in_range(st.st_blocks * 512, 1, HOLE / 8);
	assert_int_equal(fd_pread_full(to, got, 4, 0), 4);
	assert_memory_equal(got, "head", 4);
	assert_int_equal(fd_pread_full(to, got, 4, HOLE + 4996), 4);
	assert_memory_equal(got, "tail", 4);
}

static void test_a_copy_of_more_than_there_is_is_refused(void **state)
{
	auto_dir char *dir = expect_dir();
	auto_free char *a = expect_file(dir, "a", "12345"), *b = expect_file(dir, "b", "");
	auto_fd int from = open(a, O_RDWR | O_CLOEXEC), to = open(b, O_RDWR | O_CLOEXEC);
	struct err e = {0};

	(void)state;
	expect_err(
		sparse_copy(from, 1, to, 5, &e), &e, ERR_HOST, "the file is shorter than it was");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_whole_file_takes_the_place_when_it_is_finished),
		cmocka_unit_test(test_what_became_no_file_meanwhile_is_not_replaced),
		cmocka_unit_test(test_lines_begin_when_they_are_told_to),
		cmocka_unit_test(test_a_copy_has_the_bytes_and_no_more_blocks),
		cmocka_unit_test(test_a_copy_of_more_than_there_is_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
