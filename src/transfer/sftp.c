/* SPDX-License-Identifier: Apache-2.0 */
#include "transfer/sftp.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "data/sshwire.h"
#include "os/fd.h"
#include "transfer/limits.h"

/* draft-ietf-secsh-filexfer-02, section 3. */
enum packet {
	INIT = 1,
	VERSION = 2,
	OPEN = 3,
	CLOSE = 4,
	READ = 5,
	WRITE = 6,
	FSTAT = 8,
	FSETSTAT = 10,
	OPENDIR = 11,
	READDIR = 12,
	REMOVE = 13,
	MKDIR = 14,
	STAT = 17,
	RENAME = 18,
	STATUS = 101,
	HANDLE = 102,
	DATA = 103,
	NAME = 104,
	ATTRS = 105,
	EXTENDED = 200,
};

/* Section 5: the attributes that are present. */
enum {
	HAS_SIZE = 1,
	HAS_IDS = 2,
	HAS_MODE = 4,
	HAS_TIMES = 8,
};
#define HAS_MORE 0x80000000U

enum {
	PROTOCOL = 3,
	LENGTH_BYTES = 4,
	FLAG_READ = 1, /* section 6.3 */
	FLAG_WRITE = 2,
	FLAG_CREATE = 8,
	CHUNK = 64 * 1024,
	READ_STALLS = 4, /* a read may take this many times stall_ms */
	/* In addition to a block, or for two names. */
	REQUEST_MAX = SFTP_BLOCK + 2 * SFTP_NAME_MAX + 1024,
};

#define RENAME_OVER "posix-rename@openssh.com"
#define ASIDE ".ambient-old"
#define NO_GREETING "no greeting of sftp, version 3"
#define SYNC "fsync@openssh.com"

/* A packet from the server. It is valid until the next exchange. */
struct answer {
	uint8_t type;
	uint32_t id; /* not set for VERSION */
	struct sshwire rest;
};

static int over(struct sftp *s, enum sftp_end end)
{
	s->end = end;
	return -1;
}

static int nonsense(struct sftp *s, const char *what)
{
	s->nonsense = what;
	return over(s, SFTP_NONSENSE);
}

void sftp_release(struct sftp *s)
{
	buf_release(&s->coming);
	buf_release(&s->going);
}

/* ---- bytes ---- */

static bool would_wait(void)
{
	return errno == EAGAIN || errno == EINTR;
}

static int give_some(struct sftp *s)
{
	ssize_t n = write(s->out, s->going.data, s->going.len);

	if (n < 0)
		return would_wait() ? 0 : over(s, SFTP_CUT);
	if (n > 0)
		s->moved_ms = clock_ms();
	buf_drop_front(&s->going, (size_t)n);
	return 0;
}

static size_t room_for_some(const struct sftp *s)
{
	size_t room = s->coming.max - s->coming.len;

	return room < CHUNK ? room : CHUNK;
}

static int take_some(struct sftp *s)
{
	size_t room = room_for_some(s);
	ssize_t n = read(s->in, buf_room(&s->coming, room), room);

	if (n < 0)
		return would_wait() ? 0 : over(s, SFTP_CUT);
	s->ended = n == 0;
	buf_grew(&s->coming, (size_t)n);
	return 0;
}

static int64_t deadline(const struct sftp *s)
{
	int64_t stalled = s->moved_ms + s->stall_ms;

	return s->until_ms && s->until_ms < stalled ? s->until_ms : stalled;
}

/* Wait until bytes can be sent or received, and transfer them. */
static int exchange(struct sftp *s)
{
	struct pollfd p[] = {{.fd = room_for_some(s) && !s->ended ? s->in : -1, .events = POLLIN},
		{.fd = s->going.len ? s->out : -1, .events = POLLOUT}};
	int64_t left = deadline(s) - clock_ms();

	if (left <= 0)
		return over(s, SFTP_STALLED);
	if (poll(p, 2, (int)left) < 0 && errno != EINTR)
		return over(s, SFTP_LOCAL);
	if (p[1].revents && give_some(s) < 0)
		return -1;
	return p[0].revents ? take_some(s) : 0;
}

