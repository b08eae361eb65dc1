/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where the members of tar archives of other programs are, and what is refused. An index is shown as
 * "PATH OFFSET+BYTES" or "PATH -> TARGET", one member a line. And that a layer in such an archive, or in a
 * file of its own, is seen to change.
 */
#include "tests/unit/expect.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "images/container.h"
#include "images/limits.h"
#include "images/rootfs.h"
#include "images/tarindex.h"
#include "tests/unit/tarmake.h"

static void start(struct buf *b)
{
	buf_init(b, 64 << 20);
}

/* A member of `size` bytes with a name of at most 100 bytes. Returns its offset. */
static size_t add(struct buf *b, char type, const char *name, const char *link, uint64_t size)
{
	const struct tar_entry t = {.type = TAR_FILE, .path = "f", .mode = 0644, .size = size};
	size_t start_at = b->len;
	char *header;

	tarmake_add(b, &t);
	header = b->data + start_at;
	memcpy(header + TARMAKE_NAME, name, strlen(name) + (strlen(name) < 100));
	memcpy(header + TARMAKE_LINK, link, strlen(link) + (strlen(link) < 100));
	tarmake_patch(header, TARMAKE_TYPE, &type, 1);
	return start_at;
}

/* A header of type `type` whose data is this text, for the next member. */
static void add_text(struct buf *b, char type, const char *text)
{
	size_t size = strlen(text) + (type != 'x');
	size_t at = add(b, type, "././@LongLink", "", size);

	memcpy(b->data + at + TAR_BLOCK, text, strlen(text));
	b->data[at + TAR_BLOCK + strlen(text)] = '\0';
}

static int read_index(const struct buf *b, struct tarindex *ret, struct err *e)
{
	auto_fd int fd = fd_memory("archive", e);

	assert_true(fd >= 0 && fd_pwrite_all(fd, b->data, b->len, 0) == 0);
	return tarindex_read(fd, "a.tar", b->len, ret, e);
}

static void expect_index(struct buf *b, const char *wanted)
{
	auto_tarindex struct tarindex t = {0};
	auto_buf struct buf shown = {0};
	struct err e = {0};

	buf_init(&shown, 1 << 20);
	expect_ok(read_index(b, &t, &e), &e);
	for (size_t i = 0; i < t.count; i++) {
		const struct tarindex_member *m = &t.items[i];

		if (m->link)
			buf_addf(
				&shown, "%s %s> %s\n", m->path, m->is_symlink ? "-" : "=", m->link);
		else
			buf_addf(&shown, "%s %llu+%llu\n", m->path, (unsigned long long)m->offset,
				(unsigned long long)m->bytes);
	}
	assert_string_equal(shown.data, wanted);
	buf_release(b);
}

static void expect_refusal(struct buf *b, const char *wanted)
{
	auto_tarindex struct tarindex t = {0};
	struct err e = {0};

	expect_err(read_index(b, &t, &e), &e, ERR_INPUT, wanted);
	buf_release(b);
}

static void test_names_of_all_formats(void **state)
{
	struct buf b;
	size_t at;

	(void)state;
	start(&b);
	add(&b, '0', "./plain", "", 3);
	add(&b, '\0', "v7", "", 600);
	add(&b, '5', "dir/", "", 0);
	add(&b, '3', "device", "", 0);
	at = add(&b, '0', "end", "", 1);
	tarmake_patch(b.data + at, TARMAKE_PREFIX, "start", 5);
	add_text(&b, 'L', "long/of/gnu");
	add_text(&b, 'K', "target/of/gnu");
	add(&b, '2', "short", "short", 0);
	add_text(&b, 'x', "15 path=of/pax\n12 size=513\n");
	at = add(&b, '0', "short", "", 513);
	tarmake_patch(b.data + at, TARMAKE_SIZE, "00000000000", 11);
	add(&b, '1', "hard", "./plain", 0);
	tarmake_end(&b);
	expect_index(&b,
		"plain 512+3\nv7 1536+600\nstart/end 4096+1\n"
		"long/of/gnu -> target/of/gnu\nof/pax 8704+513\nhard => ./plain\n");
}

static void test_sizes_of_gnu(void **state)
{
	struct buf b;
	size_t at;

	(void)state;
	start(&b);
	at = add(&b, '0', "a", "", 5);
	tarmake_patch(b.data + at, TARMAKE_SIZE, "\x80\0\0\0\0\0\0\0\0\0\0\x05", 12);
	expect_index(&b, "a 512+5\n");
	start(&b);
	at = add(&b, '0', "a", "", 5);
	tarmake_patch(b.data + at, TARMAKE_SIZE, "\x80\0\0\1\0\0\0\0\0\0\0\x05", 12);
	expect_refusal(&b, "it is not a tar archive");
	start(&b);
	at = add(&b, '0', "a", "", 5);
	tarmake_patch(b.data + at, TARMAKE_SIZE, "\x80\0\0\0\x7f\xff\xff\xff\xff\xff\xff\xff", 12);
	expect_refusal(&b, "it is cut short, at byte 0");
	start(&b);
	at = add(&b, '0', "a", "", 5);
	tarmake_patch(b.data + at, TARMAKE_SIZE, "\x80\0\0\0\xff\xff\xff\xff\xff\xff\xff\xff", 12);
	expect_refusal(&b, "it is cut short, at byte 0");
}

