/* SPDX-License-Identifier: Apache-2.0 */
/* Dependencies outside of a run: what is exported, taken, listed and removed, and what is not. */
#include "expect.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "contract/contract.h"
#include "data/pack.h"
#include "store/deps.h"
#include "store/depskey.h"
#include "store/store.h"

#define DAMAGED "not a whole file of 'ambient deps export': "
#define SUM_OF_X "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881"

enum { FILE_MAX = 1 << 20 };

/* The program is not there: what is no exported file is not read. */
static const struct deps_import_options usual = {
	.max_bytes = UINT64_MAX, .tmpdir = "/tmp", .program = "/nonexistent/ambient-archive"};

/* ---- helpers ---- */

/* What a run leaves: an archive of the next generation, published. */
static void publish(const char *state, const char *project, const char *name, const char *content)
{
	auto_store struct store s = STORE_NONE;
	auto_free char *path = NULL;
	struct err e = {0};

	expect_ok(store_lock(state, project, &s, &e), &e);
	path = store_next(&s, name, &e);
	assert_non_null(path);
	expect_ok(fd_write_file(path, content, strlen(content), 0600, &e), &e);
	expect_ok(store_publish_outputs(&s, &e), &e);
}

static void expect_stored(
	const char *state, const char *project, const char *name, const char *wanted)
{
	auto_free char *path = mem_printf("%s/%s/current/%s", state, project, name);
	auto_buf struct buf b = {0};
	struct err e = {0};

	buf_init(&b, FILE_MAX);
	if (!wanted) {
		assert_int_equal(access(path, F_OK), -1);
		return;
	}
	expect_ok(fd_read_file(path, &b, &e), &e);
	assert_string_equal(b.data, wanted);
}

static int select_all(const struct dirent *d)
{
	return strcmp(d->d_name, ".") != 0 && strcmp(d->d_name, "..") != 0;
}

/* All that is in a directory, sorted, each name followed by a space. */
static void expect_names(const char *dir, const char *wanted)
{
	auto_buf struct buf got = {0};
	struct dirent **entries = NULL;
	int count = scandir(dir, &entries, select_all, alphasort);

	assert_true(count >= 0);
	buf_init(&got, 4096);
	for (int i = 0; i < count; i++) {
		buf_addf(&got, "%s ", entries[i]->d_name);
		free(entries[i]);
	}
	free(entries);
	assert_string_equal(got.data, wanted);
}

/* Something that could be an exported file; the old dependencies of p, "old", must stay. */
static void expect_refused(const char *state, const char *path, const char *why)
{
	auto_free char *wanted = mem_printf("%s: " DAMAGED "%s", path, why);
	struct deps_info info = {.archives[DEPS_TRUSTED].bytes = 7};
	struct err e = {0};

	expect_err(deps_import(state, "p", &usual, path, &info, &e), &e, ERR_INPUT, wanted);
	assert_string_equal(e.reason, "deps_damaged");
	assert_int_equal(info.archives[DEPS_TRUSTED].bytes, 7);
	expect_stored(state, "p", "deps", "old");
}

/* An archive with the members that an exported file has, as they are given here. */
static char *forge(const char *dir, const char *first, const char *info, const char *second,
	const char *data, const char *third)
{
	const struct pack_options options = {0};
	auto_pack_result struct pack_result result = {0};
	auto_free char *empty = expect_file(dir, "forged", "");
	auto_fd int fd = open(empty, O_RDWR | O_CLOEXEC);
	auto_packer struct packer *p = pack_begin(fd, &options);
	struct err e = {0};

	if (first)
		expect_ok(pack_add_file(p, first, 0644, info, strlen(info), &e), &e);
	if (second)
		expect_ok(pack_add_file(p, second, 0644, data, strlen(data), &e), &e);
	if (third)
		expect_ok(pack_add_file(p, third, 0644, "", 0, &e), &e);
	expect_ok(pack_end(p, &result, &e), &e);
	return steal_ptr(&empty);
}

struct world {
	char *dir, *state, *file;
};