/* Receive answers meanwhile, so that no deadlock occurs. */
static int give_all(struct sftp *s)
{
	while (s->going.len)
		if (exchange(s) < 0)
			return -1;
	return 0;
}

/* ---- packets ---- */

/* The length of the first packet, without its length field; 0: it is incomplete. */
static size_t whole_packet(const struct sftp *s)
{
	struct sshwire w = sshwire_over(s->coming.data, s->coming.len);
	uint32_t len = sshwire_u32(&w);

	return !w.bad && len <= w.left ? len : 0;
}

static int check_length(struct sftp *s)
{
	struct sshwire w = sshwire_over(s->coming.data, s->coming.len);
	uint32_t len = sshwire_u32(&w);

	if (w.bad)
		return 0;
	if (len == 0)
		return nonsense(s, "an empty answer");
	if (len > LIMIT_SFTP_ANSWER)
		return nonsense(s, "an answer that is too long");
	return 0;
}

/* Get the next packet. It is valid until the next call. */
static int next_packet(struct sftp *s, struct answer *a)
{
	size_t len;

	while (!(len = whole_packet(s))) {
		if (check_length(s) < 0)
			return -1;
		if (s->ended)
			return over(s, SFTP_CUT);
		if (exchange(s) < 0)
			return -1;
	}
	s->moved_ms = clock_ms();
	a->rest = sshwire_over(s->coming.data + LENGTH_BYTES, len);
	a->type = sshwire_byte(&a->rest);
	a->id = 0;
	return 0;
}

static void drop_packet(struct sftp *s)
{
	buf_drop_front(&s->coming, LENGTH_BYTES + whole_packet(s));
}

/* Get the next answer. The previous one becomes invalid. */
static int next_answer(struct sftp *s, struct answer *a)
{
	if (next_packet(s, a) < 0)
		return -1;
	a->id = sshwire_u32(&a->rest);
	return a->rest.bad ? nonsense(s, "an answer that is too short") : 0;
}

/*
 * A request is built between begin_request and end_request. If it does not fit, the session ends
 * before it is sent.
 */
static size_t begin_request(struct sftp *s, enum packet type)
{
	size_t start = s->going.len;

	if (s->block_count == 0)
		s->moved_ms = clock_ms(); /* no answer is pending */
	sshwire_put_u32(&s->going, 0);
	buf_addc(&s->going, (char)type);
	if (type != INIT)
		sshwire_put_u32(&s->going, ++s->last_id);
	return start;
}

static int end_request(struct sftp *s, size_t start)
{
	size_t len = s->going.len - start - LENGTH_BYTES;
	const char bytes[LENGTH_BYTES] = {
		(char)(len >> 24), (char)(len >> 16), (char)(len >> 8), (char)len};

	if (s->going.overflow) {
		errno = ENAMETOOLONG;
		return over(s, SFTP_LOCAL);
	}
	memcpy(s->going.data + start, bytes, LENGTH_BYTES);
	return give_all(s);
}

static void put_handle(struct buf *b, const struct sftp_handle *h)
{
	sshwire_put_string(b, h->data, h->len);
}

/* Send a request and get its answer. No other request may be pending. */
static int ask(struct sftp *s, size_t start, struct answer *a)
{
	if (end_request(s, start) < 0 || next_answer(s, a) < 0)
		return -1;
	return a->id == s->last_id ? 0 : nonsense(s, "an answer to nothing that was asked");
}

/* ---- contents of answers ---- */

/* Keep complete lines only: masking would not find part of a secret. */
static void keep_words(struct sftp *s, struct sshbytes words)
{
	size_t len = words.len;

	if (len > SFTP_SAID_MAX) {
		const uint8_t *end = memrchr(words.data, '\n', SFTP_SAID_MAX);

		len = end ? (size_t)(end - words.data) : 0;
	}
	if (len)
		memcpy(s->said, words.data, len);
	s->said[len] = '\0';
}

