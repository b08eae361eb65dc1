/* SPDX-License-Identifier: Apache-2.0 */
/* Files that carry images: what was exported is imported as it was, and nothing else is. */
#include "expect.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "data/digest.h"
#include "data/pack.h"
#include "images/imagefile.h"
#include "images/import.h"

#define DAMAGED "not a whole file of 'ambient image export': "

enum { FILE_MAX = 1 << 20 };

/* ---- helpers ---- */

struct part {
	const char *key, *file, *text;
};

static void add_part(struct buf *yaml, const struct part *p)
{
	buf_addf(yaml, "%s:\n  file: %s\n  bytes: %zu\n  sha256: %s\n", p->key, p->file,
		strlen(p->text), digest_of(p->text, strlen(p->text)).s);
}

/* The names are not in the order of the parts. */
static const struct part usual[IMAGE_PARTS] = {{"kernel", "vmlinux", "the kernel"},
	{"initramfs", "initramfs.cpio", ""}, {"root", "a-root.squashfs", "the root"}};

static void begin_yaml(struct buf *yaml, const struct part *parts)
{
	buf_init(yaml, FILE_MAX);
	buf_adds(yaml, "format: 1\nname: tiny\narchitecture: x86_64\nboot: direct\n");
	for (int i = 0; i < IMAGE_PARTS && parts[i].key; i++)
		add_part(yaml, &parts[i]);
}

struct world {
	char *dir, *store, *file;
	struct image image;
};

static void world_make_of(struct world *w, const struct part *parts)
{
	auto_buf struct buf yaml = {0};
	struct err e = {0};

	*w = (struct world){.dir = expect_dir()};
	w->store = path_join(w->dir, "store");
	w->file = path_join(w->dir, "file");
	begin_yaml(&yaml, parts);
	free(expect_file(w->dir, "store/tiny/image.yaml", yaml.data));
	for (int i = 0; i < IMAGE_PARTS && parts[i].key; i++) {
		auto_free char *name = mem_printf("store/tiny/%s", parts[i].file);

		free(expect_file(w->dir, name, parts[i].text));
	}
	expect_ok(image_open(w->store, "tiny", NULL, &w->image, &e), &e);
	expect_ok(imagefile_export(&w->image, w->file, &e), &e);
}

static void world_remove(struct world *w)
{
	image_release(&w->image);
	expect_dir_remove(&w->dir);
	free(w->store);
	free(w->file);
}
#define auto_world __attribute__((cleanup(world_remove)))

static void world_make(struct world *w)
{
	world_make_of(w, usual);
}

static int import(const struct world *w, struct import_result *ret, struct err *e)
{
	const struct import i = {.store = w->store,
		.source = w->file,
		.name = "other",
		.kernel = "tiny",
		.archive_program = "/nonexistent/ambient-archive"};

	return import_image(&i, ret, e);
}

/* It is refused, and the store has only what it had. */
static void expect_refused(const struct world *w, const char *why)
{
	auto_free char *other = path_join(w->store, "other");
	auto_free char *wanted = mem_printf(DAMAGED "%s", why);
	auto_import_result struct import_result result = {0};
	struct err e = {0};

	expect_err(import(w, &result, &e), &e, ERR_INPUT, wanted);
	assert_string_equal(e.reason, "image_damaged");
	assert_int_equal(access(other, F_OK), -1);
}

static void read_whole(const struct world *w, struct buf *b)
{
	struct err e = {0};

	buf_init(b, FILE_MAX);
	expect_ok(fd_read_file(w->file, b, &e), &e);
}

static void write_whole(const struct world *w, const struct buf *b)
{
	struct err e = {0};

	expect_ok(fd_write_file(w->file, b->data, b->len, 0644, &e), &e);
}

/* An archive with these members; a text of NULL is a directory. */
struct member {
	const char *path, *text;
};

