/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Feeds a fuzzer's corpus to it, once and in order, without libFuzzer: every input that ever was of
 * interest is tried in every run of the tests, under the sanitizers. Prints TAP for tests/run.
 *
 * The corpus of replay_NAME is tests/fuzz/corpus/NAME below the directory this is run in, or the
 * argument.
 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "os/fd.h"
#include "os/path.h"

enum { INPUT_MAX = 4 << 20 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int is_input(const struct dirent *d)
{
	return d->d_name[0] != '.';
}

static int feed(const char *corpus, const char *name)
{
	auto_free char *path = path_join(corpus, name);
	auto_buf struct buf b;
	struct err e = {0};

	buf_init(&b, INPUT_MAX);
	if (fd_read_file(path, &b, &e) < 0) {
		(void)printf("# %s\n", e.msg);
		return -1;
	}
	return LLVMFuzzerTestOneInput((const uint8_t *)b.data, b.len);
}

int main(int argc, char **argv)
{
	const char *name = strstr(path_base(argv[0]), "replay_");
	auto_free char *corpus = NULL;
	struct dirent **inputs = NULL;
	int count, bad = 0;

	if (!name || argc > 2)
		return 2;
	name += strlen("replay_");
	corpus = argc == 2 ? mem_strdup(argv[1]) : mem_printf("tests/fuzz/corpus/%s", name);
	count = scandir(corpus, &inputs, is_input, alphasort);
	for (int i = 0; i < count; i++) {
		bad |= feed(corpus, inputs[i]->d_name);
		free(inputs[i]);
	}
	free(inputs);
	(void)printf("1..1\n%sok 1 - test_corpus_of_%s (%d inputs)\n",
		bad || count < 30 ? "not " : "", name, count);
	return bad || count < 30;
}
