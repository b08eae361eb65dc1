/* SPDX-License-Identifier: Apache-2.0 */
#include "guest_net.h"

#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "contract/contract.h"
#include "executor/net/forward.h"
#include "os/fd.h"

static const uint16_t ports[GUEST_NET_SOCKETS] = {
	[GUEST_NET_PROXY] = PROXY_PORT,
	[GUEST_NET_AGENT] = AGENT_PORT,
};

static int listen_inside(int which, int *ret_fd, struct err *e)
{
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(ports[which])};
	struct ifreq up = {.ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING};
	auto_fd int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	at.sin_addr.s_addr = inet_addr(GUEST_PROXY_ADDRESS);
	if (fd < 0 || ioctl(fd, SIOCSIFFLAGS, &up) < 0 ||
		bind(fd, (struct sockaddr *)&at, sizeof(at)) < 0 || listen(fd, 128) < 0)
		return err_sys(e, "listen in the guest");
	*ret_fd = fd_steal(&fd);
	return 0;
}

/* One byte, and the descriptor beside it. */
static int offer_one(int pair, int which, struct err *e)
{
	union {
		char bytes[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} rights = {{0}};
	char byte = 'l';
	struct iovec part = {&byte, 1};
	struct msghdr m = {.msg_iov = &part,
		.msg_iovlen = 1,
		.msg_control = rights.bytes,
		.msg_controllen = sizeof(rights.bytes)};
	struct cmsghdr *head = CMSG_FIRSTHDR(&m);
	auto_fd int fd = -1;

	if (listen_inside(which, &fd, e) < 0)
		return -1;
	head->cmsg_level = SOL_SOCKET;
	head->cmsg_type = SCM_RIGHTS;
	head->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(head), &fd, sizeof(fd));
	return sendmsg(pair, &m, 0) < 0 ? err_sys(e, "hand the socket out") : 0;
}

int guest_net_offer(int pair, struct err *e)
{
	for (int i = 0; i < GUEST_NET_SOCKETS; i++)
		if (offer_one(pair, i, e) < 0)
			return -1;
	return 0;
}

static int receive_one(int pair, int *ret_fd, struct err *e)
{
	union {
		char bytes[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} rights = {{0}};
	char byte;
	struct iovec part = {&byte, 1};
	struct msghdr m = {.msg_iov = &part,
		.msg_iovlen = 1,
		.msg_control = rights.bytes,
		.msg_controllen = sizeof(rights.bytes)};

	if (recvmsg(pair, &m, MSG_CMSG_CLOEXEC) != 1 || !CMSG_FIRSTHDR(&m))
		return err_set(e, ERR_HOST, "the guest has no socket for its network");
	memcpy(ret_fd, CMSG_DATA(CMSG_FIRSTHDR(&m)), sizeof(*ret_fd));
	return 0;
}

int guest_net_receive(int pair, int ret_fds[GUEST_NET_SOCKETS], struct err *e)
{
	for (int i = 0; i < GUEST_NET_SOCKETS; i++)
		if (receive_one(pair, &ret_fds[i], e) < 0)
			return -1;
	return 0;
}

int guest_net_start(int listener, int which, int qemu_pidfd, pid_t *ret_pid, struct err *e)
{
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(ports[which])};
	pid_t pid = fork();

	if (pid < 0)
		return err_sys(e, "fork");
	if (pid == 0) {
		to.sin_addr.s_addr = inet_addr(GUEST_PROXY_ADDRESS);
		if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 ||
			setns(qemu_pidfd, CLONE_NEWUSER | CLONE_NEWNET) < 0) {
			perror("with-guests: enter the network of fake-qemu");
			_exit(1);
		}
		forward_serve(listener, &to);
	}
	*ret_pid = pid;
	return 0;
}
