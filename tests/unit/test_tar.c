/* SPDX-License-Identifier: Apache-2.0 */
#include "expect.h"
#include "tarmake.h"

#include "base/fit.h"
#include "base/limits.h"
#include "data/limits.h"
#include "data/tar.h"

#define ARCHIVE_MAX (4 * MIB)

/* Read entries to the end, skipping their data. 0, or -1 with the first refusal. */
static int read_all(const char *data, size_t len, const struct tar_rules *rules,
	uint64_t *ret_entries, struct err *e)
{
	auto_tar_reader struct tar_reader r;
	struct tar_entry t;
	size_t header;
	int more;

	tar_reader_init(&r, rules, len);
	do {
		size_t left = len - (size_t)r.offset;

		more = tar_next(&r, data + r.offset, left < TAR_HEADER_MAX ? left : TAR_HEADER_MAX,
			&t, &header, e);
	} while (more > 0);
	*ret_entries = r.entries;
	return more;
}

static void expect_refused(const struct buf *b, bool strict, const char *message)
{
	struct tar_rules rules = {.strict = strict};
	uint64_t entries;
	struct err e = {0};

	assert_false(b->overflow);
	expect_err(read_all(b->data, b->len, &rules, &entries, &e), &e, ERR_GUEST, message);
}

/* ---- what is written comes back ---------------------------------------------------------- */

/* Append the directories of a path, and the header of the entry without its data. */
static void add_with_parents(struct buf *b, const struct tar_entry *t)
{
	for (const char *s = strchr(t->path, '/'); s; s = strchr(s + 1, '/')) {
		auto_free char *parent = mem_strndup(t->path, (size_t)(s - t->path));

		tarmake_add(b, &(struct tar_entry){.type = TAR_DIR, .path = parent, .mode = 0755});
	}
	buf_grew(b, tar_encode(t, buf_room(b, TAR_HEADER_MAX)));
}

static void expect_equal(const struct tar_entry *got, const struct tar_entry *t)
{
	assert_int_equal(got->type, t->type);
	assert_string_equal(got->path, t->path);
	assert_string_equal(got->link, t->link);
	assert_int_equal(got->mode, t->mode);
	assert_int_equal(got->uid, t->uid);
	assert_int_equal(got->gid, t->gid);
	assert_true(got->size == t->size);
	assert_true(got->mtime == t->mtime);
	assert_int_equal(got->mtime_ns, t->mtime_ns);
	assert_int_equal(got->major, t->major);
	assert_int_equal(got->minor, t->minor);
	assert_int_equal(got->xattr_count, t->xattr_count);
	for (size_t i = 0; i < t->xattr_count; i++) {
		assert_string_equal(got->xattrs[i].name, t->xattrs[i].name);
		assert_int_equal(got->xattrs[i].len, t->xattrs[i].len);
		assert_memory_equal(got->xattrs[i].value, t->xattrs[i].value, t->xattrs[i].len);
	}
	assert_int_equal(got->hole_count, t->hole_count);
	for (size_t i = 0; i < t->hole_count; i++) {
		assert_true(got->holes[i].start == t->holes[i].start);
		assert_true(got->holes[i].len == t->holes[i].len);
	}
}

/* The entry comes back as it was; its header has `blocks` blocks (0: any number). */
static void expect_round_trip(const struct tar_entry *t, size_t blocks)
{
	auto_tar_reader struct tar_reader r;
	auto_buf struct buf b;
	struct tar_entry got;
	struct err e = {0};
	size_t header = 0;

	buf_init(&b, ARCHIVE_MAX);
	add_with_parents(&b, t);
	assert_false(b.overflow);
	tar_reader_init(&r, &(struct tar_rules){.specials = true}, UINT64_MAX);
	for (size_t at = 0; at < b.len; at += header)
		expect_ok(tar_next(&r, b.data + at, b.len - at, &got, &header, &e), &e);
	expect_equal(&got, t);
	if (blocks)
		assert_int_equal(header, blocks * TAR_BLOCK);
}

static void test_entries_of_every_kind_come_back(void **state)
{
	static const struct tar_entry entries[] = {
		TARMAKE(TAR_FILE, "a", "", 0644, 0, 0, 5, 1700000000, 0),
		TARMAKE(TAR_FILE, "a\nb\t\x1b[31m", "", 07777, 0, 0, 0, 0, 0),
		TARMAKE(TAR_FILE, "\xff\xfe\x01", "", 0, 1, 2, TAR_BLOCK, 1, 0),
		TARMAKE(TAR_DIR, "a/b", "", 01777, 2097151, 2097151, 0, 8589934591, 0),
		TARMAKE(TAR_HARDLINK, "x/y", "x/a", 0600, 0, 0, 0, 1, 0),
		TARMAKE(TAR_SYMLINK, "l", "../../etc/passwd", 0777, 0, 0, 0, 1, 0),
		TARMAKE(TAR_FIFO, "p", "", 0622, 0, 0, 0, 1, 0),
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(entries); i++)
		expect_round_trip(&entries[i], 1);
}

static void test_numbers_that_ustar_cannot_hold_go_into_records(void **state)
{
	static const struct tar_entry entries[] = {
		TARMAKE(TAR_FILE, "big", "", 0644, 0, 0, 8ULL * 1024 * 1024 * 1024, 0, 0),
		TARMAKE(TAR_FILE, "big", "", 0644, 0, 0, TAR_SIZE_MAX - TAR_BLOCK, 0, 0),
		TARMAKE(TAR_FILE, "old", "", 0644, 0, 0, 0, -1, 500000000),
		TARMAKE(TAR_FILE, "old", "", 0644, 0, 0, 0, -2, 0),
		TARMAKE(TAR_FILE, "old", "", 0644, 0, 0, 0, -2, 1),
		TARMAKE(TAR_FILE, "old", "", 0644, 0, 0, 0, TAR_MTIME_MIN, 0),
		TARMAKE(TAR_FILE, "new", "", 0644, 0, 0, 0, 0, 1),
		TARMAKE(TAR_FILE, "new", "", 0644, 0, 0, 0, 1700000000, 999999999),
		TARMAKE(TAR_FILE, "new", "", 0644, 0, 0, 0, 8589934592, 0),
		TARMAKE(TAR_FILE, "new", "", 0644, 0, 0, 0, TAR_MTIME_MAX, 999999999),
		TARMAKE(TAR_FILE, "owner", "", 0644, 2097152, 0, 0, 0, 0),
		TARMAKE(TAR_FILE, "owner", "", 0644, 0, UINT32_MAX - 1, 0, 0, 0),
	};
	static const struct tar_entry fits =
		TARMAKE(TAR_FILE, "big", "", 0644, 0, 0, 8ULL * 1024 * 1024 * 1024 - 1, 0, 0);

	(void)state;
	expect_round_trip(&fits, 1);
	for (size_t i = 0; i < ARRAY_SIZE(entries); i++)
		expect_round_trip(&entries[i], 3);
}

