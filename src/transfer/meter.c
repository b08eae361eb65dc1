/* SPDX-License-Identifier: Apache-2.0 */
#include "transfer/meter.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/num.h"
#include "os/fd.h"
#include "os/proc.h"
#include "os/relay.h"

static int parse(const char *proxy, struct sockaddr_in *ret, struct err *e)
{
	static const char scheme[] = "http://";
	const char *colon = strrchr(proxy, ':');
	auto_free char *address = NULL;
	uint64_t port;

	*ret = (struct sockaddr_in){.sin_family = AF_INET};
	if (strncmp(proxy, scheme, strlen(scheme)) != 0 || colon < proxy + strlen(scheme))
		return err_set(e, ERR_HOST, "'%s' is not the URL of a proxy", proxy);
	address = mem_strndup(proxy + strlen(scheme), (size_t)(colon - proxy) - strlen(scheme));
	if (inet_pton(AF_INET, address, &ret->sin_addr) != 1 ||
		num_parse_u64(colon + 1, UINT16_MAX, &port, e) < 0)
		return err_set(e, ERR_HOST, "'%s' is not the URL of a proxy", proxy);
	ret->sin_port = htons((uint16_t)port);
	return 0;
}

/* Runs in its own process, so nothing is released. When it exits, both connections are closed. */
NORETURN static void pass_on(int client, const struct sockaddr_in *proxy, uint64_t *received)
{
	int server = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct pollfd fds[RELAY_POLL_FDS];
	struct err ignored = {0};
	struct relay r;
	uint64_t before = 0;
	int more = 1;

	if (server < 0 || connect(server, (const struct sockaddr *)proxy, sizeof(*proxy)) < 0 ||
		fd_set_nonblock(server, &ignored) < 0 || fd_set_nonblock(client, &ignored) < 0)
		_exit(1);
	relay_init(&r, client, client, server, server);
	while (more > 0) {
		relay_poll(&r, fds);
		if (poll(fds, RELAY_POLL_FDS, -1) < 0 && errno != EINTR)
			_exit(1);
		more = relay_move(&r, fds, &ignored);
		(void)__atomic_add_fetch(received, r.down.filled - before, __ATOMIC_RELAXED);
		before = r.down.filled;
	}
	_exit(0);
}

NORETURN static void serve(int listener, const struct sockaddr_in *proxy, uint64_t *received)
{
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	(void)signal(SIGCHLD, SIG_IGN);
	(void)signal(SIGPIPE, SIG_IGN);
	(void)setpgid(0, 0);
	for (;;) {
		int client = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
		pid_t pid = client < 0 ? -1 : fork();

		if (pid == 0)
			pass_on(client, proxy, received);
		if (pid < 0)
			(void)poll(NULL, 0, 10); /* wait: out of descriptors, memory or processes */
		fd_close(client);
	}
}

static int listen_somewhere(unsigned *ret_port, struct err *e)
{
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(at);
	auto_fd int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || bind(fd, (struct sockaddr *)&at, len) < 0 || listen(fd, SOMAXCONN) < 0 ||
		getsockname(fd, (struct sockaddr *)&at, &len) < 0)
		return err_sys(e, "listen for connections to the proxy");
	*ret_port = ntohs(at.sin_port);
	return fd_steal(&fd);
}

int meter_start(const char *proxy, struct meter *ret, struct err *e)
{
	struct sockaddr_in at;
	auto_fd int listener = -1;

	*ret = (struct meter){0};
	if (parse(proxy, &at, e) < 0)
		return -1;
	listener = listen_somewhere(&ret->port, e);
	if (listener < 0)
		return -1;
	ret->received = mmap(NULL, sizeof(*ret->received), PROT_READ | PROT_WRITE,
		MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (ret->received == MAP_FAILED) {
		ret->received = NULL;
		return err_sys(e, "shared memory");
	}
	ret->pid = fork();
	if (ret->pid < 0) {
		ret->pid = 0;
		meter_stop(ret);
		return err_sys(e, "fork");
	}
	if (ret->pid == 0)
		serve(listener, &at, ret->received);
	(void)setpgid(ret->pid, ret->pid); /* in both processes, because either may run first */
	return 0;
}

uint64_t meter_received(const struct meter *m)
{
	return m->received ? __atomic_load_n(m->received, __ATOMIC_RELAXED) : 0;
}

void meter_stop(struct meter *m)
{
	int status;

	if (m->pid > 0) {
		(void)kill(-m->pid, SIGKILL);
		(void)proc_wait(m->pid, &status);
	}
	if (m->received)
		(void)munmap(m->received, sizeof(*m->received));
	*m = (struct meter){0};
}
