/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A scan of the network of a trusted machine, by somebody who is root in it: more than its own
 * addresses and routes are tried. QEMU's user-mode network (libslirp) has its host at 10.0.2.2, its
 * name server at .3, a file server (SMB) at .4 where it is asked for one, and the same at fec0::2
 * and so on; what is sent there it tries to carry to its own host.
 *
 * Prints a line for everything that answered:
 *
 *     tcp ADDRESS PORT          a connection was made
 *     udp ADDRESS PORT TEXT     something came back; its printable bytes
 *     icmp ADDRESS              an echo was answered
 *
 * and at the end "scanned TCP UDP ICMP", how many of each were tried.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <net/route.h>
#include <netinet/icmp6.h>
#include <netinet/ip_icmp.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/limits.h"
#include "contract/contract.h"
#include "guest_probe.h"
#include "os/fd.h"

#define DEVICE "eth0"

enum {
	BATCH = 256,       /* sockets at a time */
	TCP_MS = 5000,     /* for a batch of connections; what is closed says so at once */
	UDP_MS = 1000,     /* for a batch of datagrams */
	ANSWER_MS = 10000, /* for what is known to answer */
	WELL_KNOWN = 1024, /* ports of the addresses of the user-mode network */
};

struct at {
	struct sockaddr_storage to;
	socklen_t len;
	const char *text;
};

static struct {
	unsigned tcp, udp, icmp;
} tried;

static struct at at(const char *text, unsigned port)
{
	struct at a = {.text = text};
	struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
	struct sockaddr_in6 v6 = {.sin6_family = AF_INET6,
		.sin6_port = htons((uint16_t)port),
		.sin6_scope_id = strncmp(text, "ff", 2) == 0 ? if_nametoindex(DEVICE) : 0};

	if (inet_pton(AF_INET, text, &v4.sin_addr) == 1) {
		memcpy(&a.to, &v4, a.len = sizeof(v4));
	} else {
		(void)inet_pton(AF_INET6, text, &v6.sin6_addr);
		memcpy(&a.to, &v6, a.len = sizeof(v6));
	}
	return a;
}

/* It is at the same place in both families. */
static unsigned port_of(const struct at *a)
{
	return ntohs(((const struct sockaddr_in *)&a->to)->sin_port);
}

static int open_socket(const struct at *a, int type, int protocol)
{
	int fd = socket(a->to.ss_family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol), on = 1;

	if (fd >= 0)
		(void)setsockopt(fd, SOL_SOCKET, SO_BROADCAST, &on, sizeof(on));
	return fd;
}

/* ---- what root can do about addresses and routes ---- */

/* from linux/ipv6.h, which does not go together with netinet/in.h */
struct own6 {
	struct in6_addr address;
	uint32_t prefix;
	int index;
};

static void add_route(int fd)
{
	char device[] = DEVICE;
	struct rtentry r = {.rt_flags = RTF_UP | RTF_GATEWAY, .rt_dev = device};
	struct at any = at("0.0.0.0", 0), gateway = at("10.0.2.2", 0);

	memcpy(&r.rt_dst, &any.to, sizeof(r.rt_dst));
	memcpy(&r.rt_genmask, &any.to, sizeof(r.rt_genmask));
	memcpy(&r.rt_gateway, &gateway.to, sizeof(r.rt_gateway));
	if (ioctl(fd, SIOCADDRT, &r) < 0)
		(void)printf("no route: %s\n", strerror(errno));
}

/* The neighbours of libslirp have the MAC address 52:55 and their IPv4 address. */
static void add_neighbour(int fd, const char *address)
{
	struct arpreq r = {.arp_flags = ATF_COM | ATF_PERM, .arp_dev = DEVICE};
	const struct at a = at(address, 0);

	memcpy(&r.arp_pa, &a.to, sizeof(r.arp_pa));
	memcpy(r.arp_ha.sa_data, "\x52\x55\x0a\x00\x02\x02", 6);
	if (ioctl(fd, SIOCSARP, &r) < 0)
		(void)printf("no neighbour %s: %s\n", address, strerror(errno));
}