static void test_refuses_what_is_no_archive(void **state)
{
	struct buf b;

	(void)state;
	start(&b);
	buf_adds(&b, "\x1f\x8b\x08");
	expect_refusal(&b, "it is compressed; 'gzip -dc a.tar >image.tar' decompresses it");
	start(&b);
	buf_adds(&b, "text");
	expect_refusal(&b, "it is not a tar archive");
	start(&b);
	add(&b, '0', "a", "", 0);
	b.data[0] = 'b';
	expect_refusal(&b, "it is not a tar archive");
	start(&b);
	add(&b, '0', "a", "", 1);
	buf_adds(&b, "rubbish");
	expect_refusal(&b, "it is damaged, at byte 1024");
	start(&b);
	add(&b, '0', "a", "", 2000);
	b.len = 2000;
	expect_refusal(&b, "it is cut short, at byte 0");
	start(&b);
	add(&b, 'S', "a", "", 0);
	expect_refusal(&b, "a member is a sparse file, at byte 0");
}

/* Without padding and end marker, as Go's reader takes it, too. */
static void test_an_end_is_not_demanded(void **state)
{
	struct buf b;

	(void)state;
	start(&b);
	expect_index(&b, "");
	start(&b);
	add(&b, '0', "a", "", 2);
	b.len = TAR_BLOCK + 2;
	expect_index(&b, "a 512+2\n");
	start(&b);
	add(&b, '0', "a", "", 2);
	tarmake_end(&b);
	buf_adds(&b, "rubbish");
	expect_index(&b, "a 512+2\n");
}

static void expect_record_refusal(const char *records, const char *wanted)
{
	struct buf b;

	start(&b);
	add_text(&b, 'x', records);
	add(&b, '0', "a", "", 0);
	expect_refusal(&b, wanted);
}

static void test_refuses_damaged_records(void **state)
{
	static const char damaged[] = "a record of a header is damaged, at byte 0";

	(void)state;
	expect_record_refusal("x", damaged);
	expect_record_refusal("0 a=b\n", damaged);
	expect_record_refusal("7 a=b\n", damaged);
	expect_record_refusal("5 a=b\n", damaged);
	expect_record_refusal("2 \n", damaged);
	expect_record_refusal("99999999999999999999999 a=b\n", damaged);
	expect_record_refusal("5 ab\n", "a record of a header has no value, at byte 0");
	expect_record_refusal("22 GNU.sparse.major=1\n", "a member is a sparse file, at byte 0");
}

static void test_what_a_header_says_is_for_one_member(void **state)
{
	struct buf b;

	(void)state;
	start(&b);
	add_text(&b, 'x', "12 path=one\n12 size=001\n");
	add(&b, '5', "dir", "", 0);
	add(&b, '0', "a", "", 2);
	expect_index(&b, "a 2048+2\n");
}

static void test_links_are_followed_once(void **state)
{
	auto_tarindex struct tarindex t = {0};
	struct err e = {0};
	struct buf b;

	(void)state;
	start(&b);
	add(&b, '0', "x/layer.tar", "", 1);
	add(&b, '0', "x/layer.tar", "", 2);
	add(&b, '2', "y/layer.tar", "../x/layer.tar", 0);
	add(&b, '1', "z", "x/layer.tar", 0);
	add(&b, '2', "chain", "y/layer.tar", 0);
	add(&b, '2', "loop", "loop", 0);
	add(&b, '2', "out", "../../../../x/layer.tar", 0);
	expect_ok(read_index(&b, &t, &e), &e);
	buf_release(&b);
	assert_int_equal(tarindex_find(&t, "x/layer.tar")->bytes, 2);
	assert_ptr_equal(tarindex_find(&t, "y/layer.tar"), tarindex_find(&t, "x/layer.tar"));
	assert_ptr_equal(tarindex_find(&t, "z"), tarindex_find(&t, "x/layer.tar"));
	assert_ptr_equal(tarindex_find(&t, "out"), tarindex_find(&t, "x/layer.tar"));
	assert_null(tarindex_find(&t, "chain"));
	assert_null(tarindex_find(&t, "loop"));
	assert_null(tarindex_find(&t, "x"));
	assert_null(tarindex_find(&t, ""));
}

static void test_headers_and_names_are_limited(void **state)
{
	static char name[LIMIT_TAR_PAX_BYTES - 1];
	struct buf b;

	(void)state;
	start(&b);
	for (int i = 0; i <= LIMIT_TARINDEX_HEADERS; i++)
		add(&b, 'g', "g", "", 0);
	expect_refusal(&b, "it has more than 100000 headers");
	memset(name, 'n', sizeof(name) - 1);
	start(&b);
	for (uint64_t i = 0; i <= LIMIT_TARINDEX_NAMES_BYTES / sizeof(name) + 1; i++) {
		add_text(&b, 'L', name);
		add(&b, '0', "a", "", 0);
	}
	expect_refusal(&b, "the names of its members have more than 8.0 MiB together");
	start(&b);
	add(&b, 'L', "a", "", LIMIT_TAR_PAX_BYTES + 1);
	expect_refusal(&b, "a header is too long, at byte 0");
}

