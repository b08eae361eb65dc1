/* SPDX-License-Identifier: Apache-2.0 */
#include "data/tarfile.h"

#include <string.h>
#include <sys/stat.h>

#include "os/fd.h"

int tarfile_open(int fd, struct tarfile *ret, struct err *e)
{
	const struct tar_rules rules = {.strict = true, .max_bytes = UINT64_MAX};
	struct stat st;

	if (fstat(fd, &st) < 0)
		return err_sys(e, "stat");
	*ret = (struct tarfile){.fd = fd, .window = mem_alloc(TAR_HEADER_MAX)};
	tar_reader_init(&ret->reader, &rules, (uint64_t)st.st_size);
	return 0;
}

void tarfile_release(struct tarfile *t)
{
	tar_reader_release(&t->reader);
	free(t->window);
	*t = (struct tarfile){.fd = -1};
}

static int check_padding(const struct tarfile *t, const struct tarfile_member *m, struct err *e)
{
	size_t len = tar_padding(m->entry.size);
	char padding[TAR_BLOCK];

	if (fd_pread_full(t->fd, padding, len, m->offset + m->entry.size) != (ssize_t)len)
		return err_sys(e, "read");
	return tar_check_padding(&t->reader, padding, len, e);
}

int tarfile_next(struct tarfile *t, struct tarfile_member *ret, struct err *e)
{
	struct tar_reader *r = &t->reader;
	uint64_t at = r->offset, left = r->length - at;
	ssize_t n = fd_pread_full(
		t->fd, t->window, left < TAR_HEADER_MAX ? (size_t)left : TAR_HEADER_MAX, at);
	size_t header = 0;
	int result;

	if (n < 0)
		return err_sys(e, "read");
	result = tar_next(r, t->window, (size_t)n, &ret->entry, &header, e);
	if (result < 0)
		return -1;
	if (result == 0)
		return r->offset == r->length
			? 0
			: err_set(e, ERR_GUEST, "there is data after its end");
	ret->offset = at + header;
	return check_padding(t, ret, e) < 0 ? -1 : 1;
}

int tarfile_read(
	const struct tarfile *t, const struct tarfile_member *m, struct buf *b, struct err *e)
{
	const struct tar_entry *entry = &m->entry;
	size_t len;

	if (entry->size > b->max - b->len)
		return tar_refuse(&t->reader, e, "it is larger than %zu bytes", b->max);
	len = (size_t)entry->size;
	if (fd_pread_full(t->fd, buf_room(b, len), len, m->offset) != (ssize_t)len)
		return tar_refuse(&t->reader, e, "it cannot be read");
	buf_grew(b, len);
	return 0;
}

bool tarfile_begins_with(int fd, const char *name)
{
	char found[TAR_BLOCK];
	size_t len = strlen(name) + 1;

	return len <= sizeof(found) && fd_pread_full(fd, found, len, 0) == (ssize_t)len &&
		memcmp(found, name, len) == 0;
}