/* A project p with dependencies "old", and a file with those of another one, "new". */
static void world_make(struct world *w)
{
	auto_free char *other = NULL;
	struct deps_info info = {0};
	struct err e = {0};

	w->dir = expect_dir();
	w->state = path_join(w->dir, "state");
	w->file = path_join(w->dir, "file");
	other = path_join(w->dir, "other");
	publish(w->state, "p", "deps", "old");
	publish(other, "q", "deps", "new");
	expect_ok(deps_export(other, "/tmp", "q", w->file, &info, &e), &e);
}

static void world_remove(struct world *w)
{
	expect_dir_remove(&w->dir);
	free(w->state);
	free(w->file);
}
#define auto_world __attribute__((cleanup(world_remove)))

/* ---- there and back ---- */

static void test_what_was_exported_is_imported_elsewhere(void **state)
{
	auto_dir char *dir = expect_dir();
	auto_free char *here = path_join(dir, "here"), *there = path_join(dir, "there"),
		       *file = path_join(dir, "file");
	struct deps_info out = {0}, in = {0};
	struct err e = {0};

	(void)state;
	publish(here, "p", "deps", "x");
	expect_ok(deps_export(here, "/tmp", "p", file, &out, &e), &e);
	assert_int_equal(out.archives[DEPS_TRUSTED].bytes, 1);
	assert_string_equal(out.archives[DEPS_TRUSTED].sha256.s, SUM_OF_X);
	publish(there, "other", "cache", "its own");
	expect_ok(deps_import(there, "other", &usual, file, &in, &e), &e);
	assert_int_equal(in.archives[DEPS_TRUSTED].bytes, 1);
	assert_string_equal(in.archives[DEPS_TRUSTED].sha256.s, SUM_OF_X);
	expect_stored(there, "other", "deps", "x");
	expect_stored(there, "other", "cache", "its own");
	expect_names(dir, "file here there ");
}

/* What ran programs of others stays apart, and nothing old stays beside it. */
static void test_both_kinds_are_imported_as_what_they_are(void **state)
{
	auto_dir char *dir = expect_dir();
	auto_free char *here = path_join(dir, "here"), *there = path_join(dir, "there"),
		       *both = path_join(dir, "both"), *one = path_join(dir, "one");
	static const char nothing[DRIVE_EMPTY_BYTES];
	struct deps_info info = {0};
	struct err e = {0};

	(void)state;
	publish(here, "p", "fetched", "theirs");
	expect_ok(deps_export(here, "/tmp", "p", one, &info, &e), &e);
	assert_int_equal(info.archives[DEPS_FETCHED].bytes, 6);
	publish(here, "p", "deps", "x");
	expect_ok(deps_export(here, "/tmp", "p", both, &info, &e), &e);
	assert_int_equal(info.archives[DEPS_TRUSTED].bytes, 1);
	expect_ok(deps_import(there, "p", &usual, both, &info, &e), &e);
	expect_stored(there, "p", "deps", "x");
	expect_stored(there, "p", "fetched", "theirs");
	publish(there, "p", "deps", "old");
	expect_ok(deps_import(there, "p", &usual, one, &info, &e), &e);
	expect_stored(there, "p", "deps", nothing);
	expect_stored(there, "p", "fetched", "theirs");
	publish(here, "q", "deps", "x");
	expect_ok(deps_export(here, "/tmp", "q", one, &info, &e), &e);
	assert_int_equal(info.archives[DEPS_FETCHED].bytes, 0);
	expect_ok(deps_import(there, "p", &usual, one, &info, &e), &e);
	expect_stored(there, "p", "deps", "x");
	expect_stored(there, "p", "fetched", nothing);
}

static void test_an_import_takes_the_place_of_the_old_ones(void **state)
{
	auto_world struct world w;
	auto_free char *project = NULL;
	struct deps_info info = {0};
	struct err e = {0};

	(void)state;
	world_make(&w);
	expect_ok(deps_import(w.state, "p", &usual, w.file, &info, &e), &e);
	expect_stored(w.state, "p", "deps", "new");
	project = path_join(w.state, "p");
	expect_names(project, "current gen-2 lock ");
}