static void add_address6(void)
{
	auto_fd int fd = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct own6 own = {.prefix = 64, .index = (int)if_nametoindex(DEVICE)};

	(void)inet_pton(AF_INET6, "fec0::15", &own.address);
	if (fd < 0 || ioctl(fd, SIOCSIFADDR, &own) < 0)
		(void)printf("no IPv6: %s\n", strerror(errno));
}

/* ---- TCP ---- */

/* Those that are decided are closed; is there one that is not? */
static bool take_connections(const struct at *targets, struct pollfd *fds, size_t count)
{
	bool left = false;

	for (size_t i = 0; i < count; i++) {
		int error = 0;
		socklen_t len = sizeof(error);

		left |= fds[i].fd >= 0 && !fds[i].revents;
		if (fds[i].fd < 0 || !fds[i].revents)
			continue;
		(void)getsockopt(fds[i].fd, SOL_SOCKET, SO_ERROR, &error, &len);
		if (error == 0)
			(void)printf("tcp %s %u\n", targets[i].text, port_of(&targets[i]));
		fd_close(fds[i].fd);
		fds[i].fd = -1;
	}
	return left;
}

typedef bool take_some(const struct at *targets, struct pollfd *fds, size_t count);

/* Until all are decided, or the time is over. */
static void wait_for(
	take_some *take, const struct at *targets, struct pollfd *fds, size_t count, int ms)
{
	int64_t deadline = clock_ms() + ms;

	while (take(targets, fds, count) && poll(fds, count, clock_poll_timeout(deadline)) > 0)
		continue;
	for (size_t i = 0; i < count; i++)
		fd_close(fds[i].fd);
}

static void try_tcp(const struct at *targets, size_t count)
{
	struct pollfd fds[BATCH];

	for (size_t i = 0; i < count; i++) {
		fds[i] = (struct pollfd){.events = POLLOUT};
		fds[i].fd = open_socket(&targets[i], SOCK_STREAM, 0);
		if (fds[i].fd >= 0 &&
			connect(fds[i].fd, (const struct sockaddr *)&targets[i].to,
				targets[i].len) < 0 &&
			errno != EINPROGRESS) {
			fd_close(fds[i].fd);
			fds[i].fd = -1;
		}
	}
	tried.tcp += (unsigned)count;
	wait_for(take_connections, targets, fds, count, TCP_MS);
}

/* ---- UDP ---- */

/* A request that the service of the port would answer. */
static size_t request_for(unsigned port, const char **ret)
{
	static const char dns[] = "\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00"
				  "\x05"
				  "files\x04"
				  "test\x00\x00\x01\x00\x01";
	static const char tftp[] = "\x00\x01"
				   "passwd\x00octet";
	static const char ntp[48] = "\x1b";

	*ret = port == 69 ? tftp : port == 123 ? ntp : dns;
	return port == 69 ? sizeof(tftp) : port == 123 ? sizeof(ntp) : sizeof(dns) - 1;
}

static void show_answer(const struct at *a, const char *bytes, ssize_t len)
{
	(void)printf("udp %s %u ", a->text, port_of(a));
	for (ssize_t i = 0; i < len; i++)
		if (bytes[i] > ' ' && bytes[i] <= '~')
			(void)putchar(bytes[i]);
	(void)putchar('\n');
}

/* One answer of each is enough, and so is one refusal. */
static bool take_answers(const struct at *targets, struct pollfd *fds, size_t count)
{
	char answer[2048];
	bool left = false;

	for (size_t i = 0; i < count; i++) {
		ssize_t n;

		left |= fds[i].fd >= 0 && !fds[i].revents;
		if (fds[i].fd < 0 || !fds[i].revents)
			continue;
		n = recv(fds[i].fd, answer, sizeof(answer), 0);
		if (n >= 0)
			show_answer(&targets[i], answer, n);
		fd_close(fds[i].fd);
		fds[i].fd = -1;
	}
	return left;
}

