/* SPDX-License-Identifier: Apache-2.0 */
#include "executor/job/planfile.h"

#include <errno.h>
#include <string.h>

#include "base/limits.h"
#include "data/jsonl.h"
#include "data/tar.h"
#include "os/fd.h"

/* Read the next entry; its data is at *ret_offset. 1: an entry, 0: the end, -1: an error. */
static int next_entry(int fd, struct tar_reader *r, char *window, struct tar_entry *ret,
	uint64_t *ret_offset, struct err *e)
{
	uint64_t at = r->offset;
	uint64_t left = r->length - at;
	size_t want = left < TAR_HEADER_MAX ? (size_t)left : TAR_HEADER_MAX;
	ssize_t n = fd_pread_full(fd, window, want, at);
	size_t header;
	int got;

	if (n < 0)
		return err_sys(e, "read");
	got = tar_next(r, window, (size_t)n, ret, &header, e);
	if (got == 1)
		*ret_offset = at + header;
	return got;
}

static int read_text(int fd, uint64_t offset, uint64_t size, struct buf *text, struct err *e)
{
	ssize_t n;

	if (size > LIMIT_PLAN_BYTES)
		return err_set(e, ERR_INPUT, "%s has %llu bytes, the limit is %llu", PLAN_NAME,
			(unsigned long long)size, (unsigned long long)LIMIT_PLAN_BYTES);
	n = fd_pread_full(fd, buf_room(text, (size_t)size), (size_t)size, offset);
	if (n < 0)
		return err_sys(e, "read %s", PLAN_NAME);
	if ((uint64_t)n != size)
		return err_set(e, ERR_HOST, "%s is truncated", PLAN_NAME);
	buf_grew(text, (size_t)size);
	return 0;
}

static int find_text(int fd, uint64_t bytes, struct buf *text, struct err *e)
{
	const struct tar_rules rules = {0};
	auto_tar_reader struct tar_reader r;
	auto_free char *window = mem_alloc(TAR_HEADER_MAX);
	struct tar_entry entry = {0};
	uint64_t offset = 0;
	int got;

	tar_reader_init(&r, &rules, bytes);
	while ((got = next_entry(fd, &r, window, &entry, &offset, e)) == 1)
		if (entry.type == TAR_FILE && strcmp(entry.path, PLAN_NAME) == 0)
			return read_text(fd, offset, entry.size, text, e);
	return got < 0 ? -1 : err_set(e, ERR_HOST, "there is no %s", PLAN_NAME);
}

static int read_plan(const struct machine *m, struct buf *text, struct err *e)
{
	const struct drive *d = machine_drive(m, DRIVE_EXEC);
	auto_fd int fd = -1;

	if (!d)
		return err_set(e, ERR_HOST, "the host announced no such drive");
	if (m->open_drive(m, d, &fd, e) < 0)
		return -1;
	return find_text(fd, d->want.bytes, text, e);
}

int planfile_read(const struct machine *m, const struct action *const *actions,
	struct plan *ret_plan, struct err *e)
{
	auto_buf struct buf text = {0};
	auto_node struct node *tree = NULL;

	buf_init(&text, LIMIT_PLAN_BYTES);
	if (read_plan(m, &text, e) < 0)
		return err_wrap(e, "drive '%s'", DRIVE_EXEC);
	if (jsonl_parse(text.data, text.len, PLAN_NAME, &tree, e) < 0)
		return -1;
	return plan_from_node(tree, actions, PLAN_NAME, ret_plan, e);
}
