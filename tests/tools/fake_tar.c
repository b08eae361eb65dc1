/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Most archives are one wrong thing in a right surrounding: an entry is encoded by the project's
 * own encoder, then single bytes of its header are replaced and the sum is made right again. So the
 * reader refuses it for that one thing and for nothing else.
 */
#include "fake_tar.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/limits.h"
#include "data/tar.h"
#include "os/fd.h"

/* Fields of a ustar header (POSIX.1-2017, pax): offset and length. */
enum {
	AT_NAME = 0,
	NAME_LEN = 100,
	AT_MODE = 100,
	MODE_LEN = 8,
	AT_SIZE = 124,
	SIZE_LEN = 12,
	AT_MTIME = 136,
	MTIME_LEN = 12,
	AT_SUM = 148,
	SUM_LEN = 8,
	AT_TYPE = 156,
	AT_LINK = 157,
	LINK_LEN = 100,
	AT_MAGIC = 257,
	AT_UNAME = 265,
	AT_DEVMAJOR = 329,
	WHEN = 1700000000,
};

struct out {
	int fd;
	uint64_t at, entries;
	bool failed;
};

static void put(struct out *o, const void *data, size_t len)
{
	if (!o->failed && fd_pwrite_all(o->fd, data, len, o->at) < 0)
		o->failed = true;
	o->at += len;
}

/* The drive is all zeros, so zeros are only skipped. */
static void put_zeros(struct out *o, uint64_t len)
{
	o->at += len;
}

static void put_data(struct out *o, const char *text)
{
	put(o, text, strlen(text));
	put_zeros(o, tar_padding(strlen(text)));
}

static void end(struct out *o)
{
	put_zeros(o, TAR_END_BYTES);
}

/* ---- entries ---- */

static struct tar_entry entry(enum tar_type type, const char *path)
{
	return (struct tar_entry){.type = type,
		.path = path,
		.link = "",
		.mtime = WHEN,
		.mode = type == TAR_DIR ? 0755 : 0644};
}

static void put_entry(struct out *o, const struct tar_entry *t)
{
	auto_free char *header = mem_alloc(TAR_HEADER_MAX);

	put(o, header, tar_encode(t, header));
	o->entries++;
}

static void put_dir(struct out *o, const char *path)
{
	struct tar_entry t = entry(TAR_DIR, path);

	put_entry(o, &t);
}

static void put_file(struct out *o, const char *path, const char *text)
{
	struct tar_entry t = entry(TAR_FILE, path);

	t.size = strlen(text);
	put_entry(o, &t);
	put_data(o, text);
}

static void put_link(struct out *o, enum tar_type type, const char *path, const char *target)
{
	struct tar_entry t = entry(type, path);

	t.link = target;
	t.mode = type == TAR_SYMLINK ? 0777 : 0644;
	put_entry(o, &t);
}

/* Six octal digits, a NUL, a space: as POSIX writes the sum of all bytes with the sum as spaces. */
static void fix_sum(char *header)
{
	unsigned sum = 0;

	memset(header + AT_SUM, ' ', SUM_LEN);
	for (size_t i = 0; i < TAR_BLOCK; i++)
		sum += (unsigned char)header[i];
	(void)snprintf(header + AT_SUM, SUM_LEN, "%06o", sum & 0777777);
	header[AT_SUM + SUM_LEN - 1] = ' ';
}

/* An entry whose header has `bytes` at `offset`. */
static void put_patched(
	struct out *o, const struct tar_entry *t, size_t offset, const void *bytes, size_t len)
{
	auto_free char *header = mem_alloc(TAR_HEADER_MAX);
	size_t header_len = tar_encode(t, header);

	if (header_len != TAR_BLOCK)
		BUG("the entry %s needs more than one block", t->path);
	memcpy(header + offset, bytes, len);
	fix_sum(header);
	put(o, header, TAR_BLOCK);
	o->entries++;
}

/* A file whose name has the same length as `name`, which no encoder would write. */
static void put_named(struct out *o, char type, const char *name, size_t len)
{
	struct tar_entry t = entry(TAR_FILE, "placeholder");
	char field[NAME_LEN] = {0};
	auto_free char *header = mem_alloc(TAR_HEADER_MAX);

	memcpy(field, name, len);
	(void)tar_encode(&t, header);
	memcpy(header + AT_NAME, field, NAME_LEN);
	header[AT_TYPE] = type;
	if (type == TAR_DIR)
		memcpy(header + AT_MODE, "0000755", MODE_LEN);
	fix_sum(header);
	put(o, header, TAR_BLOCK);
	o->entries++;
}