static void forge(const struct world *w, const struct member *members)
{
	const struct pack_options options = {0};
	auto_pack_result struct pack_result result = {0};
	auto_fd int fd = open(w->file, O_RDWR | O_TRUNC | O_CLOEXEC);
	auto_packer struct packer *p = pack_begin(fd, &options);
	struct err e = {0};

	for (; members->path; members++)
		expect_ok(members->text ? pack_add_file(p, members->path, 0644, members->text,
						  strlen(members->text), &e)
					: pack_add_dir(p, members->path, 0755, &e),
			&e);
	expect_ok(pack_end(p, &result, &e), &e);
}

static char *info_of(const char *yaml)
{
	return mem_printf("{\"format\": 1, \"name\": \"tiny\", \"digest\": \"%s\"}",
		digest_of(yaml, strlen(yaml)).s);
}

/* ---- there and back ---- */

static void expect_same_files(const struct world *w, const struct part *parts)
{
	for (int i = 0; i < IMAGE_PARTS && parts[i].key; i++) {
		auto_free char *path = mem_printf("%s/other/%s", w->store, parts[i].file);
		auto_buf struct buf got = {0};
		struct err e = {0};

		buf_init(&got, FILE_MAX);
		expect_ok(fd_read_file(path, &got, &e), &e);
		assert_string_equal(got.data ? got.data : "", parts[i].text);
	}
}

static void expect_there_and_back(const struct part *parts)
{
	auto_world struct world w;
	auto_import_result struct import_result result = {0};
	auto_image struct image there = {0};
	struct err e = {0};

	world_make_of(&w, parts);
	expect_ok(import(&w, &result, &e), &e);
	assert_string_equal(result.digest, w.image.digest);
	assert_null(result.origin_of);
	expect_ok(image_open(w.store, "other", NULL, &there, &e), &e);
	expect_ok(image_verify(&there, NULL, NULL, NULL, &e), &e);
	assert_string_equal(there.name, "other");
	expect_same_files(&w, parts);
}

static void test_an_exported_image_is_imported_as_it_was(void **state)
{
	(void)state;
	expect_there_and_back(usual);
}

static void test_two_parts_may_be_one_file(void **state)
{
	static const struct part parts[IMAGE_PARTS] = {
		{"kernel", "x", "both"}, {"initramfs", "a", "other"}, {"root", "x", "both"}};

	(void)state;
	expect_there_and_back(parts);
}

static void test_modules_are_exported_if_the_image_has_them(void **state)
{
	static const struct part parts[IMAGE_PARTS] = {{"kernel", "vmlinux", "the kernel"},
		{"initramfs", "initramfs.cpio", ""}, {"root", "root.squashfs", "the root"},
		{"modules", "modules.squashfs", "the modules"}};

	(void)state;
	expect_there_and_back(parts);
}

static void test_the_same_image_gives_the_same_file(void **state)
{
	auto_world struct world a, b;
	auto_buf struct buf one = {0}, two = {0};

	(void)state;
	world_make(&a);
	world_make(&b);
	read_whole(&a, &one);
	read_whole(&b, &two);
	assert_int_equal(one.len, two.len);
	assert_memory_equal(one.data, two.data, one.len);
}

static void test_an_image_that_was_changed_is_not_exported(void **state)
{
	auto_world struct world w;
	auto_buf struct buf before = {0}, after = {0};
	auto_free char *kernel = NULL, *wanted = NULL;
	struct err e = {0}, e2 = {0};

	(void)state;
	world_make(&w);
	read_whole(&w, &before);
	kernel = expect_file(w.dir, "store/tiny/vmlinux", "The kernel");
	wanted = mem_printf("%s: image tiny: %s is not the file that image.yaml names; make the "
			    "image again",
		w.file, kernel);
	expect_err(imagefile_export(&w.image, w.file, &e), &e, ERR_INPUT, wanted);
	assert_string_equal(e.reason, "image_digest");
	free(expect_file(w.dir, "store/tiny/vmlinux", "the kernel, which is longer"));
	expect_err(imagefile_export(&w.image, w.file, &e2), &e2, ERR_INPUT, wanted);
	read_whole(&w, &after);
	assert_memory_equal(before.data, after.data, before.len);
}

