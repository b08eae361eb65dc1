/* SPDX-License-Identifier: Apache-2.0 */
#include "tarmake.h"
#include "treemake.h"

#include <limits.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/xattr.h>

#include "data/pack.h"
#include "data/unpack.h"
#include "os/proc.h"

#define ARCHIVE_MAX (8 * MIB)

/* A private directory with "dest" in it, and a file beside that nothing may touch. */
struct place {
	char *dir;
	char *dest;
	int fd; /* of dest */
};

static void place_open(struct place *p)
{
	auto_free char *sentinel = NULL;

	p->dest = path_join(p->dir, "dest");
	expect_sys(mkdir(p->dest, 0755));
	p->fd = treemake_open(p->dest);
	sentinel = expect_file(p->dir, "outside", "untouched");
}

static struct place place_make(void)
{
	struct place p = {.dir = expect_dir()};

	expect_sys(chmod(p.dir, 0755)); /* some tests become another user */
	place_open(&p);
	return p;
}

/* Empty again, for the next archive. */
static void place_renew(struct place *p)
{
	struct err e = {0};

	fd_close(p->fd);
	expect_ok(path_remove_tree(p->dest, &e), &e);
	expect_sys(mkdir(p->dest, 0755));
	p->fd = treemake_open(p->dest);
}

static void place_remove(struct place *p)
{
	fd_close(p->fd);
	free(p->dest);
	expect_dir_remove(&p->dir);
}

#define auto_place __attribute__((cleanup(place_remove)))

static int archive_fd(const char *data, size_t len)
{
	struct err e = {0};
	int fd = fd_memory("archive", &e);

	expect_ok(fd, &e);
	expect_sys(fd_pwrite_all(fd, data, len, 0));
	return fd;
}

static int unpack(const struct place *p, const struct buf *b, const struct unpack_policy *policy,
	struct unpack_result *ret, struct err *e)
{
	auto_fd int fd = archive_fd(b->data, b->len);

	assert_false(b->overflow);
	return unpack_tree(fd, b->len, p->fd, policy, ret, e);
}

static const struct unpack_policy strict = {.rules.strict = true};
static const struct unpack_policy lenient = {0};

static void expect_unpacked(const struct place *p, const struct buf *b,
	const struct unpack_policy *policy, uint64_t entries)
{
	struct unpack_result r;
	struct err e = {0};

	expect_ok(unpack(p, b, policy, &r, &e), &e);
	assert_int_equal(r.entries, entries);
}

/* The archive of a tree that was made in dest; dest is empty afterwards. */
static void pack_dest(struct place *p, struct buf *b)
{
	auto_fd int fd = archive_fd("", 0);
	struct pack_result r = {0};
	struct err e = {0};

	expect_ok(pack_tree(p->fd, "dest", fd, &(struct pack_options){0}, &r, &e), &e);
	assert_int_equal(r.warning_count, 0);
	buf_init(b, ARCHIVE_MAX);
	assert_int_equal(fd_pread_full(fd, buf_room(b, r.bytes), r.bytes, 0), r.bytes);
	buf_grew(b, r.bytes);
	place_renew(p);
}

/* The tree is made in one directory and comes back in another. */
static void expect_tree_back(void (*make)(int dir), const struct unpack_policy *policy)
{
	auto_place struct place p = place_make(), other = place_make();
	auto_fd int fd = archive_fd("", 0);
	struct pack_result packed;
	struct unpack_result r;
	struct err e = {0};

	make(p.fd);
	expect_ok(pack_tree(p.fd, "dest", fd, &(struct pack_options){0}, &packed, &e), &e);
	expect_ok(unpack_tree(fd, packed.bytes, other.fd, policy, &r, &e), &e);
	assert_int_equal(r.entries, packed.entries);
	assert_int_equal(r.archive_bytes, packed.bytes);
	treemake_expect_same(p.dest, other.dest);
}

/* ---- what comes out ---------------------------------------------------------------------- */

static void test_trees_come_back_byte_for_byte(void **state)
{
	(void)state;
	expect_tree_back(treemake_plain, &strict);
	expect_tree_back(treemake_odd, &lenient);
}

static void make_one_of_everything(struct buf *b)
{
	static const struct tar_entry entries[] = {
		TARMAKE(TAR_DIR, "d", "", 0750, 0, 0, 0, 1000000000, 1),
		TARMAKE(TAR_FILE, "d/f", "", 0640, 0, 0, 1000, 1000000001, 2),
		TARMAKE(TAR_HARDLINK, "d/g", "d/f", 0640, 0, 0, 0, 1000000001, 2),
		TARMAKE(TAR_SYMLINK, "d/l", "f", 0777, 0, 0, 0, 1000000002, 3),
		TARMAKE(TAR_DIR, "e", "", 0555, 0, 0, 0, 1000000003, 0),
		TARMAKE(TAR_FILE, "e/f", "", 0, 0, 0, 0, 1000000004, 0),
	};

	buf_init(b, ARCHIVE_MAX);
	for (size_t i = 0; i < ARRAY_SIZE(entries); i++)
		tarmake_add(b, &entries[i]);
	tarmake_end(b);
}

static void test_counts_are_of_what_was_made(void **state)
{
	auto_place struct place p = place_make();
	auto_buf struct buf b;
	struct unpack_result r;
	struct err e = {0};

	(void)state;
	make_one_of_everything(&b);
	expect_ok(unpack(&p, &b, &strict, &r, &e), &e);
	assert_int_equal(r.entries, 6);
	assert_int_equal(r.files, 2);
	assert_int_equal(r.bytes, 1000);
	assert_int_equal(r.archive_bytes, b.len);
}