/* Read the code of a STATUS. Old servers send no message. */
static int read_status(struct sftp *s, struct answer *a)
{
	uint32_t code = sshwire_u32(&a->rest);
	struct sshbytes words = {0};

	if (a->type != STATUS || a->rest.bad || code > INT32_MAX)
		return nonsense(s, "an answer of another kind than was asked for");
	words = sshwire_string(&a->rest);
	keep_words(s, words);
	return (int)code;
}

/* If another answer than STATUS was requested, a code of 0 is an error of the server. */
static int read_refusal(struct sftp *s, struct answer *a)
{
	int code = read_status(s, a);

	return code == SFTP_OK ? nonsense(s, "'OK' in place of an answer") : code;
}

static void skip_more(struct sshwire *w)
{
	uint32_t count = sshwire_u32(w);

	for (uint32_t i = 0; i < count && !w->bad; i++) {
		(void)sshwire_string(w);
		(void)sshwire_string(w);
	}
}

static struct sftp_attributes read_attributes(struct sshwire *w)
{
	struct sftp_attributes a = {0};
	uint32_t flags = sshwire_u32(w), mode = 0;

	a.has_size = flags & HAS_SIZE;
	if (flags & HAS_SIZE)
		a.size = sshwire_u64(w);
	if (flags & HAS_IDS)
		(void)sshwire_bytes(w, 8);
	if (flags & HAS_MODE)
		mode = sshwire_u32(w);
	if (flags & HAS_TIMES)
		(void)sshwire_bytes(w, 8);
	if (flags & HAS_MORE)
		skip_more(w);
	a.is_file = S_ISREG(mode);
	a.is_directory = S_ISDIR(mode);
	return a;
}

/* ---- requests with a STATUS as answer ---- */

static int ask_status(struct sftp *s, size_t start)
{
	struct answer a;
	int code;

	if (ask(s, start, &a) < 0)
		return -1;
	code = read_status(s, &a);
	drop_packet(s);
	return code;
}

static int ask_of_path(struct sftp *s, enum packet type, const char *path)
{
	size_t start = begin_request(s, type);

	sshwire_put_text(&s->going, path);
	if (type == MKDIR)
		sshwire_put_u32(&s->going, 0); /* no attributes */
	return ask_status(s, start);
}

int sftp_mkdir(struct sftp *s, const char *path)
{
	return ask_of_path(s, MKDIR, path);
}

int sftp_remove(struct sftp *s, const char *path)
{
	return ask_of_path(s, REMOVE, path);
}

static int ask_rename(struct sftp *s, const char *from, const char *to)
{
	size_t start = begin_request(s, s->can_rename_over ? EXTENDED : RENAME);

	if (s->can_rename_over)
		sshwire_put_text(&s->going, RENAME_OVER);
	sshwire_put_text(&s->going, from);
	sshwire_put_text(&s->going, to);
	return ask_status(s, start);
}

int sftp_rename(struct sftp *s, const char *from, const char *to)
{
	auto_free char *aside = mem_printf("%s" ASIDE, to);
	int code = ask_rename(s, from, to), again;

	if (code <= 0 || s->can_rename_over)
		return code;
	/* The target may exist: rename it, and back again if that was not the cause. */
	again = ask_rename(s, to, aside);
	if (again != SFTP_OK)
		return again < 0 ? -1 : code;
	again = ask_rename(s, from, to);
	if (again > 0 && ask_rename(s, aside, to) < 0)
		return -1;
	if (again != SFTP_OK)
		return again;
	return sftp_remove(s, aside) < 0 ? -1 : SFTP_OK;
}

int sftp_truncate(struct sftp *s, const struct sftp_handle *h, uint64_t size)
{
	size_t start = begin_request(s, FSETSTAT);

	put_handle(&s->going, h);
	sshwire_put_u32(&s->going, HAS_SIZE);
	sshwire_put_u64(&s->going, size);
	return ask_status(s, start);
}

