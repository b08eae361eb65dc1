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
#include "executor/net/errorfile.h"
#include "executor/net/watch.h"
#include "os/fd.h"
#include "os/relay.h"

enum { HOST_MAX = 253, PORT_MAX = 65535, HEAD_MAX = 16384, SAID_MAX = 600 };

/* --upload FILE MS */
enum { UPLOAD_WORDS = 3 };

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

/* An upload must make progress. */
static int check_progress(
	const struct connection *c, struct watch *w, const struct relay *r, struct err *e)
{
	uint64_t received = r->down.filled, sent = r->up.drained;
	enum watch_verdict verdict = watch_look(w, clock_ms(), received, sent);
	auto_free char *got = NULL, *took = NULL;

	if (verdict == WATCH_GOOD)
		return 0;
	got = mem_strdup(num_show_size(received - w->received).s);
	took = mem_strdup(num_show_size(sent - w->sent).s);
	if (verdict == WATCH_STALLED)
		return err_reason(e, ERR_INPUT, "upload_timeout",
			"%s: the upload made no progress within %s: the server sent %s and "
			"accepted %s",
			c->host, num_show_duration(c->patience_ms).s, got, took);
	return err_reason(e, ERR_INPUT, "upload_failed",
		"%s: the upload made no progress while the server sent %s: it accepted %s", c->host,
		got, took);
}

static int copy(const struct connection *c, int fd, const struct buf *early, struct err *e)
{
	auto_relay struct relay r = {0};
	struct pollfd fds[RELAY_POLL_FDS];
	struct watch w;
	int more = 1;

	if (fd_set_nonblock(fd, e) < 0)
		return -1;
	if (fd_write_all(STDOUT_FILENO, early->data, early->len) < 0)
		return err_sys(e, "write to standard output");
	relay_init(&r, STDIN_FILENO, STDOUT_FILENO, fd, fd);
	watch_start(&w, c->patience_ms, clock_ms());
	while (more > 0) {
		int timeout = clock_poll_timeout(watch_deadline_ms(&w));

		relay_poll(&r, fds);
		if (poll(fds, RELAY_POLL_FDS, timeout) < 0 && errno != EINTR)
			return err_sys(e, "poll");
		more = relay_move(&r, fds, e);
		/* After the end of the server's data, do not wait for the end of standard input. */
		if (more > 0 && r.down.shut)
			more = 0;
		if (more > 0 && check_progress(c, &w, &r, e) < 0)
			return -1;
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

int connect_run(const struct connection *c, struct err *e)
{
	auto_free char *usual = mem_printf("%s:%d", GUEST_PROXY_ADDRESS, PROXY_PORT);
	auto_buf struct buf answer;
	struct sockaddr_in at;
	auto_fd int fd = -1;
	uint64_t port;

	buf_init(&answer, HEAD_MAX);
	if (parse_proxy(c->proxy ? c->proxy : usual, &at, e) < 0 || check_host(c->host, e) < 0)
		return -1;
	if (num_parse_u64(c->port, PORT_MAX, &port, e) < 0)
		return err_wrap(e, "port");
	fd = call(&at, e);
	if (fd < 0 || ask(fd, c->host, (unsigned)port, e) < 0 ||
		take_answer(fd, &answer, c->host, (unsigned)port, e) < 0)
		return -1;
	return copy(c, fd, &answer, e);
}

static int connect_upload(const char *file, const struct connection *c, struct err *e)
{
	struct err unwritten = {0};

	if (connect_run(c, e) == 0)
		return 0;
	if (e->reason[0] && errorfile_write(file, e, &unwritten) < 0)
		return err_append(e, "; %s", unwritten.msg);
	return -1;
}

int connect_main(int argc, char **argv, struct err *e)
{
	const bool upload = argc > 0 && strcmp(argv[0], "--upload") == 0;
	const int at = upload ? UPLOAD_WORDS : 0;
	struct connection c = {0};
	uint64_t patience_ms;

	if (argc < at + 2 || argc > at + 3)
		return err_set(e, ERR_INPUT, "connect: give it HOST and PORT");
	c.host = argv[at];
	c.port = argv[at + 1];
	c.proxy = argc == at + 3 ? argv[at + 2] : NULL;
	if (!upload)
		return connect_run(&c, e);
	if (num_parse_u64(argv[2], INT32_MAX, &patience_ms, e) < 0)
		return err_wrap(e, "--upload");
	c.patience_ms = (int64_t)patience_ms;
	return connect_upload(argv[1], &c, e);
}
