/* SPDX-License-Identifier: Apache-2.0 */
/* The parent's side: the process, its jail, and its reports. */
#include "egress/proxy.h"

#include <string.h>

#include "egress/limits.h"
#include "egress/proxy_internal.h"
#include "jail/jail.h"

enum {
	/* Two for each connection, one for each lookup, and a few for the process itself. */
	FILES_MAX =
		2 * LIMIT_PROXY_CONNECTIONS + LIMIT_PROXY_CONNECTIONS + LIMIT_PROXY_LOOKUPS + 16,
	LISTEN_FD = 3,
	REPORTS_FD = 4,
};

/* ---- starting ---- */

/* The files read by getaddrinfo(3), at their own paths. Of a link, the target is bound. */
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
	struct proxy p = PROXY_NONE;
	auto_jail struct jail j;

	jail_init(&j, "ambient-proxy");
	j.entry = proxy_inside;
	j.arg = &setup;
	j.no_exec = true;
	j.own_calls = true;
	j.host_network = true;
	j.uid = uid;
	j.gid = gid;
	j.max_files = FILES_MAX;
	jail_keep_as(&j, listen_fd, LISTEN_FD);
	bind_resolver(&j);
	if (sidecar_start(&j, REPORTS_FD, &p.sidecar, e) < 0)
		return -1;
	*ret_proxy = p;
	return 0;
}

/* ---- reports ---- */

const int *proxy_fd(const struct proxy *p)
{
	return &p->sidecar.reports;
}

static const char *const verdicts[PROXY_VERDICTS] = {
	[PROXY_ALLOWED] = "allowed",
	[PROXY_REFUSED] = "refused",
	[PROXY_FAILED] = "failed",
};

/* The process has parsed untrusted input, so its texts are sanitized again. */
#define SET_TEXT(fields, report, key)                                                              \
	sidecar_set_text(fields, #key, (report)->key, sizeof((report)->key))

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

struct taking {
	struct proxy *p;
	const struct event_sink *sink;
	const char *kind;
	enum plan_source source;
};

static void pass_on(void *arg, const void *report)
{
	const struct taking *t = arg;

	if (t->p->told == LIMIT_PROXY_EVENTS) {
		t->p->kept_back++;
		return;
	}
	t->p->told++;
	event_send(t->sink, EVENT_EGRESS, t->source, fields_of(report, t->kind));
}

static int died(struct err *e)
{
	return err_reason(e, ERR_HOST, "host_proxy_died",
		"the proxy of the virtual machine ended before the machine did");
}

int proxy_read(struct proxy *p, const struct event_sink *sink, const char *kind,
	enum plan_source source, struct err *e)
{
	struct taking t = {.p = p, .sink = sink, .kind = kind, .source = source};

	return sidecar_read(&p->sidecar, sizeof(struct proxy_report), pass_on, &t) < 0 ? died(e)
										       : 0;
}

/* ---- ending ---- */

void proxy_kill(struct proxy *p)
{
	sidecar_kill(&p->sidecar);
	*p = PROXY_NONE;
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
	struct taking t = {.p = p, .sink = sink, .kind = kind, .source = source};
	bool good;

	if (p->sidecar.pid <= 0)
		return 0;
	good = sidecar_stop(
		&p->sidecar, LIMIT_PROXY_STOP_MS, sizeof(struct proxy_report), pass_on, &t);
	say_kept_back(p, sink, kind, source);
	*p = PROXY_NONE;
	return good ? 0 : died(e);
}
