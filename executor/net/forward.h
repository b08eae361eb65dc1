/* SPDX-License-Identifier: Apache-2.0 */
/*
 * In a guest with a network: the host's proxy, which is at NET_PROXY_ADDRESS there, under the
 * address that every action knows, GUEST_PROXY_URL. A process of its own copies the bytes, so that
 * what carries them can be changed without touching an action. Our own TOOL_NET is told where the
 * proxy is (GUEST_NEAR_PROXY) and goes there itself.
 */
#ifndef EXECUTOR_NET_FORWARD_H
#define EXECUTOR_NET_FORWARD_H

#include <netinet/in.h>
#include <sys/types.h>

#include "base/err.h"

/*
 * Listen on `from` (IPv4) and start the process that forwards to `to`. The socket is listening when
 * this returns. The process is a child of the caller, in a session of its own, and lives until it
 * is killed or its parent dies.
 */
int forward_start(const struct sockaddr_in *from, const struct sockaddr_in *to, pid_t *ret_pid,
	struct err *e) NODISCARD;

enum { FORWARD_AT_ONCE = 240 };

/*
 * What that process does: take connections from a listening socket until it is killed,
 * FORWARD_AT_ONCE at a time; more of them wait.
 */
NORETURN void forward_serve(int listener, const struct sockaddr_in *to);

/* The usual two ends: GUEST_PROXY_* to NET_PROXY_*. */
int forward_start_proxy(pid_t *ret_pid, struct err *e) NODISCARD;

/*
 * The same from the socket GUEST_AGENT_SOCKET, for root only, to AGENT_PORT of an address. Where
 * the host has no agent for this machine a connection ends at once.
 */
int forward_start_agent(const char *address, pid_t *ret_pid, struct err *e) NODISCARD;

#endif
