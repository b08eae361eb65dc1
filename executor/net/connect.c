/* SPDX-License-Identifier: Apache-2.0 */
#include "executor/net/connect.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/num.h"
#include "base/text.h"
#include "contract/contract.h"
#include "executor/limits.h"
#include "os/fd.h"
#include "os/relay.h"

enum { HOST_MAX = 253, PORT_MAX = 65535, HEAD_MAX = 16384, SAID_MAX = 600 };

/* ---- request ---- */

/* The proxy checks the host. This check only ensures that the request is well-formed. */
static int check_host(const char *host, struct err *e)
{
	size_t len = strlen(host);

	for (const char *c = host; *c; c++)
		if (*c <= ' ' || *c >= 0x7f || strchr(":/@[]", *c))
			len = 0;
	if (len == 0 || len > HOST_MAX) {
		auto_free char *safe = text_safe(host, HOST_MAX);

		return err_set(e, ERR_INPUT, "'%s' is not the name of a host", safe);
	}
	return 0;
}

static int call(const struct sockaddr_in *proxy, struct err *e)
{
	auto_fd int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	const int on = 1;

	/* ssh talks to a pipe here, so it cannot set this option itself. */
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)); /* failure is harmless */
	if (fd < 0 || connect(fd, (const struct sockaddr *)proxy, sizeof(*proxy)) < 0)
		return err_sys(e, "the proxy at port %u cannot be reached", ntohs(proxy->sin_port));
	return fd_steal(&fd);
}

static int ask(int fd, const char *host, unsigned port, struct err *e)
{
	auto_free char *request =
		mem_printf("CONNECT %s:%u HTTP/1.1\r\nHost: %s:%u\r\n\r\n", host, port, host, port);

	return fd_write_all(fd, request, strlen(request)) < 0 ? err_sys(e, "ask the proxy") : 0;
}

/* ---- response ---- */

/* Read more of it. Returns the number of bytes; 0 at its end. */
static ssize_t read_more(int fd, struct buf *b, int64_t deadline, struct err *e)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};
	char chunk[512];
	ssize_t n;

	if (poll(&p, 1, clock_poll_timeout(deadline)) == 0)
		return err_set(e, ERR_HOST, "the proxy does not answer");
	n = read(fd, chunk, sizeof(chunk));
	if (n < 0)
		return err_sys(e, "read the proxy's answer");
	buf_add(b, chunk, (size_t)n);
	if (b->overflow)
		return err_set(e, ERR_HOST, "the proxy's answer is too long");
	return n;
}

/* The error contains the proxy's reason, the first line of the body. */
static int refused(int fd, struct buf *b, size_t head, const char *host, unsigned port,
	int64_t deadline, struct err *e)
{
	auto_free char *said = NULL;
	auto_free char *safe = NULL;
	struct err none = {0};
	ssize_t n;

	do {
		n = b->len - head < SAID_MAX ? read_more(fd, b, deadline, &none) : 0;
	} while (n > 0);
	said = mem_strndup(b->data + head, strcspn(b->data + head, "\r\n"));
	safe = text_safe(said, SAID_MAX);
	return err_set(e, ERR_INPUT, "no connection to %s, port %u: %s", host, port,
		safe[0] ? safe : "the proxy refuses it and does not say why");
}

static bool says_yes(const char *answer)
{
	static const char version[] = "HTTP/1.1 2";

	return strncmp(answer, version, sizeof(version) - 1) == 0 ||
		strncmp(answer, "HTTP/1.0 2", sizeof(version) - 1) == 0;
}

/* On success `b` contains the bytes that the server has already sent. */
static int take_answer(int fd, struct buf *b, const char *host, unsigned port, struct err *e)
{
	int64_t deadline = clock_ms() + LIMIT_CONNECT_MS;
	char *end;

	while (!(end = strstr(b->data, "\r\n\r\n"))) {
		ssize_t n = read_more(fd, b, deadline, e);

		if (n < 0)
			return -1;
		if (n == 0)
			return err_set(e, ERR_HOST, "the proxy ended without an answer");
	}
	end += strlen("\r\n\r\n");
	if (!says_yes(b->data))
		return refused(fd, b, (size_t)(end - b->data), host, port, deadline, e);
	buf_drop_front(b, (size_t)(end - b->data));
	return 0;
}

/* ---- data ---- */

static int copy(int fd, const struct buf *early, struct err *e)
{
	auto_relay struct relay r = {0};
	struct pollfd fds[RELAY_POLL_FDS];
	int more = 1;

	if (fd_set_nonblock(fd, e) < 0)
		return -1;
	if (fd_write_all(STDOUT_FILENO, early->data, early->len) < 0)
		return err_sys(e, "write to standard output");
	relay_init(&r, STDIN_FILENO, STDOUT_FILENO, fd, fd);
	while (more > 0) {
		relay_poll(&r, fds);
		if (poll(fds, RELAY_POLL_FDS, -1) < 0 && errno != EINTR)
			return err_sys(e, "poll");
		more = relay_move(&r, fds, e);
		/* After the end of the server's data, do not wait for the end of standard input. */
		if (more > 0 && r.down.shut)
			more = 0;
	}
	return more;
}

/* ---- command line ---- */

static int parse_proxy(const char *text, struct sockaddr_in *ret, struct err *e)
{
	const char *colon = strrchr(text, ':');
	auto_free char *address = mem_strndup(text, colon ? (size_t)(colon - text) : 0);
	uint64_t port;

	*ret = (struct sockaddr_in){.sin_family = AF_INET};
	if (!colon || inet_pton(AF_INET, address, &ret->sin_addr) != 1)
		return err_set(e, ERR_INPUT, "'%s' is not ADDRESS:PORT of a proxy", text);
	if (num_parse_u64(colon + 1, PORT_MAX, &port, e) < 0)
		return err_wrap(e, "port of the proxy");
	ret->sin_port = htons((uint16_t)port);
	return 0;
}

int connect_run(const char *proxy, const char *host, const char *port, struct err *e)
{
	auto_free char *usual = mem_printf("%s:%d", GUEST_PROXY_ADDRESS, PROXY_PORT);
	auto_buf struct buf answer;
	struct sockaddr_in at;
	auto_fd int fd = -1;
	uint64_t number;

	buf_init(&answer, HEAD_MAX);
	if (parse_proxy(proxy ? proxy : usual, &at, e) < 0 || check_host(host, e) < 0)
		return -1;
	if (num_parse_u64(port, PORT_MAX, &number, e) < 0)
		return err_wrap(e, "port");
	fd = call(&at, e);
	if (fd < 0 || ask(fd, host, (unsigned)number, e) < 0 ||
		take_answer(fd, &answer, host, (unsigned)number, e) < 0)
		return -1;
	return copy(fd, &answer, e);
}

int connect_main(int argc, char **argv, struct err *e)
{
	if (argc < 2 || argc > 3)
		return err_set(e, ERR_INPUT, "connect: give it HOST and PORT");
	return connect_run(argc == 3 ? argv[2] : NULL, argv[0], argv[1], e);
}
