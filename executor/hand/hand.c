/* SPDX-License-Identifier: Apache-2.0 */
#include "executor/hand/hand.h"

#include <errno.h>
#include <poll.h>
#include <unistd.h>

#include "base/text.h"
#include "base/version.h"
#include "contract/runlog.h"
#include "contract/steplog.h"
#include "executor/hand/oldplan.h"
#include "executor/hand/worker.h"
#include "os/fd.h"
#include "os/sig.h"

struct hand {
	struct oldplan plan;
	struct worker worker;
	struct frame_reader frames;
	uint32_t sequence; /* of frames to the worker */
	struct runlog log;
	struct event_sink sink;
	struct steplog steps;
	bool stopping;
	int exit_code; /* of the step that did not pass */
	bool ended;    /* with this: */
	struct message_end end;
};

static void hand_release(struct hand *h)
{
	worker_release(&h->worker);
	frame_reader_release(&h->frames);
	runlog_release(&h->log);
	oldplan_release(&h->plan);
}
#define auto_hand __attribute__((cleanup(hand_release)))

static void write_event(void *arg, const struct event *ev)
{
	runlog_event(arg, ev);
}

static void hand_init(struct hand *h, int out_fd)
{
	*h = (struct hand){.worker = WORKER_NONE};
	frame_reader_init(&h->frames);
	runlog_init(&h->log, out_fd, -1, RUNLOG_ENDLESS);
	h->sink = (struct event_sink){write_event, &h->log};
	h->steps = (struct steplog){.plan = &h->plan.plan, .sink = &h->sink};
}

/* ---- events ---- */

static void send_event(const struct hand *h, enum event_type type, struct node *fields)
{
	event_send(&h->sink, type, SOURCE_PLAN, fields);
}

static void send_message(const struct hand *h, enum event_type type, const char *text)
{
	struct node *n = node_map();

	node_set_string(n, "message", text);
	send_event(h, type, n);
}

static void report_start(const struct hand *h)
{
	struct node *n = node_map();

	node_set_string(n, "version", version_build);
	send_event(h, EVENT_EXECUTOR_STARTS, n);
}

static void report_plan(const struct hand *h)
{
	struct node *n = node_map();

	node_set(n, "plan", node_copy(h->plan.tree));
	send_event(h, EVENT_RUNNABLE_PLAN, n);
}

static int report_end(const struct hand *h, int result, const struct err *e)
{
	auto_free char *text = text_safe(e->msg, ERR_MSG_MAX);
	struct node *n = NULL;

	if (result < 0) {
		n = node_map();
		node_set_int(n, "exit_code", h->exit_code > 0 ? h->exit_code : 1);
		node_set_string(n, "message", text);
	}
	send_event(h, result < 0 ? EVENT_EXECUTOR_FAILS : EVENT_EXECUTOR_SUCCEEDS, n);
	return result;
}

/* ---- frames ---- */

static int tell(struct hand *h, enum frame_type type, struct err *e)
{
	uint8_t frame[FRAME_HEADER_BYTES];

	frame_header(frame, type, 0, h->sequence++, 0);
	return fd_write_all(h->worker.ctl_fd, frame, sizeof(frame)) < 0
		? err_sys(e, "write to the worker")
		: 0;
}

static int check_step(const struct hand *h, uint32_t step, struct err *e)
{
	return step < h->plan.plan.count ? 0 : err_set(e, ERR_HOST, "there is no step %u", step);
}

static int take_start(struct hand *h, const struct frame *f, struct err *e)
{
	struct message_step m;

	if (message_get_step(f, &m, e) < 0 || check_step(h, m.step, e) < 0)
		return -1;
	steplog_start(&h->steps, m.step);
	return 0;
}

static int take_output(struct hand *h, const struct frame *f, struct err *e)
{
	struct message_step m;
	const char *data;
	size_t len;

	if (message_get_output(f, &m, &data, &len, e) < 0 || check_step(h, m.step, e) < 0)
		return -1;
	steplog_output(&h->steps, m.step, f->type == FRAME_STDERR, data, len);
	return 0;
}

static int take_step_end(struct hand *h, const struct frame *f, struct err *e)
{
	struct message_step_end m;
	auto_free char *text = NULL;

	if (message_get_step_end(f, &m, e) < 0 || check_step(h, m.step, e) < 0)
		return -1;
	if (!steplog_end(&h->steps, &m) || m.outcome == STEP_PASSED)
		return 0;
	text = text_safe(m.text, MESSAGE_TEXT_MAX);
	steplog_fail(&h->steps, m.step, message_reason(m.outcome), text);
	h->exit_code = m.exit_code;
	return 0;
}