/* A path of `len` bytes in components of at most `component`. */
static const char *long_path(size_t len, size_t component, char fill)
{
	static char path[LIMIT_TAR_LONG_PATH + 1];

	for (size_t i = 0; i < len; i++)
		path[i] = i % (component + 1) == component && i + 1 < len ? '/' : fill;
	path[len] = '\0';
	return path;
}

static void test_paths_of_every_length_come_back(void **state)
{
	struct tar_entry t = {.type = TAR_FILE, .link = "", .mode = 0644};

	(void)state;
	for (size_t len = 1; len < 600; len++) {
		t.path = long_path(len, 254, 'p');
		expect_round_trip(&t, len <= 100 ? 1 : len < 484 ? 3 : 0);
		t.path = long_path(len, 49, 'p');
		expect_round_trip(&t, len <= 250 ? 1 : 0);
		t.path = long_path(len, 1, '\xe4');
		if (tar_path_depth(t.path) <= LIMIT_TAR_DEPTH)
			expect_round_trip(&t, len <= 256 ? 1 : 0);
	}
	t.path = long_path(LIMIT_TAR_LONG_PATH, 254, '\xe4');
	expect_round_trip(&t, 2 + (LIMIT_TAR_LONG_PATH + 11 + 21) / TAR_BLOCK + 1);
}

static void test_link_targets_of_every_length_come_back(void **state)
{
	struct tar_entry t = {.type = TAR_SYMLINK, .path = "l", .mode = 0777};

	(void)state;
	for (size_t len = 1; len < 600; len++) {
		t.link = long_path(len, 50, '\xfe');
		expect_round_trip(&t, len <= 100 ? 1 : 0);
	}
	t.link = long_path(4095, 1, '.');
	expect_round_trip(&t, 11);
}

static void test_a_header_is_exactly_this(void **state)
{
	static const struct tar_entry t =
		TARMAKE(TAR_SYMLINK, "dir/link", "target", 0777, 10, 100, 0, 1700000000, 0);
	char block[TAR_HEADER_MAX], wanted[TAR_BLOCK] = {0};

	(void)state;
	memcpy(wanted, "dir/link", 8);
	memcpy(wanted + TARMAKE_MODE, "0000777\0000000012\0000000144\00000000000000", 36);
	memcpy(wanted + TARMAKE_MTIME, "14524770400\0", 12);
	memcpy(wanted + TARMAKE_CHKSUM, "012127\0 2target", 15);
	memcpy(wanted + TARMAKE_MAGIC, "ustar\00000", 8);
	memcpy(wanted + 329, "0000000\0000000000", 16);
	assert_int_equal(tar_encode(&t, block), TAR_BLOCK);
	assert_memory_equal(block, wanted, TAR_BLOCK);
}

static void test_records_are_exactly_this(void **state)
{
	static const struct tar_entry t = TARMAKE(TAR_FILE, "f", "", 0644, 3000000, 4000000,
		10ULL * 1024 * 1024 * 1024, -2, 250000000);
	static const char wanted[] = "20 size=10737418240\n"
				     "15 uid=3000000\n"
				     "15 gid=4000000\n"
				     "22 mtime=-1.750000000\n";
	char blocks[TAR_HEADER_MAX];

	(void)state;
	assert_int_equal(tar_encode(&t, blocks), 3 * TAR_BLOCK);
	assert_string_equal(blocks, "@PaxHeader");
	assert_string_equal(blocks + TAR_BLOCK, wanted);
	assert_true(tar_all_zero(blocks + TAR_BLOCK + strlen(wanted), TAR_BLOCK - strlen(wanted)));
}

static void test_paths_that_are_no_text_are_marked_as_bytes(void **state)
{
	struct tar_entry t = {.type = TAR_FILE, .link = "", .mode = 0644};
	char blocks[TAR_HEADER_MAX];

	(void)state;
	t.path = long_path(120, 255, '\xe4');
	assert_int_equal(tar_encode(&t, blocks), 3 * TAR_BLOCK);
	assert_memory_equal(blocks + TAR_BLOCK, "21 hdrcharset=BINARY\n130 path=\xe4", 31);
	t.path = long_path(120, 255, 'a');
	assert_int_equal(tar_encode(&t, blocks), 3 * TAR_BLOCK);
	assert_memory_equal(blocks + TAR_BLOCK, "130 path=a", 10);
}

static void test_paths_are_ordered_as_a_sorted_walk_meets_them(void **state)
{
	static const char *const walk[] = {"", "\x01", "a", "a/b", "a/b/c", "a/b\x01", "a/c",
		"a\x01", "a!", "a.b", "aa", "b", "\x7f", "\x80", "\xff"};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(walk); i++)
		for (size_t j = 0; j < ARRAY_SIZE(walk); j++) {
			int order = tar_path_compare(walk[i], walk[j]);

			assert_int_equal((order > 0) - (order < 0), (i > j) - (i < j));
		}
}

static void test_only_links_that_cannot_leave_the_tree_stay_inside(void **state)
{
	(void)state;
	assert_true(tar_symlink_stays_inside("a", "b"));
	assert_true(tar_symlink_stays_inside("a", "b/c//d/"));
	assert_true(tar_symlink_stays_inside("a", "."));
	assert_true(tar_symlink_stays_inside("a", "./b/./c"));
	assert_true(tar_symlink_stays_inside("a", "...b/..c/d.."));
	assert_true(tar_symlink_stays_inside("a/b", ".."));
	assert_true(tar_symlink_stays_inside("a/b/c", "../..//x"));
	assert_true(tar_symlink_stays_inside("a/b/c", "./.././../x"));
	assert_false(tar_symlink_stays_inside("a", ""));
	assert_false(tar_symlink_stays_inside("a", "/"));
	assert_false(tar_symlink_stays_inside("a", "/etc/passwd"));
	assert_false(tar_symlink_stays_inside("a", ".."));
	assert_false(tar_symlink_stays_inside("a", "./../x"));
	assert_false(tar_symlink_stays_inside("a/b", "../.."));
	assert_false(tar_symlink_stays_inside("a/b", "../../a/b"));
	/* By its letters this one stays inside; but d/up may be a link to "..". */
	assert_false(tar_symlink_stays_inside("a", "d/up/../x"));
	assert_false(tar_symlink_stays_inside("a/b/c", "../x/.."));
}

/* ---- what a reader refuses --------------------------------------------------------------- */

struct refusal {
	struct tar_entry entries[4]; /* up to one without a path */
	const char *message;
};

