/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The file: MAGIC, the number of records (8 bytes), the records, and the SHA-256 of all these as 64
 * hex digits. A record is a struct record in the byte order of the host, so the file is valid only
 * on this host; elsewhere the digest does not match.
 */
#include "source/filememory.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "os/fd.h"
#include "os/path.h"
#include "os/settled.h"
#include "source/limits.h"

#define MAGIC "ambient files 2\n"

enum { MAGIC_BYTES = sizeof(MAGIC) - 1, SUM_BYTES = 64 };

struct key {
	uint64_t filesystem, dev, ino, size;
	int64_t mtime, ctime;
	uint32_t mtime_ns, ctime_ns;
};

struct record {
	struct key key;
	char sum[SUM_BYTES];
};

_Static_assert(sizeof(struct record) == 120, "a record has no padding");

struct records {
	struct record *items;
	size_t count, room;
};

struct filememory {
	char *path;
	struct records known; /* sorted; as read from the file */
	struct records next;
	bool changed; /* `next` has records that are not in `known` */
	/* The file system of the last file. */
	dev_t device;
	uint64_t filesystem; /* settled_filesystem */
	bool device_known;
};

/* ---- records ---- */

static struct key key_of(uint64_t filesystem, const struct stat *st)
{
	return (struct key){.filesystem = filesystem,
		.dev = st->st_dev,
		.ino = st->st_ino,
		.size = (uint64_t)st->st_size,
		.mtime = st->st_mtim.tv_sec,
		.ctime = st->st_ctim.tv_sec,
		.mtime_ns = (uint32_t)st->st_mtim.tv_nsec,
		.ctime_ns = (uint32_t)st->st_ctim.tv_nsec};
}

/* Any order is correct if it is consistent. */
static int compare(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct key));
}

static const struct record *find(const struct records *r, const struct key *key)
{
	return r->count ? bsearch(key, r->items, r->count, sizeof(*r->items), compare) : NULL;
}

static void push(struct records *r, const struct record *record)
{
	if (r->count >= LIMIT_FILEMEMORY_ENTRIES)
		return;
	if (r->count == r->room) {
		r->room = r->room ? 2 * r->room : 1024;
		r->items = mem_resize(r->items, r->room, sizeof(*r->items));
	}
	r->items[r->count++] = *record;
}

/* Sort and remove duplicates: a file with several names was added once for each name. */
static void settle(struct records *r)
{
	size_t kept = 0;

	if (r->count)
		qsort(r->items, r->count, sizeof(*r->items), compare);
	for (size_t i = 0; i < r->count; i++)
		if (!kept || compare(&r->items[kept - 1], &r->items[i]) != 0)
			r->items[kept++] = r->items[i];
	r->count = kept;
}

/* ---- the file ---- */

/* Accept only a complete file. */
static void take(struct filememory *m, const struct buf *b)
{
	size_t body = b->len - SUM_BYTES;
	struct digest_text sum;
	uint64_t count;

	if (b->len < MAGIC_BYTES + sizeof(count) + SUM_BYTES ||
		memcmp(b->data, MAGIC, MAGIC_BYTES) != 0)
		return;
	memcpy(&count, b->data + MAGIC_BYTES, sizeof(count));
	if (count > LIMIT_FILEMEMORY_ENTRIES ||
		body != MAGIC_BYTES + sizeof(count) + count * sizeof(struct record))
		return;
	sum = digest_of(b->data, body);
	if (memcmp(sum.s, b->data + body, SUM_BYTES) != 0)
		return;
	m->known.items = mem_array(count, sizeof(*m->known.items));
	memcpy(m->known.items, b->data + MAGIC_BYTES + sizeof(count),
		count * sizeof(struct record));
	m->known.count = m->known.room = count;
	settle(&m->known);
}

struct filememory *filememory_open(const char *path)
{
	struct filememory *m = mem_alloc(sizeof(*m));
	auto_buf struct buf b = {0};
	struct err ignored = {0};

	buf_init(
		&b, MAGIC_BYTES + 8 + LIMIT_FILEMEMORY_ENTRIES * sizeof(struct record) + SUM_BYTES);
	if (!path)
		return m;
	m->path = mem_strdup(path);
	if (fd_read_file(path, &b, &ignored) == 0)
		take(m, &b);
	return m;
}

void filememory_free(struct filememory *m)
{
	if (!m)
		return;
	free(m->path);
	free(m->known.items);
	free(m->next.items);
	free(m);
}

static int write_records(int fd, const struct records *r)
{
	uint64_t count = r->count;
	struct digest *d = digest_new();
	struct digest_text sum;

	digest_add(d, MAGIC, MAGIC_BYTES);
	digest_add(d, &count, sizeof(count));
	digest_add(d, r->items, r->count * sizeof(*r->items));
	sum = digest_end(d);
	if (fd_write_all(fd, MAGIC, MAGIC_BYTES) < 0 ||
		fd_write_all(fd, &count, sizeof(count)) < 0 ||
		fd_write_all(fd, r->items, r->count * sizeof(*r->items)) < 0)
		return -1;
	return fd_write_all(fd, sum.s, SUM_BYTES);
}

/* Not synced: if it is damaged by a crash of the host, it is treated as missing. */
int filememory_save(const struct filememory *m, const char *work, struct err *e)
{
	auto_free char *made = m->path ? path_join(work, path_base(m->path)) : NULL;
	struct records next = m->next;
	auto_fd int fd = -1;

	settle(&next);
	if (!made || (!m->changed && next.count == m->known.count))
		return 0;
	fd = open(made, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0 || write_records(fd, &next) < 0)
		return err_sys(e, "write %s", made);
	return rename(made, m->path) < 0 ? err_sys(e, "rename %s to %s", made, m->path) : 0;
}

/* ---- which files ---- */

static bool is_on_good_filesystem(struct filememory *m, int fd, const struct stat *st)
{
	if (m->device_known && m->device == st->st_dev)
		return m->filesystem;
	m->device = st->st_dev;
	m->device_known = true;
	m->filesystem = settled_filesystem(fd);
	return m->filesystem;
}

bool filememory_find(struct filememory *m, int fd, const struct stat *st, struct digest_text *ret)
{
	const struct record *r;
	struct key key;

	if (!is_on_good_filesystem(m, fd, st))
		return false;
	key = key_of(m->filesystem, st);
	r = find(&m->known, &key);
	if (!r)
		return false;
	memcpy(ret->s, r->sum, SUM_BYTES);
	ret->s[SUM_BYTES] = '\0';
	push(&m->next, r);
	return true;
}

bool filememory_may_add(struct filememory *m, int fd, const struct stat *st)
{
	return m->path && is_on_good_filesystem(m, fd, st) && settled_file(fd, st);
}

void filememory_add(struct filememory *m, const struct stat *st, const struct digest_text *sum)
{
	struct record r = {.key = key_of(m->filesystem, st)};

	if (m->device != st->st_dev) /* another file system was used in the meantime */
		return;
	memcpy(r.sum, sum->s, SUM_BYTES);
	push(&m->next, &r);
	m->changed = true;
}