static void test_what_is_not_there_is_not_exported(void **state)
{
	auto_dir char *dir = expect_dir();
	auto_free char *file = expect_file(dir, "file", "as it was");
	auto_free char *first = mem_printf("project p has no dependencies in %s", dir);
	auto_free char *second = mem_printf("project q has no dependencies in %s", dir);
	struct deps_info info = {0};
	struct err e = {0}, e2 = {0};

	(void)state;
	publish(dir, "p", "cache", "c");
	expect_err(deps_export(dir, "/tmp", "p", file, &info, &e), &e, ERR_INPUT, first);
	assert_string_equal(e.reason, "no_deps");
	expect_err(deps_export(dir, "/tmp", "q", file, &info, &e2), &e2, ERR_INPUT, second);
	expect_names(dir, "file p ");
}

/* What cannot become whole leaves nothing, and what had the name stays. */
static void test_an_export_appears_whole_or_not_at_all(void **state)
{
	auto_dir char *dir = expect_dir();
	auto_free char *nowhere = path_join(dir, "no/file"), *taken = path_join(dir, "taken"),
		       *inside = expect_file(dir, "taken/x", "");
	auto_free char *first = mem_printf("%s: No such file or directory", nowhere);
	auto_free char *second = mem_printf("%s: it is a directory, not a file", taken);
	struct deps_info info = {0};
	struct err e = {0}, e2 = {0};

	(void)state;
	publish(dir, "p", "deps", "x");
	expect_err(deps_export(dir, "/tmp", "p", nowhere, &info, &e), &e, ERR_INPUT, first);
	expect_err(deps_export(dir, "/tmp", "p", taken, &info, &e2), &e2, ERR_INPUT, second);
	expect_names(dir, "p taken ");
	assert_int_equal(access(inside, F_OK), 0);
}

/* ---- what is refused ---- */

static void test_a_file_that_is_cut_anywhere_is_refused(void **state)
{
	auto_world struct world w;
	auto_buf struct buf whole = {0};
	struct err e = {0};

	(void)state;
	world_make(&w);
	buf_init(&whole, FILE_MAX);
	expect_ok(fd_read_file(w.file, &whole, &e), &e);
	assert_true(whole.len >= 6 * 512UL);
	for (size_t len = 511; len < whole.len; len += len % 512 == 511 ? 1 : 511) {
		struct deps_info info = {0};
		struct err why = {0};

		assert_int_equal(truncate(w.file, (off_t)len), 0);
		if (deps_import(w.state, "p", &usual, w.file, &info, &why) == 0)
			fail_msg("taken with %zu of %zu bytes", len, whole.len);
		assert_string_equal(why.reason, "deps_damaged");
		expect_stored(w.state, "p", "deps", "old");
		expect_ok(fd_write_file(w.file, whole.data, whole.len, 0644, &e), &e);
	}
}

/* Every byte of the data, and whatever is behind the end. */
static void test_another_byte_is_refused(void **state)
{
	auto_world struct world w;
	auto_buf struct buf whole = {0};
	struct err e = {0};
	char *data;

	(void)state;
	world_make(&w);
	buf_init(&whole, FILE_MAX);
	expect_ok(fd_read_file(w.file, &whole, &e), &e);
	data = memmem(whole.data, whole.len, "new\0\0", 5);
	assert_non_null(data);
	data[2] ^= 1;
	expect_ok(fd_write_file(w.file, whole.data, whole.len, 0644, &e), &e);
	expect_refused(w.state, w.file, "deps.tar does not have the digest that deps.json says");
	data[2] ^= 1;
	buf_add(&whole, "x", 1);
	expect_ok(fd_write_file(w.file, whole.data, whole.len, 0644, &e), &e);
	expect_refused(
		w.state, w.file, "header at byte 2048: the end marker is followed by 1 bytes");
}

