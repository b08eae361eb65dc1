/* SPDX-License-Identifier: Apache-2.0 */
#include "data/contents.h"

#include <string.h>

#include "os/fd.h"
#include "os/sig.h"

void contents_begin(struct contents *c)
{
	*c = (struct contents){.digest = digest_new()};
}

struct digest_text contents_end(struct contents *c)
{
	struct digest_text sum = digest_end(c->digest);

	c->digest = NULL;
	return sum;
}

static bool is_zero(const char *data, size_t len)
{
	return data[0] == '\0' && memcmp(data, data + 1, len - 1) == 0;
}

static void feed_zeros(struct contents *c, size_t len)
{
	static const char zeros[CONTENTS_CHUNK];

	digest_add(c->digest, zeros, len);
}

/* All bytes of the chunk before this one were zeros and were not hashed yet. */
static void begin_chunk(struct contents *c)
{
	uint64_t number = c->at / CONTENTS_CHUNK;

	digest_add(c->digest, &number, sizeof(number));
	feed_zeros(c, (size_t)(c->at % CONTENTS_CHUNK));
	c->begun = true;
}

static void go_on(struct contents *c, uint64_t len)
{
	c->at += len;
	if (c->at % CONTENTS_CHUNK == 0)
		c->begun = false;
}

void contents_add(struct contents *c, const char *data, size_t len)
{
	while (len) {
		size_t room = CONTENTS_CHUNK - (size_t)(c->at % CONTENTS_CHUNK);
		size_t n = len < room ? len : room;

		if (!c->begun && !is_zero(data, n))
			begin_chunk(c);
		if (c->begun)
			digest_add(c->digest, data, n);
		go_on(c, n);
		data += n;
		len -= n;
	}
}

void contents_zeros(struct contents *c, uint64_t len)
{
	uint64_t room = CONTENTS_CHUNK - c->at % CONTENTS_CHUNK;
	uint64_t n = len < room ? len : room;

	if (c->begun) {
		feed_zeros(c, (size_t)n);
		go_on(c, n);
		len -= n;
	}
	c->at += len;
}

static int add_file(struct contents *c, int fd, uint64_t bytes, struct err *e)
{
	enum { PIECE = 1 << 20 };
	auto_free char *piece = mem_alloc(PIECE);

	while (c->at < bytes) {
		size_t want = bytes - c->at < PIECE ? (size_t)(bytes - c->at) : PIECE;
		ssize_t n = fd_pread_full(fd, piece, want, c->at);

		if (n < 0)
			return err_sys(e, "read for the digest");
		if ((size_t)n < want)
			return err_set(e, ERR_HOST, "a file shrank while its digest was computed");
		contents_add(c, piece, want);
		if (sig_check(e) < 0)
			return -1;
	}
	return 0;
}

int contents_of_file(int fd, uint64_t bytes, struct digest_text *ret, struct err *e)
{
	struct contents c;
	struct digest_text sum;
	int result;

	contents_begin(&c);
	result = add_file(&c, fd, bytes, e);
	sum = contents_end(&c);
	if (result == 0)
		*ret = sum;
	return result;
}
