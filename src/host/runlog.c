/* SPDX-License-Identifier: Apache-2.0 */
#include "host/runlog.h"

#include <errno.h>
#include <string.h>

#include "base/base64.h"
#include "base/clock.h"
#include "base/fd.h"
#include "base/limits.h"
#include "base/outfile.h"
#include "base/space.h"
#include "base/text.h"
#include "core/jsonl.h"

enum { LINE_MAX_BYTES = 16 * 1024 * 1024 };

void runlog_init(struct runlog *log, int fd, int second_fd, uint64_t max)
{
	*log = (struct runlog){.fds = {fd, second_fd}, .max = max};
	buf_init(&log->line, LINE_MAX_BYTES);
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

static void write_failed(struct runlog *log, int fd)
{
	auto_free char *name = fd_name(fd);
	auto_free char *shown = mem_printf("the run log %s", name);

	(void)outfile_failed(shown, &log->error);
	if (log->error.kind == ERR_HOST && log->error.sys != EPIPE)
		(void)err_because(&log->error, ERR_REASON_DISK);
	space_explain(&log->error, fd);
}

static void end_line(struct runlog *log)
{
	buf_adds(&log->line, "}\n");
	if (log->line.overflow)
		BUG("a line of the run log is too long");
	for (int i = 0; i < 2; i++)
		if (log->fds[i] >= 0 && log->error.kind == ERR_NONE &&
			outfile_put(log->fds[i], log->line.data, log->line.len) < 0)
			write_failed(log, log->fds[i]);
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

/* ---- output of actions ---- */

static void output_line(
	struct runlog *log, int stream, int64_t utc_ns, const char *data, size_t len)
{
	/* Readers of JSON mostly refuse a NUL in a string, ours too. */
	bool text = text_is_utf8(data, len) && !memchr(data, 0, len);

	if (len == 0)
		return;
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
	end_line(log);
	log->written += log->line.len;
}

/* How many bytes at the end of data begin a UTF-8 sequence that is not complete: 0 to 3. */
static size_t cut_at_end(const char *data, size_t len)
{
	for (size_t n = 1; n <= 3 && n <= len; n++)
		if (text_utf8_sequence(data + len - n, n) < 0)
			return n;
	return 0;
}

/* A character that was cut in two by the guest's read is put together again. */
static void whole_characters(struct runlog *log, int stream, const struct event *ev)
{
	struct runlog_stream *s = &log->streams[stream];
	auto_buf struct buf joined = {0};
	const char *data = ev->data;
	size_t len = ev->len, cut;

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
	output_line(log, stream, ev->utc_ns, data, len - cut);
}

static void drop(struct runlog *log, int stream, const struct event *ev)
{
	struct runlog_stream *s = &log->streams[stream];
	size_t len = ev->len < RUNLOG_TAIL_BYTES ? ev->len : RUNLOG_TAIL_BYTES;

	s->dropped += ev->len;
	if (s->tail.len + len > RUNLOG_TAIL_BYTES)
		buf_drop_front(&s->tail, s->tail.len + len - RUNLOG_TAIL_BYTES);
	buf_add(&s->tail, ev->data + ev->len - len, len);
	if (log->limited)
		return;
	log->limited = true;
	begin_line(log, EVENT_LOG_LIMIT, ev->source, ev->utc_ns);
	buf_addf(&log->line, ",\"limit\":%llu", (unsigned long long)log->max);
	end_line(log);
}

static void add_output(struct runlog *log, const struct event *ev)
{
	int stream = ev->is_stderr ? 1 : 0;

	log->action = ev->action;
	log->source = ev->source;
	/* Lines count, not their bytes of output: a guest that writes single ones fills a disk as
	 * well. */
	if (log->limited || log->written + ev->len > log->max) {
		drop(log, stream, ev);
		return;
	}
	whole_characters(log, stream, ev);
}

/* Before an action is reported as finished: what is still held back of its output. */
static void flush_output(struct runlog *log, int64_t utc_ns)
{
	for (int i = 0; i < 2; i++) {
		struct runlog_stream *s = &log->streams[i];

		output_line(log, i, utc_ns, s->cut, s->cut_len);
		output_line(log, i, utc_ns, s->tail.data, s->tail.len);
		s->cut_len = 0;
		s->dropped = 0;
		buf_clear(&s->tail);
	}
}

void runlog_event(struct runlog *log, const struct event *ev)
{
	if (event_info(ev->type)->transient)
		return;
	if (ev->type == EVENT_ACTION_OUTPUT) {
		add_output(log, ev);
		return;
	}
	flush_output(log, ev->utc_ns);
	begin_line(log, ev->type, ev->source, ev->utc_ns);
	add_fields(&log->line, ev->fields);
	end_line(log);
}
