/* SPDX-License-Identifier: Apache-2.0 */
/* The event loop of the proxy's process, and its timeouts. */
#include "egress/proxy_internal.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "egress/limits.h"
#include "os/fd.h"

enum { EVENTS_MAX = 64, ACCEPT_PAUSE_MS = 200 };

/* ---- helpers for the other files ---- */

/* role, index, generation */
uint64_t proxy_token(enum proxy_role role, unsigned index, uint32_t generation)
{
	return (uint64_t)role << 56 | (uint64_t)index << 32 | generation;
}

unsigned proxy_index(const struct proxy_server *s, const struct proxy_conn *c)
{
	return (unsigned)(c - s->conns);
}

/*
 * A descriptor with an empty mask is removed: epoll would report a broken connection again and
 * again.
 */
void proxy_watch(struct proxy_server *s, struct proxy_watched *w, uint32_t mask)
{
	struct epoll_event ev = {.events = mask, .data.u64 = w->token};
	int op = !w->mask ? EPOLL_CTL_ADD : mask ? EPOLL_CTL_MOD : EPOLL_CTL_DEL;

	if (w->fd < 0 || mask == w->mask)
		return;
	if (epoll_ctl(s->epoll, op, w->fd, &ev) < 0)
		BUG("epoll: %s", strerror(errno));
	w->mask = mask;
}

void proxy_unwatch_and_close(struct proxy_server *s, struct proxy_watched *w)
{
	proxy_watch(s, w, 0);
	fd_close(fd_steal(&w->fd));
}

bool proxy_tell(struct proxy_server *s, const struct proxy_report *report)
{
	ssize_t n = send(s->reports.fd, report, sizeof(*report), MSG_NOSIGNAL);

	if (n >= 0 || (errno != EAGAIN && errno != EINTR && errno != ENOBUFS))
		return true; /* also if the parent has closed its end */
	proxy_watch(s, &s->reports, EPOLLIN | EPOLLOUT);
	return false;
}

/* ---- events ---- */

static struct proxy_conn *find_free(struct proxy_server *s)
{
	for (unsigned i = 0; i < LIMIT_PROXY_CONNECTIONS; i++)
		if (s->conns[i].state == PROXY_FREE)
			return &s->conns[i];
	return NULL;
}

/*
 * Connections that cannot be accepted wait in the socket's queue. Some errors of accept(2) concern
 * only the new connection; the others mean a lack of resources, after which accepting is paused.
 */
static void accept_one(struct proxy_server *s)
{
	struct proxy_conn *c = find_free(s);
	int fd;

	if (!c)
		return;
	fd = accept4(s->listener.fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (fd >= 0) {
		s->active++;
		proxy_conn_begin(s, c, fd);
	} else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
		s->accept_ms = clock_ms() + ACCEPT_PAUSE_MS;
	}
}

static void tell_again(struct proxy_server *s)
{
	proxy_watch(s, &s->reports, EPOLLIN);
	for (unsigned i = 0; i < LIMIT_PROXY_CONNECTIONS; i++)
		if (s->conns[i].state == PROXY_REPORT)
			proxy_conn_report(s, &s->conns[i]);
}

/* The parent only sends end of file, which means: finish. */
static void on_reports(struct proxy_server *s, uint32_t events)
{
	if (events & EPOLLOUT)
		tell_again(s);
	if (!(events & (EPOLLIN | EPOLLHUP | EPOLLERR)))
		return;
	s->finishing = true;
	proxy_unwatch_and_close(s, &s->listener);
	proxy_watch(s, &s->reports, 0);
	for (unsigned i = 0; i < LIMIT_PROXY_CONNECTIONS; i++)
		if (s->conns[i].state != PROXY_FREE)
			proxy_conn_stop(s, &s->conns[i]);
}

static void dispatch(struct proxy_server *s, const struct epoll_event *ev)
{
	enum proxy_role role = (enum proxy_role)(ev->data.u64 >> 56);
	unsigned index = (unsigned)(ev->data.u64 >> 32) & 0xffff;
	struct proxy_conn *c = role >= PROXY_ROLE_CLIENT ? &s->conns[index] : NULL;

	if (role == PROXY_ROLE_LISTENER)
		accept_one(s);
	else if (role == PROXY_ROLE_REPORTS)
		on_reports(s, ev->events);
	else if (role == PROXY_ROLE_LOOKUP && s->lookups[index].pid)
		proxy_lookup_event(s, &s->lookups[index]);
	else if (c && c->generation == (uint32_t)ev->data.u64 && role >= PROXY_ROLE_LANE &&
		c->state == PROXY_DIAL)
		proxy_dial_event(s, c, role - PROXY_ROLE_LANE);
	else if (c && c->generation == (uint32_t)ev->data.u64 && role < PROXY_ROLE_LANE)
		proxy_conn_event(s, c);
}

