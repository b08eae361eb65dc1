/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The program ambient-archive in its jail, and what becomes of the dependencies: as it should be, and
 * when an archive has taken it over (tests/tools/archive-liar.c).
 */
#include "expect.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/limits.h"
#include "data/tar.h"
#include "os/proc.h"
#include "os/sig.h"
#include "store/convert.h"
#include "store/deps.h"

/* In a jail there is no /proc, without which a sanitizer does not start. */
#define PROGRAM "build/release/ambient-archive"
#define LIAR "build/release/tests/tools/archive-liar"
#define MADE "what ambient-archive made of it is not as it should be: "

enum { MAX = 1 << 20 };

static int convert(const char *program, const char *path, struct convert_result *ret, struct err *e)
{
	auto_free char *whole = path_absolute(program);
	auto_fd int from = open(path, O_RDONLY | O_CLOEXEC), to = fd_memory("to", e);

	assert_true(from >= 0 && to >= 0);
	return convert_archive(whole, from, to, MAX, ret, e);
}

static char *make(const char *dir, const char *script)
{
	auto_free char *whole = mem_printf("set -e; cd %s; %s", dir, script);
	auto_strv struct strv argv = {0};
	struct err e = {0};

	strv_push(&argv, "bash");
	strv_push(&argv, "-c");
	strv_push(&argv, whole);
	expect_ok(proc_run_ok(&argv, EXPECT_PATIENCE_MS, &e), &e);
	return path_join(dir, "x");
}

static int import(const char *dir, const char *path, struct deps_info *ret, struct err *e)
{
	auto_free char *program = path_absolute(PROGRAM), *state = path_join(dir, "state");
	const struct deps_import_options o = {.max_bytes = MAX, .tmpdir = dir, .program = program};

	return deps_import(state, "p", &o, path, ret, e);
}

static void expect_import_refused(const char *dir, const char *path, const char *why)
{
	auto_free char *wanted = mem_printf("%s: %s", path, why), *state = path_join(dir, "state");
	struct deps_info info = {0};
	struct err e = {0};

	expect_err(import(dir, path, &info, &e), &e, ERR_INPUT, wanted);
	assert_string_equal(e.reason, strstr(why, "deps_max_size") ? "" : "deps_damaged");
	assert_int_equal(access(state, F_OK), -1);
}

/* ---- as it should be ---- */

static void test_an_archive_of_others_becomes_dependencies(void **state)
{
	auto_dir char *dir = expect_dir();
	auto_free char *path =
		make(dir, "mkdir t; echo one >t/f; chmod 4755 t/f; tar czf x -C t .");
	auto_free char *stored = path_join(dir, "state/p/current/fetched");
	struct deps_info info = {0};
	struct err e = {0};
	struct stat st;

	(void)state;
	expect_ok(import(dir, path, &info, &e), &e);
	assert_int_equal(info.dropped.set_id, 1);
	assert_int_equal(info.dropped.xattrs, 0);
	assert_int_equal(stat(stored, &st), 0);
	assert_int_equal(st.st_size, info.archives[DEPS_FETCHED].bytes);
	assert_int_equal(info.archives[DEPS_FETCHED].bytes, 2 * TAR_BLOCK + TAR_END_BYTES);
}

/* Nothing is left of one that is refused, no directory of the project either. */
static void test_what_is_refused_changes_nothing(void **state)
{
	auto_dir char *dir = expect_dir();
	auto_free char *path = make(dir, "mkfifo p; tar cf x p");

	(void)state;
	expect_import_refused(dir, path, "entry 'p': it is a fifo");
	free(make(dir, "echo unknown >x"));
	expect_import_refused(dir, path,
		"it is none of: a file of 'ambient deps export'; tar (v7, ustar, pax, GNU), alone "
		"or "
		"compressed by gzip, bzip2, xz, zstd or lz4, or zip");
	free(make(dir, ": >x"));
	expect_import_refused(dir, path,
		"it is none of: a file of 'ambient deps export'; tar (v7, ustar, pax, GNU), alone "
		"or "
		"compressed by gzip, bzip2, xz, zstd or lz4, or zip");
	free(make(dir, "head -c 2M /dev/zero >f; tar czf x f"));
	expect_import_refused(dir, path,
		"what is in it takes more than 1.0 MiB (1048576 bytes), which is deps_max_size");
	free(make(dir, "echo 1 >deps.json; echo 2 >deps.tar; tar czf x deps.json deps.tar"));
	expect_import_refused(dir, path,
		"it is a file of 'ambient deps export' that was compressed or packed again: "
		"decompress it first");
}