static void expect_refusals(const struct refusal *cases, size_t count, bool strict)
{
	for (size_t i = 0; i < count; i++) {
		auto_buf struct buf b;

		buf_init(&b, ARCHIVE_MAX);
		for (size_t j = 0; j < 4 && cases[i].entries[j].path; j++)
			tarmake_add(&b, &cases[i].entries[j]);
		tarmake_end(&b);
		expect_refused(&b, strict, cases[i].message);
	}
}

#define FILE_AT(p)                                                                                 \
	{                                                                                          \
		.type = TAR_FILE, .path = (p), .mode = 0644                                        \
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

static void test_paths_that_lead_out_are_refused(void **state)
{
	static const struct refusal cases[] = {
		{{FILE_AT("../x")},
			"entry '../x' (header at byte 0): its path has a component '..'"},
		{{DIR_AT("a"), FILE_AT("a/../../x")},
			"entry 'a/../../x' (header at byte 512): its path has a component '..'"},
		{{FILE_AT("..")}, "entry '..' (header at byte 0): its path has a component '..'"},
		{{FILE_AT("/etc/passwd")},
			"entry '/etc/passwd' (header at byte 0): its path is absolute"},
		{{FILE_AT("./x")}, "entry './x' (header at byte 0): its path has a component '.'"},
		{{FILE_AT("a//x")},
			"entry 'a//x' (header at byte 0): its path has an empty component"},
		{{DIR_AT("a/")}, "entry 'a/' (header at byte 0): its path has an empty component"},
		{{FILE_AT("")}, "header at byte 0: its path is empty"},
	};

	(void)state;
	expect_refusals(cases, ARRAY_SIZE(cases), true);
	expect_refusals(cases, ARRAY_SIZE(cases), false);
}

static void test_entries_out_of_order_are_refused(void **state)
{
	static const struct refusal cases[] = {
		{{FILE_AT("a"), FILE_AT("a")}, "entry 'a' (header at byte 512): it comes twice"},
		{{DIR_AT("a"), FILE_AT("a/x"), DIR_AT("a")},
			"entry 'a' (header at byte 1024): it comes after 'a/x' and does not "
			"belong "
			"there"},
		{{FILE_AT("b"), FILE_AT("a")},
			"entry 'a' (header at byte 512): it comes after 'b' and does not belong "
			"there"},
		{{FILE_AT("a/x")},
			"entry 'a/x' (header at byte 0): its directory does not come before it"},
		{{DIR_AT("a"), FILE_AT("ab/x")},
			"entry 'ab/x' (header at byte 512): its directory does not come before it"},
		{{DIR_AT("a"), DIR_AT("a/b"), FILE_AT("a/c/x")},
			"entry 'a/c/x' (header at byte 1024): its directory does not come before "
			"it"},
		{{DIR_AT("a"), FILE_AT("a/b"), FILE_AT("a/b/x")},
			"entry 'a/b/x' (header at byte 1024): its directory is not a directory"},
		{{SYMLINK_AT("a", "b"), FILE_AT("a/x")},
			"entry 'a/x' (header at byte 512): its directory is a symbolic link"},
		{{SYMLINK_AT("a", "b"), DIR_AT("b"), FILE_AT("b/f"), FILE_AT("a/x")},
			"entry 'a/x' (header at byte 1536): it comes after 'b/f' and does not "
			"belong "
			"there"},
	};

	(void)state;
	expect_refusals(cases, ARRAY_SIZE(cases), true);
	expect_refusals(cases, ARRAY_SIZE(cases), false);
}

static void test_links_that_lead_out_are_refused(void **state)
{
	static const struct refusal always[] = {
		{{HARDLINK_AT("x", "../etc/passwd")},
			"entry 'x' (header at byte 0): the path it is linked to, '../etc/passwd' "
			"has a "
			"component '..'"},
		{{HARDLINK_AT("x", "/etc/passwd")},
			"entry 'x' (header at byte 0): the path it is linked to, '/etc/passwd' is "
			"absolute"},
		{{HARDLINK_AT("x", "x")},
			"entry 'x' (header at byte 0): the path it is linked to, 'x' does not come "
			"before it"},
		{{HARDLINK_AT("x", "y"), FILE_AT("y")},
			"entry 'x' (header at byte 0): the path it is linked to, 'y' does not come "
			"before it"},
		{{HARDLINK_AT("x", "")},
			"entry 'x' (header at byte 0): it is a link without a target"},
		{{SYMLINK_AT("x", "")},
			"entry 'x' (header at byte 0): it is a link without a target"},
		{{TARMAKE(TAR_FILE, "x", "y", 0, 0, 0, 0, 0, 0)},
			"entry 'x' (header at byte 0): it has a link's target and is no link"},
	};
	static const struct refusal strict[] = {
		{{SYMLINK_AT("x", "/etc/passwd")},
			"entry 'x' (header at byte 0): it is a symbolic link to '/etc/passwd' "
			"which "
			"leads out of the tree"},
		{{SYMLINK_AT("x", "..")},
			"entry 'x' (header at byte 0): it is a symbolic link to '..' which leads "
			"out "
			"of the tree"},
		{{DIR_AT("d"), SYMLINK_AT("d/up", ".."), SYMLINK_AT("x", "d/up/../y")},
			"entry 'x' (header at byte 1024): it is a symbolic link to 'd/up/../y' "
			"which "
			"leads out of the tree"},
	};

	(void)state;
	expect_refusals(always, ARRAY_SIZE(always), true);
	expect_refusals(always, ARRAY_SIZE(always), false);
	expect_refusals(strict, ARRAY_SIZE(strict), true);
}

static void test_fifos_and_set_id_bits_are_refused_when_strict(void **state)
{
	static const struct refusal cases[] = {
		{{{.type = TAR_FIFO, .path = "p", .mode = 0644}},
			"entry 'p' (header at byte 0): it is a fifo"},
		{{{.type = TAR_FILE, .path = "s", .mode = 04755}},
			"entry 's' (header at byte 0): its mode 4755 has set-id or sticky bits"},
		{{{.type = TAR_DIR, .path = "t", .mode = 01777}},
			"entry 't' (header at byte 0): its mode 1777 has set-id or sticky bits"},
	};
	uint64_t entries;
	struct err e = {0};
	auto_buf struct buf b;

	(void)state;
	expect_refusals(cases, ARRAY_SIZE(cases), true);
	buf_init(&b, ARCHIVE_MAX);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		tarmake_add(&b, &cases[i].entries[0]);
	tarmake_end(&b);
	expect_ok(read_all(b.data, b.len, &(struct tar_rules){0}, &entries, &e), &e);
	assert_int_equal(entries, ARRAY_SIZE(cases));
}

/* ---- attributes, holes, devices and sockets ---------------------------------------------- */

static void test_devices_and_sockets_come_back_where_they_are_asked_for(void **state)
{
	static const struct tar_entry entries[] = {
		{.type = TAR_CHAR_DEVICE, .path = "n", .link = "", .major = 1, .minor = 3},
		{.type = TAR_BLOCK_DEVICE,
			.path = "b",
			.link = "",
			.major = 4095,
			.minor = 1048575},
		{.type = TAR_SOCKET, .path = "s", .link = "", .mode = 0755},
	};
	static const char *const refusals[] = {
		"it is a device", "it is a device", "it is a socket"};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(entries); i++) {
		auto_free char *message = mem_printf(
			"entry '%s' (header at byte 0): %s", entries[i].path, refusals[i]);
		auto_buf struct buf b;

		expect_round_trip(&entries[i], entries[i].type == TAR_SOCKET ? 3 : 1);
		buf_init(&b, ARCHIVE_MAX);
		tarmake_add(&b, &entries[i]);
		tarmake_end(&b);
		expect_refused(&b, true, message);
		expect_refused(&b, false, message);
	}
}

