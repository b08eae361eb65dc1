/* SPDX-License-Identifier: Apache-2.0 */
#include "tarmake.h"
#include "treemake.h"

#include <sys/mman.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>

#include "base/limits.h"
#include "data/limits.h"
#include "data/pack.h"
#include "data/unpack.h"
#include "os/proc.h"

/* A private directory with "src" in it, and room for archives beside. */
struct place {
	char *dir;
	char *src;
	int src_fd;
};

static struct place place_make_in(const char *tmp)
{
	struct place p = {.dir = mem_printf("%s/ambient-unit-XXXXXX", tmp)};

	if (!mkdtemp(p.dir))
		fail_msg("mkdtemp %s", p.dir);
	expect_sys(chmod(p.dir, 0755)); /* some tests become another user */
	p.src = path_join(p.dir, "src");
	expect_sys(mkdir(p.src, 0755));
	p.src_fd = treemake_open(p.src);
	return p;
}

static struct place place_make(void)
{
	const char *tmp = getenv("TMPDIR");

	return place_make_in(tmp ? tmp : "/tmp");
}

static void place_remove(struct place *p)
{
	fd_close(p->src_fd);
	free(p->src);
	expect_dir_remove(&p->dir);
}

#define auto_place __attribute__((cleanup(place_remove)))

static int create(const struct place *p, const char *name)
{
	auto_free char *path = path_join(p->dir, name);
	int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	expect_sys(fd);
	return fd;
}

/* Pack src into the file `name`; the result is checked against the file. */
static struct pack_result pack(
	const struct place *p, const char *name, const struct pack_options *o)
{
	auto_fd int fd = create(p, name);
	struct pack_result r = {0};
	struct err e = {0};
	struct stat st;

	expect_ok(pack_tree(p->src_fd, "src", fd, o, &r, &e), &e);
	expect_sys(fstat(fd, &st));
	assert_int_equal(r.bytes, st.st_size);
	assert_int_equal(r.bytes % TAR_BLOCK, 0);
	return r;
}

static void pack_quietly(const struct place *p, const char *name, const struct pack_options *o)
{
	auto_pack_result struct pack_result r = pack(p, name, o);

	assert_int_equal(r.warning_count, 0);
	assert_int_equal(r.warnings.count, 0);
}

static void expect_pack_refused(
	const struct place *p, const struct pack_options *o, const char *message)
{
	auto_fd int fd = create(p, "refused.tar");
	struct pack_result r;
	struct err e = {0};

	expect_err(pack_tree(p->src_fd, "src", fd, o, &r, &e), &e, ERR_INPUT, message);
}

static void expect_warning(const struct pack_result *r, size_t i, const char *message)
{
	assert_true(i < r->warnings.count);
	assert_string_equal(r->warnings.items[i], message);
}

/* Unpack the file `name` into a new directory of that name and ".d". The caller frees its path. */
static char *unpack(const struct place *p, const char *name, bool strict)
{
	auto_free char *tar = path_join(p->dir, name);
	char *dir = mem_printf("%s.d", tar);
	auto_fd int tar_fd = open(tar, O_RDONLY | O_CLOEXEC), dir_fd = -1;
	struct unpack_policy policy = {.rules.strict = strict};
	struct unpack_result r;
	struct err e = {0};
	struct stat st;

	expect_sys(mkdir(dir, 0700));
	dir_fd = treemake_open(dir);
	expect_sys(tar_fd);
	expect_sys(fstat(tar_fd, &st));
	expect_ok(unpack_tree(tar_fd, (uint64_t)st.st_size, dir_fd, &policy, &r, &e), &e);
	return dir;
}

/* The reader's description of an archive: "type path [-> link]" and a newline for each entry. */
static char *list(const struct place *p, const char *name)
{
	auto_free char *tar = path_join(p->dir, name);
	auto_buf struct buf archive;
	auto_tar_reader struct tar_reader r;
	struct buf text;
	struct tar_entry t;
	struct err e = {0};
	size_t header;

	buf_init(&archive, 64 * MIB);
	buf_init(&text, MIB);
	expect_ok(fd_read_file(tar, &archive, &e), &e);
	tar_reader_init(&r, &(struct tar_rules){.specials = true}, archive.len);
	while (tar_next(&r, archive.data + r.offset, archive.len - r.offset, &t, &header, &e) > 0)
		buf_addf(&text, "%c %s%s%s\n", (char)t.type, t.path, *t.link ? " -> " : "", t.link);
	assert_string_equal(e.msg, "");
	assert_int_equal(r.offset, archive.len);
	return text.data;
}

/* A directory in which files may have attributes of users; not every tmpfs can. */
static bool takes_xattrs(const struct place *p)
{
	if (fsetxattr(p->src_fd, "user.probe", "", 0, 0) < 0) {
		print_message("not run: %s takes no attributes: %s\n", p->dir, strerror(errno));
		return false;
	}
	expect_sys(fremovexattr(p->src_fd, "user.probe"));
	return true;
}

static void set_xattr(int dir, const char *name, const char *key, const char *value, size_t len)
{
	auto_fd int fd = openat(dir, name, O_RDONLY | O_CLOEXEC);

	expect_sys(fd);
	expect_sys(fsetxattr(fd, key, value, len, 0));
}

static void expect_xattr(
	const char *dir, const char *name, const char *key, const char *value, ssize_t len)
{
	auto_free char *path = path_join(dir, name);
	char got[4096];

	assert_int_equal(lgetxattr(path, key, got, sizeof(got)), len);
	if (len > 0)
		assert_memory_equal(got, value, (size_t)len);
}

static const struct pack_options sparse_output = {.out_is_zero = true};

/* ---- round trips ------------------------------------------------------------------------- */

static void test_odd_trees_come_back_byte_for_byte(void **state)
{
	auto_place struct place p = place_make();
	auto_fd int very = treemake_dir(p.src_fd, "very", 0755);
	auto_free char *out = NULL;

	(void)state;
	treemake_odd(p.src_fd);
	treemake_deep(very, 5000);
	pack_quietly(&p, "a.tar", &sparse_output);
	out = unpack(&p, "a.tar", false);
	treemake_expect_same(p.src, out);
}

static void test_plain_trees_come_back_through_the_strict_reader(void **state)
{
	auto_place struct place p = place_make();
	auto_free char *out = NULL;

	(void)state;
	treemake_plain(p.src_fd);
	pack_quietly(&p, "a.tar", &(struct pack_options){.kinds = PACK_PLAIN});
	out = unpack(&p, "a.tar", true);
	treemake_expect_same(p.src, out);
}