/* ---- files that change ---- */

static const struct timespec long_ago[] = {{.tv_sec = 1000}, {.tv_sec = 1000}};

static void set_back(const char *path)
{
	assert_int_equal(utimensat(AT_FDCWD, path, long_ago, 0), 0);
}

/* As blobs of $dir/layer, a part of the archive $dir/a.tar, and a root file system. */
static void open_layers(const char *dir, struct container_image *ret)
{
	auto_free char *tar = path_join(dir, "a.tar"), *layer = path_join(dir, "layer");
	auto_blobs struct blobs directory = BLOBS_NONE, archive = BLOBS_NONE;
	struct blob blob = BLOB_NONE;
	struct err e = {0};

	expect_ok(blobs_open_directory(dir, &directory, &e), &e);
	expect_ok(blobs_get(&directory, "layer", &blob, &e), &e);
	container_add_layer(ret, &blob);
	expect_ok(blobs_open_archive(tar, &archive, &e), &e);
	expect_ok(blobs_get(&archive, "member", &blob, &e), &e);
	container_add_layer(ret, &blob);
	expect_ok(rootfs_open(layer, ret, &e), &e);
	expect_ok(container_check_layers(ret, &e), &e);
}

/* Make $dir/a.tar and $dir/layer, which have not been changed for long. */
static void make_files(const char *dir)
{
	auto_free char *layer = expect_file(dir, "layer", "text"), *tar = path_join(dir, "a.tar");
	auto_buf struct buf b = {0};
	struct err e = {0};

	start(&b);
	add(&b, '0', "member", "", 3);
	expect_ok(fd_write_file(tar, b.data, b.len, 0644, &e), &e);
	set_back(layer);
	set_back(tar);
}

/* The same number of bytes. */
static void write_to(const char *dir, const char *name)
{
	auto_free char *path = path_join(dir, name);
	auto_fd int fd = open(path, O_WRONLY | O_CLOEXEC);

	assert_int_equal(pwrite(fd, "TEXT", 4, 0), 4);
}

static void expect_changed(const char *dir, void (*change)(const char *dir), const char *wanted)
{
	auto_container_image struct container_image image = {0};
	struct err e = {0};

	make_files(dir);
	open_layers(dir, &image);
	change(dir);
	expect_err(container_check_layers(&image, &e), &e, ERR_INPUT, wanted);
}

static void write_layer(const char *dir)
{
	write_to(dir, "layer");
}

static void write_archive(const char *dir)
{
	write_to(dir, "a.tar");
}

static void cut_layer(const char *dir)
{
	auto_free char *path = path_join(dir, "layer");

	assert_int_equal(truncate(path, 1), 0);
	set_back(path);
}

static bool has_changed(const char *path, const struct stat *before)
{
	struct stat now;

	assert_int_equal(stat(path, &now), 0);
	return now.st_ctim.tv_sec != before->st_ctim.tv_sec ||
		now.st_ctim.tv_nsec != before->st_ctim.tv_nsec;
}

/* The clock of files ticks some hundred times a second. */
static void write_and_set_back(const char *dir)
{
	auto_free char *path = path_join(dir, "layer");
	struct stat before;

	assert_int_equal(stat(path, &before), 0);
	do {
		write_to(dir, "layer");
		set_back(path);
	} while (!has_changed(path, &before));
}

static void test_layers_that_change_are_seen(void **state)
{
	auto_dir char *dir = expect_dir();
	auto_container_image struct container_image root = {0};
	auto_free char *layer = path_join(dir, "layer");
	struct err e = {0};

	(void)state;
	expect_changed(dir, write_layer, "the file of layer 1 was changed while it was imported");
	expect_changed(dir, write_archive, "the file of layer 2 was changed while it was imported");
	expect_changed(dir, cut_layer, "the file of layer 1 was changed while it was imported");
	expect_changed(
		dir, write_and_set_back, "the file of layer 1 was changed while it was imported");
	make_files(dir);
	expect_ok(rootfs_open(layer, &root, &e), &e);
	write_layer(dir);
	expect_err(container_check_layers(&root, &e), &e, ERR_INPUT,
		"the file of layer 1 was changed while it was imported");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names_of_all_formats),
		cmocka_unit_test(test_sizes_of_gnu),
		cmocka_unit_test(test_refuses_what_is_no_archive),
		cmocka_unit_test(test_an_end_is_not_demanded),
		cmocka_unit_test(test_refuses_damaged_records),
		cmocka_unit_test(test_what_a_header_says_is_for_one_member),
		cmocka_unit_test(test_links_are_followed_once),
		cmocka_unit_test(test_headers_and_names_are_limited),
		cmocka_unit_test(test_layers_that_change_are_seen),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
