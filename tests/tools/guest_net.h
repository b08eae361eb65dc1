/* SPDX-License-Identifier: Apache-2.0 */
/* What QEMU's user-mode network is to a virtual machine, for the guest of a fake-qemu. */
#ifndef GUEST_NET_H
#define GUEST_NET_H

#include <sys/types.h>

#include "base/err.h"

/* In the guest's namespaces: make the socket to which its programs connect, send it over `pair`. */
int guest_net_offer(int pair, struct err *e) NODISCARD;
/* Outside: receive it. */
int guest_net_receive(int pair, int *ret_fd, struct err *e) NODISCARD;

/*
 * Start the process that takes connections from `listener`, a socket of the guest's network
 * namespace, to GUEST_PROXY_ADDRESS of the network namespace that the process of qemu_pidfd is in.
 * The caller kills and reaps *ret_pid.
 */
int guest_net_start(int listener, int qemu_pidfd, pid_t *ret_pid, struct err *e) NODISCARD;

#endif