static void test_what_deps_json_says_must_be_so(void **state)
{
	static const struct {
		const char *info, *why;
	} cases[] = {
		{"", "deps.json: is empty, a JSON value is needed"},
		{"[]", "deps.json: a mapping is needed here, not a list"},
		{"{\"format\": 3, \"bytes\": 1, \"sha256\": \"" SUM_OF_X "\"}",
			"deps.json: format 3 is not known, this version of ambient reads formats "
			"up to 2"},
		{"{\"format\": 1, \"bytes\": 1}", "deps.json: missing key 'sha256'"},
		{"{\"format\": 1, \"bytes\": 1, \"sha256\": \"2d71\"}", "deps.json has no sha256"},
		{"{\"format\": 1, \"sha256\": \"" SUM_OF_X "\"}", "deps.json: missing key 'bytes'"},
		{"{\"format\": 1, \"bytes\": 2, \"sha256\": \"" SUM_OF_X "\"}",
			"deps.tar has another length than deps.json says"},
		{"{\"format\": 2, \"bytes\": 1, \"sha256\": \"" SUM_OF_X "\", \"fetched\": "
		 "{\"bytes\": 1, \"sha256\": \"" SUM_OF_X "\"}}",
			"it ends too early"},
		{"{\"format\": 2, \"bytes\": 1, \"sha256\": \"" SUM_OF_X "\", \"fetched\": 1}",
			"deps.json: 'fetched' must be a mapping, not a string"},
	};
	auto_world struct world w;

	(void)state;
	world_make(&w);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		auto_free char *file =
			forge(w.dir, "deps.json", cases[i].info, "deps.tar", "x", NULL);

		expect_refused(w.state, file, cases[i].why);
	}
}

static void test_other_archives_are_refused(void **state)
{
	static const char info[] = "{\"format\": 1, \"bytes\": 1, \"sha256\": \"" SUM_OF_X "\"}";
	static const struct {
		const char *first, *second, *third, *why;
	} cases[] = {
		{"deps.json", NULL, NULL, "it ends too early"},
		{"deps.json", "deps.tax", NULL, "it has other members"},
		{"deps.json", "deps.tar", "more", "it has other members"},
	};
	auto_world struct world w;

	(void)state;
	world_make(&w);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		auto_free char *file =
			forge(w.dir, cases[i].first, info, cases[i].second, "x", cases[i].third);

		expect_refused(w.state, file, cases[i].why);
	}
}

static void test_a_large_deps_json_is_refused(void **state)
{
	auto_free char *large = mem_alloc(64 * 1024 + 2);
	auto_free char *file = NULL;
	auto_world struct world w;

	(void)state;
	world_make(&w);
	memset(large, ' ', 64 * 1024 + 1);
	large[64 * 1024 + 1] = '\0';
	file = forge(w.dir, "deps.json", large, "deps.tar", "x", NULL);
	expect_refused(w.state, file, "deps.json is too large");
}

/* A pipe that nobody writes to holds up nobody. */
static void expect_no_file(const char *state, const char *path, const char *kind)
{
	auto_free char *message = mem_printf(
		"%s: it is %s; an archive is read twice, so it must be a regular file", path, kind);
	struct deps_info info = {0};
	struct err e = {0};

	expect_err(deps_import(state, "p", &usual, path, &info, &e), &e, ERR_INPUT, message);
	assert_string_equal(e.reason, "deps_damaged");
}

static void test_what_is_no_file_is_refused(void **state)
{
	auto_world struct world w;
	auto_free char *pipe = NULL, *none = NULL, *message = NULL;
	struct deps_info info = {0};
	struct err e = {0};

	(void)state;
	world_make(&w);
	pipe = path_join(w.dir, "pipe");
	none = path_join(w.dir, "none");
	message = mem_printf("%s: No such file or directory", none);
	assert_int_equal(mkfifo(pipe, 0600), 0);
	expect_no_file(w.state, pipe, "a pipe");
	expect_no_file(w.state, w.dir, "a directory");
	expect_err(deps_import(w.state, "p", &usual, none, &info, &e), &e, ERR_INPUT, message);
	expect_stored(w.state, "p", "deps", "old");
}

static void test_names_of_projects_lead_nowhere_else(void **state)
{
	static const char *const names[] = {"", ".", "..", "../p", "p/../p", "/p", ".p"};
	auto_world struct world w;

	(void)state;
	world_make(&w);
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		struct deps_info info = {0};
		struct err e = {0}, e2 = {0}, e3 = {0};
		uint64_t bytes = 0;

		assert_int_equal(deps_export(w.state, "/tmp", names[i], w.file, &info, &e), -1);
		assert_int_equal(deps_import(w.state, names[i], &usual, w.file, &info, &e2), -1);
		assert_int_equal(deps_clear(w.state, names[i], &bytes, &e3), -1);
		assert_non_null(strstr(e.msg, "a name is at most"));
		assert_string_equal(e2.msg, e.msg);
		assert_string_equal(e3.msg, e.msg);
		assert_int_equal(e3.kind, ERR_INPUT);
	}
	expect_names(w.state, "p ");
	expect_stored(w.state, "p", "deps", "old");
}