static void test_attributes_of_every_kind_and_size_come_back(void **state)
{
	static const char bytes[] = "\1\0\0\2\n=\xff";
	auto_free char *large = mem_alloc(LIMIT_TAR_XATTR_BYTES);
	char names[LIMIT_TAR_XATTRS][16];
	struct tar_xattr many[LIMIT_TAR_XATTRS];
	const struct tar_xattr some[] = {
		{"security.capability", bytes, sizeof(bytes)},
		{"user.mime", "text/plain", 10},
		{"user.\xff \n", "", 0},
	};
	const struct tar_xattr one = {"user.x", large, LIMIT_TAR_XATTR_BYTES - 6};
	struct tar_entry t = {.type = TAR_FILE, .path = "f", .link = "", .xattrs = some};

	(void)state;
	t.xattr_count = ARRAY_SIZE(some);
	expect_round_trip(&t, 3);
	t.type = TAR_DIR;
	expect_round_trip(&t, 3);
	memset(large, 'x', LIMIT_TAR_XATTR_BYTES);
	t.xattrs = &one;
	t.xattr_count = 1;
	expect_round_trip(&t, 0);
	for (size_t i = 0; i < LIMIT_TAR_XATTRS; i++) {
		(void)snprintf(names[i], sizeof(names[i]), "user.%03zu", i);
		many[i] = (struct tar_xattr){names[i], "v", 1};
	}
	t.xattrs = many;
	t.xattr_count = LIMIT_TAR_XATTRS;
	expect_round_trip(&t, 0);
}

static void test_attributes_that_instruct_a_system_are_never_kept(void **state)
{
	static const char *const never[] = {"user", "user.", "user.a=b", "user.overlay.opaque",
		"user.overlay.", "trusted.overlay.opaque", "trusted.x", "system.posix_acl_access",
		"security.selinux", "security.ima", "security.capability2", "", "xuser.a"};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(never); i++)
		if (tar_xattr_is_kept(never[i]))
			fail_msg("kept: %s", never[i]);
	assert_true(tar_xattr_is_kept("user.overlays"));
	assert_true(tar_xattr_is_kept("security.capability"));
}

/* Append the record of this key and value. */
static void add_record(struct buf *b, const char *key, const char *value, size_t len)
{
	size_t rest = strlen(key) + len + 3, whole = rest + 1;
	char number[24];

	while (whole != rest + (size_t)snprintf(number, sizeof(number), "%zu", whole))
		whole++;
	buf_addf(b, "%s %s=", number, key);
	buf_add(b, value, len);
	buf_addc(b, '\n');
}

