/* SPDX-License-Identifier: Apache-2.0 */
#include "contract/runlog.h"

#include <errno.h>
#include <string.h>

#include "base/base64.h"
#include "base/clock.h"
#include "base/text.h"
#include "data/jsonl.h"
#include "os/fd.h"
#include "os/nowait.h"
#include "os/outfile.h"
#include "os/space.h"
#include "contract/limits.h"

/* Space for the lines of the host itself: per action, and at the end of a run. */
enum { ACTION_LINES = 700, END_LINES = 16 * 1024 };

/* The maximum length of the line with the end of a stream's output. */
static uint64_t tail_line_max(const struct runlog *log)
{
	uint64_t share = log->max / 16;

	return share < RUNLOG_TAIL_LINE ? share : RUNLOG_TAIL_LINE;
}

void runlog_init(struct runlog *log, int fd, int copy_fd, uint64_t max)
{
	*log = (struct runlog){.fds = {[RUNLOG_STATE] = fd, [RUNLOG_COPY] = copy_fd},
		.max = max,
		.tails_left = max / 8};
	log->fails_left = 2 * tail_line_max(log);
	buf_init(&log->line, LIMIT_LOG_LINE);
	for (int i = 0; i < 2; i++)
		buf_init(&log->streams[i].tail, RUNLOG_TAIL_BYTES);
}

void runlog_release(struct runlog *log)
{
	buf_release(&log->line);
	for (int i = 0; i < 2; i++)
		buf_release(&log->streams[i].tail);
}

int runlog_check(const struct runlog *log, struct err *e)
{
	if (log->error.kind == ERR_NONE)
		return 0;
	*e = log->error;
	return -1;
}

/* ---- lines ---- */

static void begin_line(
	struct runlog *log, enum event_type type, enum plan_source source, int64_t utc_ns)
{
	buf_clear(&log->line);
	buf_addf(&log->line, "{\"timestamp\":\"%s\",\"source\":\"%s\",\"type\":\"%s\"",
		clock_rfc3339(utc_ns).s, plan_source_name(source), event_info(type)->name);
}

static void keep_first(struct runlog *log, const struct err *why)
{
	if (log->error.kind == ERR_NONE)
		log->error = *why;
}

/*
 * Set the error from errno. The last line may be truncated, so nothing more is written to this
 * place; the other one is still written.
 */
static void write_failed(struct runlog *log, enum runlog_place place)
{
	int fd = log->fds[place];
	struct err why = {0};
	auto_free char *name = fd_name(fd);
	auto_free char *shown = mem_printf("the run log %s", name);

	(void)outfile_failed(shown, &why);
	if (why.kind == ERR_HOST && why.sys != EPIPE)
		(void)err_because(&why, ERR_REASON_DISK);
	space_explain(&why, fd);
	keep_first(log, &why);
	log->fds[place] = -1;
}

/* Readers of the log drop longer lines, so writing one is an error. */
static bool line_fits(struct runlog *log)
{
	struct err why = {0};

	if (!log->line.overflow)
		return true;
	(void)err_set(&why, ERR_HOST,
		"an event of the run log is longer than %llu bytes; it begins with %.100s",
		(unsigned long long)LIMIT_LOG_LINE, log->line.data);
	keep_first(log, &why);
	return false;
}

static void end_line(struct runlog *log)
{
	buf_adds(&log->line, "}\n");
	if (!line_fits(log))
		return;
	log->written += log->line.len;
	for (enum runlog_place i = 0; i < RUNLOG_PLACES; i++)
		if (log->fds[i] >= 0 && nowait_put(log->fds[i], log->line.data, log->line.len) < 0)
			write_failed(log, i);
}

static void add_fields(struct buf *line, const struct node *fields)
{
	const struct node *item;

	node_each (fields, item) {
		buf_addc(line, ',');
		jsonl_add_string(line, item->key, strlen(item->key));
		buf_addc(line, ':');
		jsonl_add(line, item);
	}
}

/* ---- lines of others, which need room ---- */

static bool has_room(const struct runlog *log, uint64_t bytes)
{
	uint64_t kept = log->set_aside + log->tails_left + log->fails_left;

	return log->written + bytes + kept <= log->max;
}

static void mark_limit(struct runlog *log, enum plan_source source, int64_t utc_ns)
{
	if (log->limited)
		return;
	log->limited = true;
	begin_line(log, EVENT_LOG_LIMIT, source, utc_ns);
	buf_addf(&log->line, ",\"limit\":%llu", (unsigned long long)log->max);
	end_line(log);
}

static void make_output_line(
	struct runlog *log, int stream, int64_t utc_ns, const char *data, size_t len)
{
	/* Many JSON parsers reject a NUL in a string, including the one of this project. */
	bool text = text_is_utf8(data, len) && !memchr(data, 0, len);

	begin_line(log, EVENT_ACTION_OUTPUT, log->source, utc_ns);
	buf_addf(&log->line, ",\"action\":%zu,\"stream\":\"%s\",\"%s\":", log->action,
		stream ? "stderr" : "stdout", text ? "text" : "base64");
	if (text) {
		jsonl_add_string(&log->line, data, len);
	} else {
		buf_addc(&log->line, '"');
		base64_add(&log->line, data, len);
		buf_addc(&log->line, '"');
	}
}

/* ---- output of actions ---- */

