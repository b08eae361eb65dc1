/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Archives of others in the form of ours: of each kind, made by the programs that people have; and
 * what is damaged, too large, odd or hostile.
 */
#include "expect.h"
#include "tarmake.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "archive/rewrite.h"
#include "base/limits.h"
#include "os/proc.h"

enum { SMALL = 256 << 10, ARCHIVE_MAX = 1 << 20, BYTES_MAX = 64 << 20 };

/* ---- helpers ---- */

/* Half a gigabyte is compressed, in the nightly by an emulated processor. */
enum { SCRIPT_MS = 20 * 60 * 1000 };

static void run_in(const char *dir, const char *program, const char *option, const char *script)
{
	auto_free char *whole = strcmp(program, "bash") == 0
		? mem_printf("set -e; cd %s; %s", dir, script)
		: mem_printf("import os\nos.chdir('%s')\n%s", dir, script);
	auto_strv struct strv argv = {0};
	struct err e = {0};

	strv_push(&argv, program);
	strv_push(&argv, option);
	strv_push(&argv, whole);
	expect_ok(proc_run_ok(&argv, SCRIPT_MS, &e), &e);
}

#define bash(dir, script) run_in(dir, "bash", "-c", script)
#define python(dir, script) run_in(dir, "python3", "-c", script)

static int rewrite_with(const char *path, int *ret_out, const struct rewrite_options *o,
	struct rewrite_report *ret, struct err *e)
{
	auto_fd int in = open(path, O_RDONLY | O_CLOEXEC), out = fd_memory("out", e);
	struct stat st;
	int result;

	assert_true(in >= 0 && out >= 0);
	assert_int_equal(fstat(in, &st), 0);
	result = rewrite_archive(in, (uint64_t)st.st_size, out, o, ret, e);
	*ret_out = fd_steal(&out);
	return result;
}

static const struct rewrite_options usual = {.max_bytes = BYTES_MAX};

static int rewrite(const char *path, int *ret_out, struct err *e)
{
	struct rewrite_report report = {0};

	return rewrite_with(path, ret_out, &usual, &report, e);
}

/* Over a whole archive of ours by the strict rules: a line for each entry, with its data. */
static void list(int fd, struct buf *text)
{
	const struct tar_rules rules = {.strict = true};
	auto_tar_reader struct tar_reader r = {0};
	auto_free char *window = mem_alloc(TAR_HEADER_MAX);
	struct tar_entry t;
	struct err e = {0};
	struct stat st;
	size_t header;
	int more;

	assert_int_equal(fstat(fd, &st), 0);
	tar_reader_init(&r, &rules, (uint64_t)st.st_size);
	for (;;) {
		uint64_t at = r.offset;
		char data[32] = "", padding[TAR_BLOCK];
		ssize_t n = fd_pread_full(fd, window, TAR_HEADER_MAX, at);

		assert_true(n >= 0);
		more = tar_next(&r, window, (size_t)n, &t, &header, &e);
		expect_ok(more, &e);
		if (more == 0)
			return;
		(void)fd_pread_full(fd, data, t.size < 20 ? (size_t)t.size : 20, at + header);
		n = (ssize_t)tar_padding(t.size);
		assert_int_equal(fd_pread_full(fd, padding, (size_t)n, r.offset - (uint64_t)n), n);
		expect_ok(tar_check_padding(&r, padding, (size_t)n, &e), &e);
		assert_int_equal(t.uid + t.gid, 0);
		buf_addf(text, "%c %o %s", (char)t.type, t.mode, t.path);
		if (*t.link)
			buf_addf(text, " -> %s", t.link);
		if (t.type == TAR_FILE)
			buf_addf(text, " %llu %s", (unsigned long long)t.size, data);
		buf_addc(text, '\n');
	}
}

static void expect_rewritten(const char *path, const char *wanted)
{
	auto_buf struct buf got = {0};
	struct err e = {0};
	auto_fd int out = -1;

	buf_init(&got, SMALL);
	if (rewrite(path, &out, &e) < 0)
		fail_msg("%s: %s", path, e.msg);
	list(out, &got);
	assert_string_equal(got.data, wanted);
}

/* By its whole message, and no byte is written. */
static void expect_refused(const char *path, const char *why)
{
	struct err e = {0};
	auto_fd int out = -1;
	struct stat st;

	expect_err(rewrite(path, &out, &e), &e, ERR_INPUT, why);
	assert_int_equal(fstat(out, &st), 0);
	assert_int_equal(st.st_size, 0);
}

/* There are thousands, so they are not synced. */
static char *put(const char *dir, const char *name, const struct buf *b)
{
	char *path = path_join(dir, name);
	auto_fd int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	assert_true(fd >= 0);
	assert_int_equal(fd_write_all(fd, b->data, b->len), 0);
	return path;
}

