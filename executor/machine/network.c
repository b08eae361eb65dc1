/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The network of a trusted machine: one device with a fixed address and no route. Only
 * NET_PROXY_ADDRESS can be reached, on the same link; there is no name service and no gateway.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "executor/limits.h"
#include "executor/machine/machine.h"
#include "os/fd.h"

#define DEVICE "eth0"
#define OWN_ADDRESS "10.0.2.15"
#define OWN_MASK "255.255.255.0"

/* The device appears a moment after its driver was loaded. */
static int await_device(int fd, struct err *e)
{
	const struct timespec nap = {.tv_nsec = 10 * 1000000};
	struct ifreq request = {.ifr_name = DEVICE};
	int64_t deadline = clock_ms() + LIMIT_PORTS_MS;

	while (ioctl(fd, SIOCGIFFLAGS, &request) < 0) {
		if (errno != ENODEV)
			return err_sys(e, "network device " DEVICE);
		if (clock_ms() >= deadline)
			return err_set(e, ERR_HOST,
				"there is no network device " DEVICE
				": this image has no module virtio_net in " MODULES_NETWORK
				"; pre- and post-plans need an image like 'trusted'");
		(void)nanosleep(&nap, NULL);
	}
	return 0;
}

static int set_address(int fd, unsigned long what, const char *address, struct err *e)
{
	struct ifreq request = {.ifr_name = DEVICE};
	struct sockaddr_in in = {.sin_family = AF_INET};

	if (inet_pton(AF_INET, address, &in.sin_addr) != 1)
		BUG("%s is no address", address);
	memcpy(&request.ifr_addr, &in, sizeof(in));
	if (ioctl(fd, what, &request) < 0)
		return err_sys(e, "network device " DEVICE ": %s", address);
	return 0;
}

int network_up(struct err *e)
{
	struct ifreq request = {.ifr_name = DEVICE, .ifr_flags = IFF_UP | IFF_RUNNING};
	auto_fd int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return err_sys(e, "socket");
	if (await_device(fd, e) < 0 || set_address(fd, SIOCSIFADDR, OWN_ADDRESS, e) < 0 ||
		set_address(fd, SIOCSIFNETMASK, OWN_MASK, e) < 0)
		return -1;
	if (ioctl(fd, SIOCSIFFLAGS, &request) < 0)
		return err_sys(e, "network device " DEVICE);
	return 0;
}