static void test_a_file_of_the_image_is_not_written(void **state)
{
	auto_world struct world w;
	auto_free char *kernel = NULL, *wanted = NULL;
	struct err e = {0};

	(void)state;
	world_make(&w);
	kernel = path_join(w.store, "tiny/vmlinux");
	wanted = mem_printf("%s: image export %s: this is a file of the image itself, which would "
			    "be lost",
		kernel, kernel);
	expect_err(imagefile_export(&w.image, kernel, &e), &e, ERR_INPUT, wanted);
}

/* ---- what is refused ---- */

static void test_a_file_that_is_cut_anywhere_is_refused(void **state)
{
	auto_world struct world w;
	auto_buf struct buf whole = {0};

	(void)state;
	world_make(&w);
	read_whole(&w, &whole);
	assert_true(whole.len >= 12 * 512UL);
	for (size_t len = 511; len < whole.len; len += len % 512 == 511 ? 1 : 511) {
		auto_import_result struct import_result result = {0};
		struct err e = {0};

		assert_int_equal(truncate(w.file, (off_t)len), 0);
		if (import(&w, &result, &e) == 0)
			fail_msg("taken with %zu of %zu bytes", len, whole.len);
		assert_string_equal(e.reason, "image_damaged");
		write_whole(&w, &whole);
	}
}

/* One bit of many bytes, wherever they are. */
static void test_a_changed_byte_is_refused(void **state)
{
	auto_world struct world w;
	auto_buf struct buf whole = {0};
	const char *name;

	(void)state;
	world_make(&w);
	read_whole(&w, &whole);
	/* What comes after the first name says whether it is a file of ours at all. */
	name = memmem(whole.data, whole.len, "\"tiny\"", 6);
	assert_non_null(name);
	for (size_t at = sizeof("image.json"); at < whole.len; at += 1 + at % 3) {
		auto_import_result struct import_result result = {0};
		const char *byte = whole.data + at;
		struct err e = {0};

		whole.data[at] ^= 1;
		write_whole(&w, &whole);
		/* The name is only where the image goes if the user says nothing else. */
		if (import(&w, &result, &e) == 0 && (byte <= name || byte > name + 4))
			fail_msg("taken with another byte %zu", at);
		whole.data[at] ^= 1;
	}
}

