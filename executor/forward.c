/* SPDX-License-Identifier: Apache-2.0 */
#include "executor/forward.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/prctl.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/fd.h"
#include "core/contract.h"

enum { BACKLOG = 128, CHUNK = 64 * 1024 };

/* One read and one write. At the end the other side is told: false. */
static bool pass(int from, int to)
{
	char data[CHUNK];
	ssize_t n;

	do {
		n = read(from, data, sizeof(data));
	} while (n < 0 && errno == EINTR);
	if (n > 0 && fd_write_all(to, data, (size_t)n) == 0)
		return true;
	(void)shutdown(to, SHUT_WR);
	return false;
}

/* Until both directions have ended. */
static void join(int a, int b)
{
	struct pollfd p[2] = {{.fd = a, .events = POLLIN}, {.fd = b, .events = POLLIN}};

	while (p[0].fd >= 0 || p[1].fd >= 0) {
		if (poll(p, 2, -1) < 0 && errno != EINTR)
			return;
		if (p[0].revents && !pass(a, b))
			p[0].fd = -1;
		if (p[1].revents && !pass(b, a))
			p[1].fd = -1;
	}
}

/* A connection that cannot be made shows to the program as one that ends at once. */
static void forward_one(int client, const struct sockaddr_in *to)
{
	auto_fd int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd >= 0 && connect(fd, (const struct sockaddr *)to, sizeof(*to)) == 0)
		join(client, fd);
}

/* A process for each connection: nothing that one of them does holds up another. */
void forward_serve(int listener, const struct sockaddr_in *to)
{
	(void)signal(SIGCHLD, SIG_IGN);
	(void)signal(SIGPIPE, SIG_IGN);
	for (;;) {
		auto_fd int client = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
		pid_t pid;

		if (client < 0 && errno != EINTR && errno != ECONNABORTED)
			_exit(1);
		if (client < 0)
			continue;
		pid = fork();
		if (pid == 0) {
			(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
			forward_one(client, to);
			_exit(0);
		}
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
