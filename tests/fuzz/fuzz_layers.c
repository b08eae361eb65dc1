/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Layers of a container image that somebody else made: they are refused with a reason, or what comes
 * out is an archive whose names stay inside, and which is itself, byte by byte, when it is the only
 * layer.
 *
 * An input is the number of layers, four bytes for the length of each, the lowest first, and the
 * layers.
 */
#include <endian.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "archive/foreign.h"
#include "archive/layers.h"
#include "data/tar.h"
#include "os/fd.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MAX_BYTES = 4 << 20, MAX_ENTRIES = 2000, LAYERS = 4, LENGTH_BYTES = 4 };

static int make_file(const void *data, size_t size)
{
	struct err e = {0};
	int fd = fd_memory("layers", &e);

	if (fd < 0 || fd_pwrite_all(fd, data, size, 0) < 0)
		BUG("a file in memory: %s", e.msg);
	return fd;
}

static int merge(
	const struct layers_part *layers, size_t count, int out, struct rewrite_report *ret)
{
	const struct layers_options o = {.max_bytes = MAX_BYTES, .max_entries = MAX_ENTRIES};
	struct err e = {0};

	if (layers_merge(layers, count, out, &o, ret, &e) == 0)
		return 0;
	if (e.kind != ERR_INPUT || strlen(e.msg) < 10)
		BUG("a refusal of kind %d: '%s'", (int)e.kind, e.msg);
	if (strpbrk(e.msg, "\x1b\n\r"))
		BUG("a refusal that a terminal obeys");
	return -1;
}

static int on_read(void *arg, uint64_t bytes, struct err *e)
{
	(void)arg;
	(void)bytes;
	(void)e;
	return 0;
}

static void check_names(int out, uint64_t bytes)
{
	const struct foreign_source source = {
		.fd = out, .length = bytes, .max_bytes = UINT64_MAX, .on_read = on_read};
	auto_foreign struct foreign *f = NULL;
	struct foreign_entry entry;
	struct err e = {0};
	const char *why;
	int more;

	/* Two blocks of zeros are an empty archive, which libarchive takes for no archive. */
	if (bytes <= TAR_END_BYTES)
		return;
	if (foreign_open(&source, false, &f, &e) < 0)
		BUG("what came out is refused: %s", e.msg);
	while ((more = foreign_next(f, &entry, &e)) > 0) {
		auto_free char *path = mem_strdup(entry.entry.path);

		while (*path && path[strlen(path) - 1] == '/')
			path[strlen(path) - 1] = '\0';
		if (!tar_path_is_plain(path, &why))
			BUG("a name that is not plain: it %s", why);
		if (foreign_skip(f, &e) < 0)
			BUG("data that cannot be skipped: %s", e.msg);
	}
	if (more < 0)
		BUG("what came out is refused: %s", e.msg);
}

static char *contents(int fd, uint64_t bytes)
{
	char *text = mem_alloc(bytes + 1);

	if (fd_pread_full(fd, text, bytes, 0) != (ssize_t)bytes)
		BUG("the length is another");
	return text;
}

static void check(int out, const struct rewrite_report *report)
{
	const struct layers_part whole = {.fd = out, .length = report->bytes};
	auto_fd int again = make_file("", 0);
	struct rewrite_report second = {0};
	auto_free char *first_text = NULL, *second_text = NULL;

	check_names(out, report->bytes);
	if (report->bytes <= TAR_END_BYTES)
		return;
	if (merge(&whole, 1, again, &second) < 0 || second.bytes != report->bytes)
		BUG("what came out does not go in");
	first_text = contents(out, report->bytes);
	second_text = contents(again, second.bytes);
	if (memcmp(first_text, second_text, report->bytes) != 0)
		BUG("the second time it is another archive");
}

/* The number of layers; 0: the input is none. */
static size_t find_layers(int fd, const uint8_t *data, size_t size, struct layers_part *ret)
{
	size_t count = size ? data[0] : 0, at = 1 + count * LENGTH_BYTES;

	if (count == 0 || count > LAYERS || at > size)
		return 0;
	for (size_t i = 0; i < count; i++) {
		uint32_t length;

		memcpy(&length, data + 1 + i * LENGTH_BYTES, sizeof(length));
		length = le32toh(length);
		if (length > size - at)
			length = (uint32_t)(size - at);
		ret[i] = (struct layers_part){.fd = fd, .offset = at, .length = length};
		at += length;
	}
	return count;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	auto_fd int in = make_file(data, size), out = make_file("", 0);
	struct layers_part layers[LAYERS];
	size_t count = find_layers(in, data, size, layers);
	struct rewrite_report report = {0};

	if (count && merge(layers, count, out, &report) == 0)
		check(out, &report);
	return 0;
}
