/* SPDX-License-Identifier: Apache-2.0 */
/*
 * In a guest with a network, forwards connections from GUEST_PROXY_URL, the address used by all
 * actions, to the host's proxy at NET_PROXY_ADDRESS. A separate process copies the bytes, so that
 * the transport can change without a change to actions. TOOL_NET gets the proxy's address by
 * GUEST_NEAR_PROXY and connects to it directly.
 */
#ifndef EXECUTOR_NET_FORWARD_H
#define EXECUTOR_NET_FORWARD_H

#include <netinet/in.h>
#include <sys/types.h>

#include "base/err.h"

/*
 * Listen on `from` (IPv4) and start the process that forwards to `to`. The socket is listening when
 * the function returns. The process is a child of the caller, in its own session, and runs until it
 * is killed or its parent ends.
 */
int forward_start(const struct sockaddr_in *from, const struct sockaddr_in *to, pid_t *ret_pid,
	struct err *e) NODISCARD;

enum { FORWARD_AT_ONCE = 240 };

/*
 * The main function of that process: accept connections of a listening socket until it is killed.
 * At most FORWARD_AT_ONCE connections are open at a time; further ones wait.
 */
NORETURN void forward_serve(int listener, const struct sockaddr_in *to);

/* As forward_start, from GUEST_PROXY_* to NET_PROXY_*. */
int forward_start_proxy(pid_t *ret_pid, struct err *e) NODISCARD;

/*
 * As forward_start, from the socket GUEST_AGENT_SOCKET, accessible only to root, to AGENT_PORT of
 * an address. If the host has no agent for this machine, connections are closed immediately.
 */
int forward_start_agent(const char *address, pid_t *ret_pid, struct err *e) NODISCARD;

#endif
