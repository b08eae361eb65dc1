/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An sftp server (version 3, draft-ietf-secsh-filexfer-02) that says yes to all that it is asked, has nothing, and is
 * bad in one way. libssh's own makes answers that are well-formed, so they are made here.
 */
#include <poll.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "data/digest.h"
#include "data/sshwire.h"
#include "tests/tools/liar.h"

const char liar_sftp_help[] =
	"    none          nothing\n"
	"    mute          it answers nothing\n"
	"    slow-list     a directory has names without end, one a second\n"
	"    endless-list  a directory has names without end\n"
	"    endless-part  it has a partial file, and sends more of it than it is asked for\n"
	"    huge-part     it has a partial file of 2^64 - 1 bytes\n"
	"    names         a directory has names that lead elsewhere, and names that a terminal "
	"obeys\n"
	"    no-write      nothing can be written; its words for that have a colour in them\n"
	"    cut-write     it ends the connection at the first write\n"
	"    other-id      it answers requests that nobody made\n"
	"    long-answer   an answer has 4 GiB\n"
	"    no-answer     an answer has no bytes\n"
	"    long-handle   a handle has 300 bytes\n";

enum {
	INIT = 1,
	OPEN = 3,
	READ = 5,
	WRITE = 6,
	LSTAT = 7,
	FSTAT = 8,
	OPENDIR = 11,
	READDIR = 12,
	REALPATH = 16,
	STAT = 17,
	VERSION = 2,
	STATUS = 101,
	HANDLE = 102,
	DATA = 103,
	NAME = 104,
	ATTRS = 105,
	EXTENDED = 200
};
enum {
	OK = 0,
	EOF_OF_LIST = 1,
	FAILURE = 4,
	HAS_SIZE = 1,
	HAS_MODE = 4,
	IS_FILE = 0100644,
	IS_DIRECTORY = 040755
};
/* The file that tests upload, of zeros, and what its partial file is called. */
enum {
	FILE_BYTES = 3000000,
	LONG_HANDLE = 300,
	MANY = 500,
	READ_MAX = 64 * 1024,
	SLOW_MS = 1000,
	BUF_MAX = 64 * 1024 * 1024
};

#define ZEROS "0000000000000000"
#define OTHER_PART "../.ambient-" ZEROS "-" ZEROS ZEROS ZEROS ZEROS ".part"

static bool lies(const struct liar_sftp *s, const char *lie)
{
	return strcmp(s->liar->sftp, lie) == 0;
}

bool liar_sftp_knows(const char *lie)
{
	auto_free char *line = mem_printf("    %s ", lie);

	return strstr(liar_sftp_help, line) != NULL;
}

void liar_sftp_init(struct liar_sftp *s, const struct liar *l)
{
	*s = (struct liar_sftp){.liar = l};
	buf_init(&s->in, BUF_MAX);
	buf_init(&s->out, BUF_MAX);
}

void liar_sftp_release(struct liar_sftp *s)
{
	buf_release(&s->in);
	buf_release(&s->out);
}

/* ---- packets ---- */

static size_t begin(struct liar_sftp *s, uint8_t type, uint32_t id)
{
	size_t start = s->out.len;

	sshwire_put_u32(&s->out, 0);
	buf_addc(&s->out, (char)type);
	if (type != VERSION)
		sshwire_put_u32(&s->out, lies(s, "other-id") ? id + 1 : id);
	return start;
}

static void set_length(struct liar_sftp *s, size_t start, uint32_t len)
{
	const char bytes[] = {(char)(len >> 24), (char)(len >> 16), (char)(len >> 8), (char)len};

	memcpy(s->out.data + start, bytes, sizeof(bytes));
}

static void end(struct liar_sftp *s, size_t start)
{
	set_length(s, start, (uint32_t)(s->out.len - start - 4));
}

static void put_attributes(struct liar_sftp *s, uint64_t size, uint32_t mode)
{
	sshwire_put_u32(&s->out, HAS_SIZE | HAS_MODE);
	sshwire_put_u64(&s->out, size);
	sshwire_put_u32(&s->out, mode);
}

static void send_status(struct liar_sftp *s, uint32_t id, uint32_t code)
{
	size_t start = begin(s, STATUS, id);

	sshwire_put_u32(&s->out, code);
	sshwire_put_text(&s->out, "as \x1b[31myou see");
	sshwire_put_text(&s->out, "");
	end(s, start);
}

static void put_name(struct liar_sftp *s, const char *name, uint32_t mode)
{
	sshwire_put_text(&s->out, name);
	sshwire_put_text(&s->out, name);
	put_attributes(s, lies(s, "huge-part") ? UINT64_MAX : FILE_BYTES, mode);
}

static void send_name(struct liar_sftp *s, uint32_t id, const char *name, uint32_t mode)
{
	size_t start = begin(s, NAME, id);

	sshwire_put_u32(&s->out, 1);
	put_name(s, name, mode);
	end(s, start);
}

/* ---- lists ---- */

static void send_part(struct liar_sftp *s, uint32_t id)
{
	auto_free char *zeros = mem_alloc(FILE_BYTES), *name = NULL;
	struct digest_text path = digest_of("file", 4), content;

	memset(zeros, 0, FILE_BYTES);
	content = digest_of(zeros, FILE_BYTES);
	name = mem_printf(".ambient-%.16s-%s.part", path.s, content.s);
	send_name(s, id, name, IS_FILE);
}

