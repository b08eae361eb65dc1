/* SPDX-License-Identifier: Apache-2.0 */
#include "source/fingerprint.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/buf.h"
#include "base/clock.h"
#include "data/contents.h"
#include "source/gitview.h"
#include "source/limits.h"

enum { LINKED_BITS = 1 << 22 };

struct fingerprint {
	struct filememory *memory;
	struct gitview *git;
	struct digest *whole;
	struct contents contents; /* of the current file; digest NULL: there is none */
	struct stat st;
	bool git_reads; /* `text` also receives the contents, and `header` is kept */
	struct buf text;
	struct buf header;
	uint64_t linked[LINKED_BITS / 64]; /* a Bloom filter of paths, see remember_linked */
};

struct fingerprint *fingerprint_new(struct filememory *memory)
{
	struct fingerprint *f = mem_alloc(sizeof(*f));

	f->memory = memory;
	f->git = gitview_new();
	f->whole = digest_new();
	buf_init(&f->text, LIMIT_GIT_INDEX_BYTES);
	buf_init(&f->header, TAR_HEADER_MAX);
	return f;
}

void fingerprint_free(struct fingerprint *f)
{
	if (!f)
		return;
	if (f->contents.digest)
		(void)contents_end(&f->contents);
	if (f->whole)
		(void)digest_end(f->whole);
	gitview_free(f->git);
	buf_release(&f->text);
	buf_release(&f->header);
	free(f);
}

static void add_text(struct fingerprint *f, const struct digest_text *sum)
{
	digest_add(f->whole, sum->s, sizeof(sum->s));
}

/* Finish the contents of the previous entry. */
static void close_file(struct fingerprint *f)
{
	struct digest_text sum;

	if (!f->contents.digest)
		return;
	sum = contents_end(&f->contents);
	if (f->git_reads && !f->text.overflow &&
		gitview_read(f->git, f->text.data, f->text.len, f->whole))
		return;
	if (f->git_reads)
		digest_add(f->whole, f->header.data, f->header.len);
	add_text(f, &sum);
	if (f->st.st_ino)
		filememory_add(f->memory, &f->st, &sum);
}

static bool is_known(struct fingerprint *f, int fd, const struct stat *st)
{
	struct digest_text sum;

	if (!st || !filememory_find(f->memory, fd, st, &sum))
		return false;
	add_text(f, &sum);
	return true;
}

static bool open_file(struct fingerprint *f, const struct pack_entry *entry)
{
	contents_begin(&f->contents);
	f->st = (struct stat){0};
	if (entry->st && filememory_may_add(f->memory, entry->fd, entry->st))
		f->st = *entry->st;
	return true;
}

/* 64-bit FNV-1a. */
static uint64_t *bit_of(struct fingerprint *f, const char *path, uint64_t *ret_mask)
{
	uint64_t hash = 0xcbf29ce484222325U;

	for (const char *p = path; *p; p++)
		hash = (hash ^ (unsigned char)*p) * 0x100000001b3U;
	hash = (hash ^ hash >> 32) % LINKED_BITS;
	*ret_mask = 1ULL << (hash % 64);
	return &f->linked[hash / 64];
}

/*
 * Remember a file of a repository whose contents are not hashed and that has other names. One of
 * these may be outside of the repository, where the archive has only a hard link to this file.
 */
static void remember_linked(struct fingerprint *f, const struct pack_entry *entry)
{
	uint64_t mask, *word;

	if (!entry->st || entry->st->st_nlink < 2)
		return;
	word = bit_of(f, entry->entry->path, &mask);
	*word |= mask;
}

/*
 * With such a link the tree is treated as changed every time. This is correct and rare, so false
 * positives of the Bloom filter are acceptable.
 */
static void check_link(struct fingerprint *f, const char *target)
{
	uint64_t mask, *word = bit_of(f, target, &mask), nonce[2] = {0};

	if (!(*word & mask))
		return;
	if (getrandom(nonce, sizeof(nonce), 0) != (ssize_t)sizeof(nonce))
		nonce[0] = (uint64_t)clock_ms();
	digest_add(f->whole, nonce, sizeof(nonce));
}

static bool on_entry(void *arg, const struct pack_entry *entry)
{
	struct fingerprint *f = arg;
	bool is_file = entry->entry->type == TAR_FILE;
	enum gitview_part part;

	close_file(f);
	part = gitview_entry(f->git, entry->entry, is_file ? -1 : entry->fd);
	if (is_file && part != GITVIEW_AS_IT_IS)
		remember_linked(f, entry);
	if (entry->entry->type == TAR_HARDLINK && part == GITVIEW_AS_IT_IS)
		check_link(f, entry->entry->link);
	if (part == GITVIEW_IGNORED)
		return false;
	f->git_reads = part == GITVIEW_READ;
	if (f->git_reads) {
		buf_clear(&f->text);
		buf_clear(&f->header);
		buf_add(&f->header, entry->header, entry->header_len);
		return open_file(f, entry);
	}
	digest_add(f->whole, entry->header, entry->header_len);
	return is_file && !is_known(f, entry->fd, entry->st) && open_file(f, entry);
}

static void on_data(void *arg, const char *data, size_t len)
{
	struct fingerprint *f = arg;

	contents_add(&f->contents, data, len);
	if (f->git_reads)
		buf_add(&f->text, data, len);
}

static void on_zeros(void *arg, uint64_t len)
{
	static const char zeros[4096];
	struct fingerprint *f = arg;

	contents_zeros(&f->contents, len);
	while (f->git_reads && len && !f->text.overflow) {
		size_t n = len < sizeof(zeros) ? (size_t)len : sizeof(zeros);

		buf_add(&f->text, zeros, n);
		len -= n;
	}
}

struct pack_sink fingerprint_sink(struct fingerprint *f)
{
	return (struct pack_sink){.entry = on_entry, .data = on_data, .zeros = on_zeros, .arg = f};
}

struct digest_text fingerprint_end(struct fingerprint *f)
{
	struct digest_text sum;

	close_file(f);
	gitview_end(f->git, f->whole);
	sum = digest_end(f->whole);
	f->whole = NULL;
	return sum;
}