int sftp_sync(struct sftp *s, const struct sftp_handle *h)
{
	size_t start;

	if (!s->can_sync)
		return SFTP_OK;
	start = begin_request(s, EXTENDED);
	sshwire_put_text(&s->going, SYNC);
	put_handle(&s->going, h);
	return ask_status(s, start);
}

int sftp_close(struct sftp *s, const struct sftp_handle *h)
{
	size_t start = begin_request(s, CLOSE);

	put_handle(&s->going, h);
	return ask_status(s, start);
}

/* ---- attributes, handles, names ---- */

static int ask_attributes(struct sftp *s, size_t start, struct sftp_attributes *ret)
{
	struct answer a;
	int code = SFTP_OK;

	if (ask(s, start, &a) < 0)
		return -1;
	if (a.type == ATTRS)
		*ret = read_attributes(&a.rest);
	else
		code = read_refusal(s, &a);
	if (code == SFTP_OK && a.rest.bad)
		return nonsense(s, "attributes that are not whole");
	drop_packet(s);
	return code;
}

int sftp_stat(struct sftp *s, const char *path, struct sftp_attributes *ret)
{
	size_t start = begin_request(s, STAT);

	sshwire_put_text(&s->going, path);
	return ask_attributes(s, start, ret);
}

int sftp_size(struct sftp *s, const struct sftp_handle *h, struct sftp_attributes *ret)
{
	size_t start = begin_request(s, FSTAT);

	put_handle(&s->going, h);
	return ask_attributes(s, start, ret);
}

static int ask_handle(struct sftp *s, size_t start, struct sftp_handle *ret)
{
	struct sshbytes handle = {0};
	struct answer a;
	int code = SFTP_OK;

	if (ask(s, start, &a) < 0)
		return -1;
	if (a.type == HANDLE)
		handle = sshwire_string(&a.rest);
	else
		code = read_refusal(s, &a);
	if (code == SFTP_OK && (handle.len == 0 || handle.len > SFTP_HANDLE_MAX))
		return nonsense(s, "a handle of 0 or of more than 256 bytes");
	if (handle.len)
		memcpy(ret->data, handle.data, handle.len);
	ret->len = handle.len;
	drop_packet(s);
	return code;
}

int sftp_open(struct sftp *s, const char *path, struct sftp_handle *ret)
{
	size_t start = begin_request(s, OPEN);

	sshwire_put_text(&s->going, path);
	sshwire_put_u32(&s->going, FLAG_READ | FLAG_WRITE | FLAG_CREATE);
	sshwire_put_u32(&s->going, 0); /* no attributes */
	return ask_handle(s, start, ret);
}

struct listing {
	sftp_take_name take;
	void *arg;
	uint32_t names;
};

static void take_name(
	const struct listing *l, struct sshbytes bytes, const struct sftp_attributes *a)
{
	char name[SFTP_NAME_MAX + 1];

	if (bytes.len == 0 || bytes.len > SFTP_NAME_MAX || memchr(bytes.data, '\0', bytes.len) ||
		memchr(bytes.data, '/', bytes.len))
		return;
	memcpy(name, bytes.data, bytes.len);
	name[bytes.len] = '\0';
	if (strcmp(name, ".") != 0 && strcmp(name, "..") != 0)
		l->take(l->arg, name, a);
}

static int read_names(struct sftp *s, struct answer *a, struct listing *l)
{
	uint32_t count = sshwire_u32(&a->rest);

	if (count == 0 || count > LIMIT_SFTP_NAMES - l->names)
		return nonsense(s, "a list of a directory that has no end");
	l->names += count;
	for (uint32_t i = 0; i < count; i++) {
		struct sshbytes name = sshwire_string(&a->rest);
		struct sftp_attributes attributes;

		(void)sshwire_string(&a->rest); /* the line of ls(1), for users */
		attributes = read_attributes(&a->rest);
		if (a->rest.bad)
			return nonsense(s, "a list of names that is not whole");
		take_name(l, name, &attributes);
	}
	return SFTP_OK;
}