/* ---- what is taken ---- */

#define TREE                                                                                       \
	"umask 022; mkdir -p t/d/e; printf one >t/d/file; ln t/d/file t/a; ln -s d/file t/link; "  \
	"chmod 4755 t/d/file; printf two >t/d.x; : >t/d/empty"
#define LISTED                                                                                     \
	"0 755 a 3 one\n5 755 d\n5 755 d/e\n0 644 d/empty 0 \n1 755 d/file -> a\n0 644 d.x 3 "     \
	"two\n"                                                                                    \
	"2 777 link -> d/file\n"

static void test_tar_of_each_kind_is_taken(void **state)
{
	static const char *const commands[] = {"tar --format=v7 -cf", "tar --format=ustar -cf",
		"tar --format=oldgnu -cf", "tar --format=gnu -cf", "tar --format=posix -cf",
		"tar -czf", "tar -cjf", "tar -cJf", "tar --zstd -cf", "tar -I lz4 -cf",
		"tar -b1 -cf"};
	auto_dir char *dir = expect_dir();
	auto_free char *path = path_join(dir, "x");

	(void)state;
	bash(dir, TREE);
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++) {
		auto_free char *whole = mem_printf("%s x -C t .", commands[i]);
		auto_free char *named = mem_printf("%s x -C t link d.x d a", commands[i]);

		bash(dir, whole);
		expect_rewritten(path, LISTED);
		bash(dir, named);
		expect_rewritten(path, LISTED);
	}
}

static void test_zip_is_taken(void **state)
{
	auto_dir char *dir = expect_dir();
	auto_free char *path = path_join(dir, "x");

	(void)state;
	python(dir,
		"import zipfile\n"
		"for how in (0, 8, 12, 14):\n"
		"    z = zipfile.ZipFile('x%d' % how, 'w', how)\n"
		"    link = zipfile.ZipInfo('link'); link.external_attr = 0o120777 << 16; "
		"link.create_system = 3\n"
		"    z.writestr(link, 'd/file'); z.writestr('d/file', 'one'); z.writestr('d/e/', "
		"'')\n"
		"    z.close()\n");
	for (int how = 0; how <= 14; how += how == 0 ? 8 : how == 8 ? 4 : 2) {
		auto_free char *name = mem_printf("%s%d", path, how);

		expect_rewritten(
			name, "5 755 d\n5 775 d/e\n0 600 d/file 3 one\n2 777 link -> d/file\n");
	}
}

/* Names as they are: of NFD, of Latin-1, long ones, in every way to write them down. */
static void test_names_are_kept_byte_for_byte(void **state)
{
	auto_dir char *dir = expect_dir();
	auto_free char *path = path_join(dir, "x");
	auto_free char *lng = mem_printf("%0150d", 7);
	auto_free char *wanted =
		mem_printf("0 644 %s 1 x\n0 644 e\xcc\x81 1 x\n0 644 \xff 1 x\n", lng);

	(void)state;
	for (int format = 1; format <= 2; format++) {
		auto_free char *script = mem_printf(
			"import tarfile, io\n"
			"t = tarfile.open('x', 'w', format=%d, errors='surrogateescape')\n"
			"for n in ('e\\u0301', os.fsdecode(b'\\xff'), '%s'):\n"
			"    i = tarfile.TarInfo(n); i.size = 1; t.addfile(i, io.BytesIO(b'x'))\n"
			"t.close()\n",
			format, lng);

		python(dir, script);
		expect_rewritten(path, wanted);
	}
}

static void test_times_are_kept_within_our_years(void **state)
{
	auto_dir char *dir = expect_dir();
	auto_free char *path = path_join(dir, "x");
	struct rewrite_report report = {0};
	char header[3 * TAR_BLOCK];
	struct err e = {0};
	auto_fd int out = -1;

	(void)state;
	bash(dir, "touch -d @1700000000.5 f; tar --format=posix -cf x f");
	expect_ok(rewrite_with(path, &out, &usual, &report, &e), &e);
	assert_int_equal(fd_pread_full(out, header, sizeof(header), 0), sizeof(header));
	assert_non_null(strstr(header + TAR_BLOCK, "mtime=1700000000.500000000\n"));
	assert_int_equal(report.entries, 1);
}