static void put_typed(struct out *o, char type)
{
	struct tar_entry t = entry(TAR_FILE, "special");

	put_patched(o, &t, AT_TYPE, &type, 1);
	end(o);
}

static void put_mode(struct out *o, enum tar_type type, uint32_t mode)
{
	struct tar_entry t = entry(type, "special");

	t.mode = mode;
	put_entry(o, &t);
	end(o);
}

/* A pax header of `claim` bytes, of which the record is written, then an ordinary file. */
static void put_pax(struct out *o, const char *record, uint64_t claim)
{
	struct tar_entry t = entry(TAR_FILE, "@PaxHeader");
	char type = 'x';

	t.mtime = 0;
	t.size = claim;
	put_patched(o, &t, AT_TYPE, &type, 1);
	o->entries--; /* it belongs to the next one */
	put_data(o, record);
	put_file(o, "file", "content\n");
	end(o);
}

static void put_size_field(struct out *o, const char field[SIZE_LEN])
{
	struct tar_entry t = entry(TAR_FILE, "sized");

	put_patched(o, &t, AT_SIZE, field, SIZE_LEN);
	put_data(o, "content\n");
	end(o);
}

/* ---- archives that are right ---- */

static void good_entries(struct out *o)
{
	put_dir(o, "dir");
	put_file(o, "dir/inner.txt", "inner\n");
	put_file(o, "hello.txt", "hello\n");
}

static void good(struct out *o)
{
	good_entries(o);
	end(o);
}

static void empty(struct out *o)
{
	end(o);
}

static void odd_names(struct out *o)
{
	put_file(o, "\x01\x1b[2J", "control\n");
	put_file(o, "A", "upper\n");
	put_file(o, "a", "lower\n");
	put_file(o, "e\xcc\x81", "decomposed\n");
	put_file(o, "tab\there", "tab\n");
	put_file(o, "two\nlines", "newline\n");
	put_file(o, "\xc3\xa9", "composed\n");
	put_file(o, "\xff\xfe", "bytes\n");
	end(o);
}

static void hole(struct out *o)
{
	struct tar_entry t = entry(TAR_FILE, "hole");

	t.size = 512 * MIB;
	put_entry(o, &t);
	put_zeros(o, t.size);
	end(o);
}

/* ---- names that lead somewhere else ---- */

static void dotdot(struct out *o)
{
	put_named(o, TAR_FILE, "../outside", 10);
	end(o);
}

static void dotdot_inside(struct out *o)
{
	put_dir(o, "a");
	put_named(o, TAR_FILE, "a/../../outside", 15);
	end(o);
}

static void dotdot_dir(struct out *o)
{
	put_named(o, TAR_DIR, "..", 2);
	end(o);
}

static void absolute(struct out *o)
{
	put_named(o, TAR_FILE, "/tmp/ambient-outside", 20);
	end(o);
}

static void dot(struct out *o)
{
	put_named(o, TAR_FILE, "./file", 6);
	end(o);
}

static void double_slash(struct out *o)
{
	put_dir(o, "a");
	put_named(o, TAR_FILE, "a//b", 4);
	end(o);
}

static void slash_at_end(struct out *o)
{
	put_named(o, TAR_DIR, "dir/", 4);
	end(o);
}

static void empty_name(struct out *o)
{
	put_named(o, TAR_FILE, "", 0);
	end(o);
}

static void hidden_name(struct out *o)
{
	put_named(o, TAR_FILE, "shown\0../hidden", 15);
	end(o);
}

static void duplicate(struct out *o)
{
	put_file(o, "file", "one\n");
	put_file(o, "file", "two\n");
	end(o);
}

static void unsorted(struct out *o)
{
	put_file(o, "b", "b\n");
	put_file(o, "a", "a\n");
	end(o);
}

static void missing_parent(struct out *o)
{
	put_file(o, "dir/file", "x\n");
	end(o);
}

