/* SPDX-License-Identifier: Apache-2.0 */
/* The network of a trusted machine: its proxy and its ssh agent. */
#include <poll.h>

#include "run/hosts.h"
#include "run/machine_internal.h"
#include "run/said.h"

bool machine_has_network(const struct machine *m)
{
	return m->egress && m->egress->count;
}

bool machine_has_agent(const struct machine *m)
{
	return machine_has_network(m) && m->agent_rules && m->agent_rules->login_count;
}

static void on_report(void *arg, const struct event *ev)
{
	struct machine *m = arg;

	if (ev->type == EVENT_EGRESS)
		hosts_count(m->vm, ev->fields);
	m->sink->event(m->sink->arg, ev);
}

static struct said_reports reports_of(struct machine *m)
{
	return (struct said_reports){m->mask, m->egress, m->agent_rules, {on_report, m}};
}

static int on_proxy(void *arg, struct err *e)
{
	struct machine *m = arg;
	enum plan_source source = m->plan->source;
	struct said_reports reports = reports_of(m);
	const struct event_sink sink = {said_report, &reports};

	return proxy_read(&m->proxy, &sink, plan_source_name(source), source, e);
}

static int on_agent(void *arg, struct err *e)
{
	struct machine *m = arg;
	struct said_reports reports = reports_of(m);
	const struct event_sink sink = {said_report, &reports};

	return sshagent_read(&m->agent, &sink, m->plan->source, e);
}

int machine_listen(void *arg, int listen_fd, int agent_listen_fd, struct err *e)
{
	struct machine *m = arg;
	const struct machine_host *h = m->host;

	if (proxy_start(listen_fd, m->egress, h->uid, h->gid, &m->proxy, e) < 0)
		return -1;
	m->proxy_source = (struct loop_source){
		.fd = proxy_fd(&m->proxy), .events = POLLIN, .ready = on_proxy, .arg = m};
	loop_add(m->loop, &m->proxy_source);
	if (!machine_has_agent(m))
		return 0;
	if (sshagent_start(agent_listen_fd, m->agent_rules, h->uid, h->gid, &m->agent, e) < 0)
		return -1;
	m->agent_source = (struct loop_source){
		.fd = sshagent_fd(&m->agent), .events = POLLIN, .ready = on_agent, .arg = m};
	loop_add(m->loop, &m->agent_source);
	return 0;
}

/* Reports of proxy and agent are logged even if the VM failed. */
int machine_end_network(struct machine *m, int result, struct err *e)
{
	enum plan_source source = m->plan->source;
	struct said_reports reports = reports_of(m);
	const struct event_sink sink = {said_report, &reports};
	struct err died = {0}, agent_died = {0};
	int stopped;

	loop_remove(m->loop, &m->proxy_source);
	loop_remove(m->loop, &m->agent_source);
	stopped = proxy_stop(&m->proxy, &sink, plan_source_name(source), source, &died);
	if (sshagent_stop(&m->agent, &sink, source, &agent_died) < 0 && stopped == 0) {
		died = agent_died;
		stopped = -1;
	}
	if (stopped == 0 || result < 0)
		return result;
	*e = died;
	return -1;
}