static void test_nothing_but_zeros_makes_nothing(void **state)
{
	static const char zeros[16 * TAR_BLOCK];
	auto_place struct place p = place_make();
	auto_fd int fd = archive_fd(zeros, sizeof(zeros));
	auto_free char *made = NULL;
	struct unpack_result r;
	struct err e = {0};

	(void)state;
	expect_ok(unpack_tree(fd, TAR_END_BYTES, p.fd, &strict, &r, &e), &e);
	assert_int_equal(r.archive_bytes, TAR_END_BYTES);
	expect_ok(unpack_tree(fd, sizeof(zeros), p.fd, &lenient, &r, &e), &e);
	assert_int_equal(r.archive_bytes, TAR_END_BYTES);
	assert_int_equal(r.entries, 0);
	made = treemake_describe(p.dest);
	assert_string_equal(made, "");
}

static void test_a_drive_may_be_larger_than_its_archive(void **state)
{
	auto_place struct place p = place_make();
	auto_buf struct buf b;
	size_t archive;
	struct unpack_result r;
	struct err e = {0};

	(void)state;
	make_one_of_everything(&b);
	archive = b.len;
	for (int i = 0; i < 5 * TAR_BLOCK; i++)
		buf_addc(&b, i % 2 ? 'x' : '\0');
	expect_ok(unpack(&p, &b, &lenient, &r, &e), &e);
	assert_int_equal(r.archive_bytes, archive);
	place_renew(&p);
	expect_err(unpack(&p, &b, &strict, &r, &e), &e, ERR_GUEST,
		"header at byte 8192: the end marker is followed by 2560 bytes");
}

static void test_the_umask_changes_nothing_and_is_kept(void **state)
{
	auto_place struct place p = place_make();
	auto_buf struct buf b;
	struct stat st;
	mode_t old = umask(0777);

	(void)state;
	make_one_of_everything(&b);
	expect_unpacked(&p, &b, &lenient, 6);
	assert_int_equal(umask(old), 0777);
	expect_sys(fstatat(p.fd, "d/f", &st, 0));
	assert_int_equal(st.st_mode, S_IFREG | 0640);
	expect_sys(fstatat(p.fd, "d", &st, 0));
	assert_int_equal(st.st_mode, S_IFDIR | 0750);
	assert_int_equal(st.st_mtim.tv_sec, 1000000000);
	assert_int_equal(st.st_mtim.tv_nsec, 1);
}

static void test_read_only_directories_are_filled_by_ordinary_users_too(void **state)
{
	auto_place struct place p = place_make();
	auto_buf struct buf b;
	struct unpack_result r;
	struct err e = {0};
	bool root = geteuid() == 0;

	(void)state;
	make_one_of_everything(&b);
	for (int i = 0; i < 2; i++) {
		int result;

		place_renew(&p);
		if (root) {
			expect_sys(fchown(p.fd, 65534, 65534));
			expect_sys(seteuid(65534));
		}
		result = unpack(&p, &b, i ? &strict : &lenient, &r, &e);
		if (root)
			expect_sys(seteuid(0));
		expect_ok(result, &e);
	}
}

static void test_owners_are_given_on_request_only(void **state)
{
	static const struct tar_entry entries[] = {
		TARMAKE(TAR_DIR, "d", "", 0755, 1234, 3000000, 0, 0, 0),
		TARMAKE(TAR_FILE, "d/f", "", 06755, 3000000, 1234, 0, 0, 0),
		TARMAKE(TAR_FIFO, "d/p", "", 02644, 5, 6, 0, 0, 0),
		TARMAKE(TAR_SYMLINK, "d/s", "f", 0777, 7, 8, 0, 0, 0),
	};
	auto_place struct place p = place_make();
	auto_buf struct buf b;
	struct stat st;

	(void)state;
	buf_init(&b, ARCHIVE_MAX);
	for (size_t i = 0; i < ARRAY_SIZE(entries); i++)
		tarmake_add(&b, &entries[i]);
	tarmake_end(&b);
	expect_unpacked(&p, &b, &lenient, 4);
	for (size_t i = 0; i < ARRAY_SIZE(entries); i++) {
		expect_sys(fstatat(p.fd, entries[i].path, &st, AT_SYMLINK_NOFOLLOW));
		assert_int_equal(st.st_uid, geteuid());
		assert_int_equal(st.st_mode & 07777, entries[i].mode);
	}
	if (geteuid() != 0) {
		print_message("with owners: not run, only root can give files away\n");
		return;
	}
	place_renew(&p);
	expect_unpacked(&p, &b, &(struct unpack_policy){.keep_owner = true}, 4);
	for (size_t i = 0; i < ARRAY_SIZE(entries); i++) {
		expect_sys(fstatat(p.fd, entries[i].path, &st, AT_SYMLINK_NOFOLLOW));
		assert_int_equal(st.st_uid, entries[i].uid);
		assert_int_equal(st.st_gid, entries[i].gid);
		assert_int_equal(st.st_mode & 07777, entries[i].mode);
	}
}

static void add_file(struct buf *b, const char *path, const char *data, size_t len)
{
	struct tar_entry t = {
		.type = TAR_FILE, .path = path, .link = "", .mode = 0644, .size = len};

	buf_grew(b, tar_encode(&t, buf_room(b, TAR_HEADER_MAX)));
	buf_add(b, data, len);
	while (b->len % TAR_BLOCK)
		buf_addc(b, '\0');
}

