/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A file of `ambient image export` that a stranger wrote, or a damaged one. What is accepted has
 * exactly the parts that its image.yaml names, each within the file; what is refused is a mistake of
 * the input's, told in one line that is harmless on a terminal.
 */
#include "tarmutate.h"
#include "terminal.h"

#include <unistd.h>

#include "data/digest.h"
#include "images/imagefile.h"
#include "os/fd.h"
#include "os/path.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed);

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed)
{
	return mutate_archive(data, size, max_size, seed);
}

static void expect_part(const struct imagefile *f, enum image_part part, size_t size)
{
	const struct image_file *file = &f->image.parts[part];
	uint64_t at = f->offsets[part];

	if (at % TAR_BLOCK || at < TAR_BLOCK || at > size || file->bytes > size - at)
		BUG("a part at %ju of %zu bytes", (uintmax_t)at, size);
	if (strcmp(path_base(file->path), "image.yaml") == 0)
		BUG("a part that is image.yaml");
}

static void expect_refusal(const struct err *e)
{
	if (e->kind != ERR_INPUT || !e->msg[0])
		BUG("a refusal of kind %d: %s", (int)e->kind, e->msg);
	expect_harmless("a message", e->msg);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	auto_imagefile struct imagefile f = {0};
	struct err e = {0};
	auto_fd int fd = fd_memory("image", &e);

	if (fd < 0 || fd_write_all(fd, data, size) < 0)
		BUG("no file in memory");
	if (imagefile_read(fd, &f, &e) < 0) {
		expect_refusal(&e);
		return 0;
	}
	if (strcmp(digest_of(f.yaml.data, f.yaml.len).s, f.image.digest) != 0)
		BUG("another image.yaml than the one that was parsed");
	for (enum image_part part = 0; part < IMAGE_PARTS; part++)
		if (f.image.parts[part].path)
			expect_part(&f, part, size);
	return 0;
}
