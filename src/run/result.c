/* SPDX-License-Identifier: Apache-2.0 */
#include "run/result.h"

#include <stdio.h>

#include "base/clock.h"
#include "base/mem.h"
#include "os/sig.h"
#include "run/machine.h"
#include "settings/image.h"

#define RESULT_FORMAT 1

void result_init(struct result *r)
{
	*r = (struct result){.started_utc_ns = clock_utc_ns(),
		.started_ms = clock_ms(),
		.actions = node_list(),
		.vms = node_list(),
		.deps_unchanged = node_list(),
		.outputs = node_map()};
}

void result_release(struct result *r)
{
	node_free(r->failed_action);
	node_free(r->source);
	node_free(r->image);
	node_free(r->actions);
	node_free(r->vms);
	node_free(r->deps_unchanged);
	node_free(r->outputs);
	free(r->log);
	free(r->console);
}

bool result_is_good(const struct result *r)
{
	return r->verdict == VERDICT_PASSED || r->verdict == VERDICT_UNCHANGED;
}

int result_exit_status(const struct result *r)
{
	return verdict_exit_status(r->verdict, sig_pending());
}

void result_take_error(struct result *r, const struct err *e)
{
	r->verdict = verdict_of_error(e);
	(void)snprintf(r->reason, sizeof(r->reason), "%s", verdict_reason_of_error(e));
	(void)snprintf(r->message, sizeof(r->message), "%s", e->msg);
}

void result_set_image(struct result *r, const struct image *image)
{
	if (!image->name)
		return;
	node_free(r->image);
	r->image = node_map();
	node_set_string(r->image, "name", image->name);
	node_set_string(r->image, "digest", image->digest);
	if (*image->manifest)
		node_set_string(r->image, "manifest", image->manifest);
}

void result_add_machine(struct result *r, const struct machine *m)
{
	const struct node *action;

	node_each (m->actions, action)
		node_add(r->actions, node_copy(action));
	if (node_get(m->vm, "kind"))
		node_add(r->vms, node_copy(m->vm));
	if (m->failed && !r->failed_action)
		r->failed_action = node_copy(m->failed);
}

void result_take_verdict(struct result *r, const struct machine *m)
{
	r->verdict = m->verdict;
	(void)snprintf(r->reason, sizeof(r->reason), "%s", m->reason);
	(void)snprintf(r->message, sizeof(r->message), "%s", m->message);
}

static void describe_output(struct node *n, const struct result_output *o)
{
	node_set_string(n, "path", o->path);
	node_set_uint(n, "entries", o->entries);
	node_set_uint(n, "bytes", o->bytes);
	node_set_string(n, "sha256", o->sha256);
	if (!o->archive)
		return;
	node_set_string(n, "archive", o->archive);
	node_set(n, "withheld", node_copy(o->withheld));
}

void result_add_output(
	struct result *r, const struct result_output *o, const struct event_sink *sink)
{
	struct node *n = node_map();

	describe_output(node_set_map(r->outputs, o->kind), o);
	node_set_string(n, "kind", o->kind);
	describe_output(n, o);
	event_send(sink, EVENT_OUTPUT_KEPT, SOURCE_EPILOG, n);
}

void result_send_end(const struct result *r, const struct event_sink *sink)
{
	bool good = result_is_good(r);
	struct node *n = node_map();

	node_set_string(n, "result", verdict_name(r->verdict));
	if (!good) {
		node_set_string(n, "reason", r->reason);
		node_set_string(n, "message", r->message);
	}
	event_send(sink, good ? EVENT_AMBIENT_SUCCEEDS : EVENT_AMBIENT_FAILS, SOURCE_EPILOG, n);
}

static void set_or_null(struct node *map, const char *key, const struct node *value)
{
	node_set(map, key, value ? node_copy(value) : node_null());
}

struct node *result_to_node(const struct result *r)
{
	bool good = result_is_good(r);
	struct node *n = node_map();

	node_set_int(n, "format", RESULT_FORMAT);
	node_set_string(n, "project", r->project);
	node_set_string(n, "run_id", r->run_id);
	node_set_string(n, "result", verdict_name(r->verdict));
	node_set_string(n, "reason", good ? NULL : r->reason);
	node_set_string(n, "message", good ? NULL : r->message);
	node_set_int(n, "exit_status", result_exit_status(r));
	set_or_null(n, "failed_action", r->failed_action);
	set_or_null(n, "source", r->source);
	set_or_null(n, "image", r->image);
	node_set_string(n, "started", clock_rfc3339(r->started_utc_ns).s);
	node_set_string(n, "finished", clock_rfc3339(clock_utc_ns()).s);
	node_set_int(n, "duration_ms", clock_ms() - r->started_ms);
	node_set(n, "actions", node_copy(r->actions));
	node_set(n, "vms", node_copy(r->vms));
	node_set(n, "deps_unchanged", node_copy(r->deps_unchanged));
	node_set(n, "outputs", node_copy(r->outputs));
	node_set_string(n, "log", r->log);
	node_set_string(n, "console", r->console);
	node_hide_passwords(n);
	/* After node_hide_passwords, because callers find a project and a run by these names. */
	node_set_string(n, "project", r->project);
	node_set_string(n, "run_id", r->run_id);
	return n;
}

void result_fill_outcome(const struct result *r, struct run_outcome *ret)
{
	ret->verdict = r->verdict;
	ret->exit_status = result_exit_status(r);
	node_free(ret->result);
	ret->result = result_to_node(r);
	free(ret->log);
	ret->log = r->log ? mem_strdup(r->log) : NULL;
	ret->error = (struct err){0};
	if (result_is_good(r))
		return;
	ret->error.kind = ERR_HOST;
	(void)snprintf(ret->error.reason, sizeof(ret->error.reason), "%s", r->reason);
	(void)snprintf(ret->error.msg, sizeof(ret->error.msg), "%s", r->message);
}