static void test_zeros_become_holes_and_nothing_else_does(void **state)
{
	enum { SIZE = 3 << 20 };
	auto_place struct place p = place_make();
	auto_free char *data = mem_alloc(SIZE), *got = mem_alloc(SIZE);
	auto_fd int fd = -1;
	auto_buf struct buf b;
	struct stat st;

	(void)state;
	/* Data at the edges of blocks of 4096 bytes and of the reader's window. */
	data[0] = data[4095] = data[3 * 4096] = data[MIB - 513] = data[MIB - 1] = data[MIB] = 1;
	data[2 * MIB + 5000] = 1;
	buf_init(&b, ARCHIVE_MAX);
	for (int i = 0; i < 2; i++) {
		add_file(&b, i ? "b" : "a", data, SIZE - 100); /* its end is a hole */
	}
	tarmake_end(&b);
	expect_unpacked(&p, &b, &strict, 2);
	for (int i = 0; i < 2; i++) {
		fd_close(fd);
		fd = openat(p.fd, i ? "b" : "a", O_RDONLY | O_CLOEXEC);
		expect_sys(fd);
		expect_sys(fstat(fd, &st));
		assert_int_equal(st.st_size, SIZE - 100);
		assert_true(st.st_blocks < 200);
		assert_int_equal(fd_read_full(fd, got, SIZE), SIZE - 100);
		assert_memory_equal(got, data, SIZE - 100);
	}
}

static void test_names_that_differ_in_case_or_composition_are_different(void **state)
{
	static const char *const names[] = {"A", "a", "e\xcc\x81", "\xc3\xa9"};
	auto_place struct place p = place_make();
	auto_buf struct buf b;

	(void)state;
	buf_init(&b, ARCHIVE_MAX);
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		add_file(&b, names[i], names[i], strlen(names[i]));
	tarmake_end(&b);
	expect_unpacked(&p, &b, &strict, ARRAY_SIZE(names));
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		auto_fd int fd = openat(p.fd, names[i], O_RDONLY | O_CLOEXEC);
		char text[8] = {0};

		assert_int_equal(fd_read_full(fd, text, sizeof(text)), strlen(names[i]));
		assert_string_equal(text, names[i]);
	}
}

/* What a guest of version 8b0e88c packed as its cache is read by this and each later version. */
static void test_caches_of_earlier_versions_are_read(void **state)
{
	static const char was[] = "/d 40755 1700000000.500000000 \n";
	auto_place struct place p = place_make();
	auto_fd int fd = open("tests/fuzz/corpus/tar/cache-of-8b0e88c", O_RDONLY | O_CLOEXEC);
	auto_free char *made = NULL;
	struct unpack_result r;
	struct err e = {0};
	struct stat st;
	char text[16] = "";

	(void)state;
	expect_sys(fd);
	expect_sys(fstat(fd, &st));
	expect_ok(unpack_tree(fd, (uint64_t)st.st_size, p.fd, &lenient, &r, &e), &e);
	assert_int_equal(r.entries, 10);
	assert_int_equal(r.archive_bytes, st.st_size);
	made = treemake_describe(p.dest);
	assert_memory_equal(made, was, sizeof(was) - 1);
	assert_non_null(strstr(made, "/f 104755 1700000000.500000000 links 2 size 5 "));
	assert_non_null(strstr(made, "/fifo 10644 1700000000.500000000 \n"));
	assert_non_null(strstr(made, "/l 120777 1700000000.500000000 /etc/passwd\n"));
	assert_non_null(strstr(made, "/sticky 41777 "));
	assert_non_null(strstr(made,
		"/\xff"
		"name 100644 "));
	fd_close(fd_steal(&fd));
	fd = openat(p.fd, "h", O_RDONLY | O_CLOEXEC);
	assert_int_equal(fd_read_full(fd, text, sizeof(text)), 5);
	assert_string_equal(text, "kept\n");
}

/* ---- hostile archives -------------------------------------------------------------------- */

struct hostile {
	struct tar_entry entries[4]; /* up to one without a path */
	const char *message;
};

#define FILE_AT(p)                                                                                 \
	{                                                                                          \
		.type = TAR_FILE, .path = (p), .mode = 0644, .size = 3                             \
	}
#define DIR_AT(p)                                                                                  \
	{                                                                                          \
		.type = TAR_DIR, .path = (p), .mode = 0755                                         \
	}
#define SYMLINK_AT(p, to)                                                                          \
	{                                                                                          \
		.type = TAR_SYMLINK, .path = (p), .link = (to), .mode = 0777                       \
	}
#define HARDLINK_AT(p, to)                                                                         \
	{                                                                                          \
		.type = TAR_HARDLINK, .path = (p), .link = (to), .mode = 0644                      \
	}

/* Each is refused with its message, and there is nothing new beside dest. */
static void expect_hostile_refused(
	const struct hostile *cases, size_t count, const struct unpack_policy *policy)
{
	auto_place struct place p = place_make();

	for (size_t i = 0; i < count; i++) {
		auto_free char *outside = path_join(p.dir, "outside");
		auto_buf struct buf b, text;
		struct unpack_result r;
		struct err e = {0};
		auto_free char *made = NULL;

		buf_init(&b, ARCHIVE_MAX);
		for (size_t j = 0; j < 4 && cases[i].entries[j].path; j++)
			tarmake_add(&b, &cases[i].entries[j]);
		tarmake_end(&b);
		expect_err(unpack(&p, &b, policy, &r, &e), &e, ERR_GUEST, cases[i].message);
		place_renew(&p);
		made = treemake_describe(p.dir);
		assert_non_null(strstr(made, "/dest "));
		assert_null(strchr(strchr(strchr(made, '\n') + 1, '\n') + 1, '\n'));
		buf_init(&text, 100);
		expect_ok(fd_read_file(outside, &text, &e), &e);
		assert_string_equal(text.data, "untouched");
	}
}