static int list_some(struct sftp *s, const struct sftp_handle *h, struct listing *l)
{
	size_t start = begin_request(s, READDIR);
	struct answer a;
	int code;

	put_handle(&s->going, h);
	if (ask(s, start, &a) < 0)
		return -1;
	code = a.type == NAME ? read_names(s, &a, l) : read_refusal(s, &a);
	if (code >= 0)
		drop_packet(s);
	return code;
}

static int list_all(struct sftp *s, const char *path, struct listing *l)
{
	size_t start = begin_request(s, OPENDIR);
	struct sftp_handle h;
	int code, closed;

	sshwire_put_text(&s->going, path);
	code = ask_handle(s, start, &h);
	if (code != SFTP_OK)
		return code;
	do
		code = list_some(s, &h, l);
	while (code == SFTP_OK);
	if (code < 0)
		return -1;
	closed = sftp_close(s, &h);
	return code == SFTP_EOF ? closed : code;
}

int sftp_list(struct sftp *s, const char *path, sftp_take_name take, void *arg)
{
	struct listing l = {.take = take, .arg = arg};
	int code;

	s->until_ms = clock_ms() + s->stall_ms;
	code = list_all(s, path, &l);
	s->until_ms = 0;
	return code;
}

/* ---- blocks: many pending requests, with answers in any order ---- */

/* Find the block of this answer, and remove it from the list. */
static int answered(struct sftp *s, const struct answer *a, struct sftp_block *ret)
{
	for (size_t i = 0; i < s->block_count; i++)
		if (s->blocks[i].id == a->id) {
			*ret = s->blocks[i];
			s->blocks[i] = s->blocks[--s->block_count];
			return 0;
		}
	return nonsense(s, "an answer to nothing that was asked");
}

static bool has_room(const struct sftp *s)
{
	return s->block_count < SFTP_WINDOW;
}

static uint32_t block_len(uint64_t offset, uint64_t end)
{
	uint64_t left = offset < end ? end - offset : 0;

	return (uint32_t)(left < SFTP_BLOCK ? left : SFTP_BLOCK);
}

static int ask_block(struct sftp *s, enum packet type, const struct sftp_handle *h,
	struct sftp_block block, const void *data)
{
	size_t start = begin_request(s, type);

	put_handle(&s->going, h);
	sshwire_put_u64(&s->going, block.offset);
	if (type == WRITE)
		sshwire_put_string(&s->going, data, block.len);
	else
		sshwire_put_u32(&s->going, block.len);
	block.id = s->last_id;
	s->blocks[s->block_count++] = block;
	return end_request(s, start);
}

static int write_block(struct sftp *s, const struct sftp_handle *h, int fd, struct sftp_block block)
{
	char data[SFTP_BLOCK];

	if (fd_pread_full(fd, data, block.len, block.offset) != (ssize_t)block.len)
		return over(s, SFTP_LOCAL);
	return ask_block(s, WRITE, h, block, data);
}

/* Get the code of an answer to a pending block. */
static int take_code(struct sftp *s)
{
	struct sftp_block block;
	struct answer a;
	int code;

	if (next_answer(s, &a) < 0 || answered(s, &a, &block) < 0)
		return -1;
	code = read_status(s, &a);
	if (code >= 0)
		drop_packet(s);
	return code;
}

int sftp_write(struct sftp *s, const struct sftp_handle *h, int fd, uint64_t offset, uint64_t end)
{
	int refused = SFTP_OK;

	while (s->block_count || (offset < end && refused == SFTP_OK)) {
		struct sftp_block block = {.offset = offset, .len = block_len(offset, end)};
		int code;

		if (block.len && refused == SFTP_OK && has_room(s)) {
			if (write_block(s, h, fd, block) < 0)
				return -1;
			offset += block.len;
			continue;
		}
		code = take_code(s);
		if (code < 0)
			return -1;
		refused = refused == SFTP_OK ? code : refused;
	}
	return refused;
}

struct reading {
	char *data;
	uint64_t offset, end; /* requested part; end is reduced at the end of the file */
	uint64_t next;        /* offset of the next request */
	int refused;
};