static void test_nothing_is_changed_while_a_run_goes_on(void **state)
{
	auto_world struct world w;
	auto_store struct store s = STORE_NONE;
	struct deps_info info = {0};
	struct err e = {0}, e2 = {0};
	uint64_t bytes = 0;

	(void)state;
	world_make(&w);
	expect_ok(store_lock(w.state, "p", &s, &e), &e);
	assert_int_equal(deps_import(w.state, "p", &usual, w.file, &info, &e), -1);
	assert_int_equal(e.kind, ERR_BUSY);
	assert_int_equal(deps_clear(w.state, "p", &bytes, &e2), -1);
	assert_int_equal(e2.kind, ERR_BUSY);
	expect_stored(w.state, "p", "deps", "old");
}

/* ---- list and clear ---- */

static void expect_list(const char *state, const char *wanted)
{
	auto_node struct node *list = NULL;
	auto_buf struct buf text = {0};
	const struct node *row;
	struct err e = {0};

	buf_init(&text, 4096);
	buf_adds(&text, "");
	expect_ok(deps_list(state, &list, &e), &e);
	node_each (list, row) {
		assert_int_equal(strlen(node_get_text(row, "changed", "")),
			strlen("2026-01-01T00:00:00.000000Z"));
		buf_addf(&text, "%s %s %llu\n", node_get_text(row, "project", ""),
			node_get_text(row, "name", ""),
			(unsigned long long)node_get_uint(row, "bytes", 0));
	}
	assert_string_equal(text.data, wanted);
}

static void test_the_list_has_dependencies_of_all_projects_and_scopes(void **state)
{
	auto_dir char *dir = expect_dir();
	auto_free char *nowhere = path_join(dir, "none");
	auto_free char *link = NULL;

	(void)state;
	publish(dir, "b", "deps", "xx");
	publish(dir, "b", "deps@patch", "x");
	publish(dir, "b", "depsy", "xxx");
	publish(dir, "a", "deps", "");
	publish(dir, "c", "cache", "x");
	link = path_join(dir, "c/current/deps");
	assert_int_equal(symlink("cache", link), 0);
	expect_list(dir, "a deps 0\nb deps 2\nb deps@patch 1\n");
	expect_list(nowhere, "");
}

static void test_clear_removes_those_of_all_scopes_and_nothing_else(void **state)
{
	auto_dir char *dir = expect_dir();
	auto_free char *new = path_join(dir, "new");
	struct err e = {0};
	uint64_t bytes = 0;

	(void)state;
	publish(dir, "p", "deps", "xx");
	publish(dir, "p", "deps@patch", "x");
	publish(dir, "p", "deps-key", "key");
	publish(dir, "p", "fetched-key@patch", "key");
	publish(dir, "p", "cache", "c");
	publish(dir, "q", "deps", "q");
	expect_ok(deps_clear(dir, "p", &bytes, &e), &e);
	assert_int_equal(bytes, 3);
	expect_stored(dir, "p", "deps", NULL);
	expect_stored(dir, "p", "deps@patch", NULL);
	expect_stored(dir, "p", "deps-key", NULL);
	expect_stored(dir, "p", "fetched-key@patch", NULL);
	expect_stored(dir, "p", "cache", "c");
	expect_stored(dir, "q", "deps", "q");
	expect_ok(deps_clear(dir, "p", &bytes, &e), &e);
	assert_int_equal(bytes, 0);
	expect_ok(deps_clear(dir, "new", &bytes, &e), &e);
	assert_int_equal(access(new, F_OK), -1);
	assert_int_equal(bytes, 0);
}

/* ---- keys ---- */

static void expect_key_path(const char *archive, const char *wanted)
{
	auto_free char *path = depskey_path(archive);

	assert_string_equal(path, wanted);
}

