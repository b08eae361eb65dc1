/* SPDX-License-Identifier: Apache-2.0 */
/* The parent's side: the process, its jail, its keys, and its reports. */
#include "agent/sshagent.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "agent/limits.h"
#include "agent/sshagent_internal.h"
#include "base/text.h"
#include "jail/jail.h"
#include "jail/sidecar.h"
#include "os/fd.h"

enum { LISTEN_FD = 3, REPORTS_FD = 4, KEYS_FD = 5, FILES_MAX = LIMIT_AGENT_CONNECTIONS + 16 };

void sshagent_rules_release(struct sshagent_rules *r)
{
	free(r->keys);
	free(r->logins);
	*r = (struct sshagent_rules){0};
}

/* ---- starting ---- */

static bool send_all(int fd, const void *data, size_t len)
{
	const char *at = data;

	while (len) {
		ssize_t n = send(fd, at, len, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return false;
		at += n;
		len -= (size_t)n;
	}
	return true;
}

/* The keys are sent after the start, because a vault is empty in a forked child. */
static int send_keys(int fd, const struct sshagent_rules *rules, struct err *e)
{
	for (size_t i = 0; i < rules->key_count; i++) {
		const struct sshagent_key *k = &rules->keys[i];
		uint32_t len = (uint32_t)k->len;

		if (!send_all(fd, &len, sizeof(len)) || !send_all(fd, k->text, k->len))
			return err_sys(e, "give the ssh agent its keys");
	}
	return 0;
}

static int start(int listen_fd, int keys_fd, const struct sshagent_rules *rules, uid_t uid,
	gid_t gid, struct sidecar *ret, struct err *e)
{
	struct sshagent_setup setup = {
		.listen_fd = LISTEN_FD, .reports = REPORTS_FD, .keys = KEYS_FD, .rules = rules};
	auto_jail struct jail j;

	jail_init(&j, "ambient-ssh-agent");
	j.entry = sshagent_inside;
	j.arg = &setup;
	j.no_children = true;
	j.own_calls = true;
	j.uid = uid;
	j.gid = gid;
	j.max_files = FILES_MAX;
	jail_keep_as(&j, listen_fd, LISTEN_FD);
	jail_keep_as(&j, keys_fd, KEYS_FD);
	return sidecar_start(&j, REPORTS_FD, ret, e);
}

int sshagent_start(int listen_fd, const struct sshagent_rules *rules, uid_t uid, gid_t gid,
	struct sshagent *ret_agent, struct err *e)
{
	auto_fd int outside = -1, inside = -1;
	auto_sidecar struct sidecar sidecar = SIDECAR_NONE;
	int ends[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0)
		return err_sys(e, "socketpair");
	outside = ends[0];
	inside = ends[1];
	if (start(listen_fd, inside, rules, uid, gid, &sidecar, e) < 0)
		return -1;
	fd_close(fd_steal(&inside));
	if (send_keys(outside, rules, e) < 0)
		return -1;
	*ret_agent = SSHAGENT_NONE;
	ret_agent->sidecar = sidecar;
	sidecar = SIDECAR_NONE;
	return 0;
}

/* ---- reports ---- */

const int *sshagent_fd(const struct sshagent *a)
{
	return &a->sidecar.reports;
}

static const char *const verdicts[SSHAGENT_VERDICTS] = {
	[SSHAGENT_SIGNED] = "signed",
	[SSHAGENT_REFUSED] = "refused",
};

#define SET_TEXT(fields, report, key)                                                              \
	sidecar_set_text(fields, #key, (report)->key, sizeof((report)->key))

struct listener {
	struct sshagent *agent;
	const struct event_sink *sink;
	enum plan_source source;
};

static void remember_refusal(struct sshagent *a, const struct sshagent_report *r)
{
	auto_free char *whole = mem_strndup(r->message, strnlen(r->message, sizeof(r->message)));
	auto_free char *safe = text_safe(whole, sizeof(a->refusal) - 1);

	if (!a->refusal[0])
		(void)snprintf(a->refusal, sizeof(a->refusal), "%s", safe);
}

/* The process has parsed untrusted input, so its reports are bounded and sanitized again. */
static void take(void *arg, const void *datagram)
{
	const struct sshagent_report *r = datagram;
	const struct listener *l = arg;
	struct sshagent *a = l->agent;
	bool is_signed = r->verdict == SSHAGENT_SIGNED;
	struct node *fields;

	if (!is_signed)
		remember_refusal(a, r);
	if (a->told == LIMIT_AGENT_EVENTS) {
		a->kept_back++;
		return;
	}
	a->told++;
	fields = node_map();
	node_set_string(
		fields, "verdict", verdicts[is_signed ? SSHAGENT_SIGNED : SSHAGENT_REFUSED]);
	SET_TEXT(fields, r, host);
	SET_TEXT(fields, r, user);
	SET_TEXT(fields, r, key);
	SET_TEXT(fields, r, reason);
	SET_TEXT(fields, r, message);
	event_send(l->sink, EVENT_SSH_AGENT, l->source, fields);
}

static int died(struct err *e)
{
	return err_reason(e, ERR_HOST, "host_agent_died",
		"the ssh agent of the virtual machine ended before the machine did");
}

static const size_t report_bytes = sizeof(struct sshagent_report);

int sshagent_read(
	struct sshagent *a, const struct event_sink *sink, enum plan_source source, struct err *e)
{
	struct listener l = {a, sink, source};

	return sidecar_read(&a->sidecar, report_bytes, take, &l) < 0 ? died(e) : 0;
}

/* ---- ending ---- */

void sshagent_kill(struct sshagent *a)
{
	sidecar_kill(&a->sidecar);
}

int sshagent_stop(
	struct sshagent *a, const struct event_sink *sink, enum plan_source source, struct err *e)
{
	struct listener l = {a, sink, source};
	struct node *fields;
	bool orderly;

	if (a->sidecar.pid <= 0)
		return 0;
	orderly = sidecar_stop(&a->sidecar, LIMIT_AGENT_STOP_MS, report_bytes, take, &l);
	if (a->kept_back) {
		fields = node_map();
		node_set_uint(fields, "limit", LIMIT_AGENT_EVENTS);
		node_set_uint(fields, "more", a->kept_back);
		event_send(sink, EVENT_SSH_AGENT_LIMIT, source, fields);
	}
	return orderly ? 0 : died(e);
}