static int take_note(struct hand *h, const struct frame *f, struct err *e)
{
	struct message_note m;
	auto_free char *text = NULL;

	if (message_get_note(f, &m, e) < 0)
		return -1;
	text = text_safe(m.text, MESSAGE_TEXT_MAX);
	send_message(h, m.warning ? EVENT_WARNING : EVENT_DEBUG, text);
	return 0;
}

static int take_end(struct hand *h, const struct frame *f, struct err *e)
{
	if (message_get_end(f, &h->end, e) < 0)
		return -1;
	h->ended = true;
	return tell(h, FRAME_ACK, e);
}

static int take_frame(struct hand *h, const struct frame *f, struct err *e)
{
	switch ((int)f->type) {
	case FRAME_STEP_START:
		return take_start(h, f, e);
	case FRAME_STDOUT:
	case FRAME_STDERR:
		return take_output(h, f, e);
	case FRAME_STEP_END:
		return take_step_end(h, f, e);
	case FRAME_NOTE:
		return take_note(h, f, e);
	case FRAME_END:
		return take_end(h, f, e);
	default:
		return 0; /* a heartbeat */
	}
}

/* ---- the loop ---- */

static int read_frames(struct hand *h, struct err *e)
{
	size_t room;
	uint8_t *at = frame_reader_room(&h->frames, &room);
	ssize_t n = read(h->worker.log_fd, at, room);
	struct frame f;
	int got = 0;

	if (n < 0)
		return errno == EINTR ? 0 : err_sys(e, "read from the worker");
	if (n == 0)
		return err_set(e, ERR_HOST, "the process that runs the plan was killed");
	frame_reader_fed(&h->frames, (size_t)n);
	while (!h->ended && (got = frame_reader_next(&h->frames, &f, e)) > 0)
		if (take_frame(h, &f, e) < 0)
			return -1;
	return got < 0 ? -1 : 0;
}

/* A plan whose log is lost is not continued. */
static int stop_if_told(struct hand *h, struct err *e)
{
	struct err lost = {0};

	if (h->stopping || (!sig_pending() && runlog_check(&h->log, &lost) == 0))
		return 0;
	h->stopping = true;
	return tell(h, FRAME_STOP, e);
}

static int follow(struct hand *h, struct err *e)
{
	while (!h->ended) {
		struct pollfd p[] = {{.fd = h->worker.log_fd, .events = POLLIN},
			{.fd = h->stopping ? -1 : sig_fd(), .events = POLLIN}};

		if (poll(p, ARRAY_SIZE(p), -1) < 0 && errno != EINTR)
			return err_sys(e, "poll");
		if (p[0].revents && read_frames(h, e) < 0)
			return -1;
		if (!h->ended && stop_if_told(h, e) < 0)
			return -1;
	}
	return 0;
}

/* "action 2 (shell): exit code 3" */
static int judge(const struct hand *h, struct err *e)
{
	const struct message_end *end = &h->end;
	auto_free char *text = text_safe(end->text, MESSAGE_TEXT_MAX);
	const struct origin *o;

	if (end->outcome == STEP_PASSED)
		return 0;
	if (end->outcome == STEP_STOPPED && sig_check(e) < 0)
		return -1;
	if (end->failed_step >= h->plan.plan.count)
		return err_set(e, ERR_HOST, "%s", text);
	o = &h->plan.plan.steps[end->failed_step].origin;
	return err_set(e, ERR_INPUT, "action %zu (%s): %s", o->index + 1, o->action, text);
}

static int carry_out(struct hand *h, const struct action *const *known,
	const struct action *const *steps, struct err *e)
{
	if (oldplan_read(known, &h->plan, e) < 0)
		return -1;
	report_plan(h);
	if (runlog_check(&h->log, e) < 0 || worker_start(&h->plan, steps, &h->worker, e) < 0)
		return -1;
	return follow(h, e) < 0 ? -1 : judge(h, e);
}

int hand_run(const struct action *const *known, const struct action *const *steps, int out_fd,
	struct err *e)
{
	auto_hand struct hand h;

	hand_init(&h, out_fd);
	if (sig_init(e) < 0)
		return -1;
	report_start(&h);
	if (report_end(&h, carry_out(&h, known, steps, e), e) < 0)
		return -1;
	return runlog_check(&h.log, e);
}
