/* SPDX-License-Identifier: Apache-2.0 */
/* What QEMU's user-mode network is to a virtual machine, for the guest of a fake-qemu. */
#ifndef GUEST_NET_H
#define GUEST_NET_H

#include <sys/types.h>

#include "base/err.h"

/* What is at GUEST_PROXY_ADDRESS: the proxy and the ssh agent. */
enum { GUEST_NET_PROXY, GUEST_NET_AGENT, GUEST_NET_SOCKETS };

/* In the guest's namespaces: make the sockets to which its programs connect, send them over `pair`.
 */
int guest_net_offer(int pair, struct err *e) NODISCARD;
/* Outside: receive them. */
int guest_net_receive(int pair, int ret_fds[GUEST_NET_SOCKETS], struct err *e) NODISCARD;

/*
 * Start the process that takes connections from `listener`, the socket number `which` of the
 * guest's network namespace, to the same place of the network namespace that the process of
 * qemu_pidfd is in. The caller kills and reaps *ret_pid.
 */
int guest_net_start(
	int listener, int which, int qemu_pidfd, pid_t *ret_pid, struct err *e) NODISCARD;

#endif
