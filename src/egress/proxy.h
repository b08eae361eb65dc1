/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The egress proxy: the only server that a trusted VM can reach on its network. One process per VM.
 *
 * It serves a TCP socket that already listens (in the network namespace of QEMU's jail, which
 * contains nothing else). It supports CONNECT and plain HTTP (absolute form, one request per
 * connection). It resolves names itself, checks each address, and connects to exactly the address
 * that it checked. No byte is sent before the allowlist (egress.h) has allowed the connection.
 * Memory, connections and time are limited by LIMIT_PROXY_* of limits.h. docs/egress.md describes
 * the proxy for operators.
 *
 * The process runs in a jail (jail.h) with the host's network and the files that name resolution
 * reads, and nothing else. It is killed when the caller ends. It reports every attempt; proxy_read
 * turns the reports into events of the run log (EVENT_EGRESS, EVENT_EGRESS_LIMIT).
 *
 *	auto_proxy struct proxy p = PROXY_NONE;
 *
 *	if (proxy_start(listen_fd, &allow, uid, gid, &p, e) < 0) ...
 *	... watch proxy_fd(&p) beside the VM; when readable: proxy_read(&p, sink, kind, source, e)
 *	... after the VM has ended: proxy_stop(&p, sink, kind, source, e)
 */
#ifndef EGRESS_PROXY_H
#define EGRESS_PROXY_H

#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"
#include "contract/event.h"
#include "egress/egress.h"
#include "egress/limits.h"
#include "jail/sidecar.h"

struct proxy {
	struct sidecar sidecar;
	uint64_t told;      /* events sent */
	uint64_t kept_back; /* reports beyond LIMIT_PROXY_EVENTS */
};

#define PROXY_NONE ((struct proxy){.sidecar = {.pid = -1, .pidfd = -1, .reports = -1}})

/*
 * Start the proxy. listen_fd is borrowed until this returns; the caller then closes its own copy,
 * so that only the proxy has one. `allow` is copied. uid and gid: as in struct jail (jail_vm_user).
 * On failure nothing is left running.
 */
int proxy_start(int listen_fd, const struct egress *allow, uid_t uid, gid_t gid,
	struct proxy *ret_proxy, struct err *e) NODISCARD;

/*
 * The descriptor for a loop (loop.h): readable when there are reports, or when the process has
 * ended; -1 when there is no process.
 */
const int *proxy_fd(const struct proxy *p);

/*
 * Receive pending reports, without blocking. Each report becomes an event with `kind` ("pre_plan",
 * "post_plan") and `source`. ERR_HOST, reason "host_proxy_died", when the process has ended.
 */
int proxy_read(struct proxy *p, const struct event_sink *sink, const char *kind,
	enum plan_source source, struct err *e) NODISCARD;

/*
 * Call this after the VM has ended: the proxy reports the connections that are still open, and is
 * stopped and reaped. Takes at most LIMIT_PROXY_STOP_MS. ERR_HOST, reason "host_proxy_died", when
 * the process ended before or had to be killed. A proxy that was never started is ignored.
 */
int proxy_stop(struct proxy *p, const struct event_sink *sink, const char *kind,
	enum plan_source source, struct err *e) NODISCARD;

/* Kill and reap without an error. The destructor. */
void proxy_kill(struct proxy *p);
#define auto_proxy __attribute__((cleanup(proxy_kill)))

#endif
