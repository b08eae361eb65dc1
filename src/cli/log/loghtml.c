/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/log/loghtml.h"

#include <inttypes.h>
#include <string.h>

#include "base/num.h"
#include "base/text.h"
#include "contract/event.h"

static void add_escaped(struct buf *b, const char *text, size_t len)
{
	auto_buf struct buf safe = {0};

	buf_init(&safe, 6 * len + 16);
	text_add_safe(&safe, text, len, false);
	for (size_t i = 0; i < safe.len; i++) {
		switch (safe.data[i]) {
		case '<':
			buf_adds(b, "&lt;");
			break;
		case '>':
			buf_adds(b, "&gt;");
			break;
		case '&':
			buf_adds(b, "&amp;");
			break;
		case '"':
			buf_adds(b, "&quot;");
			break;
		default:
			buf_addc(b, safe.data[i]);
		}
	}
}

static void add_field(struct buf *b, const struct node *event, const char *key)
{
	const char *text = node_get_text(event, key, "?");

	add_escaped(b, text, strlen(text));
}

void loghtml_begin(struct buf *b)
{
	/*
	 * A second line of defence, should an escape be missing: no script runs, nothing is loaded.
	 */
	buf_adds(b,
		LOGHTML_BEGINNING
		"<style>\n"
		"body { font: 15px/1.4 sans-serif; max-width: 70em; margin: 2em auto; padding: 0 "
		"1em }\n"
		"h2 { font-size: 1.1em; margin: 1.5em 0 .3em }\n"
		"pre { background: #f4f4f4; padding: 0 .6em; margin: 0; white-space: pre-wrap; "
		"overflow-wrap: anywhere }\n"
		"pre.stderr { background: #fbf3ec }\n"
		".ok { color: #17692b } .bad { color: #b3140d; font-weight: bold } .note { color: "
		"#666 }\n"
		"</style>\n</head>\n<body>\n");
}

void loghtml_end(struct buf *b)
{
	buf_adds(b, "</body>\n</html>\n");
}

static void add_output(struct buf *b, struct logread *r, const struct node *event)
{
	bool is_stderr = strcmp(node_get_text(event, "stream", ""), "stderr") == 0;
	auto_buf struct buf bytes = {0};

	buf_init(&bytes, LOGREAD_LINE_MAX);
	if (!logread_output(r, event, &bytes))
		return;
	/* HTML ignores a newline directly after <pre>, so one is added. */
	buf_adds(b, is_stderr ? "<pre class=\"stderr\">\n" : "<pre>\n");
	add_escaped(b, bytes.data, bytes.len);
	buf_adds(b, "</pre>\n");
}

static void add_finished(struct buf *b, const struct node *event)
{
	buf_adds(b, "<p class=\"note\">");
	if (node_get(event, "signal"))
		buf_addf(b, "signal %" PRId64 ", ", node_get_int(event, "signal", 0));
	else if (node_get(event, "exit_code"))
		buf_addf(b, "exit code %" PRId64 ", ", node_get_int(event, "exit_code", 0));
	buf_addf(b, "%s, CPU %s, peak memory %s</p>\n",
		num_show_duration(node_get_int(event, "duration_ms", 0)).s,
		num_show_duration(node_get_int(event, "cpu_ms", 0)).s,
		num_show_size(node_get_uint(event, "peak_memory", 0)).s);
}

static void add_line(struct buf *b, const char *class, const char *label, const struct node *event,
	const char *key)
{
	buf_addf(b, "<p class=\"%s\">%s", class, label);
	add_field(b, event, key);
	buf_adds(b, "</p>\n");
}

static void add_action(struct buf *b, const struct node *event)
{
	const char *source = node_get_text(event, "source", "?");

	buf_adds(b, "<h2>");
	add_escaped(b, source, strlen(source));
	buf_addf(b, " %" PRIu64 ": ", node_get_uint(event, "action", 0) + 1);
	add_field(b, event, "name");
	buf_adds(b, "</h2>\n");
}

void loghtml_event(struct buf *b, struct logread *r, const struct node *event)
{
	int type = event_by_name(node_get_text(event, "type", ""));

	if (type == EVENT_RUN_CI) {
		buf_adds(b, "<h1>");
		add_field(b, event, "project_name");
		buf_adds(b, "</h1>\n");
	} else if (type == EVENT_AMBIENT_STARTS) {
		add_line(b, "note", "Run ", event, "run_id");
		add_line(b, "note", "Started ", event, "timestamp");
	} else if (type == EVENT_WARNING) {
		add_line(b, "bad", "Warning: ", event, "message");
	} else if (type == EVENT_EXECUTE_ACTION) {
		add_action(b, event);
	} else if (type == EVENT_ACTION_OUTPUT) {
		add_output(b, r, event);
	} else if (type == EVENT_ACTION_FINISHED) {
		add_finished(b, event);
	} else if (type == EVENT_ACTION_FAILED) {
		add_line(b, "bad", "", event, "message");
	} else if (type == EVENT_VM_DIED) {
		add_line(b, "bad", "The virtual machine died: ", event, "message");
	} else if (type == EVENT_AMBIENT_SUCCEEDS) {
		add_line(b, "ok", "Result: ", event, "result");
	} else if (type == EVENT_AMBIENT_FAILS) {
		add_line(b, "bad", "Result: ", event, "result");
		add_line(b, "bad", "", event, "message");
	}
}
