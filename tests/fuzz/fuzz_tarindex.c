/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An archive in which a container image is looked for: whatever it is, each member that is found is
 * within it, and a refusal is a mistake of the input's.
 */
#include "terminal.h"

#include <stdint.h>
#include <string.h>

#include "images/tarindex.h"
#include "os/fd.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int make_file(const void *data, size_t size)
{
	struct err e = {0};
	int fd = fd_memory("archive", &e);

	if (fd < 0 || fd_pwrite_all(fd, data, size, 0) < 0)
		BUG("a file in memory: %s", e.msg);
	return fd;
}

static void check(const struct tarindex *t, size_t size)
{
	for (size_t i = 0; i < t->count; i++) {
		const struct tarindex_member *m = &t->items[i];
		const struct tarindex_member *found = tarindex_find(t, m->path);

		if (!m->link && (m->offset > size || m->bytes > size - m->offset))
			BUG("a member that is outside");
		if (found && found->link)
			BUG("a file that is a link");
		if (!m->link && !found && strcmp(t->items[t->count - 1].path, m->path) == 0 &&
			!t->items[t->count - 1].link)
			BUG("a file that is not found");
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	auto_fd int fd = make_file(data, size);
	auto_tarindex struct tarindex t = {0};
	struct err e = {0};

	if (tarindex_read(fd, "a.tar", size, &t, &e) == 0)
		check(&t, size);
	else if (e.kind != ERR_INPUT || !e.msg[0])
		BUG("a refusal of kind %d: %s", (int)e.kind, e.msg);
	else
		expect_harmless("a message", e.msg);
	return 0;
}
