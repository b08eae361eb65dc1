/* SPDX-License-Identifier: Apache-2.0 */
#include "egress/clienthello.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

/* ---- reading ---- */

/* What is left of a message or of a part of it. After a read beyond its end it is empty and `bad`. */
struct part {
	const unsigned char *at;
	size_t len;
	bool bad;
};

static struct part take(struct part *p, size_t len)
{
	struct part taken = {.at = p->at, .len = len};

	if (p->bad || p->len < len) {
		*p = (struct part){.at = p->at, .bad = true};
		return *p;
	}
	p->at += len;
	p->len -= len;
	return taken;
}

/* An unsigned number of `width` bytes, the highest first. */
static uint32_t take_number(struct part *p, size_t width)
{
	struct part bytes = take(p, width);
	uint32_t n = 0;

	for (size_t i = 0; i < bytes.len; i++)
		n = n << 8 | bytes.at[i];
	return n;
}

/* A part after its length, a number of `width` bytes. */
static struct part take_counted(struct part *p, size_t width)
{
	return take(p, take_number(p, width));
}

/* ---- records ---- */

enum {
	RECORD_HEAD = 5,
	RECORD_HANDSHAKE = 22,
	RECORD_MAX = 1 << 14,
	TLS_MAJOR = 3,
	MESSAGE_HEAD = 4,
	MESSAGE_CLIENT_HELLO = 1,
};

/* The message from its records: as much of it as there is. */
struct message {
	unsigned char data[MESSAGE_HEAD + CLIENTHELLO_MAX];
	size_t len;
};

/* The length of the message with its head; 0: its head is not complete. */
static size_t whole_length(const struct message *m)
{
	struct part head = {.at = m->data + 1, .len = MESSAGE_HEAD - 1};

	return m->len < MESSAGE_HEAD ? 0 : MESSAGE_HEAD + take_number(&head, MESSAGE_HEAD - 1);
}

static bool is_whole(const struct message *m)
{
	size_t whole = whole_length(m);

	return whole && m->len >= whole;
}

/* False: this cannot become a ClientHello. */
static bool is_possible(const struct message *m)
{
	return (m->len == 0 || m->data[0] == MESSAGE_CLIENT_HELLO) &&
		whole_length(m) <= sizeof(m->data);
}

static void append(struct message *m, const struct part *p)
{
	size_t room = sizeof(m->data) - m->len;
	size_t len = p->len < room ? p->len : room;

	memcpy(m->data + m->len, p->at, len);
	m->len += len;
}

/* One record, or what there is of it. False: it is none of a handshake. */
static bool append_record(struct message *m, struct part *rest)
{
	struct part head = take(rest, RECORD_HEAD), payload;
	uint32_t len;

	if (head.at[0] != RECORD_HANDSHAKE || head.at[1] != TLS_MAJOR)
		return false;
	(void)take(&head, 3);
	len = take_number(&head, 2);
	if (len == 0 || len > RECORD_MAX)
		return false;
	payload = take(rest, len < rest->len ? len : rest->len);
	append(m, &payload);
	return true;
}

/* WHOLE: the message is complete, but it has not been looked into. */
static enum clienthello_verdict gather(const char *data, size_t len, struct message *m)
{
	struct part rest = {.at = (const unsigned char *)data, .len = len};

	if (len && rest.at[0] != RECORD_HANDSHAKE)
		return CLIENTHELLO_OTHER;
	while (rest.len >= RECORD_HEAD && !is_whole(m))
		if (!append_record(m, &rest) || !is_possible(m))
			return CLIENTHELLO_OTHER;
	return is_whole(m) ? CLIENTHELLO_WHOLE : CLIENTHELLO_MORE;
}

/* ---- the message ---- */

enum { RANDOM_BYTES = 32, EXTENSION_SERVER_NAME = 0, NAME_OF_HOST = 0 };

/* The list has one name, of a host. */
static enum clienthello_verdict read_names(struct part extension, char *ret_name)
{
	struct part list = take_counted(&extension, 2);
	uint32_t type = take_number(&list, 1);
	struct part name = take_counted(&list, 2);

	if (name.bad || type != NAME_OF_HOST || list.len || extension.len || name.len == 0 ||
		name.len > CLIENTHELLO_NAME_MAX || memchr(name.at, '\0', name.len))
		return CLIENTHELLO_OTHER;
	memcpy(ret_name, name.at, name.len);
	ret_name[name.len] = '\0';
	return CLIENTHELLO_WHOLE;
}

static enum clienthello_verdict read_extensions(struct part extensions, char *ret_name)
{
	enum clienthello_verdict found = CLIENTHELLO_NO_NAME;

	while (extensions.len) {
		uint32_t type = take_number(&extensions, 2);
		struct part extension = take_counted(&extensions, 2);

		if (extension.bad || (type == EXTENSION_SERVER_NAME && found == CLIENTHELLO_WHOLE))
			return CLIENTHELLO_OTHER;
		if (type == EXTENSION_SERVER_NAME)
			found = read_names(extension, ret_name);
		if (found == CLIENTHELLO_OTHER)
			return found;
	}
	return found;
}

static enum clienthello_verdict read_hello(const struct message *m, char *ret_name)
{
	struct part hello = {.at = m->data + MESSAGE_HEAD, .len = whole_length(m) - MESSAGE_HEAD};
	struct part extensions;

	(void)take(&hello, 2 + RANDOM_BYTES); /* the version, which is not negotiated here */
	(void)take_counted(&hello, 1);        /* the session */
	(void)take_counted(&hello, 2);        /* ciphers */
	(void)take_counted(&hello, 1);        /* compressions */
	if (hello.bad)
		return CLIENTHELLO_OTHER;
	if (hello.len == 0)
		return CLIENTHELLO_NO_NAME; /* extensions may be left out */
	extensions = take_counted(&hello, 2);
	return extensions.bad || hello.len ? CLIENTHELLO_OTHER
					   : read_extensions(extensions, ret_name);
}

enum clienthello_verdict clienthello_read(const char *data, size_t len, char *ret_name)
{
	struct message m = {.len = 0};
	enum clienthello_verdict v = gather(data, len, &m);

	return v == CLIENTHELLO_WHOLE ? read_hello(&m, ret_name) : v;
}