/* Directories that are not there are made: they have no time, so the bytes are always the same. */
static void test_missing_directories_are_made(void **state)
{
	auto_dir char *dir = expect_dir();
	auto_buf struct buf b = {0};
	auto_free char *path = NULL;

	(void)state;
	buf_init(&b, SMALL);
	tarmake_add(&b, &(struct tar_entry)TARMAKE(TAR_FILE, "b/c/d", "", 0600, 0, 0, 1, 0, 0));
	tarmake_add(&b, &(struct tar_entry)TARMAKE(TAR_FILE, "b/c.d", "", 0600, 0, 0, 0, 0, 0));
	tarmake_add(&b, &(struct tar_entry)TARMAKE(TAR_FILE, "b/c/a", "", 0600, 7, 7, 0, 0, 0));
	tarmake_add(&b, &(struct tar_entry)TARMAKE(TAR_DIR, "b", "", 0700, 0, 0, 0, 0, 0));
	tarmake_end(&b);
	path = put(dir, "x", &b);
	expect_rewritten(
		path, "5 700 b\n5 755 b/c\n0 600 b/c/a 0 \n0 600 b/c/d 1 d\n0 600 b/c.d 0 \n");
}

static void test_what_is_not_kept_is_counted(void **state)
{
	auto_dir char *dir = expect_dir();
	auto_free char *path = path_join(dir, "x");
	struct rewrite_report report = {0};
	auto_buf struct buf got = {0};
	struct err e = {0};
	auto_fd int out = -1;

	(void)state;
	buf_init(&got, SMALL);
	python(dir,
		"import tarfile\n"
		"t = tarfile.open('x', 'w', format=tarfile.PAX_FORMAT)\n"
		"for n, m, h in (('s', 0o4755, {}), ('t', 0o1777, {}),\n"
		"                ('u', 0o644, {'SCHILY.xattr.user.a': 'b'})):\n"
		"    i = tarfile.TarInfo(n); i.mode = m; i.pax_headers = h; t.addfile(i)\n"
		"t.close()\n");
	expect_ok(rewrite_with(path, &out, &usual, &report, &e), &e);
	list(out, &got);
	assert_string_equal(got.data, "0 755 s 0 \n0 777 t 0 \n0 644 u 0 \n");
	assert_int_equal(report.dropped.set_id, 2);
	assert_int_equal(report.dropped.xattrs, 1);
}

static void test_holes_are_holes(void **state)
{
	static const char *const commands[] = {"tar -S --format=gnu -cf",
		"tar -S --format=posix --sparse-version=0.0 -cf",
		"tar -S --format=posix --sparse-version=0.1 -cf",
		"tar -S --format=posix --sparse-version=1.0 -czf", "tar -czf"};
	auto_dir char *dir = expect_dir();
	auto_free char *path = path_join(dir, "x");

	(void)state;
	bash(dir,
		"printf begin >f; truncate -s 10M f; printf end >>f; truncate -s 20M f; mkdir d; "
		"cp f "
		"d/g; touch -d @1 f d/g d");
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++) {
		auto_free char *script = mem_printf("%s x d f", commands[i]);
		auto_buf struct buf got = {0};
		struct err e = {0};
		auto_fd int out = -1;
		struct stat st;
		char end[4] = "";

		buf_init(&got, SMALL);
		bash(dir, script);
		expect_ok(rewrite(path, &out, &e), &e);
		list(out, &got);
		assert_string_equal(
			got.data, "5 755 d\n0 644 d/g 20971520 begin\n0 644 f 20971520 begin\n");
		assert_int_equal(fstat(out, &st), 0);
		assert_true(st.st_blocks < 2 * 64);
		assert_int_equal(fd_pread_full(out, end, 3, 2 * TAR_BLOCK + (10 << 20)), 3);
		assert_string_equal(end, "end");
	}
}

/* ---- what is refused ---- */

struct odd {
	enum tar_type type;
	const char *path, *link;
	const char *why;
};

/* As an entry of an archive with the file "f" and the link "l" before it. */
static void expect_odd(const char *dir, const struct odd *o)
{
	auto_buf struct buf b = {0};
	auto_free char *path = NULL;

	buf_init(&b, ARCHIVE_MAX);
	tarmake_add(&b, &(struct tar_entry)TARMAKE(TAR_FILE, "f", "", 0600, 0, 0, 0, 0, 0));
	tarmake_add(&b, &(struct tar_entry)TARMAKE(TAR_SYMLINK, "l", "f", 0777, 0, 0, 0, 0, 0));
	tarmake_add(&b, &(struct tar_entry)TARMAKE(o->type, o->path, o->link, 0600, 0, 0, 0, 0, 0));
	tarmake_end(&b);
	path = put(dir, "x", &b);
	expect_refused(path, o->why);
}

