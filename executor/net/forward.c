/* SPDX-License-Identifier: Apache-2.0 */
#include "executor/net/forward.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/mem.h"
#include "contract/contract.h"
#include "os/fd.h"
#include "os/relay.h"

/*
 * poll(2) accepts no more entries than the limit of descriptors. It is inherited from the first
 * process of the machine and may be 1024.
 */
enum { BACKLOG = 128, AT_ONCE = FORWARD_AT_ONCE, POLLS = 1 + AT_ONCE * RELAY_POLL_FDS };
_Static_assert(POLLS <= 1024, "poll");

/* A forwarded connection of a program. */
struct link {
	int client, server;
	struct relay relay;
};

/*
 * One process for all connections: under emulation, a process for each would take longer than the
 * data transfer. Only poll(2) blocks, so no connection delays another.
 */
struct forwarder {
	int listener;
	const struct sockaddr_in *to;
	struct link *links; /* `count` of AT_ONCE; more connections wait in the queue */
	size_t count;
	struct pollfd *polls; /* for the listener, then RELAY_POLL_FDS for each link */
};

static void link_release(struct link *l)
{
	relay_release(&l->relay);
	fd_close(l->client);
	fd_close(l->server);
}

/* Does not wait for the connection; the relay holds the data until then. */
static int call(const struct sockaddr_in *to)
{
	auto_fd int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0 ||
		(connect(fd, (const struct sockaddr *)to, sizeof(*to)) < 0 && errno != EINPROGRESS))
		return -1;
	return fd_steal(&fd);
}

/* If the proxy or agent cannot be reached, the program's connection is closed. */
static void take(struct forwarder *f)
{
	struct link *l = &f->links[f->count];

	l->client = accept4(f->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (l->client < 0 && errno != EINTR && errno != ECONNABORTED && errno != EAGAIN)
		_exit(1);
	if (l->client < 0)
		return;
	l->server = call(f->to);
	if (l->server < 0) {
		fd_close(l->client);
		return;
	}
	relay_init(&l->relay, l->client, l->client, l->server, l->server);
	f->count++;
}

/* In descending order, so that an ended link is replaced by one that was already moved. */
static void move_all(struct forwarder *f)
{
	for (size_t i = f->count; i-- > 0;) {
		struct link *l = &f->links[i];
		struct err ignored = {0};

		if (relay_move(&l->relay, f->polls + 1 + i * RELAY_POLL_FDS, &ignored) > 0)
			continue;
		link_release(l);
		*l = f->links[--f->count];
	}
}

void forward_serve(int listener, const struct sockaddr_in *to)
{
	struct forwarder f = {.listener = listener,
		.to = to,
		.links = mem_array(AT_ONCE, sizeof(*f.links)),
		.polls = mem_array(POLLS, sizeof(*f.polls))};
	struct err e = {0};

	(void)signal(SIGPIPE, SIG_IGN);
	if (fd_set_nonblock(listener, &e) < 0)
		_exit(1);
	for (;;) {
		f.polls[0] =
			(struct pollfd){.fd = f.count < AT_ONCE ? listener : -1, .events = POLLIN};
		for (size_t i = 0; i < f.count; i++)
			relay_poll(&f.links[i].relay, f.polls + 1 + i * RELAY_POLL_FDS);
		if (poll(f.polls, 1 + f.count * RELAY_POLL_FDS, -1) < 0) {
			if (errno != EINTR)
				_exit(1);
			continue;
		}
		move_all(&f);
		if (f.polls[0].revents)
			take(&f);
	}
}

static int listen_on(int fd, const void *address, socklen_t len, struct err *e)
{
	if (bind(fd, address, len) < 0 || listen(fd, BACKLOG) < 0)
		return err_sys(e, "forwarder: listen");
	return 0;
}

static int listen_at(const struct sockaddr_in *from, int *ret_fd, struct err *e)
{
	const int on = 1;
	auto_fd int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) < 0)
		return err_sys(e, "forwarder: socket");
	if (listen_on(fd, from, sizeof(*from), e) < 0)
		return -1;
	*ret_fd = fd_steal(&fd);
	return 0;
}

/* The socket of an earlier program may exist. */
static int listen_at_path(const char *path, int *ret_fd, struct err *e)
{
	struct sockaddr_un from = {.sun_family = AF_UNIX};
	auto_fd int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	(void)snprintf(from.sun_path, sizeof(from.sun_path), "%s", path);
	if (unlink(path) < 0 && errno != ENOENT)
		return err_sys(e, "forwarder: %s", path);
	/* On Linux, bind(2) takes the mode of the file from the descriptor. */
	if (fd < 0 || fchmod(fd, 0600) < 0)
		return err_sys(e, "forwarder: socket");
	if (listen_on(fd, &from, sizeof(from), e) < 0)
		return -1;
	*ret_fd = fd_steal(&fd);
	return 0;
}

static int start(int listener, const struct sockaddr_in *to, pid_t *ret_pid, struct err *e)
{
	pid_t pid = fork();

	if (pid < 0)
		return err_sys(e, "forwarder: fork");
	if (pid == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		(void)setsid();
		forward_serve(listener, to);
	}
	*ret_pid = pid;
	return 0;
}

int forward_start(
	const struct sockaddr_in *from, const struct sockaddr_in *to, pid_t *ret_pid, struct err *e)
{
	auto_fd int listener = -1;

	return listen_at(from, &listener, e) < 0 ? -1 : start(listener, to, ret_pid, e);
}

int forward_start_agent(const char *address, pid_t *ret_pid, struct err *e)
{
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(AGENT_PORT)};
	auto_fd int listener = -1;

	if (inet_pton(AF_INET, address, &to.sin_addr) != 1)
		BUG("'%s' is no address", address);
	if (listen_at_path(GUEST_AGENT_SOCKET, &listener, e) < 0)
		return -1;
	return start(listener, &to, ret_pid, e);
}

int forward_start_proxy(pid_t *ret_pid, struct err *e)
{
	struct sockaddr_in from = {.sin_family = AF_INET, .sin_port = htons(PROXY_PORT)};
	struct sockaddr_in to = from;

	if (inet_pton(AF_INET, GUEST_PROXY_ADDRESS, &from.sin_addr) != 1 ||
		inet_pton(AF_INET, NET_PROXY_ADDRESS, &to.sin_addr) != 1)
		BUG("the addresses of the proxy are none");
	return forward_start(&from, &to, ret_pid, e);
}
