/* SPDX-License-Identifier: Apache-2.0 */
#include "os/sparse.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/limits.h"
#include "base/mem.h"
#include "os/fd.h"
#include "os/sig.h"
#include "os/space.h"

/*
 * PAGE is the granularity for zeros. FLUSH limits the data that the kernel has not yet written to
 * the disk.
 */
enum { CHUNK = 1 << 20, PAGE = 4096, FLUSH = 16 << 20 };

struct copy {
	int from, to;
	uint64_t offset;           /* in `from`, of byte 0 of `to` */
	uint64_t flushed, pending; /* start and length of the data that is not yet flushed */
	char *chunk;
};

void sparse_flush(int fd, uint64_t *done, uint64_t end)
{
	if (end < *done + FLUSH)
		return;
	/* A failure is ignored: the later fsync, whose result is checked, reports it again. */
	(void)sync_file_range(fd, (off_t)*done, (off_t)(end - *done), SYNC_FILE_RANGE_WRITE);
	if (*done >= FLUSH)
		(void)sync_file_range(fd, (off_t)(*done - FLUSH), FLUSH,
			SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE |
				SYNC_FILE_RANGE_WAIT_AFTER);
	*done = end;
}

static bool is_zero(const char *data, size_t len)
{
	return data[0] == 0 && memcmp(data, data + 1, len - 1) == 0;
}

static int write_piece(
	const struct copy *c, const char *data, size_t len, uint64_t at, struct err *e)
{
	if (fd_pwrite_all(c->to, data, len, at) == 0)
		return 0;
	(void)err_sys(e, "write");
	space_explain(e, c->to);
	return -1;
}

/* Write the pages of the chunk that are not zeros, adjacent ones with one write. */
static int write_chunk(const struct copy *c, size_t len, uint64_t at, struct err *e)
{
	size_t begin = 0;

	for (size_t page = 0; page < len; page += PAGE) {
		size_t n = len - page < PAGE ? len - page : PAGE;

		if (!is_zero(c->chunk + page, n))
			continue;
		if (page > begin &&
			write_piece(c, c->chunk + begin, page - begin, at + begin, e) < 0)
			return -1;
		begin = page + n;
	}
	return begin < len ? write_piece(c, c->chunk + begin, len - begin, at + begin, e) : 0;
}

/* Small copies are not flushed: a file that is soon removed then never reaches the disk. */
static void flush(struct copy *c, uint64_t written, uint64_t at)
{
	c->pending += written;
	if (c->pending < FLUSH)
		return;
	sparse_flush(c->to, &c->flushed, at);
	c->pending = 0;
}

static int copy_range(struct copy *c, uint64_t at, uint64_t end, struct err *e)
{
	while (at < end) {
		size_t want = end - at < CHUNK ? (size_t)(end - at) : CHUNK;
		ssize_t n = fd_pread_full(c->from, c->chunk, want, c->offset + at);

		if (n < 0)
			return err_sys(e, "read");
		if ((size_t)n < want)
			return err_set(e, ERR_HOST, "the file became shorter");
		if (write_chunk(c, want, at, e) < 0)
			return -1;
		at += want;
		flush(c, want, at);
		if (sig_check(e) < 0)
			return -1;
	}
	return 0;
}

/* The range of the next data of `from`, in positions of `to`. Returns 0 if there is none. */
static int next_data(const struct copy *c, uint64_t at, uint64_t bytes, uint64_t *ret_begin,
	uint64_t *ret_end, struct err *e)
{
	off_t begin = lseek(c->from, (off_t)(c->offset + at), SEEK_DATA), end;

	if (begin < 0)
		return errno == ENXIO ? 0 : err_sys(e, "read");
	end = lseek(c->from, begin, SEEK_HOLE);
	if (end < 0)
		return err_sys(e, "read");
	*ret_begin = (uint64_t)begin - c->offset;
	*ret_end = (uint64_t)end - c->offset < bytes ? (uint64_t)end - c->offset : bytes;
	return *ret_begin < bytes ? 1 : 0;
}

int sparse_copy(int from, uint64_t offset, int to, uint64_t bytes, struct err *e)
{
	auto_free char *chunk = mem_alloc(CHUNK);
	struct copy c = {.from = from, .to = to, .offset = offset, .chunk = chunk};
	uint64_t at = 0, end = 0;
	struct stat st;
	int more;

	if (fstat(from, &st) < 0)
		return err_sys(e, "read");
	if ((uint64_t)st.st_size < offset || (uint64_t)st.st_size - offset < bytes)
		return err_set(e, ERR_HOST, "the file is shorter than it was");
	if (ftruncate(to, (off_t)bytes) < 0)
		return err_sys(e, "set the length");
	while (end < bytes && (more = next_data(&c, end, bytes, &at, &end, e)) != 0)
		if (more < 0 || copy_range(&c, at, end, e) < 0)
			return -1;
	return 0;
}
