/* SPDX-License-Identifier: Apache-2.0 */
/* The agent's process: it receives its keys, then serves the connections of its VM. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "agent/limits.h"
#include "agent/sshagent_internal.h"
#include "base/clock.h"
#include "os/fd.h"

enum { LENGTH_BYTES = 4, LISTENER = LIMIT_AGENT_CONNECTIONS, REPORTS, POLLED };

struct conn {
	int fd; /* -1: this slot is free */
	struct sshagent_session session;
	struct buf in;  /* received, not yet answered */
	struct buf out; /* to be sent; nothing more is read until it is empty */
	int64_t deadline_ms;
};

struct server {
	int listener, reports;
	struct sshagent_state state;
	struct conn conns[LIMIT_AGENT_CONNECTIONS];
};

/* ---- keys ---- */

static int take_key(int from, const struct sshagent_key *expected, struct sshkey *ret)
{
	auto_vault struct vault text = {0};
	uint32_t len = 0;
	struct err e = {0};

	if (fd_read_full(from, &len, sizeof(len)) != (ssize_t)sizeof(len) || len != expected->len)
		return -1;
	vault_alloc(&text, len);
	if (fd_read_full(from, text.data, len) != (ssize_t)len)
		return -1;
	return sshkey_parse(text.data, len, ret, &e);
}

static int take_keys(struct server *s, const struct sshagent_setup *setup)
{
	size_t count = setup->rules->key_count;
	struct sshkey *keys = mem_array(count, sizeof(*keys));

	sshkey_use_locked_memory();
	s->state = (struct sshagent_state){.rules = setup->rules, .keys = keys};
	for (size_t i = 0; i < count; i++)
		if (take_key(setup->keys, &setup->rules->keys[i], &keys[i]) < 0)
			return -1;
	fd_close(setup->keys);
	return 0;
}

/* ---- connections ---- */

static void end(struct conn *c)
{
	fd_close(c->fd);
	buf_release(&c->in);
	buf_release(&c->out);
	sshagent_session_release(&c->session);
	*c = (struct conn){.fd = -1};
}

static void begin(struct server *s)
{
	int fd = accept4(s->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	for (size_t i = 0; fd >= 0 && i < LIMIT_AGENT_CONNECTIONS; i++) {
		struct conn *c = &s->conns[i];

		if (c->fd >= 0)
			continue;
		c->fd = fd_steal(&fd);
		c->deadline_ms = clock_ms() + LIMIT_AGENT_IDLE_MS;
		sshagent_session_init(&c->session);
		buf_init(&c->in, LENGTH_BYTES + LIMIT_AGENT_MESSAGE);
		/* The list of keys can be longer than any request. */
		buf_init(&c->out, LENGTH_BYTES + LIMIT_SECRETS * LIMIT_AGENT_MESSAGE);
	}
	fd_close(fd);
}

/* A blocking send: the parent reads all the time, and a delay affects only this VM. */
static void tell(const struct server *s, const struct sshagent_report *report)
{
	ssize_t n;

	do {
		n = send(s->reports, report, sizeof(*report), MSG_NOSIGNAL);
	} while (n < 0 && errno == EINTR);
}

static void answer(struct server *s, struct conn *c, struct sshbytes message)
{
	struct sshagent_report report;
	auto_buf struct buf reply = {0};

	buf_init(&reply, c->out.max - LENGTH_BYTES);
	if (sshagent_answer(&s->state, &c->session, message, &reply, &report))
		tell(s, &report);
	sshwire_put_string(&c->out, reply.data, reply.len);
}

/* Answer one message if it is complete. False: close the connection. */
static bool answer_one(struct server *s, struct conn *c)
{
	static const struct sshagent_report too_long = {.verdict = SSHAGENT_REFUSED,
		.reason = "malformed",
		.message = "the message is too long or empty"};
	struct sshwire w = sshwire_over(c->in.data, c->in.len);
	uint32_t len = sshwire_u32(&w);
	struct sshbytes message;

	if (w.bad)
		return true;
	if (len == 0 || len > LIMIT_AGENT_MESSAGE) {
		tell(s, &too_long);
		return false;
	}
	message = sshwire_bytes(&w, len);
	if (w.bad)
		return true;
	answer(s, c, message);
	buf_drop_front(&c->in, LENGTH_BYTES + len);
	return !c->out.overflow;
}

static bool take(struct server *s, struct conn *c)
{
	char chunk[4096];
	size_t room = c->in.max - c->in.len;
	ssize_t n = read(c->fd, chunk, room < sizeof(chunk) ? room : sizeof(chunk));

	if (n < 0)
		return errno == EAGAIN || errno == EINTR;
	if (n == 0)
		return false;
	buf_add(&c->in, chunk, (size_t)n);
	c->deadline_ms = clock_ms() + LIMIT_AGENT_IDLE_MS;
	return answer_one(s, c);
}

static bool give(struct server *s, struct conn *c)
{
	ssize_t n = send(c->fd, c->out.data, c->out.len, MSG_NOSIGNAL);

	if (n < 0)
		return errno == EAGAIN || errno == EINTR;
	buf_drop_front(&c->out, (size_t)n);
	/* The buffer may contain another message after the answered one. */
	return c->out.len || answer_one(s, c);
}

static void serve(struct server *s, struct conn *c)
{
	if (!(c->out.len ? give(s, c) : take(s, c)))
		end(c);
}

/* ---- the loop ---- */

static bool has_room(const struct server *s)
{
	for (size_t i = 0; i < LIMIT_AGENT_CONNECTIONS; i++)
		if (s->conns[i].fd < 0)
			return true;
	return false;
}

static int64_t prepare(const struct server *s, struct pollfd *p)
{
	int64_t first = CLOCK_NEVER;

	for (size_t i = 0; i < LIMIT_AGENT_CONNECTIONS; i++) {
		const struct conn *c = &s->conns[i];

		p[i] = (struct pollfd){.fd = c->fd, .events = c->out.len ? POLLOUT : POLLIN};
		if (c->fd >= 0 && c->deadline_ms < first)
			first = c->deadline_ms;
	}
	p[LISTENER] = (struct pollfd){.fd = has_room(s) ? s->listener : -1, .events = POLLIN};
	p[REPORTS] = (struct pollfd){.fd = s->reports, .events = POLLIN};
	return first;
}

/* The parent only sends end of file, which means: finish. Returns false then. */
static bool step(struct server *s)
{
	struct pollfd p[POLLED];
	int64_t first = prepare(s, p), now;

	if (poll(p, POLLED, clock_poll_timeout(first)) < 0)
		return errno == EINTR;
	now = clock_ms();
	for (size_t i = 0; i < LIMIT_AGENT_CONNECTIONS; i++) {
		struct conn *c = &s->conns[i];

		if (p[i].revents)
			serve(s, c);
		else if (c->fd >= 0 && now >= c->deadline_ms)
			end(c);
	}
	if (p[LISTENER].revents)
		begin(s);
	return !p[REPORTS].revents;
}

int sshagent_inside(void *arg)
{
	const struct sshagent_setup *setup = arg;
	struct server s = {.listener = setup->listen_fd, .reports = setup->reports};
	struct err e = {0};

	for (size_t i = 0; i < LIMIT_AGENT_CONNECTIONS; i++)
		s.conns[i].fd = -1;
	if (signal(SIGPIPE, SIG_IGN) == SIG_ERR || fd_set_nonblock(s.listener, &e) < 0 ||
		take_keys(&s, setup) < 0)
		return 1;
	while (step(&s))
		;
	return 0;
}