static void test_nothing_is_made_outside(void **state)
{
	static const struct hostile cases[] = {
		{{FILE_AT("../new")},
			"entry '../new' (header at byte 0): its path has a component '..'"},
		{{FILE_AT("../outside")},
			"entry '../outside' (header at byte 0): its path has a component '..'"},
		{{DIR_AT("a"), FILE_AT("a/../../new")},
			"entry 'a/../../new' (header at byte 512): its path has a component '..'"},
		{{FILE_AT("/tmp/ambient-must-not-exist")},
			"entry '/tmp/ambient-must-not-exist' (header at byte 0): its path is "
			"absolute"},
		{{SYMLINK_AT("up", ".."), FILE_AT("up/new")},
			"entry 'up/new' (header at byte 512): its directory is a symbolic link"},
		{{SYMLINK_AT("up", "../outside"), FILE_AT("up")},
			"entry 'up' (header at byte 512): it comes twice"},
		{{SYMLINK_AT("up", ".."), DIR_AT("up")},
			"entry 'up' (header at byte 512): it comes twice"},
		{{HARDLINK_AT("x", "../outside")},
			"entry 'x' (header at byte 0): the path it is linked to, '../outside' has "
			"a "
			"component '..'"},
		{{SYMLINK_AT("a", "../outside"), HARDLINK_AT("x", "a")},
			"entry 'x' (header at byte 512): it is linked to 'a', which is no file of "
			"the "
			"archive"},
		{{SYMLINK_AT("a", ".."), HARDLINK_AT("x", "a/outside")},
			"entry 'x' (header at byte 512): it is linked to 'a/outside', which is no "
			"file "
			"of the archive"},
		{{DIR_AT("a"), HARDLINK_AT("x", "a")},
			"entry 'x' (header at byte 512): it is linked to 'a', which is no file of "
			"the "
			"archive"},
		{{HARDLINK_AT("x", "a")},
			"entry 'x' (header at byte 0): it is linked to 'a', which is no file of "
			"the "
			"archive"},
		{{FILE_AT("a"), HARDLINK_AT("x", "a/b/c")},
			"entry 'x' (header at byte 1024): it is linked to 'a/b/c', which is no "
			"file of "
			"the archive"},
	};

	(void)state;
	expect_hostile_refused(cases, ARRAY_SIZE(cases), &lenient);
}

static void test_the_strict_reader_makes_no_link_that_leads_out(void **state)
{
	static const struct hostile cases[] = {
		{{SYMLINK_AT("up", "..")},
			"entry 'up' (header at byte 0): it is a symbolic link to '..' which leads "
			"out "
			"of the tree"},
		{{SYMLINK_AT("up", "/")},
			"entry 'up' (header at byte 0): it is a symbolic link to '/' which leads "
			"out "
			"of the tree"},
		{{FILE_AT("a"), {.type = TAR_FIFO, .path = "p", .mode = 0644}},
			"entry 'p' (header at byte 1024): it is a fifo"},
		{{FILE_AT("a"), {.type = TAR_FILE, .path = "s", .mode = 04755}},
			"entry 's' (header at byte 1024): its mode 4755 has set-id or sticky bits"},
	};

	(void)state;
	expect_hostile_refused(cases, ARRAY_SIZE(cases), &strict);
}

/* ---- who may read and change it ---------------------------------------------------------- */

static void test_plain_modes_are_less_the_mask(void **state)
{
	static const struct {
		struct tar_entry entry;
		mode_t wide, narrow;
	} cases[] = {
		{TARMAKE(TAR_DIR, "d", "", 0, 0, 0, 0, 0, 0), 0755, 0750},
		{TARMAKE(TAR_FILE, "d/closed", "", 0, 0, 0, 3, 0, 0), 0644, 0640},
		{TARMAKE(TAR_FILE, "d/open", "", 0666, 0, 0, 3, 0, 0), 0644, 0640},
		{TARMAKE(TAR_FILE, "d/others-run-it", "", 0677, 0, 0, 3, 0, 0), 0644, 0640},
		{TARMAKE(TAR_FILE, "d/run", "", 0777, 0, 0, 3, 0, 0), 0755, 0750},
		{TARMAKE(TAR_DIR, "o", "", 0777, 0, 0, 0, 0, 0), 0755, 0750},
	};
	auto_buf struct buf b;

	(void)state;
	buf_init(&b, ARCHIVE_MAX);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		tarmake_add(&b, &cases[i].entry);
	tarmake_end(&b);
	for (int narrow = 0; narrow < 2; narrow++) {
		auto_place struct place p = place_make();
		const struct unpack_policy plain = {
			.rules.strict = true, .plain_modes = true, .mask = narrow ? 027 : 0};
		struct unpack_result r;
		struct err e = {0};
		struct stat st;

		expect_ok(unpack(&p, &b, &plain, &r, &e), &e);
		for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
			expect_sys(fstatat(p.fd, cases[i].entry.path, &st, 0));
			assert_int_equal(
				st.st_mode & 07777, narrow ? cases[i].narrow : cases[i].wide);
		}
	}
}

/* ---- what the host does not make --------------------------------------------------------- */

static const struct unpack_policy host = {
	.rules = {.strict = true, .specials = true}, .root = "/ci/artifacts"};