/* ---- time ---- */

static int64_t deadline_of(const struct proxy_conn *c)
{
	if (c->state == PROXY_FREE)
		return CLOCK_NEVER;
	return c->state == PROXY_DIAL ? proxy_dial_deadline(c) : c->deadline_ms;
}

static int64_t earliest(const struct proxy_server *s)
{
	int64_t first = s->accept_ms ? s->accept_ms : CLOCK_NEVER;

	for (unsigned i = 0; i < LIMIT_PROXY_CONNECTIONS; i++)
		if (deadline_of(&s->conns[i]) < first)
			first = deadline_of(&s->conns[i]);
	for (unsigned i = 0; i < LIMIT_PROXY_LOOKUPS; i++)
		if (s->lookups[i].pid && s->lookups[i].deadline_ms < first)
			first = s->lookups[i].deadline_ms;
	return first;
}

static void tick(struct proxy_server *s)
{
	int64_t now = clock_ms();

	for (unsigned i = 0; i < LIMIT_PROXY_LOOKUPS; i++)
		if (s->lookups[i].pid && now >= s->lookups[i].deadline_ms)
			proxy_lookup_expire(s, &s->lookups[i]);
	for (unsigned i = 0; i < LIMIT_PROXY_CONNECTIONS; i++) {
		struct proxy_conn *c = &s->conns[i];

		if (now < deadline_of(c))
			continue;
		if (c->state == PROXY_DIAL && now < c->deadline_ms)
			proxy_dial_tick(s, c, now);
		else
			proxy_conn_expire(s, c);
	}
	if (now >= s->accept_ms)
		s->accept_ms = 0;
}

/* ---- the loop ---- */

static void step(struct proxy_server *s)
{
	struct epoll_event events[EVENTS_MAX];
	bool room = s->active < LIMIT_PROXY_CONNECTIONS && s->accept_ms == 0;
	int n;

	proxy_lookup_start(s);
	proxy_watch(s, &s->listener, room ? EPOLLIN : 0);
	n = epoll_wait(s->epoll, events, EVENTS_MAX, clock_poll_timeout(earliest(s)));
	for (int i = 0; i < n; i++)
		dispatch(s, &events[i]);
	tick(s);
}

static int set_up(struct proxy_server *s, const struct proxy_setup *setup)
{
	struct err e = {0};

	s->epoll = epoll_create1(EPOLL_CLOEXEC);
	s->listener = (struct proxy_watched){
		.fd = setup->listen_fd, .token = proxy_token(PROXY_ROLE_LISTENER, 0, 0)};
	s->reports = (struct proxy_watched){
		.fd = setup->reports, .token = proxy_token(PROXY_ROLE_REPORTS, 0, 0)};
	if (s->epoll < 0 || fd_set_nonblock(setup->listen_fd, &e) < 0 ||
		fd_set_nonblock(setup->reports, &e) < 0)
		return -1;
	s->allow = setup->allow;
	s->conns = mem_array(LIMIT_PROXY_CONNECTIONS, sizeof(*s->conns));
	s->buffers = mem_array(2 * LIMIT_PROXY_CONNECTIONS, LIMIT_PROXY_BUFFER);
	for (size_t i = 0; i < LIMIT_PROXY_LOOKUPS; i++)
		s->lookups[i].answer.fd = -1;
	proxy_watch(s, &s->reports, EPOLLIN);
	return signal(SIGPIPE, SIG_IGN) == SIG_ERR ? -1 : 0;
}

int proxy_inside(void *setup)
{
	struct proxy_server s = {0};

	if (set_up(&s, setup) < 0)
		return 1;
	while (!s.finishing || s.active > 0)
		step(&s);
	for (unsigned i = 0; i < LIMIT_PROXY_LOOKUPS; i++)
		proxy_lookup_end(&s, &s.lookups[i]);
	return 0;
}