static void test_only_the_members_of_an_image_are_taken(void **state)
{
	auto_world struct world w;
	auto_buf struct buf yaml = {0};
	auto_free char *info = NULL;

	(void)state;
	world_make(&w);
	begin_yaml(&yaml, usual);
	info = info_of(yaml.data);
	{
		const struct {
			struct member members[8];
			const char *why;
		} rows[] = {
			{{{"image.json", info}}, "it has no member image.yaml"},
			{{{"image.json", info}, {"image.yaml", yaml.data}},
				"it has no member parts"},
			{{{"image.json", info}, {"image.yam", yaml.data}},
				"its member 'image.yam' is not the file image.yaml that belongs "
				"there"},
			{{{"image.json", info}, {"image.yaml", NULL}},
				"its member 'image.yaml' is not the file image.yaml that belongs "
				"there"},
			{{{"image.json", info}, {"image.yaml", yaml.data}, {"other", ""}},
				"its member 'other' is not the directory parts that belongs there"},
			{{{"image.json", info}, {"image.yaml", yaml.data}, {"parts", NULL}},
				"it has no member parts/a-root.squashfs"},
			{{{"image.json", info}, {"image.yaml", yaml.data}, {"parts", NULL},
				 {"parts/a-root.squashfs", "the root"},
				 {"parts/initramfs.cpio", ""}, {"parts/more", ""}},
				"its member 'parts/more' is not the file parts/vmlinux that "
				"belongs "
				"there"},
			{{{"image.json", info}, {"image.yaml", yaml.data}, {"parts", NULL},
				 {"parts/a-root.squashfs", "the root"},
				 {"parts/initramfs.cpio", ""}, {"parts/vmlinux", "the kernel"},
				 {"parts/z", ""}},
				"it has a member 'parts/z', which image.yaml does not name"},
			{{{"image.json", info}, {"image.yaml", yaml.data}, {"parts", NULL},
				 {"parts/a-root.squashfs", "the roof"},
				 {"parts/initramfs.cpio", ""}, {"parts/vmlinux", "the kernel"}},
				"parts/a-root.squashfs has the digest "
				"b9bbc4f67ded27958d0b505f2950c2f66698c28689fd0e522965e3e568642509, "
				"and image.yaml says "
				"0db55a352707f805126a1e174517107ee99562713d76f6d022a400eed608a66c"},
			{{{"image.json", info}, {"image.yaml", yaml.data}, {"parts", NULL},
				 {"parts/a-root.squashfs", "the roots"}},
				"parts/a-root.squashfs has 9 bytes, and image.yaml says 8"},
			{{{"image.json", "{}"}}, "image.json: missing key 'format'"},
			{{{"image.json", "{\"format\": 2, \"name\": \"x\", \"digest\": \"y\"}"}},
				"image.json: format 2 is not known, this version of ambient reads "
				"formats up to 1"},
			{{{"image.json", "["}}, "image.json:1:"},
			{{{"image.json", "{\"format\": 1, \"name\": \"x\", \"digest\": \"y\"}"},
				 {"image.yaml", yaml.data}},
				"image.yaml does not have the digest that image.json says"},
		};

		for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
			auto_import_result struct import_result result = {0};
			struct err e = {0};

			forge(&w, rows[i].members);
			assert_int_equal(import(&w, &result, &e), -1);
			assert_string_equal(e.reason, "image_damaged");
			if (!strstr(e.msg, rows[i].why))
				fail_msg("'%s' is not in: %s", rows[i].why, e.msg);
		}
	}
}

/* An image.yaml that is right by its digest, and wrong. */
static void expect_yaml_refused(const char *yaml, const char *why)
{
	auto_world struct world w;
	auto_free char *info = info_of(yaml);
	const struct member members[] = {
		{"image.json", info}, {"image.yaml", yaml}, {"parts", NULL}, {"parts/x", "x"}, {0}};
	auto_import_result struct import_result result = {0};
	struct err e = {0};

	world_make(&w);
	forge(&w, members);
	assert_int_equal(import(&w, &result, &e), -1);
	assert_int_equal(e.kind, ERR_INPUT);
	if (!strstr(e.msg, why))
		fail_msg("'%s' is not in: %s", why, e.msg);
}

#define HEAD "format: 1\nname: x\narchitecture: x86_64\nboot: direct\n"
#define SUM_OF_X "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881"
#define PART(key, file, bytes, sum) key ": {file: '" file "', bytes: " bytes ", sha256: " sum "}\n"
#define X(key) PART(key, "x", "1", SUM_OF_X)

static void test_an_image_yaml_that_lies_is_refused(void **state)
{
	(void)state;
	expect_yaml_refused("format: 1\n", "image.yaml:1:1: missing key 'name'");
	expect_yaml_refused(HEAD X("kernel") X("root"), "missing key 'initramfs'");
	expect_yaml_refused(HEAD PART("kernel", "../x", "1", SUM_OF_X) X("initramfs") X("root"),
		"a file name is needed, not a path");
	expect_yaml_refused(HEAD PART("kernel", "image.yaml", "1", SUM_OF_X) X("initramfs")
				    X("root"),
		"image.yaml names itself as a part");
	expect_yaml_refused(HEAD PART("kernel", "x", "18446744073709551615", SUM_OF_X)
				    X("initramfs") X("root"),
		"parts/x has 1 bytes, and image.yaml says 18446744073709551615");
	expect_yaml_refused(HEAD PART("kernel", "x", "99999999999999999999", SUM_OF_X)
				    X("initramfs") X("root"),
		"'bytes'");
	expect_yaml_refused(
		HEAD X("kernel") X("initramfs") PART("root", "x", "1",
			"0000000000000000000000000000000000000000000000000000000000000000"),
		"image.yaml has two digests of parts/x");
}

