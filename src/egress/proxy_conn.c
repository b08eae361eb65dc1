/* SPDX-License-Identifier: Apache-2.0 */
/* One connection of the VM, from its first byte to its report. */
#include "egress/proxy_internal.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/fit.h"
#include "egress/clienthello.h"
#include "egress/limits.h"

enum {
	/* While a head is read, room is reserved for the fields added to it. */
	PENDING_MAX = LIMIT_PROXY_BUFFER - 512,
	ROUNDS = 16, /* of one connection, before other connections get their turn */
	LINGER_MS = 2000,
	SCRATCH = 4096,
};

static const char established[] = "HTTP/1.1 200 Connection established\r\n\r\n";

/* ---- moving bytes ---- */

/* Read and discard data that the client sends when none are expected; only end of file matters. */
static ssize_t discard(struct flow *f, int fd)
{
	char scratch[SCRATCH];
	struct flow nowhere;
	ssize_t n;

	if (f->ended)
		return 0;
	flow_init(&nowhere, scratch, sizeof(scratch));
	n = flow_fill(&nowhere, fd, sizeof(scratch));
	f->ended = nowhere.ended;
	return n;
}

/* Replace the first n bytes with `text`. */
static void replace_front(struct flow *f, size_t n, const struct buf *text)
{
	size_t rest = f->len - n;

	if (text->overflow || text->len + rest > LIMIT_PROXY_BUFFER)
		BUG("a head of %zu bytes before %zu more", text->len, rest);
	memmove(f->data + text->len, f->data + f->start + n, rest);
	memcpy(f->data, text->data, text->len);
	f->start = 0;
	f->ready = text->len;
	f->len = text->len + rest;
}

/* ---- begin and end ---- */