static void below_file(struct out *o)
{
	put_file(o, "a", "a file\n");
	put_file(o, "a/b", "below it\n");
	end(o);
}

static void deep(struct out *o)
{
	char path[2 * 200] = "d";

	for (size_t depth = 1; depth < 200; depth++) {
		put_dir(o, path);
		memcpy(path + 2 * depth - 1, "/d", 3);
	}
	end(o);
}

/* 10,000 levels in one name. */
static void deeper(struct out *o)
{
	enum { LEVELS = 10000 };
	auto_free char *record = mem_alloc(2 * LEVELS + 32);
	int n = snprintf(record, 32, "%d path=", 2 * LEVELS + 12);

	memset(record + n, 'd', 2 * LEVELS - 1);
	for (int i = 1; i < LEVELS; i++)
		record[n + 2 * i - 1] = '/';
	record[n + 2 * LEVELS - 1] = '\n';
	put_pax(o, record, strlen(record));
}

static void many(struct out *o)
{
	for (unsigned i = 0; i <= LIMIT_TAR_ENTRIES; i++) {
		auto_free char *name = mem_printf("f%07u", i);

		put_file(o, name, "");
	}
	end(o);
}

/* ---- links ---- */

static void symlink_out(struct out *o)
{
	put_link(o, TAR_SYMLINK, "link", "../../../outside");
	end(o);
}

static void symlink_absolute(struct out *o)
{
	put_link(o, TAR_SYMLINK, "link", "/etc/passwd");
	end(o);
}

static void symlink_zigzag(struct out *o)
{
	put_dir(o, "a");
	put_link(o, TAR_SYMLINK, "a/link", "../a/../../outside");
	end(o);
}

static void symlink_then_file(struct out *o)
{
	put_link(o, TAR_SYMLINK, "d", "/tmp");
	put_file(o, "d/ambient-outside", "through the link\n");
	end(o);
}

static void symlink_inside_then_file(struct out *o)
{
	put_dir(o, "a");
	put_link(o, TAR_SYMLINK, "b", "a");
	put_file(o, "b/file", "through the link\n");
	end(o);
}

static void symlink_with_data(struct out *o)
{
	struct tar_entry t = entry(TAR_SYMLINK, "link");

	t.link = "target";
	t.mode = 0777;
	put_patched(o, &t, AT_SIZE, "00000000010", SIZE_LEN);
	put_data(o, "12345678");
	end(o);
}

static void put_hardlink(struct out *o, const char *target)
{
	struct tar_entry t = entry(TAR_HARDLINK, "link");
	char field[LINK_LEN] = {0};

	(void)snprintf(field, sizeof(field), "%s", target);
	t.link = "placeholder";
	put_file(o, "file", "content\n");
	put_patched(o, &t, AT_LINK, field, LINK_LEN);
	end(o);
}

static void hardlink_out(struct out *o)
{
	put_hardlink(o, "../result.json");
}

static void hardlink_absolute(struct out *o)
{
	put_hardlink(o, "/etc/passwd");
}

static void hardlink_missing(struct out *o)
{
	put_hardlink(o, "nowhere");
}

static void hardlink_self(struct out *o)
{
	put_hardlink(o, "link");
}

static void hardlink_to_symlink(struct out *o)
{
	put_link(o, TAR_SYMLINK, "a", "b");
	put_link(o, TAR_HARDLINK, "b", "a");
	end(o);
}

static void hardlink_to_dir(struct out *o)
{
	put_dir(o, "a");
	put_link(o, TAR_HARDLINK, "b", "a");
	end(o);
}

/* ---- kinds and modes ---- */

static void char_device(struct out *o)
{
	put_typed(o, '3');
}

static void block_device(struct out *o)
{
	put_typed(o, '4');
}

static void fifo(struct out *o)
{
	put_typed(o, '6');
}

static void gnu_sparse(struct out *o)
{
	put_typed(o, 'S');
}

static void gnu_long_name(struct out *o)
{
	put_typed(o, 'L');
}

static void global_pax(struct out *o)
{
	put_typed(o, 'g');
}

static void unknown_type(struct out *o)
{
	put_typed(o, 'Z');
}

static void set_user(struct out *o)
{
	put_mode(o, TAR_FILE, 04755);
}

static void set_group(struct out *o)
{
	put_mode(o, TAR_FILE, 02755);
}