/* The size of a header, with a checksum that is right. */
static void set_size(char *header, const char *octal)
{
	unsigned sum = 0;
	char text[8];

	memcpy(header + 124, octal, 11);
	memset(header + 148, ' ', 8);
	for (size_t i = 0; i < 512; i++)
		sum += (unsigned char)header[i];
	(void)snprintf(text, sizeof(text), "%06o", sum);
	memcpy(header + 148, text, 7);
}

static void test_a_member_that_claims_another_length_is_refused(void **state)
{
	auto_world struct world w;
	auto_buf struct buf whole = {0};

	(void)state;
	world_make(&w);
	read_whole(&w, &whole);
	set_size(whole.data, "77777777777");
	write_whole(&w, &whole);
	expect_refused(&w,
		"entry 'image.json' (header at byte 0): the archive is truncated: the entry has "
		"8589934591 bytes of data, 5632 are left");
}

static void test_texts_have_a_limit(void **state)
{
	enum { LONG = 2 << 20 };
	auto_world struct world w;
	auto_free char *text = mem_alloc(LONG + 1), *info = NULL;

	(void)state;
	world_make(&w);
	memset(text, ' ', LONG);
	forge(&w, (const struct member[]){{"image.json", text}, {0}});
	expect_refused(&w, "entry 'image.json' (header at byte 0): it is larger than 65536 bytes");
	info = info_of(text);
	forge(&w, (const struct member[]){{"image.json", info}, {"image.yaml", text}, {0}});
	expect_refused(
		&w, "entry 'image.yaml' (header at byte 1024): it is larger than 1048576 bytes");
}

static void test_what_is_no_file_of_ours_is_left_to_others(void **state)
{
	auto_dir char *dir = expect_dir();
	auto_free char *other = expect_file(dir, "other", "image.jsonx"),
		       *none = path_join(dir, "none");
	struct err e = {0};
	int fd = 0;

	(void)state;
	expect_ok(imagefile_open("oci:x", &fd, &e), &e);
	assert_int_equal(fd, -1);
	expect_ok(imagefile_open(other, &fd, &e), &e);
	assert_int_equal(fd, -1);
	expect_ok(imagefile_open(dir, &fd, &e), &e);
	assert_int_equal(fd, -1);
	expect_err(imagefile_open(none, &fd, &e), &e, ERR_INPUT, "No such file or directory");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_an_exported_image_is_imported_as_it_was),
		cmocka_unit_test(test_two_parts_may_be_one_file),
		cmocka_unit_test(test_modules_are_exported_if_the_image_has_them),
		cmocka_unit_test(test_the_same_image_gives_the_same_file),
		cmocka_unit_test(test_an_image_that_was_changed_is_not_exported),
		cmocka_unit_test(test_a_file_of_the_image_is_not_written),
		cmocka_unit_test(test_a_file_that_is_cut_anywhere_is_refused),
		cmocka_unit_test(test_a_changed_byte_is_refused),
		cmocka_unit_test(test_only_the_members_of_an_image_are_taken),
		cmocka_unit_test(test_an_image_yaml_that_lies_is_refused),
		cmocka_unit_test(test_a_member_that_claims_another_length_is_refused),
		cmocka_unit_test(test_texts_have_a_limit),
		cmocka_unit_test(test_what_is_no_file_of_ours_is_left_to_others),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