static void test_odd_entries_are_refused_by_name(void **state)
{
	static const struct odd cases[] = {
		{TAR_FIFO, "p", "", "entry 'p': it is a fifo"},
		{TAR_CHAR_DEVICE, "c", "", "entry 'c': it is a device"},
		{TAR_BLOCK_DEVICE, "b", "", "entry 'b': it is a device"},
		{TAR_FILE, "/etc/x", "", "entry '/etc/x': its path is absolute"},
		{TAR_FILE, "../x", "", "entry '../x': its path has a component '..'"},
		{TAR_FILE, "a/../x", "", "entry 'a/../x': its path has a component '..'"},
		{TAR_FILE, "a/./x", "", "entry 'a/./x': its path has a component '.'"},
		{TAR_FILE, "a//x", "", "entry 'a//x': its path has an empty component"},
		{TAR_DIR, "..", "", "entry '..': its path has a component '..'"},
		{TAR_FILE, ".", "", "entry '.': its path is empty"},
		{TAR_FILE, "f", "", "entry 'f': it comes twice"},
		{TAR_FILE, "./f", "", "entry 'f': it comes twice"},
		{TAR_DIR, "f", "", "entry 'f': it comes twice"},
		{TAR_FILE, "f/x", "", "entry 'f/x': it is below 'f', which is not a directory"},
		{TAR_FILE, "l/x", "", "entry 'l/x': it is below 'l', which is a symbolic link"},
		{TAR_FILE, "l/x/y", "", "entry 'l/x/y': it is below 'l', which is a symbolic link"},
		{TAR_SYMLINK, "m", "/etc",
			"entry 'm': it is a symbolic link to '/etc', which leads out of the tree"},
		{TAR_SYMLINK, "m", "../x",
			"entry 'm': it is a symbolic link to '../x', which leads out of the tree"},
		{TAR_SYMLINK, "d/m", "../l/../x",
			"entry 'd/m': it is a symbolic link to '../l/../x', which leads out of the "
			"tree"},
		{TAR_SYMLINK, "m", "", "entry 'm': it is a link without a target"},
		{TAR_HARDLINK, "h", "/f",
			"entry 'h': it is a hard link to: entry '/f': the path is "
			"absolute"},
		{TAR_HARDLINK, "h", "../f",
			"entry 'h': it is a hard link to: entry '../f': the path has a component "
			"'..'"},
		{TAR_HARDLINK, "h", ".",
			"entry 'h': it is a hard link to: the root of the archive"},
		{TAR_HARDLINK, "h", "g",
			"entry 'h': it is a hard link to 'g', which does not come before it"},
		{TAR_HARDLINK, "h", "h",
			"entry 'h': it is a hard link to 'h', which does not come before it"},
	};
	auto_dir char *dir = expect_dir();

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		expect_odd(dir, &cases[i]);
	expect_odd(
		dir, &(struct odd){TAR_FIFO, "\x1b[2J\n", "", "entry '\\x1b[2J\\n': it is a fifo"});
}

static void test_long_and_deep_names_are_refused(void **state)
{
	auto_dir char *dir = expect_dir();
	auto_free char *name = mem_alloc(257), *deep = mem_alloc(2 * 130), *path = mem_alloc(4200);
	struct odd o = {.type = TAR_FILE, .path = name, .link = ""};
	struct err e = {0};
	auto_free char *x = path_join(dir, "x");

	(void)state;
	memset(name, 'n', 256);
	for (int i = 0; i < 2 * 129 - 1; i++)
		deep[i] = i % 2 ? '/' : 'd';
	for (int i = 0; i < 4199; i++)
		path[i] = i % 200 == 199 ? '/' : 'p';
	for (int i = 0; i < 3; i++) {
		auto_buf struct buf b = {0};
		auto_fd int out = -1;
		static const char *const whys[] = {
			": its path has a component of more than 255 bytes",
			": its path is more than 128 levels deep",
			": its path has 4199 bytes, more than 4096"};

		o.path = i == 0 ? name : i == 1 ? deep : path;
		buf_init(&b, ARCHIVE_MAX);
		tarmake_add(
			&b, &(struct tar_entry)TARMAKE(TAR_FILE, o.path, "", 0600, 0, 0, 0, 0, 0));
		tarmake_end(&b);
		free(put(dir, "x", &b));
		assert_int_equal(rewrite(x, &out, &e), -1);
		if (!strstr(e.msg, whys[i]))
			fail_msg("%s", e.msg);
		e = (struct err){0};
	}
}

