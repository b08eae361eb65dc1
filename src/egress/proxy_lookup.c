/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names are looked up like everywhere else on the host: by libc, with the host's nsswitch.conf,
 * hosts and resolv.conf. libc blocks and cannot be interrupted, so each lookup is a child process,
 * which is killed after a time limit.
 */
#include "egress/proxy_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <resolv.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "egress/limits.h"
#include "os/fd.h"
#include "os/proc.h"

/* The answer of a child, written at once: it is shorter than PIPE_BUF. */
struct answer {
	int error; /* EAI_... or 0 */
	int sys;   /* errno, if error is EAI_SYSTEM */
	size_t count;
	struct address addresses[LIMIT_PROXY_ADDRESSES];
};

/* ---- the child ---- */

/*
 * A name with dots is absolute: the allowlist means this host, not one of the same name in a search
 * domain of resolv.conf.
 */
static void set_resolver(const char *name)
{
	if (res_init() == 0 && strchr(name, '.'))
		_res.options &= ~(unsigned long)(RES_DNSRCH | RES_DEFNAMES);
}

static void look_up(const char *name, struct answer *a)
{
	struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
	struct addrinfo *list = NULL;

	set_resolver(name);
	a->error = getaddrinfo(name, NULL, &hints, &list);
	a->sys = errno;
	for (struct addrinfo *i = list; i && a->count < LIMIT_PROXY_ADDRESSES; i = i->ai_next)
		if (address_of_sockaddr(i->ai_addr, &a->addresses[a->count]))
			a->count++;
}

NORETURN static void child(int fd, const char *name)
{
	enum { ANSWER_FD = 3 };
	struct answer a;

	memset(&a, 0, sizeof(a)); /* including the padding, which is written, too */
	if (dup2(fd, ANSWER_FD) < 0 || close_range(ANSWER_FD + 1, ~0U, 0) < 0)
		_exit(1);
	look_up(name, &a);
	_exit(fd_write_all(ANSWER_FD, &a, sizeof(a)) < 0);
}

/* ---- the proxy ---- */

/* The connection that has waited longest. */
static struct proxy_conn *next_waiting(struct proxy_server *s)
{
	struct proxy_conn *first = NULL;

	for (unsigned i = 0; i < LIMIT_PROXY_CONNECTIONS; i++) {
		struct proxy_conn *c = &s->conns[i];

		if (c->state == PROXY_LOOKUP && !c->looking && (!first || c->turn < first->turn))
			first = c;
	}
	return first;
}

static int start_child(struct proxy_lookup *l, const char *name)
{
	int ends[2];

	if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) < 0)
		return -1;
	l->pid = fork();
	if (l->pid == 0)
		child(ends[1], name);
	fd_close(ends[1]);
	if (l->pid < 0) {
		l->pid = 0;
		fd_close(ends[0]);
		return -1;
	}
	l->answer.fd = ends[0];
	return 0;
}

static void start(struct proxy_server *s, struct proxy_lookup *l, struct proxy_conn *c)
{
	if (start_child(l, c->name) < 0) {
		proxy_conn_refuse(s, c, PROXY_FAILED, "lookup_failed", 502,
			"the lookup of '%s' cannot be started: %s", c->name, strerror(errno));
		return;
	}
	c->looking = true;
	c->deadline_ms = CLOCK_NEVER; /* the deadline of the lookup applies now */
	l->deadline_ms = clock_ms() + LIMIT_PROXY_LOOKUP_MS;
	l->conn = proxy_index(s, c);
	l->generation = c->generation;
	l->answer.token = proxy_token(PROXY_ROLE_LOOKUP, (unsigned)(l - s->lookups), 0);
	proxy_watch(s, &l->answer, EPOLLIN);
}

void proxy_lookup_start(struct proxy_server *s)
{
	for (unsigned i = 0; i < LIMIT_PROXY_LOOKUPS; i++) {
		struct proxy_conn *c = s->lookups[i].pid ? NULL : next_waiting(s);

		if (c)
			start(s, &s->lookups[i], c);
	}
}

void proxy_lookup_end(struct proxy_server *s, struct proxy_lookup *l)
{
	int status;

	if (!l->pid)
		return;
	proxy_unwatch_and_close(s, &l->answer);
	(void)kill(l->pid, SIGKILL);
	(void)proc_wait(l->pid, &status);
	l->pid = 0;
}

/* The connection that requested the lookup; NULL: it has ended. */
static struct proxy_conn *asker(struct proxy_server *s, const struct proxy_lookup *l)
{
	struct proxy_conn *c = &s->conns[l->conn];

	return c->generation == l->generation && c->state == PROXY_LOOKUP ? c : NULL;
}

static void refuse(struct proxy_server *s, struct proxy_conn *c, const struct answer *a)
{
	if (a->error == EAI_NONAME || a->error == EAI_NODATA || a->error == 0)
		proxy_conn_refuse(s, c, PROXY_FAILED, "name_not_found", 502,
			"the host's name service has no host '%s'", c->name);
	else
		proxy_conn_refuse(s, c, PROXY_FAILED, "lookup_failed", 502,
			"'%s' cannot be looked up: %s", c->name,
			a->error == EAI_SYSTEM ? strerror(a->sys) : gai_strerror(a->error));
}

void proxy_lookup_event(struct proxy_server *s, struct proxy_lookup *l)
{
	struct proxy_conn *c = asker(s, l);
	struct answer a = {.error = EAI_FAIL};
	ssize_t n = read(l->answer.fd, &a, sizeof(a));

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n != (ssize_t)sizeof(a))
		a = (struct answer){.error = EAI_FAIL}; /* the child died */
	proxy_lookup_end(s, l);
	if (!c)
		return;
	c->looking = false;
	if (a.error || a.count == 0 || a.count > LIMIT_PROXY_ADDRESSES) {
		refuse(s, c, &a);
		return;
	}
	memcpy(c->addresses, a.addresses, sizeof(c->addresses));
	c->address_count = a.count;
	proxy_conn_resolved(s, c);
}

void proxy_lookup_expire(struct proxy_server *s, struct proxy_lookup *l)
{
	struct proxy_conn *c = asker(s, l);

	proxy_lookup_end(s, l);
	if (!c)
		return;
	c->looking = false;
	proxy_conn_refuse(s, c, PROXY_FAILED, "lookup_timeout", 504,
		"the lookup of '%s' took longer than %lld s", c->name,
		LIMIT_PROXY_LOOKUP_MS / 1000);
}