/* A server may send less than requested; the rest is requested again. */
static int take_block(struct sftp *s, const struct sftp_handle *h, struct reading *r,
	struct answer *a, const struct sftp_block *block)
{
	struct sshbytes bytes = sshwire_string(&a->rest);
	struct sftp_block rest;

	if (a->rest.bad || bytes.len == 0 || bytes.len > block->len)
		return nonsense(s, "more or less of a file than was asked for");
	memcpy(r->data + (block->offset - r->offset), bytes.data, bytes.len);
	if (bytes.len == block->len)
		return 0;
	if (block->pieces + 1 == SFTP_PIECES)
		return nonsense(s, "a file in pieces that are too small");
	rest = (struct sftp_block){.pieces = block->pieces + 1,

		.offset = block->offset + bytes.len,
		.len = block->len - (uint32_t)bytes.len};
	return rest.offset < r->end ? ask_block(s, READ, h, rest, NULL) : 0;
}

static int take_reading(struct sftp *s, const struct sftp_handle *h, struct reading *r)
{
	struct sftp_block block;
	struct answer a;
	int code;

	if (next_answer(s, &a) < 0 || answered(s, &a, &block) < 0)
		return -1;
	if (a.type == DATA) {
		if (take_block(s, h, r, &a, &block) < 0)
			return -1;
		drop_packet(s);
		return 0;
	}
	code = read_refusal(s, &a);
	if (code < 0)
		return -1;
	if (code == SFTP_EOF && block.offset < r->end)
		r->end = block.offset;
	else if (code != SFTP_EOF)
		r->refused = code;
	drop_packet(s);
	return 0;
}

static int read_all(struct sftp *s, const struct sftp_handle *h, uint64_t offset, char *data,
	size_t len, size_t *ret_len)
{
	struct reading r = {.data = data, .offset = offset, .next = offset, .end = offset + len};

	while (s->block_count || (r.next < r.end && r.refused == SFTP_OK)) {
		struct sftp_block block = {.offset = r.next, .len = block_len(r.next, r.end)};

		if (block.len && r.refused == SFTP_OK && has_room(s)) {
			if (ask_block(s, READ, h, block, NULL) < 0)
				return -1;
			r.next += block.len;
		} else if (take_reading(s, h, &r) < 0) {
			return -1;
		}
	}
	*ret_len = (size_t)(r.end - r.offset);
	return r.refused;
}

int sftp_read(struct sftp *s, const struct sftp_handle *h, uint64_t offset, char *data, size_t len,
	size_t *ret_len)
{
	int code;

	s->until_ms = clock_ms() + READ_STALLS * s->stall_ms;
	code = read_all(s, h, offset, data, len, ret_len);
	s->until_ms = 0;
	return code;
}

/* ---- start of a session ---- */

static int read_version(struct sftp *s)
{
	struct answer a;

	if (next_packet(s, &a) < 0)
		return s->end == SFTP_NONSENSE ? nonsense(s, NO_GREETING) : -1;
	if (a.type != VERSION || sshwire_u32(&a.rest) < PROTOCOL)
		return nonsense(s, NO_GREETING);
	while (a.rest.left && !a.rest.bad) {
		struct sshbytes name = sshwire_string(&a.rest);
		struct sshbytes value = sshwire_string(&a.rest);

		s->can_rename_over |= sshbytes_are(name, RENAME_OVER) && sshbytes_are(value, "1");
		s->can_sync |= sshbytes_are(name, SYNC) && sshbytes_are(value, "1");
	}
	drop_packet(s);
	return 0;
}

int sftp_begin(struct sftp *s, int in, int out, int64_t stall_ms)
{
	size_t start;

	*s = (struct sftp){.in = in, .out = out, .stall_ms = stall_ms};
	buf_init(&s->coming, LIMIT_SFTP_ANSWER + LENGTH_BYTES);
	buf_init(&s->going, SFTP_BLOCK + REQUEST_MAX);
	start = begin_request(s, INIT);
	sshwire_put_u32(&s->going, PROTOCOL);
	return end_request(s, start) < 0 ? -1 : read_version(s);
}
