/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An image.yaml that a stranger wrote, or a damaged one. What is accepted names the files
 * of its kind in the image's own directory, each with a digest; what is refused is a mistake of the input's, told in
 * one line that is harmless on a terminal.
 */
#include "terminal.h"

#include <stdint.h>
#include <string.h>

#include "os/path.h"
#include "settings/image.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define DIR "/images/fuzz"

static bool is_digest(const char *s)
{
	return strlen(s) == 64 && strspn(s, "0123456789abcdef") == 64;
}

static void expect_file_of_the_image(const struct image_file *f)
{
	const char *name = f->path + strlen(DIR "/");

	if (strncmp(f->path, DIR "/", strlen(DIR "/")) != 0 || strchr(name, '/') || !*name ||
		strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
		BUG("a part that is outside: %s", f->path);
	expect_harmless("a name", name);
	if (!is_digest(f->sha256))
		BUG("a digest '%s'", f->sha256);
}

static void expect_refusal(const struct err *e)
{
	if (e->kind != ERR_INPUT || !e->msg[0])
		BUG("a refusal of kind %d: %s", (int)e->kind, e->msg);
	expect_harmless("a message", e->msg);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	auto_image struct image i = {0};
	struct err e = {0};

	if (image_parse(DIR, (const char *)data, size, &i, &e) < 0) {
		expect_refusal(&e);
		return 0;
	}
	if (!i.name || !*i.name || strcmp(i.dir, DIR) != 0 || !is_digest(i.digest))
		BUG("an image without a name, a directory or a digest");
	expect_harmless("a name", i.name);
	for (enum image_part part = 0; part < IMAGE_PARTS; part++) {
		bool wanted = (part == IMAGE_DISK) == (i.boot == IMAGE_BOOT_DISK);
		bool is_there = i.parts[part].path != NULL;

		if (wanted != is_there && (part != IMAGE_MODULES || !wanted))
			BUG("part %d of an image of kind %d", (int)part, (int)i.boot);
		if (is_there)
			expect_file_of_the_image(&i.parts[part]);
	}
	return 0;
}
