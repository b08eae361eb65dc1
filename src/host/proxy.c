/* SPDX-License-Identifier: Apache-2.0 */
/* The parent's side: the process, its jail, and what it reports. */
#include "host/proxy.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/limits.h"
#include "base/proc.h"
#include "base/text.h"
#include "host/jail.h"
#include "host/proxy_inside.h"

enum {
	/* Two for a connection, one for a lookup, and the few of the process itself. */
	FILES_MAX =
		2 * LIMIT_PROXY_CONNECTIONS + LIMIT_PROXY_CONNECTIONS + LIMIT_PROXY_LOOKUPS + 16,
	LISTEN_FD = 3,
	REPORTS_FD = 4,
};

/* ---- starting ---- */

/* What getaddrinfo(3) reads. Each is looked for where the host has it, links and all. */
static void bind_resolver(struct jail *j)
{
	static const char *const files[] = {"/etc/resolv.conf", "/etc/hosts", "/etc/host.conf",
		"/etc/nsswitch.conf", "/etc/gai.conf"};

	for (size_t i = 0; i < ARRAY_SIZE(files); i++)
		jail_bind(j, files[i], files[i], JAIL_IF_PRESENT);
}

int proxy_start(int listen_fd, const struct egress *allow, uid_t uid, gid_t gid,
	struct proxy *ret_proxy, struct err *e)
{
	struct proxy_setup setup = {.listen_fd = LISTEN_FD, .reports = REPORTS_FD, .allow = allow};
	auto_fd int outside = -1, inside = -1;
	auto_jail struct jail j;
	struct proxy p = PROXY_NONE;
	int ends[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
		return err_sys(e, "socketpair");
	outside = ends[0];
	inside = ends[1];
	jail_init(&j, "ambient-proxy");
	j.entry = proxy_inside;
	j.arg = &setup;
	j.no_exec = true;
	j.host_network = true;
	j.uid = uid;
	j.gid = gid;
	j.max_files = FILES_MAX;
	jail_keep_as(&j, listen_fd, LISTEN_FD);
	jail_keep_as(&j, inside, REPORTS_FD);
	bind_resolver(&j);
	if (jail_start(&j, &p.pid, &p.pidfd, e) < 0)
		return -1;
	p.reports = fd_steal(&outside);
	*ret_proxy = p;
	return 0;
}

/* ---- reports ---- */

int proxy_fd(const struct proxy *p)
{
	return p->reports;
}

static const char *const verdicts[PROXY_VERDICTS] = {
	[PROXY_ALLOWED] = "allowed",
	[PROXY_REFUSED] = "refused",
	[PROXY_FAILED] = "failed",
};

/* The process has read what strangers sent: what it says is bounded and made safe once more. */
static void set_text(struct node *fields, const char *key, const char *text, size_t size)
{
	auto_free char *whole = mem_strndup(text, strnlen(text, size));
	auto_free char *safe = text_safe(whole, size);

	if (whole[0])
		node_set_string(fields, key, safe);
}

#define SET_TEXT(fields, report, key) set_text(fields, #key, (report)->key, sizeof((report)->key))

static struct node *fields_of(const struct proxy_report *r, const char *kind)
{
	struct node *fields = node_map();

	node_set_string(fields, "kind", kind);
	SET_TEXT(fields, r, method);
	SET_TEXT(fields, r, host);
	if (r->port)
		node_set_uint(fields, "port", r->port);
	SET_TEXT(fields, r, address);
	node_set_string(fields, "verdict",
		verdicts[r->verdict < PROXY_VERDICTS ? r->verdict : PROXY_FAILED]);
	SET_TEXT(fields, r, reason);
	SET_TEXT(fields, r, message);
	node_set_uint(fields, "sent", r->sent);
	node_set_uint(fields, "received", r->received);
	node_set_int(fields, "duration_ms", r->duration_ms);
	return fields;
}

static void pass_on(struct proxy *p, const struct proxy_report *r, const struct event_sink *sink,
	const char *kind, enum plan_source source)
{
	if (p->told == LIMIT_PROXY_EVENTS) {
		p->kept_back++;
		return;
	}
	p->told++;
	event_send(sink, EVENT_EGRESS, source, fields_of(r, kind));
}

static int died(struct err *e)
{
	return err_reason(e, ERR_HOST, "host_proxy_died",
		"the proxy of the virtual machine ended before the machine did");
}

/* 1: there was a report; 0: there is none now; -1: there will be none any more. */
static int read_one(
	struct proxy *p, const struct event_sink *sink, const char *kind, enum plan_source source)
{
	struct proxy_report r;
	ssize_t n;

	do {
		n = recv(p->reports, &r, sizeof(r), MSG_DONTWAIT);
	} while (n < 0 && errno == EINTR);
	if (n < 0 && errno == EAGAIN)
		return 0;
	if (n != (ssize_t)sizeof(r))
		return -1;
	pass_on(p, &r, sink, kind, source);
	return 1;
}

int proxy_read(struct proxy *p, const struct event_sink *sink, const char *kind,
	enum plan_source source, struct err *e)
{
	int got;

	do {
		got = read_one(p, sink, kind, source);
	} while (got > 0);
	return got < 0 ? died(e) : 0;
}

/* ---- ending ---- */

void proxy_kill(struct proxy *p)
{
	jail_kill(&p->pid);
	fd_close(p->pidfd);
	fd_close(p->reports);
	*p = PROXY_NONE;
}

/* All reports until the process closes its end. False when that takes too long. */
static bool read_to_the_end(
	struct proxy *p, const struct event_sink *sink, const char *kind, enum plan_source source)
{
	int64_t deadline = clock_ms() + LIMIT_PROXY_STOP_MS;
	int got;

	while ((got = read_one(p, sink, kind, source)) >= 0) {
		struct pollfd pfd = {.fd = p->reports, .events = POLLIN};

		if (got == 0 && clock_ms() >= deadline)
			return false;
		if (got == 0)
			(void)poll(&pfd, 1, clock_poll_timeout(deadline));
	}
	return true;
}

static void say_kept_back(const struct proxy *p, const struct event_sink *sink, const char *kind,
	enum plan_source source)
{
	struct node *fields;

	if (p->kept_back == 0)
		return;
	fields = node_map();
	node_set_string(fields, "kind", kind);
	node_set_uint(fields, "limit", LIMIT_PROXY_EVENTS);
	node_set_uint(fields, "more", p->kept_back);
	event_send(sink, EVENT_EGRESS_LIMIT, source, fields);
}

int proxy_stop(struct proxy *p, const struct event_sink *sink, const char *kind,
	enum plan_source source, struct err *e)
{
	int status = 0;
	bool whole;

	if (p->pid <= 0)
		return 0;
	(void)shutdown(p->reports, SHUT_WR); /* fails when it has died, which shows below */
	whole = read_to_the_end(p, sink, kind, source);
	say_kept_back(p, sink, kind, source);
	if (!whole)
		(void)kill(p->pid, SIGKILL);
	if (proc_wait(p->pid, &status) == p->pid)
		p->pid = -1;
	proxy_kill(p);
	return whole && WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : died(e);
}
