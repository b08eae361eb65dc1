/* SPDX-License-Identifier: Apache-2.0 */
#include "hostkey/greeting.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "os/fd.h"

#define IDENTIFICATION "SSH-"
enum { IDENTIFICATION_LEN = sizeof(IDENTIFICATION) - 1 };

/* Read one byte; 0: end of file; -1 with errno. */
static ssize_t take(int fd, char *ret)
{
	ssize_t n;

	do {
		n = recv(fd, ret, 1, 0);
	} while (n < 0 && errno == EINTR);
	return n;
}

/* Read up to the empty line, and no further: the data after it are for libssh. */
static int read_head(int fd, struct buf *head, struct err *e)
{
	char c;

	while (head->len < 4 || memcmp(head->data + head->len - 4, "\r\n\r\n", 4) != 0) {
		ssize_t n = take(fd, &c);

		if (n < 0)
			return err_sys(e, "the proxy");
		if (n == 0)
			return err_set(e, ERR_HOST, "the proxy ended the connection");
		buf_addc(head, c);
		if (head->overflow)
			return err_set(e, ERR_HOST, "the proxy's answer has no end");
	}
	return 0;
}

int greeting_tunnel(int fd, const char *host, unsigned port, bool *ret_open, struct err *e)
{
	static const char good[] = "HTTP/1.1 200 ";
	auto_buf struct buf request = {0};
	auto_buf struct buf head = {0};

	buf_init(&request, GREETING_HEAD_MAX);
	buf_init(&head, GREETING_HEAD_MAX);
	buf_addf(&request, "CONNECT %s:%u HTTP/1.1\r\nHost: %s:%u\r\n\r\n", host, port, host, port);
	if (fd_write_all(fd, request.data, request.len) < 0)
		return err_sys(e, "the proxy");
	if (read_head(fd, &head, e) < 0)
		return -1;
	*ret_open = strncmp(head.data, good, strlen(good)) == 0;
	return 0;
}

static bool identification_comes(int fd)
{
	char next[IDENTIFICATION_LEN];
	ssize_t n;

	do {
		n = recv(fd, next, sizeof(next), MSG_PEEK | MSG_WAITALL);
	} while (n < 0 && errno == EINTR);
	return n == IDENTIFICATION_LEN && memcmp(next, IDENTIFICATION, IDENTIFICATION_LEN) == 0;
}

enum greeting greeting_wait(int fd, struct buf *first)
{
	bool starts = true, is_first = true;
	char c;

	for (size_t i = 0; i < GREETING_LINES_MAX; i++) {
		if (starts && identification_comes(fd))
			return GREETING_SSH;
		if (take(fd, &c) <= 0)
			return i == 0 ? GREETING_CLOSED : GREETING_OTHER;
		starts = c == '\n';
		is_first = is_first && c != '\r' && c != '\n';
		if (is_first && first->len < GREETING_SHOWN_MAX)
			buf_addc(first, c);
	}
	return GREETING_OTHER;
}
