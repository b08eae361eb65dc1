/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From a list of addresses to a connection, according to RFC 8305, with at most two attempts at a
 * time. The addresses of a family are tried in the order of the resolver. The family of the first
 * address starts; the other one starts HEAD_START_MS later, or when the first has no more
 * addresses. Each address is checked immediately before its use.
 */
#include "egress/proxy_internal.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "egress/limits.h"
#include "os/fd.h"

enum { HEAD_START_MS = 250 };

static struct proxy_lane *other_lane(struct proxy_conn *c, const struct proxy_lane *l)
{
	return l == &c->lanes[0] ? &c->lanes[1] : &c->lanes[0];
}

void proxy_dial_end(struct proxy_server *s, struct proxy_conn *c)
{
	for (size_t i = 0; i < ARRAY_SIZE(c->lanes); i++) {
		proxy_unwatch_and_close(s, &c->lanes[i].socket);
		c->lanes[i].over = true;
	}
}

static void say_address(struct proxy_conn *c, const struct address *a)
{
	address_text(a, c->report.address);
}

static void refuse_address(struct proxy_server *s, struct proxy_conn *c, const struct address *a)
{
	const struct address_kind *kind = address_special(a);

	say_address(c, a);
	proxy_conn_refuse(s, c, PROXY_REFUSED, egress_verdict_name(EGRESS_ADDRESS_REFUSED), 403,
		"'%s' leads to %s, which is %s%s", c->name, c->report.address,
		kind ? kind->words : "refused",
		kind && !kind->never ? "; egress.allow_private in the configuration would allow it"
				     : "");
}

/* No lane has any addresses left. */
static void give_up(struct proxy_server *s, struct proxy_conn *c)
{
	for (size_t i = 0; i < c->address_count; i++)
		if (egress_check_address(s->allow, c->name, &c->addresses[i]) == EGRESS_ALLOWED) {
			proxy_conn_refuse(s, c, PROXY_FAILED, "connect_failed", 502,
				"no connection to '%s', port %u: %s", c->name, c->request.port,
				strerror(c->connect_errno));
			return;
		}
	refuse_address(s, c, &c->addresses[0]);
}

/* Start to connect. 0: wait until the socket is writable; -1 with errno: it failed at once. */
static int call(struct proxy_lane *l, const struct address *a, unsigned port)
{
	auto_fd int fd = socket(
		a->is_ipv6 ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct sockaddr_storage to;
	socklen_t len = address_to_sockaddr(a, port, &to);
	int on = 1;

	if (fd < 0)
		return -1;
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)); /* only for speed */
	if (connect(fd, (struct sockaddr *)&to, len) < 0 && errno != EINPROGRESS)
		return -1;
	l->socket.fd = fd_steal(&fd);
	l->deadline_ms = clock_ms() + LIMIT_PROXY_ATTEMPT_MS;
	return 0;
}

/* Connect to the next allowed address of the lane. */
static void go_on(struct proxy_server *s, struct proxy_conn *c, struct proxy_lane *l)
{
	struct proxy_lane *other = other_lane(c, l);

	while (l->next < c->address_count) {
		const struct address *a = &c->addresses[l->next++];

		if (a->is_ipv6 != l->is_ipv6 ||
			egress_check_address(s->allow, c->name, a) != EGRESS_ALLOWED)
			continue;
		if (call(l, a, c->request.port) == 0) {
			proxy_watch(s, &l->socket, EPOLLOUT);
			return;
		}
		say_address(c, a);
		c->connect_errno = errno;
	}
	l->over = true;
	if (!other->over && other->socket.fd < 0)
		other->start_ms = 0; /* it has not started, and need not wait any longer */
}

static void fail_attempt(
	struct proxy_server *s, struct proxy_conn *c, struct proxy_lane *l, int error)
{
	say_address(c, &c->addresses[l->next - 1]);
	c->connect_errno = error;
	proxy_unwatch_and_close(s, &l->socket);
	go_on(s, c, l);
}

void proxy_dial_tick(struct proxy_server *s, struct proxy_conn *c, int64_t now_ms)
{
	for (size_t i = 0; i < ARRAY_SIZE(c->lanes); i++) {
		struct proxy_lane *l = &c->lanes[i];

		if (l->over)
			continue;
		if (l->socket.fd >= 0 && now_ms >= l->deadline_ms)
			fail_attempt(s, c, l, ETIMEDOUT);
		else if (l->socket.fd < 0 && now_ms >= l->start_ms)
			go_on(s, c, l);
	}
	if (c->lanes[0].over && c->lanes[1].over)
		give_up(s, c);
}

int64_t proxy_dial_deadline(const struct proxy_conn *c)
{
	int64_t first = c->deadline_ms;

	for (size_t i = 0; i < ARRAY_SIZE(c->lanes); i++) {
		const struct proxy_lane *l = &c->lanes[i];
		int64_t t = l->socket.fd >= 0 ? l->deadline_ms : l->start_ms;

		if (!l->over && t < first)
			first = t;
	}
	return first;
}

void proxy_dial_start(struct proxy_server *s, struct proxy_conn *c)
{
	int64_t now = clock_ms();

	for (unsigned i = 0; i < ARRAY_SIZE(c->lanes); i++)
		c->lanes[i] = (struct proxy_lane){
			.socket = {.fd = -1,
				.token = proxy_token((enum proxy_role)(PROXY_ROLE_LANE + i),
					proxy_index(s, c), c->generation)},
			.is_ipv6 = c->addresses[0].is_ipv6 != (i == 1),
			.start_ms = i == 0 ? 0 : now + HEAD_START_MS,
		};
	c->connect_errno = ETIMEDOUT;
	c->deadline_ms = now + LIMIT_PROXY_CONNECT_MS;
	proxy_dial_tick(s, c, now);
}

void proxy_dial_event(struct proxy_server *s, struct proxy_conn *c, unsigned lane)
{
	struct proxy_lane *l = &c->lanes[lane];
	int error = 0;
	socklen_t len = sizeof(error);

	if (l->socket.fd < 0)
		return;
	if (getsockopt(l->socket.fd, SOL_SOCKET, SO_ERROR, &error, &len) < 0)
		error = errno;
	if (error) {
		fail_attempt(s, c, l, error);
		proxy_dial_tick(s, c, clock_ms());
		return;
	}
	say_address(c, &c->addresses[l->next - 1]);
	proxy_watch(s, &l->socket, 0);
	c->server.fd = fd_steal(&l->socket.fd);
	proxy_dial_end(s, c);
	proxy_conn_dialled(s, c);
}