static void test_what_the_host_does_not_make_is_counted(void **state)
{
	static const struct tar_xattr x[] = {{"user.a", "v", 1}};
	static const struct tar_entry entries[] = {
		{.type = TAR_BLOCK_DEVICE, .path = "a", .major = 8},
		{.type = TAR_CHAR_DEVICE, .path = "b", .major = 1, .minor = 3},
		{.type = TAR_FIFO, .path = "c", .mode = 04777},
		{.type = TAR_SOCKET, .path = "d", .mode = 0777},
		SYMLINK_AT("e", "/etc/passwd"),
		SYMLINK_AT("f", "../x"),
		{.type = TAR_FILE, .path = "g", .mode = 06755, .size = 3},
		{.type = TAR_DIR, .path = "h", .mode = 01777, .xattrs = x, .xattr_count = 1},
		SYMLINK_AT("h/up", "../g"),
		{.type = TAR_FILE, .path = "i", .mode = 0600, .xattrs = x, .xattr_count = 1},
		HARDLINK_AT("j", "g"),
	};
	auto_place struct place p = place_make();
	auto_free char *made = NULL;
	struct unpack_result r;
	struct err e = {0};
	auto_buf struct buf b;
	struct stat st;

	(void)state;
	buf_init(&b, ARCHIVE_MAX);
	for (size_t i = 0; i < ARRAY_SIZE(entries); i++)
		tarmake_add(&b, &entries[i]);
	tarmake_end(&b);
	expect_ok(unpack(&p, &b, &host, &r, &e), &e);
	assert_int_equal(r.entries, ARRAY_SIZE(entries));
	assert_int_equal(r.withheld.devices, 2);
	assert_int_equal(r.withheld.fifos, 1);
	assert_int_equal(r.withheld.sockets, 1);
	assert_int_equal(r.withheld.links, 2);
	assert_int_equal(r.withheld.set_id, 2);
	assert_int_equal(r.withheld.xattrs, 2);
	assert_int_equal(r.lost_xattrs, 0);
	for (const char *name = "abcdef"; *name; name++)
		assert_int_equal(fstatat(p.fd, (char[]){*name, 0}, &st, AT_SYMLINK_NOFOLLOW), -1);
	expect_sys(fstatat(p.fd, "g", &st, 0));
	assert_int_equal(st.st_mode, S_IFREG | 0755);
	assert_int_equal(st.st_nlink, 2);
	expect_sys(fstatat(p.fd, "h", &st, 0));
	assert_int_equal(st.st_mode, S_IFDIR | 0777);
	made = path_join(p.dest, "i");
	assert_int_equal(lgetxattr(made, "user.a", NULL, 0), -1);
}

static void test_links_to_where_the_tree_was_become_relative(void **state)
{
	static const struct {
		const char *target, *becomes; /* of the link d/e/l; NULL: it is not made */
	} cases[] = {
		{"/ci/artifacts/d/e/f", "f"},
		{"/ci/artifacts/d/f", "../f"},
		{"/ci/artifacts/x/y", "../../x/y"},
		{"/ci/artifacts//x", "../../x"},
		{"/ci/artifacts/d/ee/f", "../ee/f"},
		{"/ci/artifacts", "../../"},
		{"/ci/artifacts/", "../../"},
		{"/ci/artifacts/d/e", "../e"},
		{"/ci/artifacts/d/e/", "."},
		{"/ci/artifacts/d/e/l", "l"},
		{"/ci/artifacts/../src/x", NULL},
		{"/ci/artifacts/a/../../src/x", NULL},
		{"/ci/artifacts/d/e/../../../x", NULL},
		{"/ci/artifacts2/x", NULL},
		{"/ci/artifact", NULL},
		{"/ci/./artifacts/x", NULL},
		{"/", NULL},
	};
	auto_place struct place p = place_make();

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct tar_entry l = SYMLINK_AT("d/e/l", cases[i].target);
		char text[PATH_MAX] = "";
		struct unpack_result r;
		struct err e = {0};
		auto_buf struct buf b;
		ssize_t n;

		buf_init(&b, ARCHIVE_MAX);
		tarmake_add(&b, &(struct tar_entry)DIR_AT("d"));
		tarmake_add(&b, &(struct tar_entry)DIR_AT("d/e"));
		tarmake_add(&b, &l);
		tarmake_end(&b);
		expect_ok(unpack(&p, &b, &host, &r, &e), &e);
		n = readlinkat(p.fd, "d/e/l", text, sizeof(text) - 1);
		assert_int_equal(r.withheld.links, cases[i].becomes ? 0 : 1);
		assert_int_equal(n < 0, !cases[i].becomes);
		assert_string_equal(text, cases[i].becomes ? cases[i].becomes : "");
		place_renew(&p);
	}
}

static void test_a_relative_text_that_no_kernel_takes_is_withheld(void **state)
{
	static const char *const dirs[] = {"a", "a/b", "a/b/c", "a/b/c/d", "a/b/c/d/e"};
	auto_place struct place p = place_make();

	(void)state;
	for (size_t len = 4080; len <= 4081; len++) {
		auto_free char *target = mem_printf("/ci/artifacts/%0*d", (int)len, 0);
		struct tar_entry l = SYMLINK_AT("a/b/c/d/e/l", target);
		struct unpack_result r;
		struct err e = {0};
		auto_buf struct buf b;

		buf_init(&b, ARCHIVE_MAX);
		for (size_t i = 0; i < ARRAY_SIZE(dirs); i++)
			tarmake_add(&b, &(struct tar_entry)DIR_AT(dirs[i]));
		tarmake_add(&b, &l);
		tarmake_end(&b);
		expect_ok(unpack(&p, &b, &host, &r, &e), &e);
		assert_int_equal(r.withheld.links, len - 4080);
		place_renew(&p);
	}
}

/* The header says where the zeros are; what stands there in the archive is never looked at. */
static void test_listed_holes_are_not_read(void **state)
{
	static const struct tar_hole holes[] = {{4096, 8192}, {20480, 40960}};
	enum { SIZE = 61441 };
	const struct tar_entry t = {.type = TAR_FILE,
		.path = "f",
		.mode = 0644,
		.size = SIZE,
		.holes = holes,
		.hole_count = 2};
	auto_place struct place p = place_make();
	auto_free char *got = mem_alloc(SIZE), *want = mem_alloc(SIZE);
	auto_fd int fd = -1;
	auto_buf struct buf b;

	(void)state;
	buf_init(&b, ARCHIVE_MAX);
	tarmake_add(&b, &t);
	tarmake_end(&b);
	expect_unpacked(&p, &b, &lenient, 1);
	memset(want, 'd', SIZE);
	for (size_t i = 0; i < ARRAY_SIZE(holes); i++)
		memset(want + holes[i].start, 0, holes[i].len);
	fd = openat(p.fd, "f", O_RDONLY | O_CLOEXEC);
	assert_int_equal(fd_read_full(fd, got, SIZE), SIZE);
	assert_memory_equal(got, want, SIZE);
}