static void test_a_key_is_beside_its_archive(void **state)
{
	(void)state;
	expect_key_path("/s/p/gen-1/deps", "/s/p/gen-1/deps-key");
	expect_key_path("/s/p/gen-1/fetched@scope", "/s/p/gen-1/fetched-key@scope");
	expect_key_path("/s/a@b/gen-1/deps", "/s/a@b/gen-1/deps-key");
	expect_key_path("/s/p/gen-1/deps@a@b", "/s/p/gen-1/deps-key@a@b");
}

static const struct depskey a_key = {.inputs = {SUM_OF_X},
	.contents = {"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"},
	.bytes = 10240};

static void test_a_key_is_read_as_it_was_written(void **state)
{
	auto_dir char *dir = expect_dir();
	auto_free char *archive = path_join(dir, "deps");
	struct depskey other, got = {0};
	struct err e = {0};

	(void)state;
	assert_false(depskey_read(archive, &got));
	expect_ok(depskey_write(archive, &a_key, &e), &e);
	assert_true(depskey_read(archive, &got));
	assert_true(depskey_equals(&got, &a_key));
	other = got;
	other.bytes++;
	assert_false(depskey_equals(&other, &a_key));
	other = got;
	other.inputs.s[63] = '0';
	assert_false(depskey_equals(&other, &a_key));
	other = got;
	other.contents.s[0] = '1';
	assert_false(depskey_equals(&other, &a_key));
}

static void expect_no_key(const char *archive, const char *text, size_t len)
{
	auto_free char *path = depskey_path(archive);
	struct depskey got;
	struct err e = {0};

	expect_ok(fd_write_file(path, text, len, 0600, &e), &e);
	if (depskey_read(archive, &got))
		fail_msg("taken for a key: %s", text);
}

/* Whatever is in its place, the dependencies are fetched. */
static void test_a_damaged_key_is_none(void **state)
{
	static const char *const damaged[] = {"", "{}", "[]", "null", "{\"format\": 1}",
		"{\"format\": 1, \"inputs\": \"x\", \"contents\": \"x\", \"bytes\": 1}",
		"{\"format\": 1, \"inputs\": 1, \"contents\": 1, \"bytes\": 1}"};
	auto_dir char *dir = expect_dir();
	auto_free char *archive = path_join(dir, "deps"), *path = depskey_path(archive);
	auto_buf struct buf whole = {0};
	struct depskey got;
	struct err e = {0};

	(void)state;
	expect_ok(depskey_write(archive, &a_key, &e), &e);
	buf_init(&whole, FILE_MAX);
	expect_ok(fd_read_file(path, &whole, &e), &e);
	for (size_t len = 0; len + 2 < whole.len; len++)
		expect_no_key(archive, whole.data, len);
	for (size_t i = 0; i < ARRAY_SIZE(damaged); i++)
		expect_no_key(archive, damaged[i], strlen(damaged[i]));
	*strchr(whole.data, '1') = '2';
	expect_no_key(archive, whole.data, whole.len);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(mkdir(path, 0700), 0);
	assert_false(depskey_read(archive, &got));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_was_exported_is_imported_elsewhere),
		cmocka_unit_test(test_both_kinds_are_imported_as_what_they_are),
		cmocka_unit_test(test_an_import_takes_the_place_of_the_old_ones),
		cmocka_unit_test(test_what_is_not_there_is_not_exported),
		cmocka_unit_test(test_an_export_appears_whole_or_not_at_all),
		cmocka_unit_test(test_a_file_that_is_cut_anywhere_is_refused),
		cmocka_unit_test(test_another_byte_is_refused),
		cmocka_unit_test(test_what_deps_json_says_must_be_so),
		cmocka_unit_test(test_other_archives_are_refused),
		cmocka_unit_test(test_a_large_deps_json_is_refused),
		cmocka_unit_test(test_what_is_no_file_is_refused),
		cmocka_unit_test(test_names_of_projects_lead_nowhere_else),
		cmocka_unit_test(test_nothing_is_changed_while_a_run_goes_on),
		cmocka_unit_test(test_the_list_has_dependencies_of_all_projects_and_scopes),
		cmocka_unit_test(test_clear_removes_those_of_all_scopes_and_nothing_else),
		cmocka_unit_test(test_a_key_is_beside_its_archive),
		cmocka_unit_test(test_a_key_is_read_as_it_was_written),
		cmocka_unit_test(test_a_damaged_key_is_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