static void sticky(struct out *o)
{
	put_mode(o, TAR_DIR, 01777);
}

static void device_numbers(struct out *o)
{
	struct tar_entry t = entry(TAR_FILE, "special");

	put_patched(o, &t, AT_DEVMAJOR, "0000001", 8);
	end(o);
}

static void owner_name(struct out *o)
{
	struct tar_entry t = entry(TAR_FILE, "special");

	put_patched(o, &t, AT_UNAME, "root", 4);
	end(o);
}

/* ---- extended headers ---- */

static void pax_bomb(struct out *o)
{
	const uint64_t claim = 100000000;
	uint64_t start = o->at;

	put_pax(o, "100000000 comment=", claim);
	o->at = start + TAR_BLOCK + claim + tar_padding(claim);
	put_file(o, "file", "content\n");
	o->entries--;
	end(o);
}

static void pax_claim(struct out *o)
{
	put_pax(o, "20 comment=something", 077777777777ULL);
}

static void pax_xattr(struct out *o)
{
	put_pax(o, "38 SCHILY.xattr.security.capability=x\n", 38);
}

static void pax_acl(struct out *o)
{
	put_pax(o, "38 SCHILY.acl.access=user::rwx,u:0:rw\n", 38);
}

static void pax_sparse(struct out *o)
{
	put_pax(o, "22 GNU.sparse.major=1\n", 22);
}

static void pax_size(struct out *o)
{
	put_pax(o, "28 size=9223372036854775807\n", 28);
}

static void pax_time(struct out *o)
{
	put_pax(o, "29 mtime=9223372036854775807\n", 29);
}

static void pax_dotdot(struct out *o)
{
	put_pax(o, "19 path=../outside\n", 19);
}

static void pax_bad_length(struct out *o)
{
	put_pax(o, "99 path=file\n", 13);
}

static void pax_no_newline(struct out *o)
{
	put_pax(o, "13 path=filex", 13);
}

/* The header behind it says "file", and 8 bytes. */
static void pax_other_name(struct out *o)
{
	put_pax(o, "18 path=elsewhere\n", 18);
}

static void pax_other_size(struct out *o)
{
	put_pax(o, "12 size=512\n", 12);
}

static void pax_twice(struct out *o)
{
	put_pax(o, "10 path=a\n10 path=b\n", 20);
}

/* ---- numbers ---- */

static void huge_size(struct out *o)
{
	put_size_field(o, "77777777777");
}

static void binary_size(struct out *o)
{
	put_size_field(o, "\x80\0\0\0\x7f\xff\xff\xff\xff\xff\xff");
}

static void negative_size(struct out *o)
{
	put_size_field(o, "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff");
}

static void letters_size(struct out *o)
{
	put_size_field(o, "0000000001x");
}

static void negative_time(struct out *o)
{
	struct tar_entry t = entry(TAR_FILE, "old");

	put_patched(o, &t, AT_MTIME, "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xf0", MTIME_LEN);
	end(o);
}

static void binary_time(struct out *o)
{
	struct tar_entry t = entry(TAR_FILE, "late");

	put_patched(o, &t, AT_MTIME, "\x80\0\0\0\x7f\xff\xff\xff\xff\xff\xff", MTIME_LEN);
	end(o);
}

static void bad_sum(struct out *o)
{
	struct tar_entry t = entry(TAR_FILE, "file");
	auto_free char *header = mem_alloc(TAR_HEADER_MAX);

	(void)tar_encode(&t, header);
	header[AT_SUM]++;
	put(o, header, TAR_BLOCK);
	o->entries++;
	end(o);
}

static void no_magic(struct out *o)
{
	struct tar_entry t = entry(TAR_FILE, "file");
	const char none[8] = {0};

	put_patched(o, &t, AT_MAGIC, none, sizeof(none));
	end(o);
}

static void gnu_magic(struct out *o)
{
	struct tar_entry t = entry(TAR_FILE, "file");

	put_patched(o, &t, AT_MAGIC, "ustar  ", 8);
	end(o);
}

/* ---- beginnings and ends ---- */

static void no_end(struct out *o)
{
	good_entries(o);
}

static void half_end(struct out *o)
{
	good_entries(o);
	put_zeros(o, TAR_BLOCK);
}

