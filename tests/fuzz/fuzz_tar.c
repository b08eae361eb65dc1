/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An archive that a hostile guest wrote. The reader alone goes over it by all sets of rules. What
 * the strict rules accept is unpacked for real: that must succeed, stay inside, and what was made
 * must pack into an archive that has as many entries and unpacks again. What they accept with
 * specials is unpacked as the host does it: what was not made must be counted, and what was made
 * must be plain.
 */
#include "tarmutate.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/limits.h"
#include "data/pack.h"
#include "data/tar.h"
#include "data/unpack.h"
#include "os/fd.h"
#include "os/path.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed);

enum { CHKSUM = 148, MAGIC = 257 };

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed)
{
	return mutate_archive(data, size, max_size, seed);
}

/* ---- reading ----------------------------------------------------------------------------- */

static void expect_refusal(const struct err *e)
{
	if (e->kind != ERR_GUEST || !*e->msg)
		BUG("a refusal of kind %d: %s", (int)e->kind, e->msg);
}

/* 0 when the archive is accepted to its end, with the number of entries. */
static int read_all(
	const char *data, size_t size, bool strict, bool specials, uint64_t *ret_entries)
{
	struct tar_rules rules = {.strict = strict, .specials = specials, .max_entries = 1000};
	auto_tar_reader struct tar_reader r;
	struct tar_entry t;
	struct err e = {0};
	size_t header;
	int more;

	tar_reader_init(&r, &rules, size);
	while ((more = tar_next(&r, data + r.offset, size - r.offset, &t, &header, &e)) > 0) {
		size_t padding = tar_padding(t.size);

		if (r.offset > size || header % TAR_BLOCK || t.size > size)
			BUG("an entry behind the end of the archive");
		if (tar_check_padding(&r, data + r.offset - padding, padding, &e) < 0) {
			more = -1;
			break;
		}
	}
	*ret_entries = r.entries;
	if (more < 0)
		expect_refusal(&e);
	return more;
}

/* ---- unpacking for real ------------------------------------------------------------------ */

static int make_dir(const char *path)
{
	int fd = mkdir(path, 0700) < 0 ? -1 : open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		BUG("%s cannot be made", path);
	return fd;
}

/* False only when a hard link named no file: that needs the files, so the reader alone accepts it.
 */
static bool unpack(int archive, uint64_t len, int dest, uint64_t entries, bool specials,
	uint64_t *ret_withheld)
{
	struct unpack_policy policy = {
		.rules = {.strict = true, .specials = specials}, .root = "/ci/artifacts"};
	struct unpack_result r;
	struct err e = {0};

	if (unpack_tree(archive, len, dest, &policy, &r, &e) < 0) {
		if (!strstr(e.msg, "which is no file of the archive"))
			BUG("read and not unpacked: %s", e.msg);
		return false;
	}
	if (r.entries != entries || r.archive_bytes != len)
		BUG("%llu entries were read, %llu unpacked", (unsigned long long)entries,
			(unsigned long long)r.entries);
	*ret_withheld =
		r.withheld.devices + r.withheld.fifos + r.withheld.sockets + r.withheld.links;
	return true;
}

/* Besides the directories "a" and "b" there must be nothing. */
static void expect_nothing_outside(const char *top)
{
	DIR *dir = opendir(top);
	const struct dirent *d;

	if (!dir)
		BUG("%s is gone", top);
	while ((d = readdir(dir)))
		if (strcmp(d->d_name, ".") != 0 && strcmp(d->d_name, "..") != 0 &&
			strcmp(d->d_name, "a") != 0 && strcmp(d->d_name, "b") != 0)
			BUG("'%s' was made outside", d->d_name);
	(void)closedir(dir);
}

static void unpack_and_pack(
	const char *top, int archive, uint64_t len, uint64_t entries, bool specials)
{
	auto_free char *path_a = path_join(top, "a"), *path_b = path_join(top, "b");
	auto_fd int a = make_dir(path_a), b = make_dir(path_b);
	struct pack_options options = {.kinds = PACK_PLAIN, .out_is_zero = true};
	auto_pack_result struct pack_result packed = {0};
	uint64_t withheld = 0, none = 0;
	struct err e = {0};
	auto_fd int again = fd_memory("again", &e);

	if (again < 0)
		BUG("%s", e.msg);
	if (!unpack(archive, len, a, entries, specials, &withheld))
		return;
	expect_nothing_outside(top);
	if (pack_tree(a, "a", again, &options, &packed, &e) < 0)
		BUG("unpacked and not packed: %s", e.msg);
	if (packed.entries != entries - withheld || packed.warning_count)
		BUG("%llu entries were unpacked, %llu of them not made, %llu packed",
			(unsigned long long)entries, (unsigned long long)withheld,
			(unsigned long long)packed.entries);
	if (!unpack(again, packed.bytes, b, packed.entries, false, &none) || none)
		BUG("our own archive has a link to nothing");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *)data;
	uint64_t entries, plain, lenient;
	struct err e = {0};
	char top[] = "/dev/shm/fuzz-tar-XXXXXX";
	auto_fd int archive = -1;
	bool is_plain = read_all(text, size, true, false, &plain) == 0;
	bool is_lenient = read_all(text, size, false, false, &lenient) == 0;

	if (read_all(text, size, true, true, &entries) < 0) {
		if (is_plain)
			BUG("the strict rules accept more than they do with specials");
		return 0;
	}
	if (is_plain && (!is_lenient || lenient != entries || plain != entries))
		BUG("the strict rules accept more than the lenient ones");
	archive = fd_memory("archive", &e);
	if (archive < 0 || fd_pwrite_all(archive, data, size, 0) < 0 || !mkdtemp(top))
		BUG("no room for an archive: %s", e.msg);
	unpack_and_pack(top, archive, size, entries, !is_plain);
	if (path_remove_tree(top, &e) < 0)
		BUG("%s", e.msg);
	return 0;
}