static void test_unknown_content_is_one_message(void **state)
{
	static const char unknown[] =
		"it is none of: a file of 'ambient deps export'; tar (v7, ustar, pax, GNU), alone "
		"or compressed by gzip, bzip2, xz, zstd or lz4, or zip";
	/* A program, and what libarchive knows and we do not: cpio, ar, cab, mtree, shar, warc. */
	static const char *const contents[] = {"", "x", "\177ELF and more", "070701 and more",
		"!<arch>\n", "MSCF and more", "#mtree\nf type=file\n", "#!/bin/sh\n# shar\n",
		"WARC/1.0\r\n", "Rar!\x1a\x07"};
	auto_dir char *dir = expect_dir();
	auto_free char *compressed = path_join(dir, "x.gz"), *twice = path_join(dir, "x.gz.gz"),
		       *zip = path_join(dir, "z"), *nothing = path_join(dir, "n");

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(contents); i++) {
		auto_free char *path = expect_file(dir, "x", contents[i]);

		expect_refused(path, unknown);
	}
	bash(dir,
		"echo x | gzip >x.gz; tar -cf y x; gzip -c y | gzip >x.gz.gz; head -c 1024 "
		"/dev/zero >n");
	expect_refused(compressed, "what is compressed in it (gzip) is no whole tar archive");
	expect_refused(twice, "it is compressed more than once");
	expect_refused(nothing, "there is nothing in it");
	python(dir,
		"import zipfile\nz = zipfile.ZipFile('z', 'w'); z.writestr('a', 'b' * 99); "
		"z.close()\n"
		"d = open('z', 'rb').read(); open('z', 'wb').write(d[:-22])\n");
	expect_refused(
		zip, "it begins as a zip file and has no directory at its end: it is cut short");
}

/* Cut at every byte: an error that says something, or all was there but for zeros behind the end. */
static void test_what_is_cut_anywhere_is_refused(void **state)
{
	static const char *const commands[] = {
		"cat", "gzip -n", "bzip2", "xz", "zstd -q", "lz4 -q"};
	auto_dir char *dir = expect_dir();
	auto_free char *path = path_join(dir, "x"), *zip = path_join(dir, "z");

	(void)state;
	bash(dir, "printf one >a; printf two >b; tar -b4 -cf y a b");
	python(dir,
		"import zipfile\nz = zipfile.ZipFile('z', 'w', 8); z.writestr('a', 'b' * 99); "
		"z.writestr('c', 'd'); z.close()\n");
	for (size_t i = 0; i <= ARRAY_SIZE(commands); i++) {
		bool is_zip = i == ARRAY_SIZE(commands);
		auto_free char *script = is_zip ? NULL : mem_printf("%s <y >x", commands[i]);
		auto_buf struct buf whole = {0};
		struct err e = {0};

		if (script)
			bash(dir, script);
		buf_init(&whole, SMALL);
		expect_ok(fd_read_file(is_zip ? zip : path, &whole, &e), &e);
		for (size_t len = 0; len < whole.len; len++) {
			struct buf part = {.data = whole.data, .len = len};
			auto_free char *cut = put(dir, "cut", &part);
			auto_fd int out = -1;
			struct err why = {0};

			/* Four headers and pieces, then the end: what may be missing are zeros. */
			if (i == 0 && len >= 6 * TAR_BLOCK && len % TAR_BLOCK == 0)
				continue;
			if (rewrite(cut, &out, &why) == 0)
				fail_msg("%s: taken with %zu of %zu bytes", commands[i], len,
					whole.len);
			assert_int_equal(why.kind, ERR_INPUT);
			assert_true(strlen(why.msg) > 10);
		}
	}
}

/* Every byte changed: refused, or an archive of ours comes out (gzip's sum is not looked at). */
static void test_damage_never_makes_what_is_not_ours(void **state)
{
	static const char *const commands[] = {
		"cat", "gzip -n", "bzip2", "xz", "zstd -q", "lz4 -q"};
	auto_dir char *dir = expect_dir();
	auto_free char *path = path_join(dir, "x");

	(void)state;
	bash(dir, "printf one >a; ln a b; mkdir d; ln -s ../a d/c; tar -b1 -cf y b d a");
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++) {
		auto_free char *script = mem_printf("%s <y >x", commands[i]);
		auto_buf struct buf whole = {0};
		struct err e = {0};

		bash(dir, script);
		buf_init(&whole, SMALL);
		expect_ok(fd_read_file(path, &whole, &e), &e);
		for (size_t at = 0; at < whole.len; at++) {
			auto_free char *changed = NULL;
			auto_buf struct buf text = {0};
			auto_fd int out = -1;
			struct err why = {0};

			buf_init(&text, SMALL);
			whole.data[at] ^= (char)(1 << at % 8);
			changed = put(dir, "changed", &whole);
			whole.data[at] ^= (char)(1 << at % 8);
			if (rewrite(changed, &out, &why) == 0)
				list(out, &text);
			else
				assert_int_equal(why.kind, ERR_INPUT);
		}
	}
}

