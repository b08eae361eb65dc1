/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An archive that somebody else made: whatever libarchive takes it for, it is refused with a reason,
 * or what comes out is an archive of ours by the strict rules, as long as it says and within the
 * limit. Our own output as an input gives itself.
 */
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "archive/rewrite.h"
#include "data/tar.h"
#include "os/fd.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MAX_BYTES = 4 << 20, MAX_ENTRIES = 2000 };

static int make_file(const void *data, size_t size)
{
	struct err e = {0};
	int fd = fd_memory("archive", &e);

	if (fd < 0 || fd_pwrite_all(fd, data, size, 0) < 0)
		BUG("a file in memory: %s", e.msg);
	return fd;
}

static int rewrite(int in, uint64_t length, int out, struct rewrite_report *ret)
{
	const struct rewrite_options o = {.max_bytes = MAX_BYTES, .max_entries = MAX_ENTRIES};
	struct err e = {0};

	if (rewrite_archive(in, length, out, &o, ret, &e) == 0)
		return 0;
	if (e.kind != ERR_INPUT || strlen(e.msg) < 10)
		BUG("a refusal of kind %d: '%s'", (int)e.kind, e.msg);
	if (strpbrk(e.msg, "\x1b\n\r"))
		BUG("a refusal that a terminal obeys");
	return -1;
}

static void read_all(const char *data, const struct rewrite_report *report)
{
	const struct tar_rules rules = {.strict = true, .max_entries = MAX_ENTRIES};
	auto_tar_reader struct tar_reader r = {0};
	struct tar_entry t;
	struct err e = {0};
	size_t header;
	int more;

	tar_reader_init(&r, &rules, report->bytes);
	while ((more = tar_next(&r, data + r.offset, report->bytes - r.offset, &t, &header, &e)) >
		0)
		if (tar_check_padding(
			    &r, data + r.offset - tar_padding(t.size), tar_padding(t.size), &e) < 0)
			BUG("%s", e.msg);
	if (more < 0)
		BUG("what came out is refused: %s", e.msg);
	if (r.entries != report->entries)
		BUG("the number of entries is another");
}

static void check(int out, const struct rewrite_report *report)
{
	auto_fd int again = make_file("", 0);
	struct rewrite_report second = {0};
	struct stat st;
	char *data, *repeated;

	if (fstat(out, &st) < 0 || (uint64_t)st.st_size != report->bytes || st.st_size > MAX_BYTES)
		BUG("the length is another");
	data = mmap(NULL, report->bytes, PROT_READ, MAP_SHARED, out, 0);
	if (data == MAP_FAILED)
		BUG("no room");
	read_all(data, report);
	if (rewrite(out, report->bytes, again, &second) < 0 || second.bytes != report->bytes)
		BUG("what came out does not go in");
	repeated = mmap(NULL, report->bytes, PROT_READ, MAP_SHARED, again, 0);
	if (repeated == MAP_FAILED || memcmp(data, repeated, report->bytes) != 0)
		BUG("the second time it is another archive");
	(void)munmap(data, report->bytes);
	(void)munmap(repeated, report->bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	auto_fd int in = make_file(data, size), out = make_file("", 0);
	struct rewrite_report report = {0};

	if (rewrite(in, size, out, &report) == 0)
		check(out, &report);
	return 0;
}