/* The length of an incomplete UTF-8 sequence at the end of data: 0 to 3. */
static size_t cut_at_end(const char *data, size_t len)
{
	for (size_t n = 1; n <= 3 && n <= len; n++)
		if (text_utf8_sequence(data + len - n, n) < 0)
			return n;
	return 0;
}

/* Keep the end of the dropped output, for the end of the action. */
static void keep_tail(struct runlog *log, int stream, const char *data, size_t len)
{
	struct buf *tail = &log->streams[stream].tail;
	size_t most = tail->max, kept = len < most ? len : most;

	if (tail->len + kept > most)
		buf_drop_front(tail, tail->len + kept - most);
	buf_add(tail, data + len - kept, kept);
}

/*
 * The limit counts the bytes of log lines, not of output: output of single bytes fills a disk, too.
 */
static void output(struct runlog *log, int stream, int64_t utc_ns, const char *data, size_t len)
{
	if (len == 0)
		return;
	if (!log->limited) {
		make_output_line(log, stream, utc_ns, data, len);
		if (has_room(log, log->line.len + 2)) {
			end_line(log);
			return;
		}
	}
	mark_limit(log, log->source, utc_ns);
	keep_tail(log, stream, data, len);
}

/* Join a character that was split between two reads of the guest. */
static void add_output(struct runlog *log, const struct event *ev)
{
	int stream = ev->is_stderr ? 1 : 0;
	struct runlog_stream *s = &log->streams[stream];
	auto_buf struct buf joined = {0};
	const char *data = ev->data;
	size_t len = ev->len, cut;

	log->action = ev->action;
	log->source = ev->source;
	if (s->cut_len) {
		buf_init(&joined, ev->len + sizeof(s->cut));
		buf_add(&joined, s->cut, s->cut_len);
		buf_add(&joined, ev->data, ev->len);
		data = joined.data;
		len = joined.len;
	}
	cut = cut_at_end(data, len);
	memcpy(s->cut, data + len - cut, cut);
	s->cut_len = cut;
	output(log, stream, ev->utc_ns, data, len - cut);
}

static void write_tail(struct runlog *log, int stream, int64_t utc_ns, bool failed)
{
	struct buf *tail = &log->streams[stream].tail;
	uint64_t *left = failed ? &log->fails_left : &log->tails_left;

	while (tail->len) {
		make_output_line(log, stream, utc_ns, tail->data, tail->len);
		if (log->line.len + 2 <= tail_line_max(log))
			break;
		buf_drop_front(tail, tail->len / 2 + 1);
	}
	if (tail->len && log->line.len + 2 <= *left) {
		*left -= log->line.len + 2;
		end_line(log);
	}
	buf_clear(tail);
}

/* Write the rest of an action's output before its end is logged. */
static void end_output(struct runlog *log, int64_t utc_ns, bool failed)
{
	for (int i = 0; i < 2; i++) {
		struct runlog_stream *s = &log->streams[i];

		output(log, i, utc_ns, s->cut, s->cut_len);
		s->cut_len = 0;
		write_tail(log, i, utc_ns, failed);
	}
}

/* ---- events ---- */

/*
 * Messages of a machine other than output: they have their own limit, which may be too large for a
 * small log.
 */
static bool is_of_others(const struct event *ev)
{
	bool of_machine = ev->source != SOURCE_PRELUDE && ev->source != SOURCE_EPILOG;

	switch ((int)ev->type) {
	case EVENT_WARNING:
	case EVENT_DEBUG:
		return of_machine;
	case EVENT_EGRESS:
	case EVENT_SSH_AGENT:
		return true;
	default:
		return false;
	}
}

/* Reserve room for the host's lines about the actions of the machine that starts. */
static void set_aside(struct runlog *log, const struct event *ev)
{
	const struct node *steps = node_get(node_get(ev->fields, "plan"), "steps");

	log->set_aside = END_LINES + (steps ? steps->count : 0) * ACTION_LINES;
	/* In a small log, at most half is reserved. */
	if (log->set_aside > log->max / 2)
		log->set_aside = log->max / 2;
}

static void own_event(struct runlog *log, const struct event *ev)
{
	uint64_t before = log->written, used;

	if (ev->type == EVENT_RUNNABLE_PLAN)
		set_aside(log, ev);
	begin_line(log, ev->type, ev->source, ev->utc_ns);
	add_fields(&log->line, ev->fields);
	end_line(log);
	used = log->written - before;
	if (ev->type != EVENT_RUNNABLE_PLAN)
		log->set_aside -= used < log->set_aside ? used : log->set_aside;
}

static void event_of_others(struct runlog *log, const struct event *ev)
{
	if (!log->limited) {
		begin_line(log, ev->type, ev->source, ev->utc_ns);
		add_fields(&log->line, ev->fields);
		if (has_room(log, log->line.len + 2)) {
			end_line(log);
			return;
		}
	}
	mark_limit(log, ev->source, ev->utc_ns);
}

/* The guest reported no exit code, or a code other than 0. */
static bool says_failed(const struct event *ev)
{
	return ev->type != EVENT_ACTION_FINISHED || node_get_int(ev->fields, "exit_code", -1) != 0;
}

void runlog_event(struct runlog *log, const struct event *ev)
{
	if (event_info(ev->type)->transient)
		return;
	if (ev->type == EVENT_ACTION_OUTPUT) {
		add_output(log, ev);
	} else if (is_of_others(ev)) {
		event_of_others(log, ev);
	} else {
		end_output(log, ev->utc_ns, says_failed(ev));
		own_event(log, ev);
	}
}