static void test_what_is_behind_the_end_is_refused(void **state)
{
	auto_dir char *dir = expect_dir();
	auto_free char *path = path_join(dir, "x");
	auto_fd int out = -1, out2 = -1;
	struct err e = {0}, e2 = {0};

	(void)state;
	bash(dir, "printf one >a; printf two >b; tar -cf x a; tar -cf y b; cat y >>x");
	expect_err(rewrite(path, &out, &e), &e, ERR_INPUT, "there is data after its end");
	bash(dir, "tar -cf x a; echo surplus >>x");
	expect_err(rewrite(path, &out2, &e2), &e2, ERR_INPUT, "Truncated tar archive");
}

/* Found in the second pass, after files were copied. */
static void expect_refused_late(const char *path, const char *why)
{
	struct err e = {0};
	auto_fd int out = -1;

	expect_err(rewrite(path, &out, &e), &e, ERR_INPUT, why);
}

/* After a compressed archive: libarchive does not read on. xz and zstd complain themselves. */
static void test_what_is_behind_compressed_data_is_refused(void **state)
{
	static const char *const commands[] = {"gzip -n", "bzip2", "lz4 -q"};
	auto_dir char *dir = expect_dir();
	auto_free char *path = path_join(dir, "x");

	(void)state;
	bash(dir, "printf one >a; tar -cf y a");
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++) {
		auto_free char *text = mem_printf("%s <y >x; echo surplus >>x", commands[i]);
		auto_free char *far = mem_printf(
			"%s <y >x; head -c 9999 /dev/zero >>x; echo surplus >>x", commands[i]);
		auto_free char *zeros =
			mem_printf("%s <y >x; head -c 9999 /dev/zero >>x", commands[i]);
		auto_fd int out = -1;
		struct err e = {0};

		bash(dir, text);
		expect_refused_late(path, "there is data after its end");
		bash(dir, far);
		expect_refused_late(path, "there is data after its end");
		bash(dir, zeros);
		expect_ok(rewrite(path, &out, &e), &e);
	}
	bash(dir, "xz <y >x; echo surplus >>x");
	expect_refused_late(path, "Lzma library error:  No progress is possible");
	bash(dir, "zstd -q <y >x; echo surplus >>x");
	expect_refused_late(path, "Zstd decompression failed: Unknown frame descriptor");
}

static void test_what_is_behind_a_zip_is_refused(void **state)
{
	auto_dir char *dir = expect_dir();
	auto_free char *path = path_join(dir, "x");
	auto_fd int out = -1;
	struct err e = {0};

	(void)state;
	python(dir,
		"import zipfile\nz = zipfile.ZipFile('x', 'w'); z.writestr('a', 'b' * 99); "
		"z.comment = b'c' * 99; z.close()\n");
	bash(dir, "head -c 9999 /dev/zero >>x");
	expect_ok(rewrite(path, &out, &e), &e);
	bash(dir, "echo surplus >>x");
	expect_refused_late(path, "there is data after its end");
	python(dir, "import zipfile\nzipfile.ZipFile('x', 'w').close()\n");
	expect_refused(path, "there is nothing in it");
}

static void test_a_hard_link_with_data_is_refused(void **state)
{
	auto_dir char *dir = expect_dir();
	auto_free char *path = path_join(dir, "x");

	(void)state;
	python(dir,
		"import tarfile, io\n"
		"t = tarfile.open('x', 'w', format=tarfile.PAX_FORMAT)\n"
		"i = tarfile.TarInfo('f'); t.addfile(i)\n"
		"i = tarfile.TarInfo('h'); i.type = tarfile.LNKTYPE; i.linkname = 'f'; i.size = 3\n"
		"i.pax_headers = {'comment': 'c'}; t.addfile(i)\n"
		"t.fileobj.write(b'abc' + bytes(509)); t.offset += 512; t.close()\n");
	expect_refused(path, "entry 'h': it is a hard link with data of its own");
}

/* ---- what is too much ---- */

#define TOO_LARGE "what is in it takes more than 64.0 MiB (67108864 bytes)"

static void test_bombs_end_at_the_limit(void **state)
{
	auto_dir char *dir = expect_dir();
	auto_free char *one = path_join(dir, "one"), *many = path_join(dir, "many"),
		       *hole = path_join(dir, "hole"), *zip = path_join(dir, "zip");

	(void)state;
	/* A file of 4 EiB; many that are each small enough; one that is a hole of 1 TiB; a zip. */
	python(dir,
		"import tarfile, io, gzip, zipfile\n"
		"i = tarfile.TarInfo('f'); i.size = 2 ** 62\n"
		"with gzip.open('one', 'wb') as g: g.write(i.tobuf(tarfile.GNU_FORMAT))\n"
		"with gzip.open('many', 'wb', 1) as g:\n"
		"    for n in range(70):\n"
		"        i = tarfile.TarInfo(str(n)); i.size = 1 << 20\n"
		"        g.write(i.tobuf() + bytes(1 << 20))\n"
		"z = zipfile.ZipFile('zip', 'w', 8); z.writestr('a', bytes(70 << 20)); "
		"z.close()\n");
	bash(dir, "truncate -s 1T h; tar -S -cf hole h");
	expect_refused(one, TOO_LARGE);
	expect_refused(many, TOO_LARGE);
	expect_refused(hole, TOO_LARGE);
	expect_refused(zip, TOO_LARGE);
}

