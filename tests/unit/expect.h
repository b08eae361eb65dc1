/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What unit tests share: cmocka with its headers, expected successes and failures (a failure is
 * expected with its whole message), and a private directory with files in it.
 */
#ifndef TESTS_UNIT_EXPECT_H
#define TESTS_UNIT_EXPECT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/err.h"
#include "os/fd.h"
#include "os/path.h"

/* For programs that have to end: no test depends on how fast a machine is. */
enum { EXPECT_PATIENCE_MS = 20 * 60 * 1000 };

#define expect_ok(result, e)                                                                       \
	do {                                                                                       \
		if ((result) < 0)                                                                  \
			fail_msg("unexpected error: %s", (e)->msg);                                \
	} while (0)

#define expect_err(result, e, wanted_kind, wanted_msg)                                             \
	do {                                                                                       \
		int expect_result_ = (result);                                                     \
		assert_int_equal(expect_result_, -1);                                              \
		assert_string_equal((e)->msg, wanted_msg);                                         \
		assert_int_equal((e)->kind, wanted_kind);                                          \
	} while (0)

/* A directory of this test's own; removed with all that is in it by expect_dir_remove. */
static inline char *expect_dir(void)
{
	const char *tmp = getenv("TMPDIR");
	char *path = mem_printf("%s/ambient-unit-XXXXXX", tmp ? tmp : "/tmp");

	if (!mkdtemp(path))
		fail_msg("mkdtemp %s", path);
	return path;
}

static inline void expect_dir_remove(char **path)
{
	struct err e = {0};

	expect_ok(path_remove_tree(*path, &e), &e);
	free(*path);
}
#define auto_dir __attribute__((cleanup(expect_dir_remove)))

/* Write a file below the directory, making the directories on the way. Returns its path, to be
 * freed. */
static inline char *expect_file(const char *dir, const char *name, const char *text)
{
	char *path = path_join(dir, name);
	auto_free char *parent = path_parent(path);
	struct err e = {0};

	expect_ok(path_make_dirs(parent, 0755, &e), &e);
	expect_ok(fd_write_file(path, text, strlen(text), 0644, &e), &e);
	return path;
}

/* The n-th example in YAML of a page, from 0; to be freed. Tests run at the top of the tree. */
static inline char *expect_example(const char *path, int n)
{
	static const char fence[] = "```yaml\n";
	auto_buf struct buf page;
	struct err e = {0};
	const char *begin, *end;

	buf_init(&page, 1 << 20);
	expect_ok(fd_read_file(path, &page, &e), &e);
	begin = page.data;
	do {
		begin = strstr(begin, fence);
		if (!begin)
			fail_msg("%s has too few examples", path);
		begin += strlen(fence);
	} while (n-- > 0);
	end = strstr(begin, "```\n");
	if (!end)
		fail_msg("an example of %s has no end", path);
	return mem_strndup(begin, (size_t)(end - begin));
}

#endif