static void long_end(struct out *o)
{
	good(o);
	put_zeros(o, 8 * TAR_BLOCK);
}

static void garbage_behind_end(struct out *o)
{
	good(o);
	put_data(o, "behind the end");
}

static void entry_behind_end(struct out *o)
{
	good(o);
	put_file(o, "late", "behind the end\n");
	end(o);
}

static void dirty_padding(struct out *o)
{
	struct tar_entry t = entry(TAR_FILE, "file");
	char block[TAR_BLOCK] = "x";

	t.size = 1;
	block[100] = 'y';
	put_entry(o, &t);
	put(o, block, sizeof(block));
	end(o);
}

static void no_archive(struct out *o)
{
	char noise[4 * TAR_BLOCK];

	for (size_t i = 0; i < sizeof(noise); i++)
		noise[i] = (char)(i * 7 + 1);
	put(o, noise, sizeof(noise));
	o->entries = 3;
}

/* Our good archive, cut behind this many blocks. The entries are claimed as if it were whole. */
static void cut(struct out *o, uint64_t blocks)
{
	good(o);
	o->at = blocks * TAR_BLOCK;
	if (ftruncate(o->fd, (off_t)o->at) < 0)
		o->failed = true;
}

/* ---- the table ---- */

static const struct archive {
	const char *name;
	void (*write)(struct out *o);
	const char *help;
} archives[] = {
	{"good", good, "a directory and two files"},
	{"empty", empty, "only the end marker"},
	{"odd-names", odd_names, "control characters, case, normalisation, bytes: all allowed"},
	{"hole", hole, "512 MiB of zeros: allowed, and no disk used"},
	{"dotdot", dotdot, "../outside"},
	{"dotdot-inside", dotdot_inside, "a/../../outside"},
	{"dotdot-dir", dotdot_dir, "a directory called .."},
	{"absolute", absolute, "/tmp/ambient-outside"},
	{"dot", dot, "./file"},
	{"double-slash", double_slash, "a//b"},
	{"slash-at-end", slash_at_end, "dir/"},
	{"empty-name", empty_name, "no name at all"},
	{"hidden-name", hidden_name, "a NUL and more behind it in the name"},
	{"duplicate", duplicate, "one name twice"},
	{"unsorted", unsorted, "b before a"},
	{"missing-parent", missing_parent, "a file in a directory that was not mentioned"},
	{"below-file", below_file, "a file below a file"},
	{"deep", deep, "199 directories in each other"},
	{"deeper", deeper, "10,000 directories in one name"},
	{"many", many, "one entry more than the limit"},
	{"symlink-out", symlink_out, "a link to ../../../outside"},
	{"symlink-absolute", symlink_absolute, "a link to /etc/passwd"},
	{"symlink-zigzag", symlink_zigzag, "a link that leaves by way of its own directory"},
	{"symlink-then-file", symlink_then_file, "a link to /tmp and a file through it"},
	{"symlink-inside-then-file", symlink_inside_then_file,
		"a link inside and a file through it"},
	{"symlink-with-data", symlink_with_data, "a link that has content"},
	{"hardlink-out", hardlink_out, "a hard link to ../result.json"},
	{"hardlink-absolute", hardlink_absolute, "a hard link to /etc/passwd"},
	{"hardlink-missing", hardlink_missing, "a hard link to nothing"},
	{"hardlink-self", hardlink_self, "a hard link to itself"},
	{"hardlink-to-symlink", hardlink_to_symlink, "a hard link to a symbolic one"},
	{"hardlink-to-dir", hardlink_to_dir, "a hard link to a directory"},
	{"char-device", char_device, "a character device"},
	{"block-device", block_device, "a block device"},
	{"fifo", fifo, "a fifo"},
	{"gnu-sparse", gnu_sparse, "GNU's sparse file"},
	{"gnu-long-name", gnu_long_name, "GNU's long name"},
	{"global-pax", global_pax, "a global pax header"},
	{"unknown-type", unknown_type, "a type that nobody knows"},
	{"setuid", set_user, "a set-uid file"},
	{"setgid", set_group, "a set-gid file"},
	{"sticky", sticky, "a directory with the sticky bit"},
	{"device-numbers", device_numbers, "a file with a device number"},
	{"owner-name", owner_name, "a file of 'root'"},
	{"pax-bomb", pax_bomb, "a pax header of 100 MB"},
	{"pax-claim", pax_claim, "a pax header that claims 8 GiB"},
	{"pax-xattr", pax_xattr, "an extended attribute"},
	{"pax-acl", pax_acl, "an access control list"},
	{"pax-sparse", pax_sparse, "GNU's sparse file as pax records"},
	{"pax-size", pax_size, "a size of 8 EiB in a pax record"},
	{"pax-time", pax_time, "a time of 2^63 seconds in a pax record"},
	{"pax-dotdot", pax_dotdot, "../outside in a pax record"},
	{"pax-bad-length", pax_bad_length, "a record longer than its header"},
	{"pax-no-newline", pax_no_newline, "a record that does not end"},
	{"pax-other-name", pax_other_name, "a record and a header with two names"},
	{"pax-other-size", pax_other_size, "a record and a header with two sizes"},
	{"pax-twice", pax_twice, "the same record twice, with two names"},
	{"huge-size", huge_size, "8 GiB in a small archive"},
	{"binary-size", binary_size, "8 EiB in base 256"},
	{"negative-size", negative_size, "-1 in base 256"},
	{"letters-size", letters_size, "a size with a letter"},
	{"negative-time", negative_time, "before 1970 in base 256"},
	{"binary-time", binary_time, "far in the future in base 256"},
	{"bad-sum", bad_sum, "a wrong header sum"},
	{"no-magic", no_magic, "a header of 1979"},
	{"gnu-magic", gnu_magic, "a header of GNU's old format"},
	{"no-end", no_end, "no end marker"},
	{"half-end", half_end, "half an end marker"},
	{"long-end", long_end, "more zeros than the end marker"},
	{"garbage-behind-end", garbage_behind_end, "bytes behind the end marker"},
	{"entry-behind-end", entry_behind_end, "an entry behind the end marker"},
	{"dirty-padding", dirty_padding, "bytes behind a file's content"},
	{"no-archive", no_archive, "noise"},
};