/* Half a gigabyte of zeros behind the end of an archive of one file; headers of which nothing is kept. */
static void test_bombs_that_are_no_data_end_too(void **state)
{
	auto_dir char *dir = expect_dir();
	auto_free char *zeros = path_join(dir, "zeros"), *headers = path_join(dir, "headers");
	struct err e = {0}, e2 = {0};
	auto_fd int out = -1, out2 = -1;

	(void)state;
	python(dir,
		"import lzma, gzip, tarfile\n"
		"h = tarfile.TarInfo('f').tobuf()\n"
		"with open('zeros', 'wb') as f:\n"
		"    f.write(lzma.compress(h + bytes(500 << 20), preset=0))\n"
		"with gzip.open('headers', 'wb', 1) as f:\n"
		"    i = tarfile.TarInfo('f'); i.pax_headers = {'comment': 'x' * 900000}\n"
		"    p = i.tobuf(tarfile.PAX_FORMAT)\n"
		"    for n in range(400): f.write(p.replace(b'f\\0', b'%d\\0' % (n % 10)))\n");
	expect_err(
		rewrite(zeros, &out, &e), &e, ERR_INPUT, "decompressed it has more than 320.0 MiB");
	assert_int_equal(rewrite(headers, &out2, &e2), -1);
	assert_int_equal(e2.kind, ERR_INPUT);
}

/* A zip whose directory says less than there is. */
static void test_a_zip_that_lies_about_sizes_is_refused(void **state)
{
	auto_dir char *dir = expect_dir();
	auto_free char *path = path_join(dir, "x");
	auto_fd int out = -1;
	struct err e = {0};

	(void)state;
	python(dir,
		"import zipfile, struct\n"
		"z = zipfile.ZipFile('x', 'w', 8); z.writestr('a', bytes(1 << 20)); z.close()\n"
		"d = open('x', 'rb').read().replace(struct.pack('<I', 1 << 20), struct.pack('<I', "
		"99))\n"
		"open('x', 'wb').write(d)\n");
	assert_int_equal(rewrite(path, &out, &e), -1);
	assert_int_equal(e.kind, ERR_INPUT);
	assert_non_null(strstr(e.msg, "entry 'a': "));
}

static void test_what_just_fits_is_taken(void **state)
{
	auto_dir char *dir = expect_dir();
	auto_free char *path = path_join(dir, "x");
	struct rewrite_options o = {.max_bytes = 2 * TAR_BLOCK + TAR_END_BYTES};
	struct rewrite_report report = {0};
	auto_fd int out = -1, out2 = -1;
	struct err e = {0};

	(void)state;
	bash(dir, "head -c 512 /dev/zero | tr '\\0' x >f; tar -cf x f");
	expect_ok(rewrite_with(path, &out, &o, &report, &e), &e);
	assert_int_equal(report.bytes, o.max_bytes);
	o.max_bytes--;
	expect_err(rewrite_with(path, &out2, &o, &report, &e), &e, ERR_INPUT,
		"what is in it takes more than 2.0 KiB (2047 bytes)");
}

/* Of 100,000 entries and one more; directories that are not in the archive count, too. */
static void test_entries_are_bounded(void **state)
{
	auto_dir char *dir = expect_dir();
	auto_free char *path = path_join(dir, "x"), *deep = path_join(dir, "y");
	struct rewrite_options o = {.max_bytes = 1 << 30, .max_entries = 100000};
	struct rewrite_report report = {0};
	auto_fd int out = -1, out2 = -1, out3 = -1;
	struct err e = {0}, e2 = {0};

	(void)state;
	python(dir,
		"import tarfile\n"
		"i = tarfile.TarInfo('f'); b = bytearray(i.tobuf(tarfile.USTAR_FORMAT))\n"
		"s = sum(b[:148]) + sum(b[156:]) + 8 * 32 - ord('f')\n"
		"def head(n):\n"
		"    b[0:6] = b'%06d' % n; b[148:154] = b'%06o' % (s + sum(b[0:6])); return "
		"bytes(b)\n"
		"for name, count in (('x', 100000), ('z', 100001)):\n"
		"    with open(name, 'wb') as f:\n"
		"        f.write(b''.join(head(n) for n in range(count)) + bytes(1024))\n"
		"t = tarfile.open('y', 'w', format=tarfile.GNU_FORMAT)\n"
		"for n in range(1000): t.addfile(tarfile.TarInfo(str(n) + '/d' * 101))\n"
		"t.close()\n");
	expect_ok(rewrite_with(path, &out, &o, &report, &e), &e);
	assert_int_equal(report.entries, 100000);
	free(path);
	path = path_join(dir, "z");
	expect_err(rewrite_with(path, &out2, &o, &report, &e), &e, ERR_INPUT,
		"it has more than 100000 entries");
	expect_err(rewrite_with(deep, &out3, &o, &report, &e2), &e2, ERR_INPUT,
		"it has more than 100000 entries");
}