static void test_the_same_tree_gives_the_same_bytes(void **state)
{
	auto_place struct place p = place_make();
	auto_buf struct buf a, b;
	auto_free char *first = path_join(p.dir, "a.tar"), *second = path_join(p.dir, "b.tar");
	auto_free char *out = NULL;
	struct err e = {0};

	(void)state;
	treemake_odd(p.src_fd);
	pack_quietly(&p, "a.tar", &sparse_output);
	out = unpack(&p, "a.tar", false);
	fd_close(p.src_fd);
	p.src_fd = treemake_open(out);
	pack_quietly(&p, "b.tar", &(struct pack_options){0});
	buf_init(&a, 64 * MIB);
	buf_init(&b, 64 * MIB);
	expect_ok(fd_read_file(first, &a, &e), &e);
	expect_ok(fd_read_file(second, &b, &e), &e);
	assert_int_equal(a.len, b.len);
	assert_memory_equal(a.data, b.data, a.len);
}

static void test_an_empty_tree_is_an_empty_archive(void **state)
{
	static const char zeros[TAR_END_BYTES];
	auto_place struct place p = place_make();
	auto_free char *path = path_join(p.dir, "a.tar");
	auto_buf struct buf b;
	struct err e = {0};

	(void)state;
	pack_quietly(&p, "a.tar", &sparse_output);
	buf_init(&b, MIB);
	expect_ok(fd_read_file(path, &b, &e), &e);
	assert_int_equal(b.len, TAR_END_BYTES);
	assert_memory_equal(b.data, zeros, TAR_END_BYTES);
}

static struct pack_result pack_nothing_to(int fd)
{
	auto_place struct place p = place_make();
	struct pack_result r = {0};
	struct err e = {0};

	expect_ok(pack_tree(p.src_fd, "src", fd, &sparse_output, &r, &e), &e);
	assert_int_equal(r.bytes, TAR_END_BYTES);
	return r;
}

static void test_zeros_are_an_empty_archive_without_being_written(void **state)
{
	auto_place struct place p = place_make();
	auto_free char *path = path_join(p.dir, "drive");
	auto_fd int writable = create(&p, "drive");
	auto_fd int readable = open(path, O_RDONLY | O_CLOEXEC);
	char byte = 1;

	(void)state;
	expect_sys(readable);
	expect_sys(ftruncate(writable, TAR_END_BYTES));
	assert_true(pack_nothing_to(readable).untouched);

	assert_int_equal(pwrite(writable, &byte, 1, TAR_END_BYTES - 1), 1);
	assert_false(pack_nothing_to(writable).untouched);
	assert_int_equal(pread(readable, &byte, 1, TAR_END_BYTES - 1), 1);
	assert_int_equal(byte, 0);
}

/* ---- other programs ---------------------------------------------------------------------- */

/* Run a program, which must succeed and have nothing to say. */
static void expect_silent(const char *const *argv)
{
	auto_strv struct strv v = {0};
	auto_buf struct buf out;
	struct err e = {0};
	int status;

	for (; *argv; argv++)
		strv_push(&v, *argv);
	buf_init(&out, MIB);
	status = proc_run(&v, EXPECT_PATIENCE_MS, &out, &e);
	expect_ok(status, &e);
	if (status || out.len)
		fail_msg("%s: status %d: %s", v.items[0], status, out.data);
}

static void test_gnu_tar_extracts_the_same_tree(void **state)
{
	auto_place struct place p = place_make();
	auto_free char *tar = path_join(p.dir, "a.tar"), *out = path_join(p.dir, "out");

	(void)state;
	treemake_odd(p.src_fd);
	pack_quietly(&p, "a.tar", &sparse_output);
	expect_sys(mkdir(out, 0755));
	expect_silent((const char *[]){"tar", "-xpf", tar, "-C", out, "--no-same-owner",
		/* It knows no hdrcharset, says so, and takes the bytes as they are: which is what
		   it asks. */
		"--warning=no-unknown-keyword", "--warning=no-timestamp", NULL});
	treemake_expect_same(p.src, out);
}

/* Compares each member with the file of its name: kind, mode, size, seconds, target, contents. */
static const char compare_script[] =
	"import os, stat, sys, tarfile\n"
	"tar, top = sys.argv[1:]\n"
	"kinds = {tarfile.REGTYPE: stat.S_IFREG, tarfile.LNKTYPE: stat.S_IFREG,\n"
	"         tarfile.SYMTYPE: stat.S_IFLNK, tarfile.DIRTYPE: stat.S_IFDIR,\n"
	"         tarfile.FIFOTYPE: stat.S_IFIFO}\n"
	"count = 0\n"
	"with tarfile.open(tar, 'r:') as t:\n"
	"    for m in t:\n"
	"        path = os.path.join(os.fsencode(top), os.fsencode(m.name))\n"
	"        st = os.lstat(path)\n"
	"        count += 1\n"
	"        assert kinds[m.type] == stat.S_IFMT(st.st_mode), (path, m.type)\n"
	"        assert m.mode == stat.S_IMODE(st.st_mode), path\n"
	"        assert abs(m.mtime - st.st_mtime) < 1e-6, (path, m.mtime, st.st_mtime)\n"
	"        if m.issym():\n"
	"            assert os.fsencode(m.linkname) == os.readlink(path), path\n"
	"        if m.islnk():\n"
	"            first = os.path.join(os.fsencode(top), os.fsencode(m.linkname))\n"
	"            assert os.path.samefile(first, path), path\n"
	"        if m.isreg():\n"
	"            assert m.size == st.st_size, path\n"
	"            assert t.extractfile(m).read() == open(path, 'rb').read(), path\n"
	"there = sum(len(d) + len(f) for _, d, f in os.walk(os.fsencode(top)))\n"
	"assert count == there, (count, there)\n";

static void test_python_reads_the_same_tree(void **state)
{
	auto_place struct place p = place_make();
	auto_free char *tar = path_join(p.dir, "a.tar"), *python = proc_find("python3");

	(void)state;
	if (!python) {
		print_message("not run: there is no python3\n");
		skip();
	}
	treemake_odd(p.src_fd);
	pack_quietly(&p, "a.tar", &sparse_output);
	expect_silent((const char *[]){python, "-I", "-c", compare_script, tar, p.src, NULL});
}

/* ---- what is left out, and what is refused ----------------------------------------------- */