static void send_many(struct liar_sftp *s, uint32_t id)
{
	size_t start = begin(s, NAME, id);

	sshwire_put_u32(&s->out, MANY);
	for (unsigned i = 0; i < MANY; i++) {
		auto_free char *name = mem_printf("%0200u-%u", s->lists, i);

		put_name(s, name, IS_FILE);
	}
	end(s, start);
}

static void send_bad_names(struct liar_sftp *s, uint32_t id)
{
	static const char *const names[] = {"", ".", "..", "/", "../..", "/etc/passwd", "a/../../b",
		"file\n", "\x1b]0;title\x07\x1b[2J", "\xff\xfe", "\xc2\x9b", ".ambient-..-.part",
		OTHER_PART};
	size_t start = begin(s, NAME, id);

	sshwire_put_u32(&s->out, 2 * ARRAY_SIZE(names));
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		put_name(s, names[i], IS_FILE);
		put_name(s, names[i], IS_DIRECTORY);
	}
	end(s, start);
}

static void send_list(struct liar_sftp *s, uint32_t id)
{
	auto_free char *number = mem_printf("%u", ++s->lists);

	if (lies(s, "endless-list")) {
		send_many(s, id);
	} else if (lies(s, "slow-list")) {
		(void)poll(NULL, 0, SLOW_MS);
		send_name(s, id, number, IS_FILE);
	} else if ((lies(s, "endless-part") || lies(s, "huge-part")) && s->lists == 1) {
		send_part(s, id);
	} else if (lies(s, "names") && s->lists == 1) {
		send_bad_names(s, id);
	} else {
		send_status(s, id, EOF_OF_LIST);
	}
}

/* ---- answers ---- */

static void send_handle(struct liar_sftp *s, uint32_t id)
{
	static const char handle[LONG_HANDLE] = {0};
	size_t start = begin(s, HANDLE, id);

	sshwire_put_string(&s->out, handle, lies(s, "long-handle") ? LONG_HANDLE : 1);
	end(s, start);
	if (lies(s, "long-answer"))
		set_length(s, start, UINT32_MAX);
	if (lies(s, "no-answer"))
		set_length(s, start, 0);
}

/* Twice of what was asked for. */
static void send_data(struct liar_sftp *s, uint32_t id, struct sshwire *request)
{
	static const char zeros[2 * READ_MAX] = {0};
	uint32_t len;
	size_t start;

	(void)sshwire_string(request);
	(void)sshwire_u64(request);
	len = sshwire_u32(request);
	start = begin(s, DATA, id);
	sshwire_put_string(&s->out, zeros, len < READ_MAX ? 2 * len : sizeof(zeros));
	end(s, start);
}

static void send_attributes(struct liar_sftp *s, uint32_t id, bool is_file)
{
	size_t start = begin(s, ATTRS, id);

	put_attributes(s, lies(s, "huge-part") ? UINT64_MAX : FILE_BYTES,
		is_file ? IS_FILE : IS_DIRECTORY);
	end(s, start);
}

static bool is_part(struct sshbytes path)
{
	static const char tail[] = ".part";
	const size_t len = sizeof(tail) - 1;

	return path.len > len && memcmp(path.data + path.len - len, tail, len) == 0;
}

static void answer(struct liar_sftp *s, uint8_t type, struct sshwire *request)
{
	uint32_t id = sshwire_u32(request);
	struct sshwire again = *request;
	struct sshbytes text =
		sshwire_string(&again); /* a path, a handle, or the name of an extension */
	auto_free char *whole = mem_strndup(text.len ? (const char *)text.data : "", text.len);
	auto_free char *shown = text_safe(whole, 400);

	if (type != WRITE && type != READ)
		liar_log(
			s->liar, "sftp %u %s", type, type == FSTAT || type == READDIR ? "" : shown);
	if (type == REALPATH)
		send_name(s, id, "/up", IS_DIRECTORY);
	else if (type == LSTAT || type == STAT || type == FSTAT)
		send_attributes(s, id, type == FSTAT || is_part(text));
	else if (type == OPEN || type == OPENDIR)
		send_handle(s, id);
	else if (type == READDIR)
		send_list(s, id);
	else if (type == READ)
		send_data(s, id, request);
	else if (type == WRITE && lies(s, "no-write"))
		send_status(s, id, FAILURE);
	else if (type == WRITE && lies(s, "cut-write"))
		s->cut = true;
	else
		send_status(s, id, OK);
}

static void greet(struct liar_sftp *s)
{
	size_t start = begin(s, VERSION, 0);

	sshwire_put_u32(&s->out, 3);
	sshwire_put_text(&s->out, "posix-rename@openssh.com");
	sshwire_put_text(&s->out, "1");
	end(s, start);
}

void liar_sftp_work(struct liar_sftp *s)
{
	while (!s->cut) {
		struct sshwire w = sshwire_over(s->in.data, s->in.len);
		struct sshbytes packet = sshwire_string(&w);
		struct sshwire request = sshwire_over(packet.data, packet.len);
		uint8_t type;

		if (w.bad)
			return;
		type = sshwire_byte(&request);
		if (type == INIT && !lies(s, "mute"))
			greet(s);
		else if (!lies(s, "mute"))
			answer(s, type, &request);
		buf_drop_front(&s->in, s->in.len - w.left);
	}
}