/* ---- on the way ---- */

static int stop(void *arg, const struct rewrite_report *so_far, struct err *e)
{
	const uint64_t *after = arg;

	if (so_far->read + so_far->bytes + so_far->entries < *after)
		return 0;
	return err_set(e, ERR_INTERRUPTED, "stopped");
}

/* At every step of the work. */
static void test_it_can_be_stopped_anywhere(void **state)
{
	auto_dir char *dir = expect_dir();
	auto_free char *path = path_join(dir, "x");
	uint64_t after;
	struct rewrite_options o = {.max_bytes = BYTES_MAX, .tick = stop, .tick_arg = &after};
	int stopped = 0;

	(void)state;
	bash(dir, TREE "; tar -czf x -C t .");
	for (after = 0; after < 20000; after += 97) {
		struct rewrite_report report = {0};
		struct err e = {0};
		auto_fd int out = -1;

		if (rewrite_with(path, &out, &o, &report, &e) == 0)
			break;
		assert_int_equal(e.kind, ERR_INTERRUPTED);
		assert_string_equal(e.msg, "stopped");
		stopped++;
	}
	assert_true(stopped > 10);
	assert_true(after < 20000);
}

/* Between the two times that it is read: another archive in its place. */
static int overwrite(void *arg, const struct rewrite_report *so_far, struct err *e)
{
	const char *path = arg;
	auto_buf struct buf b = {0};
	auto_fd int fd = -1;

	if (!so_far->bytes)
		return 0;
	buf_init(&b, SMALL);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	tarmake_add(&b, &(struct tar_entry)TARMAKE(TAR_FILE, "g", "", 0600, 0, 0, 9, 0, 0));
	tarmake_end(&b);
	return fd_pwrite_all(fd, b.data, b.len, 0) < 0 ? err_sys(e, "write") : 0;
}

static void test_a_file_that_changes_is_refused(void **state)
{
	auto_dir char *dir = expect_dir();
	auto_free char *path = path_join(dir, "x");
	struct rewrite_options o = {.max_bytes = BYTES_MAX, .tick = overwrite, .tick_arg = path};
	struct rewrite_report report = {0};
	auto_fd int out = -1;
	struct err e = {0};

	(void)state;
	bash(dir, "printf one >f; tar -b1 -cf x f");
	expect_err(rewrite_with(path, &out, &o, &report, &e), &e, ERR_INPUT,
		"it changed while it was read: try again");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tar_of_each_kind_is_taken),
		cmocka_unit_test(test_zip_is_taken),
		cmocka_unit_test(test_names_are_kept_byte_for_byte),
		cmocka_unit_test(test_times_are_kept_within_our_years),
		cmocka_unit_test(test_missing_directories_are_made),
		cmocka_unit_test(test_what_is_not_kept_is_counted),
		cmocka_unit_test(test_holes_are_holes),
		cmocka_unit_test(test_odd_entries_are_refused_by_name),
		cmocka_unit_test(test_long_and_deep_names_are_refused),
		cmocka_unit_test(test_unknown_content_is_one_message),
		cmocka_unit_test(test_what_is_cut_anywhere_is_refused),
		cmocka_unit_test(test_damage_never_makes_what_is_not_ours),
		cmocka_unit_test(test_what_is_behind_the_end_is_refused),
		cmocka_unit_test(test_what_is_behind_compressed_data_is_refused),
		cmocka_unit_test(test_what_is_behind_a_zip_is_refused),
		cmocka_unit_test(test_a_hard_link_with_data_is_refused),
		cmocka_unit_test(test_bombs_end_at_the_limit),
		cmocka_unit_test(test_bombs_that_are_no_data_end_too),
		cmocka_unit_test(test_a_zip_that_lies_about_sizes_is_refused),
		cmocka_unit_test(test_what_just_fits_is_taken),
		cmocka_unit_test(test_entries_are_bounded),
		cmocka_unit_test(test_it_can_be_stopped_anywhere),
		cmocka_unit_test(test_a_file_that_changes_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