static void test_a_name_of_exported_files_alone_is_a_file(void **state)
{
	auto_dir char *dir = expect_dir();
	auto_free char *path =
		make(dir, "echo 1 >deps.json; echo 2 >other; tar cf x other deps.json");
	struct deps_info info = {0};
	struct err e = {0};

	(void)state;
	expect_ok(import(dir, path, &info, &e), &e);
}

static void test_a_program_that_is_not_there_is_named(void **state)
{
	auto_dir char *dir = expect_dir();
	auto_free char *path = make(dir, "tar cf x -T /dev/null");
	struct convert_result r = {0};
	struct err e = {0};

	(void)state;
	assert_int_equal(convert("/nonexistent/ambient-archive", path, &r, &e), -1);
	assert_int_equal(e.kind, ERR_HOST);
	assert_non_null(strstr(e.msg, "/nonexistent/ambient-archive"));
}

/* ---- taken over ---- */

struct lie {
	const char *how;
	enum err_kind kind;
	const char *message; /* its beginning */
};

static void test_nothing_that_it_claims_is_believed(void **state)
{
	static const struct lie lies[] = {
		{"l", ERR_INPUT,
			MADE
			"entry 'f' (header at byte 0): its mode 4755 has set-id or sticky bits"},
		{"d", ERR_INPUT, MADE "entry 'f' (header at byte 0): it is a device"},
		{"u", ERR_INPUT,
			MADE "entry '../f' (header at byte 0): its path has a component '..'"},
		{"c", ERR_INPUT, MADE "it has 1 entries"},
		{"b", ERR_INPUT, MADE "its length is 1537"},
		{"p", ERR_INPUT,
			MADE
			"entry 'f' (header at byte 0): the padding after its data is not zeros"},
		{"g", ERR_INPUT, MADE "header at byte 0: "},
		{"o", ERR_INPUT, MADE "its length is 0"},
		{"m", ERR_INPUT, "mmmmmmmm"},
		{"h", ERR_HOST, "\\x1b[2J and\\na line"},
		{"s", ERR_HOST, ""},
		{"a", ERR_INPUT, "etc -1, write -1, child -1, file -1"},
		{"?", ERR_HOST, ""},
	};
	auto_dir char *dir = expect_dir();

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(lies); i++) {
		auto_free char *path = expect_file(dir, "x", lies[i].how);
		struct convert_result r = {0};
		struct err e = {0};

		assert_int_equal(convert(LIAR, path, &r, &e), -1);
		if (strncmp(e.msg, lies[i].message, strlen(lies[i].message)) != 0)
			fail_msg("%s: %s", lies[i].how, e.msg);
		assert_int_equal(e.kind, lies[i].kind);
		assert_null(strchr(e.msg, '\x1b'));
		assert_null(strchr(e.msg, '\n'));
		assert_int_equal(r.bytes, 0);
	}
}

/* One that closes its reports and waits, or says more than anybody reads, ends when we do. */
static void test_a_signal_ends_it(void **state)
{
	static const char *const ways[] = {"w", "f"};
	auto_dir char *dir = expect_dir();
	struct err e = {0};

	(void)state;
	expect_ok(sig_init(&e), &e);
	for (size_t i = 0; i < ARRAY_SIZE(ways); i++) {
		auto_free char *path = expect_file(dir, "x", ways[i]);
		struct convert_result r = {0};
		struct err why = {0};

		assert_int_equal(raise(SIGTERM), 0);
		assert_int_equal(convert(LIAR, path, &r, &why), -1);
		assert_int_equal(why.kind, ERR_INTERRUPTED);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_an_archive_of_others_becomes_dependencies),
		cmocka_unit_test(test_what_is_refused_changes_nothing),
		cmocka_unit_test(test_a_name_of_exported_files_alone_is_a_file),
		cmocka_unit_test(test_a_program_that_is_not_there_is_named),
		cmocka_unit_test(test_nothing_that_it_claims_is_believed),
		cmocka_unit_test(test_a_signal_ends_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