/* "cut-3" is 3, and 0 when it is nothing of the kind. */
static uint64_t cut_blocks(const char *name)
{
	return strncmp(name, "cut-", 4) == 0 ? strtoull(name + 4, NULL, 10) : 0;
}

static const struct archive *find(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(archives); i++)
		if (strcmp(archives[i].name, name) == 0)
			return &archives[i];
	return NULL;
}

bool fake_tar_known(const char *name)
{
	return cut_blocks(name) || find(name);
}

void fake_tar_list(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(archives); i++)
		(void)printf("%-26s %s\n", archives[i].name, archives[i].help);
	(void)printf("%-26s %s\n", "cut-N", "good, cut behind N blocks");
}

int fake_tar_write(
	const char *name, int fd, uint64_t *ret_bytes, uint64_t *ret_entries, struct err *e)
{
	const struct archive *a = find(name);
	struct out o = {.fd = fd};

	if (a)
		a->write(&o);
	else
		cut(&o, cut_blocks(name));
	if (o.failed)
		return err_sys(e, "write the archive %s", name);
	*ret_bytes = o.at;
	*ret_entries = o.entries;
	return 0;
}

/* ---- reading ---- */

/* Any reader of ustar would do here, and this one is not the project's own. */
int fake_tar_member(int fd, const char *name, char **ret_text, size_t *ret_len, struct err *e)
{
	char header[TAR_BLOCK];
	uint64_t at = 0;

	while (fd_pread_full(fd, header, sizeof(header), at) == (ssize_t)sizeof(header) &&
		header[0]) {
		uint64_t size = strtoull(header + AT_SIZE, NULL, 8);

		if (strncmp(header, name, NAME_LEN) == 0 && size <= LIMIT_PLAN_BYTES) {
			*ret_text = mem_alloc((size_t)size + 1);
			*ret_len = (size_t)size;
			if (fd_pread_full(fd, *ret_text, *ret_len, at + TAR_BLOCK) != (ssize_t)size)
				return err_sys(e, "read %s", name);
			return 0;
		}
		at += TAR_BLOCK + size + tar_padding(size);
	}
	return err_set(e, ERR_GUEST, "no %s on the first drive", name);
}