/* A terabyte of zeros: nobody waits for them to be read. */
static void test_holes_of_the_archive_cost_nothing(void **state)
{
	const uint64_t size = (uint64_t)1 << 40;
	const struct tar_entry t = {
		.type = TAR_FILE, .path = "f", .link = "", .mode = 0644, .size = size};
	auto_place struct place p = place_make();
	auto_free char *header = mem_alloc(TAR_HEADER_MAX);
	auto_fd int fd = archive_fd("", 0);
	size_t len = tar_encode(&t, header);
	struct unpack_result r;
	struct err e = {0};
	struct stat st;
	char got[4] = "";

	(void)state;
	expect_sys(fd_pwrite_all(fd, header, len, 0));
	expect_sys(fd_pwrite_all(fd, "mid", 3, len + size / 2 - 1));
	expect_sys(ftruncate(fd, (off_t)(len + size + TAR_END_BYTES)));
	expect_ok(unpack_tree(fd, len + size + TAR_END_BYTES, p.fd, &strict, &r, &e), &e);
	fd_close(fd_steal(&fd));
	fd = openat(p.fd, "f", O_RDONLY | O_CLOEXEC);
	expect_sys(fstat(fd, &st));
	assert_true((uint64_t)st.st_size == size);
	assert_true(st.st_blocks < 1000);
	assert_int_equal(fd_pread_full(fd, got, 3, size / 2 - 1), 3);
	assert_string_equal(got, "mid");
}

/* A drive may be shorter than it should be: what is behind its end is no hole. */
static void test_an_archive_that_ends_in_a_hole_is_cut_short(void **state)
{
	const struct tar_entry t = {
		.type = TAR_FILE, .path = "f", .link = "", .mode = 0644, .size = 64 * MIB};
	auto_place struct place p = place_make();
	auto_free char *header = mem_alloc(TAR_HEADER_MAX);
	auto_fd int fd = archive_fd("", 0);
	size_t len = tar_encode(&t, header);
	struct unpack_result r;
	struct err e = {0};

	(void)state;
	expect_sys(fd_pwrite_all(fd, header, len, 0));
	assert_int_equal(
		unpack_tree(fd, len + 64 * MIB + TAR_END_BYTES, p.fd, &strict, &r, &e), -1);
	assert_int_equal(e.kind, ERR_GUEST);
	assert_non_null(strstr(e.msg, "the archive is truncated"));
}

/* A change of the owner, or of the contents, takes a file's capabilities away. */
static void test_capabilities_outlive_the_change_of_the_owner(void **state)
{
	/* VFS_CAP_REVISION_2, cap_net_raw permitted and effective (capabilities(7)). */
	static const char net_raw[] = "\1\0\0\2\0\x20\0\0\0\0\0\0\0\0\0\0\0\0\0";
	static const struct tar_xattr x = {"security.capability", net_raw, sizeof(net_raw)};
	const struct tar_entry t = {.type = TAR_FILE,
		.path = "f",
		.mode = 0755,
		.uid = 1234,
		.size = 3,
		.xattrs = &x,
		.xattr_count = 1};
	auto_place struct place p = place_make();
	auto_free char *path = path_join(p.dest, "f");
	char got[64];
	struct unpack_result r;
	struct err e = {0};
	auto_buf struct buf b = {0};

	(void)state;
	if (geteuid() != 0) {
		print_message("not run: only root gives files away\n");
		return;
	}
	buf_init(&b, ARCHIVE_MAX);
	tarmake_add(&b, &t);
	tarmake_end(&b);
	expect_ok(unpack(&p, &b, &(struct unpack_policy){.keep_owner = true}, &r, &e), &e);
	assert_int_equal(r.lost_xattrs, 0);
	assert_int_equal(getxattr(path, x.name, got, sizeof(got)), sizeof(net_raw));
	assert_memory_equal(got, net_raw, sizeof(net_raw));
}

/* A file system that takes no attributes, or not this one, is no reason to have no file. */
static void test_attributes_that_are_not_taken_are_told(void **state)
{
	static const struct tar_xattr x = {"security.capability", "no capability", 13};
	const struct tar_entry t = {
		.type = TAR_FILE, .path = "f", .mode = 0644, .xattrs = &x, .xattr_count = 1};
	auto_place struct place p = place_make();
	auto_buf struct buf b;
	struct unpack_result r;
	struct err e = {0};

	(void)state;
	buf_init(&b, ARCHIVE_MAX);
	tarmake_add(&b, &t);
	tarmake_end(&b);
	expect_ok(unpack(&p, &b, &lenient, &r, &e), &e);
	assert_int_equal(r.lost_xattrs, 1);
	assert_memory_equal(r.lost, "f: security.capability: ", 24);
}

static void test_too_many_entries_are_refused_before_they_are_made(void **state)
{
	static const struct hostile cases[] = {
		{{FILE_AT("a"), FILE_AT("b"), FILE_AT("c")},
			"entry 'c' (header at byte 2048): there are more than 2 entries"},
	};
	const struct unpack_policy policy = {.rules = {.strict = true, .max_entries = 2}};

	(void)state;
	expect_hostile_refused(cases, 1, &policy);
}

/* Three archives of three blocks each, which become more than that. */
static void test_what_an_archive_takes_on_the_disk_is_limited(void **state)
{
	static const struct hostile cases[] = {
		{{FILE_AT("a"), FILE_AT("b"), FILE_AT("c")},
			"entry 'c' (header at byte 2048): what the archive becomes takes more than "
			"13055 bytes of the disk, in whole blocks of 4096 and 256 for each name; "
			"artifacts_max_size is the limit"},
	};
	const struct unpack_policy policy = {
		.rules = {.strict = true}, .max_disk = 3 * (UNPACK_NAME_BYTES + UNPACK_BLOCK) - 1};

	(void)state;
	expect_hostile_refused(cases, 1, &policy);
}