static void try_udp(const struct at *targets, size_t count)
{
	struct pollfd fds[BATCH];

	for (size_t i = 0; i < count; i++) {
		const char *request;
		size_t len = request_for(port_of(&targets[i]), &request);

		fds[i] = (struct pollfd){.events = POLLIN};
		fds[i].fd = open_socket(&targets[i], SOCK_DGRAM, 0);
		if (fds[i].fd < 0)
			continue;
		if (connect(fds[i].fd, (const struct sockaddr *)&targets[i].to, targets[i].len) <
				0 ||
			send(fds[i].fd, request, len, 0) < 0) {
			fd_close(fds[i].fd);
			fds[i].fd = -1;
		}
	}
	tried.udp += (unsigned)count;
	wait_for(take_answers, targets, fds, count, UDP_MS);
}

/*
 * DHCP (RFC 2131): who answers a DISCOVER, and with what. The bytes are those of the fixed part of
 * the message, the magic cookie, option 53 = 1, and a list of what to say.
 */
static void try_dhcp(void)
{
	static const char mac[6] = "\x52\x54\x00\x12\x34\x56";
	static const char options[] = "\x63\x82\x53\x63\x35\x01\x01\x37\x09\x01\x03\x06\x0c\x0f"
				      "\x11\x2b\x42\x43\xff";
	char request[300] = "\x01\x01\x06\x00\xab\xcd\xef\x01";
	const struct at to = at("255.255.255.255", 67), from = at("0.0.0.0", 68);
	struct pollfd fd = {.fd = open_socket(&to, SOCK_DGRAM, 0), .events = POLLIN};

	tried.udp++;
	memcpy(request + 28, mac, sizeof(mac));
	memcpy(request + 236, options, sizeof(options));
	if (fd.fd < 0 ||
		setsockopt(fd.fd, SOL_SOCKET, SO_BINDTODEVICE, DEVICE, sizeof(DEVICE)) < 0 ||
		bind(fd.fd, (const struct sockaddr *)&from.to, from.len) < 0 ||
		sendto(fd.fd, request, sizeof(request), 0, (const struct sockaddr *)&to.to,
			to.len) < 0) {
		fd_close(fd.fd);
		return;
	}
	wait_for(take_answers, &to, &fd, 1, ANSWER_MS);
}

/* ---- ICMP ---- */

/* Type 8 or 128, code 0, and the checksum of RFC 792 over nothing but that; the kernel does v6's.
 */
static bool send_echo(int fd, const struct at *a)
{
	bool six = a->to.ss_family == AF_INET6;
	const unsigned char echo[8] = {six ? 128 : 8, 0, six ? 0 : 0xf7, six ? 0 : 0xff};

	tried.icmp++;
	return fd >= 0 &&
		sendto(fd, echo, sizeof(echo), 0, (const struct sockaddr *)&a->to, a->len) >= 0;
}

/* A raw socket of IPv4 gives the header, too. */
static void take_echo(int fd, int family)
{
	struct at from = {.len = sizeof(from.to)};
	unsigned char bytes[2048];
	char text[INET6_ADDRSTRLEN] = "";
	ssize_t n = recvfrom(fd, bytes, sizeof(bytes), 0, (struct sockaddr *)&from.to, &from.len);

	if (family == AF_INET && n > 20 && bytes[20] == ICMP_ECHOREPLY)
		(void)inet_ntop(
			AF_INET, &((struct sockaddr_in *)&from.to)->sin_addr, text, sizeof(text));
	if (family == AF_INET6 && n > 0 && bytes[0] == ICMP6_ECHO_REPLY)
		(void)inet_ntop(AF_INET6, &((struct sockaddr_in6 *)&from.to)->sin6_addr, text,
			sizeof(text));
	if (*text)
		(void)printf("icmp %s\n", text);
}