static void test_attributes_that_we_do_not_write_are_refused(void **state)
{
	static const struct {
		const char *first, *second, *message;
	} cases[] = {
		{"trusted.overlay.opaque", NULL,
			"header at byte 0: its extended attribute 'trusted.overlay.opaque' is not "
			"one that is kept"},
		{"user.overlay.metacopy", NULL,
			"header at byte 0: its extended attribute 'user.overlay.metacopy' is not "
			"one that is kept"},
		{"system.posix_acl_access", NULL,
			"header at byte 0: its extended attribute 'system.posix_acl_access' is not "
			"one that is kept"},
		{"user.b", "user.a",
			"header at byte 0: its extended attribute 'user.a' comes twice or out of "
			"order"},
		{"user.a", "user.a",
			"header at byte 0: its extended attribute 'user.a' comes twice or out of "
			"order"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		auto_free char *first = mem_printf("SCHILY.xattr.%s", cases[i].first);
		auto_buf struct buf b, records;

		buf_init(&b, ARCHIVE_MAX);
		buf_init(&records, ARCHIVE_MAX);
		add_record(&records, first, "v\0w", 3);
		if (cases[i].second) {
			auto_free char *second = mem_printf("SCHILY.xattr.%s", cases[i].second);

			add_record(&records, second, "v", 1);
		}
		tarmake_add_records(&b, records.data, records.len);
		tarmake_end(&b);
		expect_refused(&b, false, cases[i].message);
	}
}

static void test_too_many_attributes_are_refused(void **state)
{
	auto_free char *large = mem_alloc(LIMIT_TAR_XATTR_BYTES);

	(void)state;
	for (int by_size = 0; by_size < 2; by_size++) {
		auto_buf struct buf b, records;

		buf_init(&b, ARCHIVE_MAX);
		buf_init(&records, ARCHIVE_MAX);
		for (size_t i = 0; i <= LIMIT_TAR_XATTRS && !by_size; i++) {
			auto_free char *key = mem_printf("SCHILY.xattr.user.%03zu", i);

			add_record(&records, key, "v", 1);
		}
		if (by_size)
			add_record(
				&records, "SCHILY.xattr.user.x", large, LIMIT_TAR_XATTR_BYTES - 5);
		tarmake_add_records(&b, records.data, records.len);
		tarmake_end(&b);
		expect_refused(&b, false,
			"header at byte 0: it has more than 64 extended attributes, or more than "
			"16384 bytes of them");
	}
}

static void test_attributes_are_of_files_and_directories_only(void **state)
{
	static const struct tar_xattr x = {"user.x", "v", 1};
	struct tar_entry t = {
		.type = TAR_SYMLINK, .path = "f", .link = "x", .xattrs = &x, .xattr_count = 1};
	auto_buf struct buf b;

	(void)state;
	buf_init(&b, ARCHIVE_MAX);
	tarmake_add(&b, &t);
	tarmake_end(&b);
	expect_refused(&b, false,
		"entry 'f' (header at byte 0): it has extended attributes and is neither file nor "
		"directory");
	buf_clear(&b);
	t.type = TAR_FILE;
	t.link = "";
	tarmake_add(&b, &t);
	tarmake_end(&b);
	expect_refused(&b, true, "entry 'f' (header at byte 0): it has extended attributes");
}

static void test_lists_of_holes_come_back(void **state)
{
	struct tar_hole holes[LIMIT_TAR_HOLES];
	struct tar_entry t = {.type = TAR_FILE,
		.path = "f",
		.link = "",
		.size = TAR_SIZE_MAX - TAR_SIZE_MAX % TAR_BLOCK - 64 * KIB,
		.holes = holes};
	const uint64_t far = t.size / TAR_HOLE_UNIT * TAR_HOLE_UNIT;

	(void)state;
	for (size_t i = 0; i < LIMIT_TAR_HOLES; i++)
		holes[i] = (struct tar_hole){far - (LIMIT_TAR_HOLES - i) * 64 * KIB, TAR_HOLE_UNIT};
	for (t.hole_count = 1; t.hole_count <= LIMIT_TAR_HOLES; t.hole_count += 199)
		expect_round_trip(&t, 0);
	holes[0] = (struct tar_hole){0, far};
	t.hole_count = 1;
	expect_round_trip(&t, 0);
}

/* The file is empty. */
static void test_holes_that_no_file_has_are_refused(void **state)
{
	static const struct {
		const char *list, *message;
	} cases[] = {
		{"", "its list of holes is not START+LENGTH,..."},
		{"0", "its list of holes is not START+LENGTH,..."},
		{"0+", "its list of holes is not START+LENGTH,..."},
		{"+4096", "its list of holes is not START+LENGTH,..."},
		{"0+4096,", "its list of holes is not START+LENGTH,..."},
		{"0+4096;8192+4096", "its list of holes is not START+LENGTH,..."},
		{"0+-4096", "its list of holes is not START+LENGTH,..."},
		{"0+9223372036854775808", "its list of holes is not START+LENGTH,..."},
		{"0+04096", "byte 134 of its header is not as we write it"},
		{"0+4096",
			"its hole 0+4096 is empty, out of order, beyond the end, or not of whole "
			"units of 4096 bytes"},
		{"0+0",
			"its hole 0+0 is empty, out of order, beyond the end, or not of whole "
			"units of 4096 bytes"},
		{"9223372036854771712+4096",
			"its hole 9223372036854771712+4096 is empty, out of order, beyond the end, "
			"or not of whole units of 4096 bytes"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		auto_free char *message =
			mem_printf("entry 'f' (header at byte 0): %s", cases[i].message);
		auto_buf struct buf b, records;

		buf_init(&b, ARCHIVE_MAX);
		buf_init(&records, ARCHIVE_MAX);
		add_record(&records, "AMBIENT.holes", cases[i].list, strlen(cases[i].list));
		tarmake_add_records(&b, records.data, records.len);
		tarmake_end(&b);
		expect_refused(&b, false, message);
	}
}

static void test_holes_out_of_order_are_refused(void **state)
{
	static const struct tar_hole orders[][2] = {
		{{8192, 4096}, {0, 4096}},
		{{0, 4096}, {4096, 4096}},
		{{0, 8192}, {4096, 4096}},
		{{0, 4096}, {0, 4096}},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(orders); i++) {
		struct tar_entry t = {.type = TAR_FILE,
			.path = "f",
			.size = 64 * KIB,
			.holes = orders[i],
			.hole_count = 2};
		auto_free char *message = mem_printf(
			"entry 'f' (header at byte 0): its hole %d+4096 is empty, out of order, "
			"beyond the end, or not of whole units of 4096 bytes",
			(int)orders[i][1].start);
		auto_buf struct buf b;

		buf_init(&b, ARCHIVE_MAX);
		tarmake_add(&b, &t);
		tarmake_end(&b);
		expect_refused(&b, false, message);
		expect_refused(&b, true, "entry 'f' (header at byte 0): it lists holes");
	}
}

static void test_more_holes_than_the_limit_are_refused(void **state)
{
	auto_buf struct buf b, list, records;

	(void)state;
	buf_init(&b, ARCHIVE_MAX);
	buf_init(&list, ARCHIVE_MAX);
	buf_init(&records, ARCHIVE_MAX);
	for (int i = 0; i <= LIMIT_TAR_HOLES; i++)
		buf_addf(&list, "%s%d+4096", i ? "," : "", i * 8192);
	add_record(&records, "AMBIENT.holes", list.data, list.len);
	tarmake_add_records(&b, records.data, records.len);
	tarmake_end(&b);
	expect_refused(&b, false, "entry 'f' (header at byte 0): it lists more than 200 holes");
}

/* ---- headers with something else in them ------------------------------------------------- */

struct patch {
	size_t at;
	const char *bytes;
	size_t len;
	const char *message; /* behind "entry 'f' (header at byte 0): ", unless that is in it */
};

static void expect_patch_refused(const struct patch *p)
{
	static const struct tar_entry t = TARMAKE(TAR_FILE, "f", "", 0644, 0, 0, 0, 0, 0);
	auto_free char *whole = mem_printf("entry 'f' (header at byte 0): %s", p->message);
	auto_buf struct buf b;

	buf_init(&b, ARCHIVE_MAX);
	tarmake_add(&b, &t);
	tarmake_end(&b);
	tarmake_patch(b.data, p->at, p->bytes, p->len);
	expect_refused(&b, false, strncmp(p->message, "header", 6) == 0 ? p->message : whole);
}

static void test_other_types_are_refused(void **state)
{
	static const struct patch cases[] = {
		{TARMAKE_TYPE, "3", 1, "it is a device"},
		{TARMAKE_TYPE, "4", 1, "it is a device"},
		{TARMAKE_TYPE, "7", 1, "its type 0x37 is not supported"},
		{TARMAKE_TYPE, "\0", 1, "its type 0x00 is not supported"},
		{TARMAKE_TYPE, "S", 1, "its type 0x53 is not supported"}, /* GNU sparse */
		{TARMAKE_TYPE, "L", 1, "its type 0x4c is not supported"}, /* GNU long name */
		{TARMAKE_TYPE, "K", 1, "its type 0x4b is not supported"},
		{TARMAKE_TYPE, "g", 1, "its type 0x67 is not supported"}, /* global pax header */
		{TARMAKE_TYPE, "\xff", 1, "its type 0xff is not supported"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		expect_patch_refused(&cases[i]);
}

static void test_numbers_in_other_forms_are_refused(void **state)
{
	static const struct patch cases[] = {
		{TARMAKE_SIZE, "\x80\0\0\0\0\0\0\0\0\0\0\1", 12, "its size is a base-256 number"},
		{TARMAKE_SIZE, "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", 12,
			"its size is a base-256 number"},
		{TARMAKE_SIZE, "-0000000001", 12, "its size is not an octal number of 11 digits"},
		{TARMAKE_SIZE, "          1", 12, "its size is not an octal number of 11 digits"},
		{TARMAKE_SIZE, "00000000008", 12, "its size is not an octal number of 11 digits"},
		{TARMAKE_SIZE, "000000000000", 12, "its size has no end"},
		{TARMAKE_SIZE, "77777777777", 12,
			"the archive is truncated: the entry has 8589934591 bytes of data, 1024 "
			"are "
			"left"},
		{TARMAKE_MTIME, "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", 12,
			"its mtime is a base-256 number"},
		{TARMAKE_MTIME, "-1234567890", 12, "its mtime is not an octal number of 11 digits"},
		{TARMAKE_MODE, "0010000", 8, "its mode 10000 has bits beyond 7777"},
		{TARMAKE_MODE, "\x80\0\0\0\0\0\0\1", 8, "its mode is a base-256 number"},
		{TARMAKE_UID, "      0", 8, "its uid is not an octal number of 7 digits"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		expect_patch_refused(&cases[i]);
}

static void test_every_byte_that_means_nothing_is_checked(void **state)
{
	(void)state;
	for (size_t at = 0; at < TAR_BLOCK; at++) {
		auto_free char *message =
			mem_printf("byte %zu of its header is not as we write it", at);
		struct patch p = {at, "\x01", 1, message};

		if ((at > 1 && at < 100) || (at >= TARMAKE_LINK + 1 && at < TARMAKE_MAGIC) ||
			(at >= TARMAKE_UNAME && at < TARMAKE_PREFIX) || at > TARMAKE_PREFIX)
			expect_patch_refused(&p);
	}
}

static void test_blocks_that_are_no_headers_are_refused(void **state)
{
	static const struct patch cases[] = {
		{TARMAKE_MAGIC, "ustar  \0", 8,
			"header at byte 0: not a header of the ustar format"},
		{TARMAKE_MAGIC, "xstar", 5, "header at byte 0: not a header of the ustar format"},
		{TARMAKE_MAGIC + 6, "01", 2, "header at byte 0: not a header of the ustar format"},
	};
	static const struct tar_entry t = FILE_AT("f");
	auto_buf struct buf b;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		expect_patch_refused(&cases[i]);
	buf_init(&b, ARCHIVE_MAX);
	tarmake_add(&b, &t);
	tarmake_end(&b);
	b.data[TARMAKE_MODE + 4]++;
	expect_refused(&b, false, "header at byte 0: its checksum is wrong");
	b.data[TARMAKE_CHKSUM] = ' ';
	expect_refused(
		&b, false, "header at byte 0: its checksum is not an octal number of 6 digits");
}

/* ---- pax records ------------------------------------------------------------------------- */

struct records {
	const char *text;
	size_t len; /* 0: up to the NUL */
	const char *message;
};

static void test_records_that_we_do_not_write_are_refused(void **state)
{
	static const struct records cases[] = {
		{"13 comment=x\n", 0,
			"header at byte 0: its pax record 'comment' is not supported"},
		{"30 SCHILY.xattr.user.mime=text\n", 0,
			"header at byte 0: it has a pax record with a wrong length"},
		{"23 SCHILY.xattr.=text\n\n", 0,
			"header at byte 0: its pax record 'SCHILY.xattr.' is not supported"},
		{"32 SCHILY.acl.access=user::rwx\n\n", 0,
			"header at byte 0: its pax record 'SCHILY.acl.access' is not supported"},
		{"22 GNU.sparse.major=1\n", 0,
			"header at byte 0: its pax record 'GNU.sparse.major' is not supported"},
		{"20 mtime=1700000000\n20 mtime=1700000000\n", 0,
			"header at byte 0: its pax record 'mtime' comes twice"},
		{"9 path=x", 0, "header at byte 0: it has a pax record with a wrong length"},
		{"99 path=x\n", 0, "header at byte 0: it has a pax record with a wrong length"},
		{"5 path=x\n", 0, "header at byte 0: it has a pax record with a wrong length"},
		{"-9 path=x\n", 0, "header at byte 0: it has a pax record with a wrong length"},
		{"99999999999999999999999 path=x\n", 0,
			"header at byte 0: it has a pax record with a wrong length"},
		{" path=x\n", 0, "header at byte 0: it has a pax record with a wrong length"},
		{"10", 0, "header at byte 0: it has a pax record with a wrong length"},
		{"9 path_x\n", 0,
			"header at byte 0: it has a pax record without '=' or with a NUL"},
		{"11 path=a\0b\n", 12, "header at byte 0: it has a pax record with a wrong length"},
		{"12 path=a\0b\n", 12,
			"header at byte 0: it has a pax record without '=' or with a NUL"},
		{"15 path=../../x\n", 16,
			"header at byte 0: it has a pax record with a wrong length"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		size_t len = cases[i].len ? cases[i].len : strlen(cases[i].text);
		auto_buf struct buf b;

		buf_init(&b, ARCHIVE_MAX);
		tarmake_add_records(&b, cases[i].text, len);
		tarmake_end(&b);
		expect_refused(&b, false, cases[i].message);
	}
}

static void test_records_with_other_values_are_refused(void **state)
{
	static const struct records cases[] = {
		{"8 path=\n", 0, "header at byte 0: byte 0 of its header is not as we write it"},
		{"10 path=/\n", 0,
			"entry '/' (header at byte 0): byte 0 of its header is not as we write it"},
		{"10 size=-1\n", 11, "header at byte 0: it has a pax record with a wrong length"},
		{"11 size=-1\n", 0,
			"entry 'f' (header at byte 0): its pax record 'size' is negative"},
		{"11 uid=-22\n", 0,
			"entry 'f' (header at byte 0): its pax record 'uid' is negative"},
		{"28 size=9223372036854775808\n", 0,
			"entry 'f' (header at byte 0): its pax record 'size' is not a number up to "
			"9223372036854775807"},
		{"11 size=1k\n", 0,
			"entry 'f' (header at byte 0): its pax record 'size' is not a number up to "
			"9223372036854775807"},
		{"9 size=5\n", 0,
			"entry \'f\' (header at byte 0): byte 0 of its header is not as we write "
			"it"},
		{"10 size=5\n", 0,
			"entry 'f' (header at byte 0): byte 0 of its header is not as we write it"},
		{"18 uid=4294967295\n", 0,
			"entry 'f' (header at byte 0): its pax record 'uid' is not a number up to "
			"4294967294"},
		{"21 mtime=17179869184\n", 0,
			"entry 'f' (header at byte 0): its pax record 'mtime' is not a time "
			"between "
			"1901 and 2514"},
		{"21 mtime=-2147483649\n", 0,
			"entry 'f' (header at byte 0): its pax record 'mtime' is not a time "
			"between "
			"1901 and 2514"},
		{"33 mtime=99999999999999999999999\n", 0,
			"entry 'f' (header at byte 0): its pax record 'mtime' is not a time "
			"between "
			"1901 and 2514"},
		{"13 mtime=1.5\n", 0,
			"entry 'f' (header at byte 0): its pax record 'mtime' is not a time "
			"between "
			"1901 and 2514"},
		{"12 mtime=-0\n", 0,
			"entry 'f' (header at byte 0): byte 0 of its header is not as we write it"},
		{"21 hdrcharset=BINARY\n21 mtime=0.000000001\n", 0,
			"entry 'f' (header at byte 0): byte 133 of its header is not as we write "
			"it"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		size_t len = cases[i].len ? cases[i].len : strlen(cases[i].text);
		auto_buf struct buf b;

		buf_init(&b, ARCHIVE_MAX);
		tarmake_add_records(&b, cases[i].text, len);
		tarmake_end(&b);
		expect_refused(&b, false, cases[i].message);
	}
}

static void test_records_of_100_mb_are_refused_by_their_header(void **state)
{
	auto_buf struct buf b;

	(void)state;
	buf_init(&b, ARCHIVE_MAX);
	tarmake_add_records(&b, "", 0);
	tarmake_end(&b);
	tarmake_patch(b.data, TARMAKE_SIZE, "00575360400", 12);
	expect_refused(&b, true,
		"header at byte 0: its pax records have 100000000 bytes, more than 65536");
	tarmake_patch(b.data, TARMAKE_SIZE, "00000200000", 12);
	expect_refused(&b, true, "header at byte 0: the archive is truncated in its pax records");
	tarmake_patch(b.data, TARMAKE_SIZE, "00000000000", 12);
	expect_refused(&b, true,
		"entry 'f' (header at byte 0): byte 0 of its header is not as we write it");
}

static void test_two_pax_headers_in_a_row_are_refused(void **state)
{
	auto_buf struct buf b;

	(void)state;
	buf_init(&b, ARCHIVE_MAX);
	tarmake_add_records(&b, "21 mtime=0.000000001\n", 21);
	b.len -= TAR_BLOCK;
	tarmake_add_records(&b, "21 mtime=0.000000001\n", 21);
	tarmake_end(&b);
	expect_refused(
		&b, true, "entry '@PaxHeader' (header at byte 0): its type 0x78 is not supported");
}

/* ---- the end, and the limits ------------------------------------------------------------- */

static void test_nothing_but_an_end_marker_is_an_empty_archive(void **state)
{
	static const char zeros[64 * TAR_BLOCK];
	uint64_t entries = 1;
	struct err e = {0};

	(void)state;
	expect_ok(read_all(zeros, TAR_END_BYTES, &(struct tar_rules){.strict = true}, &entries, &e),
		&e);
	assert_int_equal(entries, 0);
	expect_ok(read_all(zeros, sizeof(zeros), &(struct tar_rules){0}, &entries, &e), &e);
	assert_int_equal(entries, 0);
	expect_err(
		read_all(zeros, sizeof(zeros), &(struct tar_rules){.strict = true}, &entries, &e),
		&e, ERR_GUEST, "header at byte 0: the end marker is followed by 31744 bytes");
}

static void test_an_archive_without_its_whole_end_is_refused(void **state)
{
	static const struct tar_entry t = TARMAKE(TAR_FILE, "f", "", 0644, 0, 0, 700, 0, 0);
	auto_buf struct buf b;

	(void)state;
	buf_init(&b, ARCHIVE_MAX);
	tarmake_add(&b, &t);
	expect_refused(
		&b, false, "header at byte 1536: the archive is truncated: it has no end marker");
	for (int i = 0; i < TAR_BLOCK; i++)
		buf_addc(&b, '\0');
	expect_refused(
		&b, false, "header at byte 1536: the archive is truncated in its end marker");
	tarmake_add(&b, &t);
	expect_refused(
		&b, false, "header at byte 1536: a block of zeros is followed by something else");
	b.len = TAR_BLOCK + 600;
	expect_refused(&b, false,
		"entry 'f' (header at byte 0): the archive is truncated: the entry has 700 bytes "
		"of "
		"data, 600 are left");
	b.len = TAR_BLOCK + 700;
	expect_refused(&b, false,
		"entry 'f' (header at byte 0): the archive is truncated: the entry has 700 bytes "
		"of "
		"data, 700 are left");
}

static void test_data_that_only_files_have_is_refused(void **state)
{
	static const struct refusal cases[] = {
		{{TARMAKE(TAR_DIR, "d", "", 0755, 0, 0, 5, 0, 0)},
			"entry 'd' (header at byte 0): it has 5 bytes of data and is no file"},
		{{FILE_AT("a"), TARMAKE(TAR_HARDLINK, "d", "a", 0755, 0, 0, 512, 0, 0)},
			"entry 'd' (header at byte 512): it has 512 bytes of data and is no file"},
	};

	(void)state;
	expect_refusals(cases, ARRAY_SIZE(cases), false);
}

static void test_limits_of_entries_and_bytes_are_kept(void **state)
{
	static const struct tar_entry t[] = {TARMAKE(TAR_FILE, "a", "", 0644, 0, 0, 600, 0, 0),
		TARMAKE(TAR_FILE, "b", "", 0644, 0, 0, 400, 0, 0)};
	struct tar_rules rules = {.strict = true, .max_entries = 2, .max_bytes = 1000};
	uint64_t entries;
	struct err e = {0};
	auto_buf struct buf b;

	(void)state;
	buf_init(&b, ARCHIVE_MAX);
	tarmake_add(&b, &t[0]);
	tarmake_add(&b, &t[1]);
	tarmake_end(&b);
	expect_ok(read_all(b.data, b.len, &rules, &entries, &e), &e);
	rules.max_entries = 1;
	expect_err(read_all(b.data, b.len, &rules, &entries, &e), &e, ERR_GUEST,
		"entry 'b' (header at byte 1536): there are more than 1 entries");
	e = (struct err){0};
	rules = (struct tar_rules){.max_bytes = 999};
	expect_err(read_all(b.data, b.len, &rules, &entries, &e), &e, ERR_GUEST,
		"entry 'b' (header at byte 1536): the files have more than 999 bytes together");
}

static void test_a_million_and_one_entries_are_refused(void **state)
{
	struct tar_rules rules = {.strict = true};
	auto_tar_reader struct tar_reader r;
	char block[TAR_HEADER_MAX], name[16];
	struct tar_entry t = FILE_AT(name), got;
	struct err e = {0};
	size_t header;

	(void)state;
	t.link = "";
	tar_reader_init(&r, &rules, UINT64_MAX);
	for (int i = 0; i < LIMIT_TAR_ENTRIES; i += 100000) {
		/* The counter is moved on, so that the test need not count itself. */
		(void)snprintf(name, sizeof(name), "%07d", i);
		(void)tar_encode(&t, block);
		assert_int_equal(tar_next(&r, block, sizeof(block), &got, &header, &e), 1);
		r.entries = (uint64_t)i + 100000;
	}
	(void)snprintf(name, sizeof(name), "%07d", LIMIT_TAR_ENTRIES);
	(void)tar_encode(&t, block);
	expect_err(tar_next(&r, block, sizeof(block), &got, &header, &e), &e, ERR_GUEST,
		"entry '1000000' (header at byte 5120): there are more than 1000000 entries");
}

static void test_10000_levels_are_refused_at_the_129th(void **state)
{
	auto_buf struct buf b, path;
	auto_free char *message = NULL;

	(void)state;
	buf_init(&b, ARCHIVE_MAX);
	buf_init(&path, LIMIT_TAR_LONG_PATH);
	for (int i = 0; i < 1000; i++) {
		struct tar_entry t = {.type = TAR_DIR, .mode = 0755};

		buf_adds(&path, i ? "/d" : "d");
		t.path = path.data;
		tarmake_add(&b, &t);
	}
	tarmake_end(&b);
	/* What text_safe shows of it: up to the 129th level it has 257 bytes. */
	path.data[257] = '\0';
	fit_middle(path.data, 200);
	/* Up to 257 bytes fit without records: 128 levels have 255. The 129th has its header
	 * behind. */
	message = mem_printf("entry '%s' (header at byte %d): it is 129 levels deep, more than 128",
		path.data, 128 * TAR_BLOCK);
	expect_refused(&b, true, message);
}

static void test_long_paths_are_refused_when_strict(void **state)
{
	struct tar_entry t = {.type = TAR_DIR, .link = "", .mode = 0755};
	auto_buf struct buf b;
	auto_free char *message = NULL;
	uint64_t entries;
	struct err e = {0};

	(void)state;
	buf_init(&b, ARCHIVE_MAX);
	t.path = long_path(LIMIT_TAR_PATH + 1, 255, 'l');
	add_with_parents(&b, &t);
	tarmake_end(&b);
	message = mem_printf("%.65s...%s", t.path, t.path + strlen(t.path) - 132);
	assert_int_equal(
		read_all(b.data, b.len, &(struct tar_rules){.strict = true}, &entries, &e), -1);
	assert_non_null(strstr(e.msg, message));
	assert_non_null(strstr(e.msg, ": its path has 4097 bytes, more than 4096"));
	e = (struct err){0};
	expect_ok(read_all(b.data, b.len, &(struct tar_rules){0}, &entries, &e), &e);
	assert_int_equal(entries, 17);
}

static void test_symlinks_that_no_kernel_makes_are_refused(void **state)
{
	struct tar_entry t = SYMLINK_AT("l", long_path(4096, 100, 'x'));
	auto_buf struct buf b;

	(void)state;
	buf_init(&b, ARCHIVE_MAX);
	tarmake_add(&b, &t);
	tarmake_end(&b);
	expect_refused(&b, false,
		"entry 'l' (header at byte 0): it is a symbolic link to 4096 bytes, more than "
		"4095");
}

static void test_padding_must_be_zeros(void **state)
{
	static const char padding[] = {0, 0, 1};
	auto_tar_reader struct tar_reader r;
	struct err e = {0};

	(void)state;
	tar_reader_init(&r, &(struct tar_rules){0}, 0);
	buf_adds(&r.path, "f");
	expect_ok(tar_check_padding(&r, padding, 2, &e), &e);
	expect_ok(tar_check_padding(&r, padding, 0, &e), &e);
	expect_err(tar_check_padding(&r, padding, 3, &e), &e, ERR_GUEST,
		"entry 'f' (header at byte 0): the padding after its data is not zeros");
}

static void test_messages_show_hostile_names_safely(void **state)
{
	static const struct refusal cases[] = {
		{{FILE_AT("../\x1b[2Jx\n\xff")},
			"entry '../\\x1b[2Jx\\n\\xff' (header at byte 0): its path has a component "
			"'..'"},
	};

	(void)state;
	expect_refusals(cases, ARRAY_SIZE(cases), true);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_entries_of_every_kind_come_back),
		cmocka_unit_test(test_numbers_that_ustar_cannot_hold_go_into_records),
		cmocka_unit_test(test_paths_of_every_length_come_back),
		cmocka_unit_test(test_link_targets_of_every_length_come_back),
		cmocka_unit_test(test_a_header_is_exactly_this),
		cmocka_unit_test(test_records_are_exactly_this),
		cmocka_unit_test(test_paths_that_are_no_text_are_marked_as_bytes),
		cmocka_unit_test(test_paths_are_ordered_as_a_sorted_walk_meets_them),
		cmocka_unit_test(test_only_links_that_cannot_leave_the_tree_stay_inside),
		cmocka_unit_test(test_paths_that_lead_out_are_refused),
		cmocka_unit_test(test_entries_out_of_order_are_refused),
		cmocka_unit_test(test_links_that_lead_out_are_refused),
		cmocka_unit_test(test_fifos_and_set_id_bits_are_refused_when_strict),
		cmocka_unit_test(test_devices_and_sockets_come_back_where_they_are_asked_for),
		cmocka_unit_test(test_attributes_of_every_kind_and_size_come_back),
		cmocka_unit_test(test_attributes_that_instruct_a_system_are_never_kept),
		cmocka_unit_test(test_attributes_that_we_do_not_write_are_refused),
		cmocka_unit_test(test_too_many_attributes_are_refused),
		cmocka_unit_test(test_attributes_are_of_files_and_directories_only),
		cmocka_unit_test(test_lists_of_holes_come_back),
		cmocka_unit_test(test_holes_that_no_file_has_are_refused),
		cmocka_unit_test(test_holes_out_of_order_are_refused),
		cmocka_unit_test(test_more_holes_than_the_limit_are_refused),
		cmocka_unit_test(test_other_types_are_refused),
		cmocka_unit_test(test_numbers_in_other_forms_are_refused),
		cmocka_unit_test(test_every_byte_that_means_nothing_is_checked),
		cmocka_unit_test(test_blocks_that_are_no_headers_are_refused),
		cmocka_unit_test(test_records_that_we_do_not_write_are_refused),
		cmocka_unit_test(test_records_with_other_values_are_refused),
		cmocka_unit_test(test_records_of_100_mb_are_refused_by_their_header),
		cmocka_unit_test(test_two_pax_headers_in_a_row_are_refused),
		cmocka_unit_test(test_nothing_but_an_end_marker_is_an_empty_archive),
		cmocka_unit_test(test_an_archive_without_its_whole_end_is_refused),
		cmocka_unit_test(test_data_that_only_files_have_is_refused),
		cmocka_unit_test(test_limits_of_entries_and_bytes_are_kept),
		cmocka_unit_test(test_a_million_and_one_entries_are_refused),
		cmocka_unit_test(test_10000_levels_are_refused_at_the_129th),
		cmocka_unit_test(test_long_paths_are_refused_when_strict),
		cmocka_unit_test(test_symlinks_that_no_kernel_makes_are_refused),
		cmocka_unit_test(test_padding_must_be_zeros),
		cmocka_unit_test(test_messages_show_hostile_names_safely),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
