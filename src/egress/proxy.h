/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The egress proxy: the only thing that a trusted VM finds on its network. One process per VM.
 *
 * It serves a TCP socket that is listening already (in the network namespace of QEMU's jail, where
 * nothing else is) and speaks CONNECT and plain HTTP (absolute form, one request per connection).
 * It resolves names itself, checks each address, and connects to exactly the address it checked. No
 * byte goes out before the allowlist (egress.h) has agreed. Memory, connections, time are bounded
 * by LIMIT_PROXY_* of limits.h. docs/egress.md describes it for operators.
 *
 * The process is in a jail (jail.h) that leaves it the host's network and what name resolution
 * reads, and nothing else; it dies with the caller. It reports every attempt; proxy_read turns
 * the reports into events of the run log (EVENT_EGRESS, EVENT_EGRESS_LIMIT).
 *
 *	auto_proxy struct proxy p = PROXY_NONE;
 *
 *	if (proxy_start(listen_fd, &allow, uid, gid, &p, e) < 0) ...
 *	... watch proxy_fd(&p) beside the VM; when readable: proxy_read(&p, sink, kind, source, e)
 *	... the VM is gone: proxy_stop(&p, sink, kind, source, e)
 */
#ifndef EGRESS_PROXY_H
#define EGRESS_PROXY_H

#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"
#include "contract/event.h"
#include "egress/egress.h"
#include "jail/sidecar.h"

struct proxy {
	struct sidecar sidecar;
	uint64_t told;      /* events sent */
	uint64_t kept_back; /* reports beyond LIMIT_PROXY_EVENTS */
};

#define PROXY_NONE ((struct proxy){.sidecar = {.pid = -1, .pidfd = -1, .reports = -1}})

/*
 * Start it. listen_fd is borrowed until this returns; the caller closes its own copy, so that only
 * the proxy has it. `allow` is copied. uid and gid: as in struct jail (jail_vm_user). On failure
 * nothing is left behind.
 */
int proxy_start(int listen_fd, const struct egress *allow, uid_t uid, gid_t gid,
	struct proxy *ret_proxy, struct err *e) NODISCARD;

/* For a loop (loop.h): readable when there are reports, or when it died; -1 while there is none. */
const int *proxy_fd(const struct proxy *p);

/*
 * Take what has been reported, without blocking; each report becomes an event with `kind`
 * ("pre_plan", "post_plan") and `source`. ERR_HOST, reason "host_proxy_died", when the process has
 * gone.
 */
int proxy_read(struct proxy *p, const struct event_sink *sink, const char *kind,
	enum plan_source source, struct err *e) NODISCARD;

/*
 * The VM is gone: let it report what is still open, end it, reap it. At most LIMIT_PROXY_STOP_MS.
 * ERR_HOST, reason "host_proxy_died", when it did not last until now or had to be killed. A proxy
 * that was never started is fine.
 */
int proxy_stop(struct proxy *p, const struct event_sink *sink, const char *kind,
	enum plan_source source, struct err *e) NODISCARD;

/* Kill and reap, without a word. The destructor. */
void proxy_kill(struct proxy *p);
#define auto_proxy __attribute__((cleanup(proxy_kill)))

#endif