void proxy_conn_begin(struct proxy_server *s, struct proxy_conn *c, int client_fd)
{
	unsigned i = proxy_index(s, c);
	uint32_t generation = c->generation + 1;
	int on = 1;

	memset(c, 0, sizeof(*c));
	c->generation = generation;
	c->state = PROXY_HEAD;
	c->client = (struct proxy_watched){
		.fd = client_fd, .token = proxy_token(PROXY_ROLE_CLIENT, i, generation)};
	c->server = (struct proxy_watched){
		.fd = -1, .token = proxy_token(PROXY_ROLE_SERVER, i, generation)};
	c->lanes[0].socket.fd = c->lanes[1].socket.fd = -1;
	flow_init(&c->up, s->buffers + 2 * i * LIMIT_PROXY_BUFFER, LIMIT_PROXY_BUFFER);
	flow_init(&c->down, c->up.data + LIMIT_PROXY_BUFFER, LIMIT_PROXY_BUFFER);
	c->since_ms = clock_ms();
	c->deadline_ms = c->since_ms + LIMIT_PROXY_HEAD_MS;
	(void)setsockopt(client_fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	proxy_watch(s, &c->client, EPOLLIN);
}

/* Only the first reason is kept; later ones are its consequences. */
static void note(struct proxy_conn *c, const char *reason, const char *fmt, va_list ap)
	PRINTF_LIKE(3, 0);
static void note(struct proxy_conn *c, const char *reason, const char *fmt, va_list ap)
{
	if (c->report.reason[0])
		return;
	(void)snprintf(c->report.reason, sizeof(c->report.reason), "%s", reason);
	fit_vformat(c->report.message, sizeof(c->report.message), fmt, ap);
}

void proxy_conn_end(struct proxy_server *s, struct proxy_conn *c)
{
	struct linger reset = {.l_onoff = 1, .l_linger = 0};

	if (c->broken && c->client.fd >= 0)
		(void)setsockopt(c->client.fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
	proxy_unwatch_and_close(s, &c->client);
	proxy_unwatch_and_close(s, &c->server);
	proxy_dial_end(s, c);
	c->report.duration_ms = clock_ms() - c->since_ms;
	c->deadline_ms = CLOCK_NEVER;
	c->state = PROXY_REPORT;
	proxy_conn_report(s, c);
}

/* A connection that ended before any request is not reported. */
void proxy_conn_report(struct proxy_server *s, struct proxy_conn *c)
{
	bool worth_it = c->report.method[0] || c->report.reason[0];

	if (worth_it && !proxy_tell(s, &c->report))
		return;
	c->state = PROXY_FREE;
	s->active--;
}

/*
 * End the connection with a reason that only the log shows. The client gets a reset, so that it
 * does not take the data received so far as complete.
 */
static void end_broken(struct proxy_server *s, struct proxy_conn *c, const char *reason,
	const char *fmt, ...) PRINTF_LIKE(4, 5);
static void end_broken(
	struct proxy_server *s, struct proxy_conn *c, const char *reason, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	note(c, reason, fmt, ap);
	va_end(ap);
	c->broken = true;
	proxy_conn_end(s, c);
}

void proxy_conn_stop(struct proxy_server *s, struct proxy_conn *c)
{
	if (c->state == PROXY_REPORT)
		return;
	if (c->state == PROXY_LINGER) {
		proxy_conn_end(s, c);
		return;
	}
	if (c->state != PROXY_RELAY)
		c->report.verdict = PROXY_FAILED;
	if (c->report.method[0])
		end_broken(s, c, "stopped", "it was open when the machine ended");
	else
		proxy_conn_end(s, c);
}

/* ---- refusing ---- */

/*
 * If the socket were closed at once, the kernel would answer further data with a reset, which can
 * destroy our last bytes before the client reads them. So keep reading for a moment.
 */
static void linger(struct proxy_server *s, struct proxy_conn *c)
{
	c->state = PROXY_LINGER;
	c->deadline_ms = clock_ms() + LINGER_MS;
	proxy_watch(s, &c->client, EPOLLIN | EPOLLOUT);
}

void proxy_conn_refuse(struct proxy_server *s, struct proxy_conn *c, enum proxy_verdict verdict,
	const char *reason, unsigned status, const char *fmt, ...)
{
	auto_buf struct buf reply = {0};
	va_list ap;

	va_start(ap, fmt);
	note(c, reason, fmt, ap);
	va_end(ap);
	c->report.verdict = verdict;
	proxy_unwatch_and_close(s, &c->server);
	proxy_dial_end(s, c);
	buf_init(&reply, LIMIT_PROXY_BUFFER);
	proxy_write_refusal(&reply, status, c->report.message);
	c->down.start = c->down.len = c->down.ready = 0;
	replace_front(&c->down, 0, &reply);
	linger(s, c);
}

static void move_linger(struct proxy_server *s, struct proxy_conn *c)
{
	if (flow_drain(&c->down, c->client.fd) < 0 || discard(&c->up, c->client.fd) < 0 ||
		(c->up.ended && c->down.ready == 0)) {
		proxy_conn_end(s, c);
		return;
	}
	if (c->down.ready == 0 && !c->down.shut) {
		(void)shutdown(c->client.fd, SHUT_WR);
		c->down.shut = true;
	}
	proxy_watch(s, &c->client,
		(c->up.ended ? 0 : EPOLLIN) | (c->down.ready ? (uint32_t)EPOLLOUT : 0));
}

/* ---- the request ---- */

static void refuse_verdict(struct proxy_server *s, struct proxy_conn *c, enum egress_verdict v)
{
	static const char *const texts[EGRESS_VERDICTS] = {
		[EGRESS_BAD_HOST] = "'%s' is not a host name (port %u)",
		[EGRESS_IP_LITERAL] = "'%s' is an address (port %u): hosts are reached by name",
		/* NOLINTNEXTLINE(bugprone-suspicious-missing-comma): one text on two lines */
		[EGRESS_HOST_REFUSED] = "'%s' (port %u) is not among the hosts that this machine "
					"may reach; egress.allow in the configuration adds some",
		[EGRESS_PORT_REFUSED] = "of '%s', port %u is not open to this machine",
	};

	proxy_conn_refuse(s, c, PROXY_REFUSED, egress_verdict_name(v), 403, texts[v],
		c->report.host, c->request.port);
}

static void judge(struct proxy_server *s, struct proxy_conn *c)
{
	enum egress_verdict v = egress_check(s->allow, c->request.host, c->request.port);
	struct err e = {0};

	if (v != EGRESS_ALLOWED) {
		refuse_verdict(s, c, v);
		return;
	}
	if (egress_host_name(c->request.host, c->name, &e) < 0) {
		refuse_verdict(s, c, EGRESS_HOST_REFUSED);
		return;
	}
	c->state = PROXY_LOOKUP;
	c->turn = s->turns++;
	c->deadline_ms = clock_ms() + LIMIT_PROXY_LOOKUP_MS;
	proxy_watch(s, &c->client, 0);
	proxy_lookup_start(s);
}

/* n: the length of the head at the start of c->up. */
static void take_request(struct proxy_server *s, struct proxy_conn *c, size_t n)
{
	auto_buf struct buf head = {0};
	uint64_t body;

	memcpy(c->report.method, c->request.method, sizeof(c->report.method));
	memcpy(c->report.host, c->request.host, sizeof(c->report.host));
	c->report.port = c->request.port;
	buf_init(&head, LIMIT_PROXY_BUFFER);
	if (!c->request.connect) {
		proxy_write_request(&head, c->up.data + c->up.start, n, &c->request);
		/* Data after the body would be another request; only one is served. */
		body = c->up.len - n < c->request.body ? c->up.len - n : c->request.body;
		c->up.left = c->request.body - body;
		c->up.len = n + (size_t)body;
		c->answer_due = true;
	}
	replace_front(&c->up, n, &head);
	c->hello_due = c->request.connect && s->allow->guarded;
	c->up.ready = c->hello_due ? 0 : c->up.len;
	judge(s, c);
}

static void read_request(struct proxy_server *s, struct proxy_conn *c)
{
	struct proxy_complaint why;
	ssize_t n = flow_fill(&c->up, c->client.fd, PENDING_MAX);

	if (n < 0 || (c->up.ended && c->up.len == 0)) {
		proxy_conn_end(s, c);
		return;
	}
	n = proxy_read_request(c->up.data + c->up.start, c->up.len, &c->request, &why);
	if (n > 0)
		take_request(s, c, (size_t)n);
	else if (n < 0)
		proxy_conn_refuse(s, c, PROXY_REFUSED, "bad_request", why.status,
			"the request is refused: %s", why.text);
	else if (c->up.ended)
		proxy_conn_refuse(
			s, c, PROXY_REFUSED, "bad_request", 400, "the request is not whole");
}

void proxy_conn_resolved(struct proxy_server *s, struct proxy_conn *c)
{
	c->state = PROXY_DIAL;
	proxy_dial_start(s, c);
}

/* ---- relaying ---- */

static void set_idle_deadline(struct proxy_conn *c)
{
	bool half = c->up.ended || c->down.ended;

	c->deadline_ms = clock_ms() + (half ? LIMIT_PROXY_HALF_MS : LIMIT_PROXY_IDLE_MS);
}

/* Forward the head of a response, including the interim responses before it. */
static int take_answer(struct proxy_server *s, struct proxy_conn *c)
{
	struct proxy_complaint why;
	struct proxy_response r;
	auto_buf struct buf head = {0};
	const char *front = c->down.data + c->down.start;
	ssize_t n = 0;

	if (c->down.ready > 0)
		return 0;
	if (c->down.len > 0)
		n = proxy_read_response(front, c->down.len, &r, &why);
	if (n < 0) {
		proxy_conn_refuse(s, c, PROXY_FAILED, "bad_answer", 502,
			"what '%s' answers is refused: %s", c->name, why.text);
		return -1;
	}
	if (n == 0 && c->down.ended) {
		proxy_conn_refuse(s, c, PROXY_FAILED, "bad_answer", 502,
			"'%s' ended the connection without an answer", c->name);
		return -1;
	}
	if (n == 0)
		return 0;
	buf_init(&head, LIMIT_PROXY_BUFFER);
	proxy_write_response(&head, front, (size_t)n, &r);
	replace_front(&c->down, (size_t)n, &head);
	if (!r.interim) {
		c->answer_due = false;
		c->down.ready = c->down.len;
	}
	return 0;
}

static void server_broke(struct proxy_server *s, struct proxy_conn *c)
{
	int error = errno;

	if (c->answer_due && c->down.ready == 0)
		proxy_conn_refuse(s, c, PROXY_FAILED, "server_reset", 502,
			"'%s' broke the connection: %s", c->name, strerror(error));
	else
		end_broken(s, c, "server_reset", "'%s' broke the connection: %s", c->name,
			strerror(error));
}

static void end_refused(struct proxy_server *s, struct proxy_conn *c, const char *reason,
	const char *fmt, ...) PRINTF_LIKE(4, 5);
/* The client was told already that there is a connection: it gets a reset. */
static void end_refused(
	struct proxy_server *s, struct proxy_conn *c, const char *reason, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	note(c, reason, fmt, ap);
	va_end(ap);
	c->report.verdict = PROXY_REFUSED;
	c->broken = true;
	proxy_conn_end(s, c);
}

static bool is_same_host(const struct proxy_conn *c, const char *host)
{
	char name[EGRESS_HOST_MAX + 1];
	struct err ignored = {0};

	return egress_host_name(host, name, &ignored) == 0 && strcmp(name, c->name) == 0;
}

/* Only a ClientHello that names the host lets bytes pass. -1: the connection was ended. */
static int take_hello(struct proxy_server *s, struct proxy_conn *c)
{
	char name[CLIENTHELLO_NAME_MAX + 1] = "";
	enum clienthello_verdict v = clienthello_read(c->up.data + c->up.start, c->up.len, name);

	if (v == CLIENTHELLO_MORE && !c->up.ended && flow_room(&c->up, LIMIT_PROXY_BUFFER) > 0)
		return 0;
	if (v == CLIENTHELLO_WHOLE && is_same_host(c, name)) {
		c->hello_due = false;
		return 0;
	}
	if (v == CLIENTHELLO_WHOLE)
		end_refused(s, c, "other_server_name",
			"in a connection to '%s', the machine asked for the server '%s' by TLS",
			c->name, name);
	else if (v == CLIENTHELLO_NO_NAME)
		end_refused(s, c, "no_server_name",
			"in a connection to '%s', the machine did not name the server by TLS",
			c->name);
	else
		end_refused(s, c, "no_tls",
			"in a connection to '%s', the machine sent something else than TLS",
			c->name);
	return -1;
}

/* May what is ready be sent? -1: the connection was ended. */
static int check_sent(struct proxy_server *s, struct proxy_conn *c)
{
	if (!s->allow->guarded || c->up.ready <= s->allow->max_sent - s->sent)
		return 0;
	end_refused(s, c, "sent_limit",
		"the machine has sent %llu bytes to hosts, and may send %llu: fetch_max_sent in "
		"the configuration raises the limit",
		(unsigned long long)s->sent, (unsigned long long)s->allow->max_sent);
	return -1;
}

/* From the client to the server. Returns the bytes moved; -1: the connection was ended. */
static ssize_t move_up(struct proxy_server *s, struct proxy_conn *c)
{
	ssize_t in = c->up.left ? flow_fill(&c->up, c->client.fd, LIMIT_PROXY_BUFFER)
				: discard(&c->up, c->client.fd);
	ssize_t out;

	if (in < 0) {
		end_broken(s, c, "client_reset", "the machine broke the connection: %s",
			strerror(errno));
		return -1;
	}
	if (!c->request.connect && c->up.ended && c->up.left > 0) {
		end_broken(s, c, "client_reset", "the machine did not send all of its request");
		return -1;
	}
	if (c->hello_due && c->up.len > 0 && take_hello(s, c) < 0)
		return -1;
	c->up.ready = c->hello_due ? 0 : c->up.len;
	if (check_sent(s, c) < 0)
		return -1;
	out = flow_drain(&c->up, c->server.fd);
	if (out < 0) {
		server_broke(s, c);
		return -1;
	}
	c->report.sent += (uint64_t)out;
	s->sent += (uint64_t)out;
	return in + out;
}

static ssize_t move_down(struct proxy_server *s, struct proxy_conn *c)
{
	ssize_t in =
		flow_fill(&c->down, c->server.fd, c->answer_due ? PENDING_MAX : LIMIT_PROXY_BUFFER);
	ssize_t out;

	if (in < 0) {
		server_broke(s, c);
		return -1;
	}
	c->report.received += (uint64_t)in;
	if (!c->answer_due)
		c->down.ready = c->down.len;
	else if (take_answer(s, c) < 0)
		return -1;
	out = flow_drain(&c->down, c->client.fd);
	if (out < 0) {
		end_broken(s, c, "client_reset", "the machine broke the connection: %s",
			strerror(errno));
		return -1;
	}
	return in + out;
}

/* Forward the end of file of one side after all data before it. */
static void pass_end(struct flow *f, int fd)
{
	if (!flow_is_over(f))
		return;
	if (fd >= 0)
		(void)shutdown(fd, SHUT_WR); /* fails if the peer is gone, which is noticed soon */
	f->shut = true;
}

static void watch_relay(struct proxy_server *s, struct proxy_conn *c)
{
	size_t max = c->answer_due ? PENDING_MAX : LIMIT_PROXY_BUFFER;
	bool read_up =
		!c->up.ended && (c->up.left == 0 || flow_room(&c->up, LIMIT_PROXY_BUFFER) > 0);
	bool read_down = !c->down.ended && flow_room(&c->down, max) > 0;

	proxy_watch(
		s, &c->client, (read_up ? EPOLLIN : 0) | (c->down.ready ? (uint32_t)EPOLLOUT : 0));
	proxy_watch(
		s, &c->server, (read_down ? EPOLLIN : 0) | (c->up.ready ? (uint32_t)EPOLLOUT : 0));
}

static void move_relay(struct proxy_server *s, struct proxy_conn *c)
{
	for (int round = 0; round < ROUNDS; round++) {
		ssize_t up = move_up(s, c);
		ssize_t down = up < 0 ? -1 : move_down(s, c);

		if (down < 0)
			return;
		if (up + down == 0)
			break;
		set_idle_deadline(c);
	}
	/*
	 * Only for CONNECT: a plain request has a known length, and some servers take a half-close
	 * for an abort.
	 */
	pass_end(&c->up, c->request.connect ? c->server.fd : -1);
	if (!c->request.connect && c->down.ended && c->down.len == 0) {
		proxy_unwatch_and_close(s, &c->server);
		linger(s, c);
		return;
	}
	pass_end(&c->down, c->client.fd);
	if (c->up.shut && c->down.shut)
		proxy_conn_end(s, c);
	else
		watch_relay(s, c);
}

void proxy_conn_dialled(struct proxy_server *s, struct proxy_conn *c)
{
	c->state = PROXY_RELAY;
	c->report.verdict = PROXY_ALLOWED;
	set_idle_deadline(c);
	if (c->request.connect) {
		memcpy(c->down.data, established, sizeof(established) - 1);
		c->down.len = c->down.ready = sizeof(established) - 1;
	}
	move_relay(s, c);
}

/* ---- events ---- */

void proxy_conn_event(struct proxy_server *s, struct proxy_conn *c)
{
	if (c->state == PROXY_HEAD)
		read_request(s, c);
	else if (c->state == PROXY_RELAY)
		move_relay(s, c);
	else if (c->state == PROXY_LINGER)
		move_linger(s, c);
}

void proxy_conn_expire(struct proxy_server *s, struct proxy_conn *c)
{
	if (c->state == PROXY_HEAD)
		proxy_conn_refuse(s, c, PROXY_REFUSED, "request_timeout", 408,
			"no whole request within %lld s", LIMIT_PROXY_HEAD_MS / 1000);
	else if (c->state == PROXY_LOOKUP)
		proxy_conn_refuse(s, c, PROXY_FAILED, "lookup_timeout", 504,
			"the lookup of '%s' could not begin within %lld s", c->name,
			LIMIT_PROXY_LOOKUP_MS / 1000);
	else if (c->state == PROXY_DIAL)
		proxy_conn_refuse(s, c, PROXY_FAILED, "connect_timeout", 504,
			"no connection to '%s', port %u, within %lld s", c->name, c->request.port,
			LIMIT_PROXY_CONNECT_MS / 1000);
	else if (c->state == PROXY_RELAY && c->answer_due && c->down.ready == 0)
		proxy_conn_refuse(s, c, PROXY_FAILED, "idle_timeout", 504,
			"'%s' did not answer in time", c->name);
	else if (c->state == PROXY_RELAY)
		end_broken(s, c, "idle_timeout", "nothing moved for too long");
	else if (c->state == PROXY_LINGER)
		proxy_conn_end(s, c);
}
