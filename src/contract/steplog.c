/* SPDX-License-Identifier: Apache-2.0 */
#include "contract/steplog.h"

#include "base/clock.h"

static const struct origin *origin_of(const struct steplog *l, size_t step)
{
	return &l->plan->steps[step].origin;
}

static bool same_action(const struct steplog *l, size_t a, size_t b)
{
	const struct origin *x = origin_of(l, a), *y = origin_of(l, b);

	return x->source == y->source && x->index == y->index;
}

static bool is_last_of_action(const struct steplog *l, size_t step)
{
	return step + 1 >= l->plan->count || !same_action(l, step, step + 1);
}

static struct node *action_fields(const struct steplog *l, size_t step)
{
	struct node *n = node_map();

	node_set_uint(n, "action", origin_of(l, step)->index);
	node_set_string(n, "name", origin_of(l, step)->action);
	return n;
}

static void send_event(
	const struct steplog *l, enum event_type type, size_t step, struct node *fields)
{
	event_send(l->sink, type, origin_of(l, step)->source, fields);
}

void steplog_start(struct steplog *l, size_t step)
{
	if (l->running && same_action(l, l->step, step))
		return;
	*l = (struct steplog){.plan = l->plan, .sink = l->sink, .step = step, .running = true};
	send_event(l, EVENT_EXECUTE_ACTION, step, action_fields(l, step));
}

void steplog_output(
	const struct steplog *l, size_t step, bool is_stderr, const char *data, size_t len)
{
	const struct event ev = {
		.type = EVENT_ACTION_OUTPUT,
		.source = origin_of(l, step)->source,
		.utc_ns = clock_utc_ns(),
		.action = origin_of(l, step)->index,
		.is_stderr = is_stderr,
		.data = data,
		.len = len,
	};

	l->sink->event(l->sink->arg, &ev);
}

void steplog_add_measures(
	const struct steplog *l, struct node *n, const struct message_step_end *msg)
{
	if (msg->exit_code >= 0)
		node_set_int(n, "exit_code", msg->exit_code);
	if (msg->signal > 0)
		node_set_int(n, "signal", msg->signal);
	node_set_uint(n, "duration_ms", l->wall_ns / 1000000);
	node_set_uint(n, "cpu_ms", l->cpu_ns / 1000000);
	node_set_uint(n, "peak_memory", l->peak_bytes);
}

bool steplog_end(struct steplog *l, const struct message_step_end *msg)
{
	bool passed = msg->outcome == STEP_PASSED;
	struct node *n;

	l->wall_ns += msg->wall_ns;
	l->cpu_ns += msg->cpu_ns;
	if (msg->peak_bytes > l->peak_bytes)
		l->peak_bytes = msg->peak_bytes;
	if (passed && !is_last_of_action(l, msg->step))
		return false;
	l->running = false;
	n = action_fields(l, msg->step);
	steplog_add_measures(l, n, msg);
	send_event(l, EVENT_ACTION_FINISHED, msg->step, n);
	if (passed)
		send_event(l, EVENT_ACTION_SUCCEEDED, msg->step, action_fields(l, msg->step));
	return true;
}

void steplog_fail(const struct steplog *l, size_t step, const char *reason, const char *text)
{
	struct node *n = action_fields(l, step);

	node_set_string(n, "reason", reason);
	node_set_string(n, "message", text);
	send_event(l, EVENT_ACTION_FAILED, step, n);
}