static void try_icmp(const char *const *addresses, size_t count)
{
	auto_fd int v4 = socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_ICMP);
	auto_fd int v6 = socket(AF_INET6, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_ICMPV6);
	struct pollfd fds[] = {{.fd = v4, .events = POLLIN}, {.fd = v6, .events = POLLIN}};
	int64_t deadline = clock_ms() + ANSWER_MS;
	bool sent = false;
	int on = 1, off = 0;

	(void)setsockopt(v4, SOL_SOCKET, SO_BROADCAST, &on, sizeof(on));
	/* Else this machine answers itself. */
	(void)setsockopt(v6, IPPROTO_IPV6, IPV6_MULTICAST_LOOP, &off, sizeof(off));
	for (size_t i = 0; i < count; i++) {
		const struct at a = at(addresses[i], 0);

		sent |= send_echo(a.to.ss_family == AF_INET6 ? v6 : v4, &a);
	}
	while (sent && poll(fds, ARRAY_SIZE(fds), clock_poll_timeout(deadline)) > 0) {
		if (fds[0].revents)
			take_echo(v4, AF_INET);
		if (fds[1].revents)
			take_echo(v6, AF_INET6);
	}
}

/* ---- all of it ---- */

typedef void try_many(const struct at *targets, size_t count);

/* One of QEMU's own addresses. */
static void scan_ports(try_many *try, const char *address, unsigned first, unsigned last)
{
	struct at targets[BATCH];
	size_t n = 0;

	for (unsigned port = first; port <= last; port++) {
		targets[n++] = at(address, port);
		if (n == BATCH || port == last) {
			try(targets, n);
			n = 0;
		}
	}
}

/* QEMU's own, with and without a service; neighbours of them; and what would have to be routed. */
static const char *const addresses[] = {"10.0.2.2", "10.0.2.3", "10.0.2.4", "10.0.2.0", "10.0.2.1",
	"10.0.2.5", "10.0.2.77", "10.0.2.254", "10.0.2.255", "20.0.0.1", "192.0.2.1", "192.168.0.1",
	"169.254.169.254", "224.0.0.1", "255.255.255.255", "fec0::2", "fec0::3", "fec0::4",
	"ff02::1", "ff02::2", "2001:db8::1"};
enum { OWN = 3, NEIGHBOURS = 8 }; /* the first of them */
static const unsigned ports[] = {22, 25, 53, 67, 68, 69, 80, 111, 123, 137, 139, 161, 443, 445, 547,
	1900, 2049, 3128, 3389, 5353, 5900, 8080};

static void scan_others(try_many *try)
{
	struct at targets[BATCH];
	size_t n = 0;

	for (size_t a = OWN; a < ARRAY_SIZE(addresses); a++) {
		if (n + ARRAY_SIZE(ports) > BATCH) {
			try(targets, n);
			n = 0;
		}
		for (size_t p = 0; p < ARRAY_SIZE(ports); p++)
			targets[n++] = at(addresses[a], ports[p]);
	}
	try(targets, n);
}

int probe_scan(char **args)
{
	auto_fd int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	(void)args;
	if (fd < 0)
		return probe_failed("socket");
	add_route(fd);
	for (size_t i = 0; i < NEIGHBOURS; i++)
		add_neighbour(fd, addresses[i]);
	add_address6();
	for (size_t i = 0; i < OWN; i++) {
		scan_ports(try_tcp, addresses[i], 1, WELL_KNOWN);
		scan_ports(try_tcp, addresses[i], PROXY_PORT - 128, PROXY_PORT + 127);
		scan_ports(try_udp, addresses[i], 1, WELL_KNOWN);
	}
	scan_others(try_tcp);
	scan_others(try_udp);
	try_icmp(addresses, ARRAY_SIZE(addresses));
	try_dhcp();
	(void)printf("scanned %u %u %u\n", tried.tcp, tried.udp, tried.icmp);
	return 0;
}