static void test_archives_of_other_programs_are_refused(void **state)
{
	static const char *const formats[] = {"gnu", "posix", "ustar"};
	auto_place struct place p = place_make();
	auto_free char *tar = path_join(p.dir, "a.tar");
	struct unpack_result r;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(formats); i++) {
		auto_strv struct strv argv = {0};
		auto_buf struct buf b;
		struct err e = {0};

		strv_push(&argv, "tar");
		strv_pushf(&argv, "--format=%s", formats[i]);
		strv_push(&argv, "-cf");
		strv_push(&argv, tar);
		strv_push(&argv, "-C");
		strv_push(&argv, p.dir);
		strv_push(&argv, "outside");
		expect_ok(proc_run_ok(&argv, EXPECT_PATIENCE_MS, &e), &e);
		buf_init(&b, ARCHIVE_MAX);
		expect_ok(fd_read_file(tar, &b, &e), &e);
		assert_int_equal(unpack(&p, &b, &lenient, &r, &e), -1);
		assert_int_equal(e.kind, ERR_GUEST);
		assert_true(strstr(e.msg, "not a header of the ustar format") ||
			strstr(e.msg, "is not supported") ||
			strstr(e.msg, "of its header is not as we write it"));
	}
}

/* ---- damaged archives -------------------------------------------------------------------- */

static void test_a_cut_at_any_block_is_noticed(void **state)
{
	auto_place struct place p = place_make();
	auto_buf struct buf b;

	(void)state;
	treemake_file(p.fd, "a", 0644, 3000);
	treemake_file(p.fd, treemake_long_name('b'), 0644, 100);
	treemake_deep(p.fd, 600);
	pack_dest(&p, &b);
	assert_true(b.len / TAR_BLOCK > 20);
	for (size_t len = 0; len < b.len; len += TAR_BLOCK) {
		for (int i = 0; i < 2; i++) {
			auto_fd int fd = archive_fd(b.data, len);
			struct unpack_result r;
			struct err e = {0};
			/* The length says so; or it promises more than there is. */
			uint64_t said = i ? b.len : len;

			assert_int_equal(unpack_tree(fd, said, p.fd, &strict, &r, &e), -1);
			assert_int_equal(e.kind, ERR_GUEST);
			if (!strstr(e.msg, "the archive is truncated"))
				fail_msg("cut to %zu of %" PRIu64 ": %s", len, said, e.msg);
			place_renew(&p);
		}
	}
}

static void test_a_cut_that_is_filled_with_zeros_is_noticed_when_strict(void **state)
{
	auto_place struct place p = place_make();
	auto_buf struct buf b;

	(void)state;
	make_one_of_everything(&b);
	for (size_t len = 0; len + TAR_END_BYTES < b.len; len += TAR_BLOCK) {
		auto_buf struct buf cut;
		struct unpack_result r;
		struct err e = {0};

		buf_init(&cut, ARCHIVE_MAX);
		buf_add(&cut, b.data, len);
		while (cut.len < b.len)
			buf_addc(&cut, '\0');
		if (memcmp(cut.data, b.data, b.len) != 0)
			assert_int_equal(unpack(&p, &cut, &strict, &r, &e), -1);
		if (e.kind && e.kind != ERR_GUEST)
			fail_msg("cut at %zu: %s", len, e.msg);
		place_renew(&p);
	}
}

static void test_lengths_that_no_archive_has_are_refused(void **state)
{
	static const uint64_t lengths[] = {0, 1, 512, 1023, 1025, 1535};
	static const char zeros[2048];
	auto_place struct place p = place_make();
	auto_fd int fd = archive_fd(zeros, sizeof(zeros));

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(lengths); i++) {
		auto_free char *message =
			mem_printf("the archive is truncated: its length of %" PRIu64
				   " bytes is less than 1024 or no multiple of 512",
				lengths[i]);
		struct unpack_result r;
		struct err e = {0};

		expect_err(unpack_tree(fd, lengths[i], p.fd, &lenient, &r, &e), &e, ERR_GUEST,
			message);
	}
}

static void test_padding_that_is_not_zeros_is_refused(void **state)
{
	auto_place struct place p = place_make();
	auto_buf struct buf b;
	struct unpack_result r;
	struct err e = {0};

	(void)state;
	buf_init(&b, ARCHIVE_MAX);
	add_file(&b, "f", "data", 4);
	b.data[2 * TAR_BLOCK - 1] = 1;
	tarmake_end(&b);
	expect_err(unpack(&p, &b, &lenient, &r, &e), &e, ERR_GUEST,
		"entry 'f' (header at byte 0): the padding after its data is not zeros");
}

/* ---- the host's side --------------------------------------------------------------------- */

static void test_the_strict_reader_wants_an_empty_directory(void **state)
{
	auto_place struct place p = place_make();
	auto_buf struct buf b;
	struct unpack_result r;
	struct err e = {0};

	(void)state;
	make_one_of_everything(&b);
	treemake_file(p.fd, ".there", 0644, 1);
	expect_err(unpack(&p, &b, &strict, &r, &e), &e, ERR_HOST,
		"the directory to unpack into is not empty");
	expect_unpacked(&p, &b, &lenient, 6);
}

static void test_files_that_are_there_are_not_overwritten(void **state)
{
	auto_place struct place p = place_make();
	auto_buf struct buf b;
	struct unpack_result r;
	struct err e = {0};

	(void)state;
	make_one_of_everything(&b);
	expect_sys(symlinkat("../outside", p.fd, "d"));
	expect_err(unpack(&p, &b, &lenient, &r, &e), &e, ERR_HOST,
		"d: make the directory: File exists");
	e = (struct err){0};
	b.len = 0;
	add_file(&b, "d", "new", 3);
	tarmake_end(&b);
	expect_err(unpack(&p, &b, &lenient, &r, &e), &e, ERR_HOST, "d: make the file: File exists");
}

