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
 * poll(2) takes no more entries than a process may have descriptors, and the first process of a
 * machine, whose limit this one has, may have 1024.
 */
enum { BACKLOG = 128, AT_ONCE = FORWARD_AT_ONCE, POLLS = 1 + AT_ONCE * RELAY_POLL_FDS };
_Static_assert(POLLS <= 1024, "poll");

/* One connection of a program, passed on. */
struct link {
	int client, server;
	struct relay relay;
};

/*
 * All of them in one process: where the machine is emulated, a process for each would take longer
 * than what it passes on. Nothing here waits but poll(2), so none holds up another.
 */
struct forwarder {
	int listener;
	const struct sockaddr_in *to;
	struct link *links; /* the first `count` of AT_ONCE; more wait in the socket's queue */
	size_t count;
	struct pollfd *polls; /* the listener's, then RELAY_POLL_FDS for each link */
};

static void link_release(struct link *l)
{
	relay_release(&l->relay);
	fd_close(l->client);
	fd_close(l->server);
}

/* The connection to the other side may take its time; bytes wait for it in the relay. */
static int call(const struct sockaddr_in *to)
{
	auto_fd int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0 ||
		(connect(fd, (const struct sockaddr *)to, sizeof(*to)) < 0 && errno != EINPROGRESS))
		return -1;
	return fd_steal(&fd);
}

/* A connection that cannot be made shows to the program as one that ends at once. */
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

/* From the last one down: the place of one that has ended is taken by one that was moved already.
 */
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

/* One may be there of an earlier program. */
static int listen_at_path(const char *path, int *ret_fd, struct err *e)
{
	struct sockaddr_un from = {.sun_family = AF_UNIX};
	auto_fd int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	(void)snprintf(from.sun_path, sizeof(from.sun_path), "%s", path);
	if (unlink(path) < 0 && errno != ENOENT)
		return err_sys(e, "forwarder: %s", path);
	/* On Linux the mode of the descriptor becomes that of the file. */
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