static void test_sockets_and_devices_are_left_out_with_a_warning(void **state)
{
	auto_place struct place p = place_make();
	auto_pack_result struct pack_result r = {0};
	auto_free char *listed = NULL;
	bool device;

	(void)state;
	treemake_file(p.src_fd, "a", 0644, 1);
	treemake_socket(p.src, "sock\x1b!");
	device = mknodat(p.src_fd, "null", S_IFCHR | 0600, makedev(1, 3)) == 0;
	if (!device)
		print_message("devices: not run, this user cannot make one\n");
	r = pack(&p, "a.tar", &sparse_output);
	listed = list(&p, "a.tar");
	assert_string_equal(listed, "0 a\n");
	assert_int_equal(r.warning_count, device ? 2 : 1);
	if (device)
		expect_warning(&r, 0, "src/null: left out: it is a character device");
	expect_warning(&r, device, "src/sock\\x1b!: left out: it is a socket");
}

static void test_what_the_strict_reader_refuses_is_left_out_for_it(void **state)
{
	auto_place struct place p = place_make();
	auto_pack_result struct pack_result r = {0};
	auto_free char *listed = NULL, *out = NULL;
	auto_fd int sticky = treemake_dir(p.src_fd, "sticky", 01777);
	struct stat st;

	(void)state;
	treemake_file(p.src_fd, "set-id", 06755, 1);
	expect_sys(symlinkat("/etc/passwd", p.src_fd, "absolute"));
	expect_sys(symlinkat("../x", p.src_fd, "out"));
	expect_sys(symlinkat("../set-id", sticky, "in"));
	expect_sys(mkfifoat(p.src_fd, "fifo", 0600));
	r = pack(&p, "a.tar", &(struct pack_options){.kinds = PACK_PLAIN});
	listed = list(&p, "a.tar");
	assert_string_equal(listed, "0 set-id\n5 sticky\n2 sticky/in -> ../set-id\n");
	assert_int_equal(r.warning_count, 5);
	expect_warning(&r, 0,
		"src/absolute: left out: it is a symbolic link to '/etc/passwd', which leads out "
		"of "
		"the tree");
	expect_warning(&r, 1, "src/fifo: left out: it is a fifo");
	expect_warning(&r, 2,
		"src/out: left out: it is a symbolic link to '../x', which leads out of the tree");
	expect_warning(&r, 3, "src/set-id: its set-id and sticky bits are cleared (mode 6755)");
	expect_warning(&r, 4, "src/sticky: its set-id and sticky bits are cleared (mode 1777)");
	out = unpack(&p, "a.tar", true);
	free(listed);
	listed = path_join(out, "set-id");
	expect_sys(stat(listed, &st));
	assert_int_equal(st.st_mode & 07777, 0755);
}

/* VFS_CAP_REVISION_2, cap_net_raw permitted and effective (capabilities(7)). */
static const char net_raw[] = "\1\0\0\2\0\x20\0\0\0\0\0\0\0\0\0\0\0\0\0";

static void test_attributes_come_back_for_guests(void **state)
{
	auto_place struct place p = place_make_in("/var/tmp");
	auto_free char *out = NULL;
	bool root = geteuid() == 0;
	/* Only root, which guests unpack as, gives attributes to what its owner may not write. */
	mode_t file_mode = root ? 0444 : 0644, dir_mode = root ? 0555 : 0755;

	(void)state;
	if (!takes_xattrs(&p))
		skip();
	treemake_file(p.src_fd, "file", file_mode, 5);
	fd_close(treemake_dir(p.src_fd, "dir", dir_mode));
	expect_sys(fchmodat(p.src_fd, "file", 0644, 0));
	set_xattr(p.src_fd, "file", "user.mime", "a\0b\n", 4);
	set_xattr(p.src_fd, "file", "user.empty", "", 0);
	if (root) {
		set_xattr(p.src_fd, "file", "security.capability", net_raw, sizeof(net_raw));
		set_xattr(p.src_fd, "file", "trusted.x", "v", 1);
		set_xattr(p.src_fd, "dir", "trusted.overlay.opaque", "y", 1);
	}
	expect_sys(fchmodat(p.src_fd, "dir", 0755, 0));
	set_xattr(p.src_fd, "dir", "user.of a dir", "d", 1);
	expect_sys(fchmodat(p.src_fd, "dir", dir_mode, 0));
	expect_sys(fchmodat(p.src_fd, "file", file_mode, 0));
	pack_quietly(&p, "a.tar", &sparse_output);
	out = unpack(&p, "a.tar", false);
	expect_xattr(out, "file", "user.mime", "a\0b\n", 4);
	expect_xattr(out, "file", "user.empty", "", 0);
	expect_xattr(out, "dir", "user.of a dir", "d", 1);
	expect_xattr(out, "file", "trusted.x", "", -1);
	expect_xattr(out, "dir", "trusted.overlay.opaque", "", -1);
	if (root)
		expect_xattr(out, "file", "security.capability", net_raw, sizeof(net_raw));
}

static void test_attributes_that_cannot_be_kept_are_told(void **state)
{
	auto_place struct place p = place_make_in("/var/tmp");
	auto_pack_result struct pack_result r = {0}, plain = {0};
	auto_free char *out = NULL;

	(void)state;
	if (!takes_xattrs(&p))
		skip();
	treemake_file(p.src_fd, "a", 0644, 1);
	treemake_file(p.src_fd, "b", 0644, 1);
	set_xattr(p.src_fd, "a", "user.overlay.opaque", "y", 1);
	set_xattr(p.src_fd, "a", "user.good", "y", 1);
	treemake_file(p.src_fd, "aa", 0644, 1);
	set_xattr(p.src_fd, "aa", "user.a=b", "y", 1);
	for (int i = 0; i <= LIMIT_TAR_XATTRS; i++) {
		auto_free char *key = mem_printf("user.%d", i);

		set_xattr(p.src_fd, "b", key, "v", 1);
	}
	r = pack(&p, "a.tar", &sparse_output);
	assert_int_equal(r.warning_count, 3);
	expect_warning(&r, 0,
		"src/a: its extended attribute 'user.overlay.opaque' is left out: an overlay file "
		"system would take it for an instruction");
	expect_warning(&r, 1,
		"src/aa: its extended attribute 'user.a=b' is left out: an archive cannot carry "
		"this name");
	expect_warning(&r, 2,
		"src/b: its extended attributes are left out: they cannot be read, or are more "
		"than 64 or more than 16.0 KiB");
	out = unpack(&p, "a.tar", false);
	expect_xattr(out, "a", "user.good", "y", 1);
	expect_xattr(out, "a", "user.overlay.opaque", "", -1);
	expect_xattr(out, "b", "user.0", "", -1);
	plain = pack(&p, "b.tar", &(struct pack_options){.kinds = PACK_PLAIN});
	assert_int_equal(plain.warning_count, 0);
	free(out);
	out = unpack(&p, "b.tar", true);
	expect_xattr(out, "a", "user.good", "", -1);
}