static void test_a_file_that_cannot_be_written_is_the_hosts_fault(void **state)
{
	auto_place struct place p = place_make();
	auto_buf struct buf b;
	struct rlimit old, small = {.rlim_cur = 2 * MIB};
	struct unpack_result r;
	struct err e = {0};
	auto_fd int fd = -1;
	char *data;
	int result;

	(void)state;
	buf_init(&b, ARCHIVE_MAX);
	data = mem_alloc(3 * MIB);
	memset(data, 1, 3 * MIB);
	add_file(&b, "f", data, 3 * MIB);
	free(data);
	tarmake_end(&b);
	fd = archive_fd(b.data, b.len);
	expect_sys(getrlimit(RLIMIT_FSIZE, &old));
	small.rlim_max = old.rlim_max;
	(void)signal(SIGXFSZ, SIG_IGN);
	expect_sys(setrlimit(RLIMIT_FSIZE, &small));
	result = unpack_tree(fd, b.len, p.fd, &strict, &r, &e);
	expect_sys(setrlimit(RLIMIT_FSIZE, &old));
	(void)signal(SIGXFSZ, SIG_DFL);
	expect_err(result, &e, ERR_HOST,
		"f: write: File too large; raise the limit of file sizes: ulimit -f of the shell, "
		"LimitFSIZE of the systemd unit");
}

static int refuse_second(void *arg, uint64_t entries, uint64_t bytes, struct err *e)
{
	int *calls = arg;

	if (++*calls < 2)
		return 0;
	return err_set(e, ERR_INTERRUPTED, "stopped at %" PRIu64 " entries, %" PRIu64 " bytes",
		entries, bytes);
}

static void test_the_caller_is_asked_often_and_can_stop(void **state)
{
	auto_place struct place p = place_make();
	auto_buf struct buf b;
	int calls = 0;
	const struct unpack_policy policy = {.tick = refuse_second, .tick_arg = &calls};
	struct unpack_result r;
	struct err e = {0};

	(void)state;
	buf_init(&b, ARCHIVE_MAX);
	for (int i = 0; i < 1000; i++) {
		auto_free char *name = mem_printf("%04d", i);

		add_file(&b, name, "", 0);
	}
	tarmake_end(&b);
	expect_err(unpack(&p, &b, &policy, &r, &e), &e, ERR_INTERRUPTED,
		"stopped at 512 entries, 262144 bytes");
}

/* Descriptors that are open, to see that none is left. */
static int count_descriptors(void)
{
	auto_fd int fd = treemake_open("/proc/self/fd");
	struct dirent **list = NULL;
	int n = scandirat(fd, ".", &list, treemake_skip_dots, treemake_by_bytes);

	expect_sys(n);
	for (int i = 0; i < n; i++)
		free(list[i]);
	free(list);
	return n;
}

static void test_a_failure_leaves_no_descriptor_open(void **state)
{
	auto_place struct place p = place_make();
	auto_buf struct buf b;
	struct unpack_result r;
	struct err e = {0};
	int before = count_descriptors();

	(void)state;
	treemake_deep(p.fd, 2000);
	pack_dest(&p, &b);
	b.len -= 2 * TAR_BLOCK;
	assert_int_equal(unpack(&p, &b, &lenient, &r, &e), -1);
	assert_int_equal(count_descriptors(), before);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_trees_come_back_byte_for_byte),
		cmocka_unit_test(test_counts_are_of_what_was_made),
		cmocka_unit_test(test_nothing_but_zeros_makes_nothing),
		cmocka_unit_test(test_a_drive_may_be_larger_than_its_archive),
		cmocka_unit_test(test_the_umask_changes_nothing_and_is_kept),
		cmocka_unit_test(test_read_only_directories_are_filled_by_ordinary_users_too),
		cmocka_unit_test(test_owners_are_given_on_request_only),
		cmocka_unit_test(test_zeros_become_holes_and_nothing_else_does),
		cmocka_unit_test(test_names_that_differ_in_case_or_composition_are_different),
		cmocka_unit_test(test_caches_of_earlier_versions_are_read),
		cmocka_unit_test(test_nothing_is_made_outside),
		cmocka_unit_test(test_the_strict_reader_makes_no_link_that_leads_out),
		cmocka_unit_test(test_plain_modes_are_less_the_mask),
		cmocka_unit_test(test_what_the_host_does_not_make_is_counted),
		cmocka_unit_test(test_links_to_where_the_tree_was_become_relative),
		cmocka_unit_test(test_a_relative_text_that_no_kernel_takes_is_withheld),
		cmocka_unit_test(test_listed_holes_are_not_read),
		cmocka_unit_test(test_holes_of_the_archive_cost_nothing),
		cmocka_unit_test(test_an_archive_that_ends_in_a_hole_is_cut_short),
		cmocka_unit_test(test_capabilities_outlive_the_change_of_the_owner),
		cmocka_unit_test(test_attributes_that_are_not_taken_are_told),
		cmocka_unit_test(test_too_many_entries_are_refused_before_they_are_made),
		cmocka_unit_test(test_what_an_archive_takes_on_the_disk_is_limited),
		cmocka_unit_test(test_archives_of_other_programs_are_refused),
		cmocka_unit_test(test_a_cut_at_any_block_is_noticed),
		cmocka_unit_test(test_a_cut_that_is_filled_with_zeros_is_noticed_when_strict),
		cmocka_unit_test(test_lengths_that_no_archive_has_are_refused),
		cmocka_unit_test(test_padding_that_is_not_zeros_is_refused),
		cmocka_unit_test(test_the_strict_reader_wants_an_empty_directory),
		cmocka_unit_test(test_files_that_are_there_are_not_overwritten),
		cmocka_unit_test(test_a_file_that_cannot_be_written_is_the_hosts_fault),
		cmocka_unit_test(test_the_caller_is_asked_often_and_can_stop),
		cmocka_unit_test(test_a_failure_leaves_no_descriptor_open),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
