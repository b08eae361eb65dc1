/* SPDX-License-Identifier: Apache-2.0 */
#include "secrets/logmask.h"

#include "base/clock.h"

enum { IDLE_MS = 50 };

void logmask_init(struct logmask *l, const struct event_sink *next)
{
	*l = (struct logmask){.next = *next};
}

void logmask_release(struct logmask *l)
{
	for (int i = 0; i < 2; i++)
		mask_stream_free(l->streams[i]);
	*l = (struct logmask){0};
}

void logmask_use(struct logmask *l, const struct mask *mask)
{
	l->mask = mask;
	for (int i = 0; i < 2; i++) {
		mask_stream_free(l->streams[i]);
		l->streams[i] = mask_stream_new(mask);
	}
}

static void pass(const struct logmask *l, const struct event *ev)
{
	l->next.event(l->next.arg, ev);
}

/* ---- output of actions ---- */

struct outlet {
	struct logmask *l;
	int stream;
};

static void write_output(void *arg, const char *data, size_t len)
{
	const struct outlet *o = arg;
	struct event ev = o->l->last[o->stream];

	if (len == 0)
		return;
	ev.data = data;
	ev.len = len;
	pass(o->l, &ev);
}

static void take_output(struct logmask *l, const struct event *ev)
{
	struct outlet outlet = {l, ev->is_stderr ? 1 : 0};
	const struct mask_sink sink = {write_output, &outlet};

	l->last[outlet.stream] = *ev;
	l->last[outlet.stream].data = NULL;
	l->fed_ms = clock_ms();
	mask_write(l->streams[outlet.stream], ev->data, ev->len, &sink);
}

static void each_stream(
	struct logmask *l, void (*what)(struct mask_stream *s, const struct mask_sink *sink))
{
	for (int i = 0; i < 2; i++) {
		struct outlet outlet = {l, i};
		const struct mask_sink sink = {write_output, &outlet};

		what(l->streams[i], &sink);
	}
}

void logmask_idle(struct logmask *l)
{
	if (l->mask && clock_ms() - l->fed_ms >= IDLE_MS)
		each_stream(l, mask_idle);
}

/* ---- all other events ---- */

/* Output may continue after these events. */
static bool is_aside(enum event_type type)
{
	return event_info(type)->transient || type == EVENT_WARNING || type == EVENT_DEBUG ||
		type == EVENT_EGRESS || type == EVENT_EGRESS_LIMIT;
}

void logmask_event(struct logmask *l, const struct event *ev)
{
	if (!l->mask || (ev->type == EVENT_ACTION_OUTPUT && ev->source == SOURCE_PLAN)) {
		pass(l, ev);
		return;
	}
	if (ev->type == EVENT_ACTION_OUTPUT) {
		take_output(l, ev);
		return;
	}
	if (!is_aside(ev->type))
		each_stream(l, mask_end);
	pass(l, ev);
}
