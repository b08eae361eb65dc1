/* SPDX-License-Identifier: Apache-2.0 */
/* The sockets of jail_listen, in the otherwise empty network of a jail. */
#include "jail/jail_internal.h"

#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "os/fd.h"

enum { BACKLOG = 128 };

/* The kernel assigns 127.0.0.1 to the loopback device when the device comes up. */
static int raise_loopback(int any_socket, struct err *e)
{
	struct ifreq request = {.ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING};

	if (ioctl(any_socket, SIOCSIFFLAGS, &request) < 0)
		return jail_wall(e, "bring the loopback up");
	return 0;
}

static int listen_at(uint16_t port, int *ret_fd, struct err *e)
{
	struct sockaddr_in address = {.sin_family = AF_INET,
		.sin_port = htons(port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	auto_fd int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return err_sys(e, "make a socket");
	if (raise_loopback(fd, e) < 0)
		return -1;
	if (bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 || listen(fd, BACKLOG) < 0)
		return err_sys(e, "listen on port %u", (unsigned)port);
	*ret_fd = fd_steal(&fd);
	return 0;
}

/* A control message with one descriptor (SCM_RIGHTS of unix(7)). */
union rights {
	char bytes[CMSG_SPACE(sizeof(int))];
	struct cmsghdr align;
};

static int offer_one(const struct jail_setup *s, size_t number, struct err *e)
{
	struct jail_report report = {.is_listener = true, .listener = number};
	struct iovec part = {&report, sizeof(report)};
	union rights rights = {{0}};
	struct msghdr message = {.msg_iov = &part,
		.msg_iovlen = 1,
		.msg_control = rights.bytes,
		.msg_controllen = sizeof(rights.bytes)};
	struct cmsghdr *head = CMSG_FIRSTHDR(&message);
	auto_fd int fd = -1;

	if (listen_at(s->j->listeners[number].port, &fd, e) < 0)
		return -1;
	head->cmsg_level = SOL_SOCKET;
	head->cmsg_type = SCM_RIGHTS;
	head->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(head), &fd, sizeof(fd));
	if (sendmsg(s->control, &message, MSG_NOSIGNAL) < 0)
		return err_sys(e, "hand the listening socket out");
	return 0;
}

int jail_net_offer(const struct jail_setup *s, struct err *e)
{
	for (size_t i = 0; i < s->j->listener_count; i++)
		if (offer_one(s, i, e) < 0)
			return -1;
	return 0;
}

ssize_t jail_net_receive(int control, struct jail_report *report, int listeners[JAIL_LISTENERS_MAX])
{
	struct iovec part = {report, sizeof(*report)};
	union rights rights = {{0}};
	struct msghdr message = {.msg_iov = &part,
		.msg_iovlen = 1,
		.msg_control = rights.bytes,
		.msg_controllen = sizeof(rights.bytes)};
	ssize_t n = recvmsg(control, &message, MSG_CMSG_CLOEXEC);
	const struct cmsghdr *head = n > 0 ? CMSG_FIRSTHDR(&message) : NULL;

	if (!head || head->cmsg_level != SOL_SOCKET || head->cmsg_type != SCM_RIGHTS ||
		head->cmsg_len != CMSG_LEN(sizeof(int)) || n != (ssize_t)sizeof(*report) ||
		report->listener >= JAIL_LISTENERS_MAX)
		return n;
	fd_close(listeners[report->listener]);
	memcpy(&listeners[report->listener], CMSG_DATA(head), sizeof(int));
	return n;
}