static void test_everything_is_packed_for_the_host(void **state)
{
	auto_place struct place p = place_make();
	auto_pack_result struct pack_result r = {0};
	auto_free char *listed = NULL;
	bool device;

	(void)state;
	expect_sys(mkfifoat(p.src_fd, "fifo", 0600));
	device = mknodat(p.src_fd, "null", S_IFCHR | 0600, makedev(1, 3)) == 0;
	treemake_file(p.src_fd, "set-id", 06755, 1);
	treemake_socket(p.src, "sock");
	expect_sys(symlinkat("/etc/passwd", p.src_fd, "z-out"));
	r = pack(&p, "a.tar", &(struct pack_options){.kinds = PACK_EVERYTHING});
	assert_int_equal(r.warning_count, 0);
	listed = list(&p, "a.tar");
	assert_string_equal(listed,
		device ? "6 fifo\n3 null\n0 set-id\ns sock\n2 z-out -> /etc/passwd\n"
		       : "6 fifo\n0 set-id\ns sock\n2 z-out -> /etc/passwd\n");
}

static void test_warnings_beyond_the_kept_ones_are_counted(void **state)
{
	auto_place struct place p = place_make();
	auto_pack_result struct pack_result r = {0};

	(void)state;
	for (int i = 0; i < PACK_WARNINGS_MAX + 7; i++) {
		auto_free char *name = mem_printf("l%02d", i);

		expect_sys(symlinkat("/", p.src_fd, name));
	}
	r = pack(&p, "a.tar", &(struct pack_options){.kinds = PACK_PLAIN});
	assert_int_equal(r.entries, 0);
	assert_int_equal(r.warning_count, PACK_WARNINGS_MAX + 7);
	assert_int_equal(r.warnings.count, PACK_WARNINGS_MAX);
}

static void test_unreadable_files_are_named_with_the_remedy(void **state)
{
	auto_place struct place p = place_make();
	bool root = geteuid() == 0;

	(void)state;
	treemake_file(p.src_fd, "secret\nkey", 0, 1);
	if (root)
		expect_sys(seteuid(65534));
	{
		struct pack_result r;
		struct err e = {0};
		auto_fd int fd = memfd_create("out", MFD_CLOEXEC);
		int result = pack_tree(p.src_fd, "src", fd, &sparse_output, &r, &e);

		if (root)
			expect_sys(seteuid(0));
		expect_err(result, &e, ERR_INPUT,
			"src/secret\\nkey: open: Permission denied: make it readable, or move it "
			"out "
			"of the tree");
	}
}

static void test_directories_of_the_program_itself_are_left_out(void **state)
{
	auto_place struct place p = place_make();
	auto_pack_result struct pack_result r = {0};
	auto_fd int keep = treemake_dir(p.src_fd, "keep", 0755);
	auto_fd int avoid = treemake_dir(keep, "state", 0755);
	auto_fd int out = openat(p.src_fd, "out.tar", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	auto_free char *listed = NULL;
	struct pack_avoid a = {.what = "the state directory"};
	struct pack_options o = {.avoid = &a, .avoid_count = 1};
	struct err e = {0};
	struct stat st;

	(void)state;
	treemake_file(avoid, "inside", 0600, 1);
	expect_sys(fstat(avoid, &st));
	a.dev = st.st_dev;
	a.ino = st.st_ino;
	expect_ok(pack_tree(p.src_fd, "src", out, &o, &r, &e), &e);
	assert_int_equal(r.entries, 1);
	assert_int_equal(r.warning_count, 2);
	expect_warning(&r, 0, "src/keep/state: left out: it is the state directory");
	expect_warning(&r, 1, "src/out.tar: left out: it is the archive itself");
	expect_sys(linkat(p.src_fd, "out.tar", AT_FDCWD, (listed = path_join(p.dir, "x.tar")), 0));
	free(listed);
	listed = list(&p, "x.tar");
	assert_string_equal(listed, "5 keep\n");
}

/* ---- grafts ---- */

static struct pack_graft graft(const char *path, enum pack_graft_kind kind)
{
	return (struct pack_graft){.path = path, .kind = kind, .dir = -1};
}

/* `other` beside src: a/b/x, and a link that leads out of it. */
static int make_other(const struct place *p)
{
	auto_free char *path = path_join(p->dir, "other");
	auto_fd int a = -1, b = -1;
	int fd;

	expect_sys(mkdir(path, 0755));
	fd = treemake_open(path);
	a = treemake_dir(fd, "a", 0755);
	b = treemake_dir(a, "b", 0755);
	treemake_file(b, "x", 0640, 3);
	expect_sys(symlinkat("/etc", a, "link"));
	return fd;
}

static void expect_listed(
	const struct place *p, const struct pack_graft *grafts, size_t count, const char *expected)
{
	const struct pack_options o = {.grafts = grafts, .graft_count = count};
	auto_free char *listed = NULL;

	pack_quietly(p, "grafted.tar", &o);
	listed = list(p, "grafted.tar");
	assert_string_equal(listed, expected);
}

static void test_grafts_replace_add_and_leave_out(void **state)
{
	auto_place struct place p = place_make();
	auto_fd int other = make_other(&p), dir = treemake_dir(p.src_fd, "dir", 0755);
	struct pack_graft grafts[] = {
		graft("dir/kept/none", PACK_NOTHING),
		graft("dir/new", PACK_BYTES),
		graft("dir/old", PACK_NOTHING),
		graft("m", PACK_ENTRY),
		graft("m/b/beside", PACK_BYTES),
		graft("m/b/x", PACK_NOTHING),
		graft("made", PACK_DIRECTORY),
		graft("made/here", PACK_ENTRY),
		graft("nowhere/at/all", PACK_BYTES),
		graft("z", PACK_BYTES),
		graft("z", PACK_NOTHING),
	};

	(void)state;
	treemake_file(dir, "old", 0644, 1);
	treemake_file(dir, "kept", 0644, 1);
	treemake_file(p.src_fd, "z", 0644, 9);
	grafts[3].dir = grafts[7].dir = other;
	grafts[3].name = "a";
	grafts[7].name = ".";
	expect_listed(&p, grafts, ARRAY_SIZE(grafts),
		"5 dir\n0 dir/kept\n0 dir/new\n5 m\n5 m/b\n0 m/b/beside\n2 m/link -> /etc\n"
		"5 made\n5 made/here\n5 made/here/a\n5 made/here/a/b\n0 made/here/a/b/x\n"
		"2 made/here/a/link -> /etc\n0 z\n");
}

static void test_grafted_files_have_their_bytes_and_time(void **state)
{
	auto_place struct place p = place_make();
	struct pack_graft grafts[] = {graft("a", PACK_BYTES), graft("b", PACK_DATED)};
	const struct pack_options o = {.grafts = grafts, .graft_count = ARRAY_SIZE(grafts)};
	auto_free char *dir = NULL, *a = NULL, *b = NULL;
	struct stat st;

	(void)state;
	treemake_file(p.src_fd, "b", 0600, 7);
	grafts[0].data = "text";
	grafts[0].len = 4;
	grafts[0].time.tv_sec = 1000;
	grafts[1].dir = p.src_fd;
	grafts[1].name = "b";
	grafts[1].time.tv_sec = 2000;
	pack_quietly(&p, "grafted.tar", &o);
	dir = unpack(&p, "grafted.tar", false);
	a = path_join(dir, "a");
	b = path_join(dir, "b");
	expect_sys(stat(a, &st));
	assert_int_equal(st.st_size, 4);
	assert_int_equal(st.st_mtim.tv_sec, 1000);
	expect_sys(stat(b, &st));
	assert_int_equal(st.st_size, 7);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(st.st_mtim.tv_sec, 2000);
}

static void test_trees_that_are_too_deep_are_refused(void **state)
{
	auto_place struct place p = place_make();
	auto_free char *message = NULL;
	auto_buf struct buf path;
	int fd = dup(p.src_fd);

	(void)state;
	buf_init(&path, 400);
	for (int i = 0; i < LIMIT_TAR_DEPTH; i++) {
		int next = treemake_dir(fd, "d", 0755);

		fd_close(fd);
		fd = next;
		buf_adds(&path, "d/");
	}
	pack_quietly(&p, "a.tar", &sparse_output);
	treemake_file(fd, "x", 0644, 0);
	fd_close(fd);
	message = mem_printf("src/%sx: more than 128 directories deep", path.data);
	expect_pack_refused(&p, &sparse_output, message);
}

static void test_too_many_names_or_links_are_refused(void **state)
{
	auto_place struct place p = place_make();
	struct pack_options o = {.max_names_bytes = 100, .max_links = 1};

	(void)state;
	treemake_file(p.src_fd, "a", 0644, 0);
	expect_sys(linkat(p.src_fd, "a", p.src_fd, "b", 0));
	pack_quietly(&p, "a.tar", &o);
	treemake_file(p.src_fd, "c", 0644, 0);
	expect_sys(linkat(p.src_fd, "c", p.src_fd, "d", 0));
	expect_pack_refused(&p, &o,
		"src/c: the tree has more than 1 files with several links, or their paths have "
		"more "
		"than 100 B");
	o.max_links = 0;
	pack_quietly(&p, "b.tar", &o);
	treemake_file(p.src_fd, treemake_long_name('n'), 0644, 0);
	expect_pack_refused(&p, &o,
		"src: too many entries: the names of a directory and of those above it can have "
		"100 B");
}

static void test_paths_that_are_too_long_are_refused(void **state)
{
	auto_place struct place p = place_make();
	auto_fd int fd = create(&p, "refused.tar");
	struct pack_result r;
	struct err e = {0};

	(void)state;
	treemake_deep(p.src_fd, LIMIT_TAR_LONG_PATH);
	assert_int_equal(pack_tree(p.src_fd, "src", fd, &sparse_output, &r, &e), -1);
	assert_int_equal(e.kind, ERR_INPUT);
	assert_non_null(strstr(e.msg, ": the paths below have more than 16384 bytes"));
}

static void test_times_beyond_the_format_are_moved_into_it(void **state)
{
	auto_place struct place p = place_make_in("/dev/shm"); /* ext4 has no such times */
	auto_pack_result struct pack_result r = {0};
	auto_free char *out = NULL, *file = NULL;
	struct stat st;

	(void)state;
	treemake_file(p.src_fd, "far", 0644, 1);
	treemake_time(p.src_fd, "far", TAR_MTIME_MAX + 1, 0);
	expect_sys(fstatat(p.src_fd, "far", &st, 0));
	assert_int_equal(st.st_mtime, TAR_MTIME_MAX + 1);
	r = pack(&p, "a.tar", &sparse_output);
	assert_int_equal(r.warning_count, 1);
	expect_warning(&r, 0,
		"src/far: its modification time (17179869184) is moved into the years 1901 to "
		"2514");
	out = unpack(&p, "a.tar", true);
	file = path_join(out, "far");
	expect_sys(stat(file, &st));
	assert_int_equal(st.st_mtime, TAR_MTIME_MAX);
}

/* ---- links, holes, sizes ----------------------------------------------------------------- */

static void test_hard_links_point_to_the_first_name(void **state)
{
	auto_place struct place p = place_make();
	auto_fd int sub = treemake_dir(p.src_fd, "a", 0755);
	auto_free char *listed = NULL;

	(void)state;
	treemake_file(p.src_fd, "b", 0644, 100);
	expect_sys(linkat(p.src_fd, "b", sub, "z", 0));
	expect_sys(linkat(p.src_fd, "b", p.src_fd, "c", 0));
	expect_sys(symlinkat("b", p.src_fd, "s"));
	expect_sys(linkat(p.src_fd, "s", p.src_fd, "t", 0)); /* a second name of the symlink */
	pack_quietly(&p, "a.tar", &sparse_output);
	listed = list(&p, "a.tar");
	assert_string_equal(listed, "5 a\n0 a/z\n1 b -> a/z\n1 c -> a/z\n2 s -> b\n2 t -> b\n");
}

static void test_thousands_of_linked_files_find_each_other(void **state)
{
	enum { FILES = 700 };
	auto_place struct place p = place_make();
	auto_fd int sub = treemake_dir(p.src_fd, "sub", 0755);
	auto_free char *out = NULL;

	(void)state;
	for (int i = 0; i < FILES; i++) {
		auto_free char *name = mem_printf("%04d", i);
		auto_free char *other = mem_printf("%04d", FILES - i);

		treemake_file(p.src_fd, name, 0644, (size_t)i % 5);
		expect_sys(linkat(p.src_fd, name, sub, other, 0));
	}
	pack_quietly(&p, "a.tar", &sparse_output);
	out = unpack(&p, "a.tar", true);
	treemake_expect_same(p.src, out);
}

/* A file with data at the start, in the middle and before the end, and holes between. */
static void make_sparse(int dir, const char *name, off_t size)
{
	auto_fd int fd = openat(dir, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);

	expect_sys(fd);
	expect_sys(ftruncate(fd, size));
	expect_sys(fd_pwrite_all(fd, "start", 5, 0));
	expect_sys(fd_pwrite_all(fd, "middle", 6, (uint64_t)size / 2 - 3));
	expect_sys(fd_pwrite_all(fd, "end", 3, (uint64_t)size - 1000));
}

static void test_holes_stay_holes(void **state)
{
	auto_place struct place p = place_make();
	auto_free char *out = NULL, *tar = path_join(p.dir, "a.tar"), *file = NULL;
	struct stat st;

	(void)state;
	make_sparse(p.src_fd, "sparse", 12345678);
	pack_quietly(&p, "a.tar", &sparse_output);
	expect_sys(stat(tar, &st));
	assert_true(st.st_size > 12345678);
	assert_true(st.st_blocks < 1000);
	out = unpack(&p, "a.tar", false);
	treemake_expect_same(p.src, out);
	file = path_join(out, "sparse");
	expect_sys(stat(file, &st));
	assert_true(st.st_blocks < 1000);
}

/* Every other block of 128 KiB, and one hole of each size. */
static void test_of_many_holes_the_largest_are_listed(void **state)
{
	enum { HOLES = LIMIT_TAR_HOLES + 50, STEP = 128 << 10 };
	auto_place struct place p = place_make();
	auto_fd int fd = openat(p.src_fd, "f", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	auto_free char *tar = path_join(p.dir, "a.tar"), *out = NULL;
	char header[TAR_HEADER_MAX] = {0};
	auto_fd int archive = -1;
	auto_tar_reader struct tar_reader r;
	struct tar_entry t;
	struct err e = {0};
	uint64_t at = 0;
	size_t len;

	(void)state;
	for (int i = 0; i < HOLES; i++) {
		expect_sys(fd_pwrite_all(fd, "x", 1, at));
		at += STEP + (uint64_t)i * TAR_HOLE_UNIT;
	}
	expect_sys(fd_pwrite_all(fd, "end", 3, at));
	pack_quietly(&p, "a.tar", &sparse_output);
	archive = open(tar, O_RDONLY | O_CLOEXEC);
	expect_sys(fd_pread_full(archive, header, sizeof(header), 0));
	tar_reader_init(&r, &(struct tar_rules){0}, UINT64_MAX);
	assert_int_equal(tar_next(&r, header, sizeof(header), &t, &len, &e), 1);
	assert_int_equal(t.hole_count, LIMIT_TAR_HOLES);
	assert_int_equal(t.holes[0].len, STEP + 50 * TAR_HOLE_UNIT - TAR_HOLE_UNIT);
	out = unpack(&p, "a.tar", false);
	treemake_expect_same(p.src, out);
}

static void test_holes_are_written_where_the_output_is_not_known_to_be_zero(void **state)
{
	auto_place struct place p = place_make();
	auto_fd int fd = create(&p, "a.tar");
	auto_free char *dirt = mem_alloc(MIB), *out = NULL;
	auto_pack_result struct pack_result r = {0};
	struct err e = {0};

	(void)state;
	memset(dirt, 0xaa, MIB);
	for (uint64_t at = 0; at < 4 * MIB; at += MIB)
		expect_sys(fd_pwrite_all(fd, dirt, MIB, at));
	make_sparse(p.src_fd, "sparse", 3 * MIB);
	expect_ok(pack_tree(p.src_fd, "src", fd, &(struct pack_options){0}, &r, &e), &e);
	out = unpack(&p, "a.tar", false);
	treemake_expect_same(p.src, out);
}

static void test_files_over_8_gib_are_packed(void **state)
{
	auto_place struct place p = place_make();
	auto_fd int fd = create(&p, "a.tar");
	auto_pack_result struct pack_result r = {0};
	const uint64_t size = 9 * GIB + 5, data = 3 * TAR_BLOCK; /* behind header, record, header */
	char header[TAR_HEADER_MAX] = {0}, text[8] = {0};
	struct tar_entry t;
	struct err e = {0};
	auto_tar_reader struct tar_reader reader;
	size_t len;
	struct stat st;

	(void)state;
	make_sparse(p.src_fd, "huge", (off_t)size);
	expect_ok(pack_tree(p.src_fd, "src", fd, &sparse_output, &r, &e), &e);
	assert_int_equal(r.bytes, data + size + tar_padding(size) + TAR_END_BYTES);
	expect_sys(fstat(fd, &st));
	assert_int_equal(st.st_size, r.bytes);
	assert_true(st.st_blocks < 1000);
	expect_sys(fd_pread_full(fd, header, sizeof(header), 0));
	tar_reader_init(&reader, &(struct tar_rules){0}, r.bytes);
	assert_int_equal(tar_next(&reader, header, sizeof(header), &t, &len, &e), 1);
	assert_int_equal(len, data);
	assert_int_equal(t.size, size);
	expect_sys(fd_pread_full(fd, text, 6, data + size / 2 - 3));
	assert_string_equal(text, "middle");
}

static void test_an_archive_may_be_as_large_as_allowed_and_not_larger(void **state)
{
	auto_place struct place p = place_make();
	struct pack_options o = {.max_bytes = TAR_BLOCK + 1024 + TAR_END_BYTES};

	(void)state;
	treemake_file(p.src_fd, "exact", 0644, 1000);
	treemake_time(p.src_fd, "exact", 1, 0);
	pack_quietly(&p, "a.tar", &o);
	o.max_bytes--;
	expect_pack_refused(&p, &o,
		"the archive would be larger than 2.5 KiB (2559 bytes): no room for src/exact "
		"(1000 "
		"B)");
	o.max_bytes++;
	treemake_file(p.src_fd, "f", 0644, 0);
	expect_pack_refused(&p, &o,
		"the archive would be larger than 2.5 KiB (2560 bytes): no room for src/f (0 B)");
}

static void test_too_large_has_a_reason(void **state)
{
	auto_place struct place p = place_make();
	auto_fd int fd = create(&p, "a.tar");
	struct pack_options o = {.max_bytes = TAR_BLOCK};
	struct pack_result r;
	struct err e = {0};

	(void)state;
	assert_int_equal(pack_tree(p.src_fd, "src", fd, &o, &r, &e), -1);
	assert_string_equal(e.reason, PACK_TOO_LARGE);
	assert_int_equal(e.kind, ERR_INPUT);
}

/* ---- trees that change, and interruption ------------------------------------------------- */

struct meddling {
	int dir;
	const char *name;
	off_t size;     /* the file is cut or grown to it at the first tick; -1: removed */
	mode_t becomes; /* a fifo, or a symbolic link to "/"; 0: neither */
	bool done;
};

static int meddle(void *arg, uint64_t entries, uint64_t bytes, struct err *e)
{
	struct meddling *m = arg;

	(void)entries;
	(void)bytes;
	(void)e;
	if (m->done)
		return 0;
	m->done = true;
	if (m->size < 0) {
		expect_sys(renameat(m->dir, m->name, m->dir, "../elsewhere"));
		if (m->becomes == S_IFIFO)
			expect_sys(mkfifoat(m->dir, m->name, 0600));
		if (m->becomes == S_IFLNK)
			expect_sys(symlinkat("/", m->dir, m->name));
	} else {
		auto_fd int fd = openat(m->dir, m->name, O_WRONLY | O_CLOEXEC);

		expect_sys(ftruncate(fd, m->size));
	}
	return 0;
}

static void test_a_file_that_shrinks_is_filled_with_zeros(void **state)
{
	auto_place struct place p = place_make();
	struct meddling m = {.dir = p.src_fd, .name = "log", .size = 2 * MIB + 10};
	struct pack_options o = {.tick = meddle, .tick_arg = &m};
	auto_pack_result struct pack_result r = {0};
	auto_free char *out = NULL;

	(void)state;
	treemake_file(p.src_fd, "log", 0644, 5 * MIB);
	treemake_file(p.src_fd, "next", 0644, 5);
	r = pack(&p, "a.tar", &o);
	assert_int_equal(r.warning_count, 1);
	expect_warning(&r, 0,
		"src/log: shrank while it was packed: zeros stand for 3145718 of its 5242880 "
		"bytes");
	/* Growing it again fills it with zeros too. */
	m = (struct meddling){.dir = p.src_fd, .name = "log", .size = 5 * MIB};
	assert_int_equal(meddle(&m, 0, 0, NULL), 0);
	out = unpack(&p, "a.tar", true);
	treemake_time(p.src_fd, "log", 1, 0);
	{
		auto_fd int fd = treemake_open(out);

		treemake_time(fd, "log", 1, 0);
	}
	treemake_expect_same(p.src, out);
}

static void test_a_file_that_grows_is_cut_at_the_size_it_had(void **state)
{
	auto_place struct place p = place_make();
	struct meddling m = {.dir = p.src_fd, .name = "log", .size = 6 * MIB};
	struct pack_options o = {.tick = meddle, .tick_arg = &m};
	auto_free char *out = NULL, *file = NULL;
	struct stat st;

	(void)state;
	treemake_file(p.src_fd, "log", 0644, 5 * MIB);
	pack_quietly(&p, "a.tar", &o);
	out = unpack(&p, "a.tar", true);
	file = path_join(out, "log");
	expect_sys(stat(file, &st));
	assert_int_equal(st.st_size, 5 * MIB);
}

static void test_a_file_that_vanishes_is_left_out_with_a_warning(void **state)
{
	auto_place struct place p = place_make();
	struct meddling m = {.dir = p.src_fd, .name = "z", .size = -1};
	struct pack_options o = {.tick = meddle, .tick_arg = &m};
	auto_pack_result struct pack_result r = {0};

	(void)state;
	treemake_file(p.src_fd, "big", 0644, 2 * MIB);
	treemake_file(p.src_fd, "z", 0644, 1);
	r = pack(&p, "a.tar", &o);
	assert_int_equal(r.entries, 1);
	expect_warning(&r, 0, "src/z: left out: it vanished while the tree was packed");
}

static void expect_change_refused(mode_t was, mode_t becomes)
{
	auto_place struct place p = place_make();
	struct meddling m = {.dir = p.src_fd, .name = "z", .size = -1, .becomes = becomes};
	struct pack_options o = {.tick = meddle, .tick_arg = &m};

	treemake_file(p.src_fd, "big", 0644, 2 * MIB);
	if (was == S_IFREG)
		treemake_file(p.src_fd, "z", 0644, 1);
	else
		fd_close(treemake_dir(p.src_fd, "z", 0755));
	expect_pack_refused(&p, &o, "src/z: its type changed while it was packed: try again");
}

static void test_what_changes_its_kind_is_not_followed(void **state)
{
	(void)state;
	expect_change_refused(S_IFREG, S_IFIFO);
	expect_change_refused(S_IFREG, S_IFLNK);
	expect_change_refused(S_IFDIR, S_IFIFO);
	expect_change_refused(S_IFDIR, S_IFLNK);
}

static int refuse_third(void *arg, uint64_t entries, uint64_t bytes, struct err *e)
{
	int *calls = arg;

	if (++*calls < 3)
		return 0;
	return err_set(e, ERR_INTERRUPTED, "stopped at %" PRIu64 " entries, %" PRIu64 " bytes",
		entries, bytes);
}

static void test_the_caller_is_asked_often_and_can_stop(void **state)
{
	auto_place struct place p = place_make();
	auto_fd int fd = create(&p, "a.tar");
	int calls = 0;
	struct pack_options o = {.tick = refuse_third, .tick_arg = &calls};
	struct pack_result r;
	struct err e = {0};

	(void)state;
	for (int i = 0; i < 1000; i++) {
		auto_free char *name = mem_printf("%04d", i);

		treemake_file(p.src_fd, name, 0644, 0);
		treemake_time(p.src_fd, name, 1, 0);
	}
	expect_err(pack_tree(p.src_fd, "src", fd, &o, &r, &e), &e, ERR_INTERRUPTED,
		"stopped at 768 entries, 393216 bytes");
}

/* ---- single members, and the output ------------------------------------------------------ */

static void test_members_from_memory_are_exactly_this(void **state)
{
	static const struct tar_entry entries[] = {
		TARMAKE(TAR_FILE, "ambient-execute-plan", "", 0755, 0, 0, 5, 0, 0),
		TARMAKE(TAR_DIR, "d", "", 0700, 0, 0, 0, 0, 0),
		TARMAKE(TAR_FILE, "d/plan.json", "", 0644, 0, 0, 700, 0, 0),
	};
	auto_place struct place p = place_make();
	auto_fd int fd = create(&p, "a.tar"), program = create(&p, "program");
	auto_free char *path = path_join(p.dir, "a.tar"), *text = mem_alloc(700);
	struct pack_options o = {.keep_owner = true};
	auto_packer struct packer *packer = pack_begin(fd, &o);
	auto_pack_result struct pack_result r = {0};
	auto_buf struct buf wanted, got;
	struct err e = {0};

	(void)state;
	memset(text, 'd', 700);
	expect_sys(fd_write_all(program, "ddddd", 5));
	expect_ok(pack_add_fd(packer, "ambient-execute-plan", 0755, program, &e), &e);
	expect_ok(pack_add_dir(packer, "d", 0700, &e), &e);
	expect_ok(pack_add_file(packer, "d/plan.json", 0644, text, 700, &e), &e);
	expect_ok(pack_end(packer, &r, &e), &e);
	assert_int_equal(r.entries, 3);
	buf_init(&wanted, MIB);
	buf_init(&got, MIB);
	for (size_t i = 0; i < ARRAY_SIZE(entries); i++)
		tarmake_add(&wanted, &entries[i]);
	tarmake_end(&wanted);
	expect_ok(fd_read_file(path, &got, &e), &e);
	assert_int_equal(got.len, wanted.len);
	assert_memory_equal(got.data, wanted.data, wanted.len);
	assert_int_equal(r.bytes, wanted.len);
}

static void test_owners_are_kept_on_request_only(void **state)
{
	auto_place struct place p = place_make();
	auto_fd int fd = create(&p, "a.tar");
	char header[TAR_BLOCK];
	struct pack_result r;
	struct err e = {0};
	struct stat st;
	char wanted[17];

	(void)state;
	treemake_file(p.src_fd, "f", 0644, 0);
	treemake_time(p.src_fd, "f", 1, 0);
	if (geteuid() == 0)
		expect_sys(fchownat(p.src_fd, "f", 12345, 54321, 0));
	expect_sys(fstatat(p.src_fd, "f", &st, 0));
	expect_ok(pack_tree(p.src_fd, "src", fd, &(struct pack_options){0}, &r, &e), &e);
	expect_sys(fd_pread_full(fd, header, TAR_BLOCK, 0));
	assert_memory_equal(header + TARMAKE_UID, "0000000\0000000000", 16);
	expect_ok(
		pack_tree(p.src_fd, "src", fd, &(struct pack_options){.keep_owner = true}, &r, &e),
		&e);
	expect_sys(fd_pread_full(fd, header, TAR_BLOCK, 0));
	(void)snprintf(wanted, sizeof(wanted), "%07o%c%07o", st.st_uid, '\0', st.st_gid);
	assert_memory_equal(header + TARMAKE_UID, wanted, 16);
}

static void test_an_output_that_cannot_be_written_is_the_hosts_fault(void **state)
{
	auto_place struct place p = place_make();
	auto_fd int fd = open("/dev/full", O_WRONLY | O_CLOEXEC);
	struct pack_result r;
	struct err e = {0};

	(void)state;
	expect_sys(fd);
	expect_err(pack_tree(p.src_fd, "src", fd, &(struct pack_options){0}, &r, &e), &e, ERR_HOST,
		"write the archive at byte 0, /dev/full: No space left on device");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_odd_trees_come_back_byte_for_byte),
		cmocka_unit_test(test_plain_trees_come_back_through_the_strict_reader),
		cmocka_unit_test(test_the_same_tree_gives_the_same_bytes),
		cmocka_unit_test(test_an_empty_tree_is_an_empty_archive),
		cmocka_unit_test(test_zeros_are_an_empty_archive_without_being_written),
		cmocka_unit_test(test_gnu_tar_extracts_the_same_tree),
		cmocka_unit_test(test_python_reads_the_same_tree),
		cmocka_unit_test(test_sockets_and_devices_are_left_out_with_a_warning),
		cmocka_unit_test(test_what_the_strict_reader_refuses_is_left_out_for_it),
		cmocka_unit_test(test_attributes_come_back_for_guests),
		cmocka_unit_test(test_attributes_that_cannot_be_kept_are_told),
		cmocka_unit_test(test_everything_is_packed_for_the_host),
		cmocka_unit_test(test_of_many_holes_the_largest_are_listed),
		cmocka_unit_test(test_warnings_beyond_the_kept_ones_are_counted),
		cmocka_unit_test(test_unreadable_files_are_named_with_the_remedy),
		cmocka_unit_test(test_directories_of_the_program_itself_are_left_out),
		cmocka_unit_test(test_grafts_replace_add_and_leave_out),
		cmocka_unit_test(test_grafted_files_have_their_bytes_and_time),
		cmocka_unit_test(test_trees_that_are_too_deep_are_refused),
		cmocka_unit_test(test_too_many_names_or_links_are_refused),
		cmocka_unit_test(test_paths_that_are_too_long_are_refused),
		cmocka_unit_test(test_times_beyond_the_format_are_moved_into_it),
		cmocka_unit_test(test_hard_links_point_to_the_first_name),
		cmocka_unit_test(test_thousands_of_linked_files_find_each_other),
		cmocka_unit_test(test_holes_stay_holes),
		cmocka_unit_test(test_holes_are_written_where_the_output_is_not_known_to_be_zero),
		cmocka_unit_test(test_files_over_8_gib_are_packed),
		cmocka_unit_test(test_an_archive_may_be_as_large_as_allowed_and_not_larger),
		cmocka_unit_test(test_too_large_has_a_reason),
		cmocka_unit_test(test_a_file_that_shrinks_is_filled_with_zeros),
		cmocka_unit_test(test_a_file_that_grows_is_cut_at_the_size_it_had),
		cmocka_unit_test(test_a_file_that_vanishes_is_left_out_with_a_warning),
		cmocka_unit_test(test_what_changes_its_kind_is_not_followed),
		cmocka_unit_test(test_the_caller_is_asked_often_and_can_stop),
		cmocka_unit_test(test_members_from_memory_are_exactly_this),
		cmocka_unit_test(test_owners_are_kept_on_request_only),
		cmocka_unit_test(test_an_output_that_cannot_be_written_is_the_hosts_fault),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
