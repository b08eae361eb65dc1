/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/say.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>
#include <unistd.h>

#include "base/fit.h"
#include "base/limits.h"
#include "base/text.h"
#include "cli/hint.h"
#include "data/jsonl.h"
#include "os/nowait.h"
#include "os/outfile.h"
#include "os/sig.h"
#include "os/space.h"
#include "run/verdict.h"

/* A signal arrived while a message could not be written, and the message was dropped. */
static bool cut_short;

/* Errors are ignored: if standard error cannot be written, there is no other place to report it. */
void say_aside(const struct buf *text)
{
	if (nowait_put(STDERR_FILENO, text->data, text->len) < 0 && errno == EINTR)
		cut_short = true;
}

void say_add_message(struct buf *line, const char *message)
{
	auto_buf struct buf whole = {0};

	buf_init(&whole, SIZE_MAX / 2); /* no limit: fit_middle shortens it */
	hint_add_message(&whole, message);
	fit_middle(whole.data, SAY_MESSAGE_MAX);
	/* A byte is shown as at most four. */
	text_add_safe(line, whole.data, strlen(whole.data), true);
}

static void say_line(const char *label, const char *message)
{
	auto_buf struct buf line = {0};

	buf_init(&line, SAY_LINE_MAX);
	buf_adds(&line, label);
	say_add_message(&line, message);
	buf_addc(&line, '\n');
	say_aside(&line);
}

void say_error(const struct err *e)
{
	if (e->sys != EPIPE || strcmp(e->reason, "host_output") != 0)
		say_line("ERROR: ", e->msg);
}

void say_warning(const char *message)
{
	say_line("WARNING: ", message);
}

void say_warnings(const struct strv *messages)
{
	strv_each (messages, s)
		say_warning(*s);
}

int say_out(const char *data, size_t len, struct err *e)
{
	if (nowait_put(STDOUT_FILENO, data, len) == 0)
		return 0;
	(void)outfile_failed("standard output", e);
	space_explain(e, STDOUT_FILENO);
	return -1;
}

int say_row(struct err *e, const char *fmt, ...)
{
	auto_free char *text = NULL;
	auto_buf struct buf row = {0};
	va_list ap;

	va_start(ap, fmt);
	text = mem_vprintf(fmt, ap);
	va_end(ap);
	buf_init(&row, 4 * strlen(text) + 1);
	text_add_safe(&row, text, strlen(text), true);
	buf_addc(&row, '\n');
	return say_out(row.data, row.len, e);
}

int say_item(struct say_items *s, const char *key, const struct node *n, struct err *e)
{
	auto_buf struct buf text = {0};

	buf_init(&text, JSONL_MOST_PRETTY);
	buf_adds(&text, s->begun ? "," : s->open);
	buf_addf(&text, "\n%*s", 2 * s->indent, "");
	if (key) {
		jsonl_add_string(&text, key, strlen(key));
		buf_adds(&text, ": ");
	}
	jsonl_add_indented(&text, n, s->indent);
	s->begun = true;
	return say_buf(&text, NULL, e);
}

int say_items_end(struct say_items *s, struct err *e)
{
	if (!s->begun && say_out(s->open, strlen(s->open), e) < 0)
		return -1;
	return say_out(s->close, strlen(s->close), e);
}

int say_buf(const struct buf *b, const char *path, struct err *e)
{
	auto_outfile struct outfile o = OUTFILE_NONE;

	if (b->overflow)
		return err_reason(
			e, ERR_HOST, "host_output", "the output is longer than %zu bytes", b->max);
	if (!path)
		return say_out(b->data, b->len, e);
	if (outfile_open(path, OUTFILE_WHOLE, 0644, &o, e) < 0 ||
		outfile_write(&o, b->data, b->len, e) < 0)
		return -1;
	return outfile_finish(&o, e);
}

int say_json(const struct node *n, const char *path, struct err *e)
{
	auto_buf struct buf text = {0};

	buf_init(&text, JSONL_MOST_PRETTY);
	jsonl_add_pretty(&text, n);
	return say_buf(&text, path, e);
}

int say_failure(const struct err *e)
{
	say_error(e);
	return verdict_exit_status(verdict_of_error(e), sig_pending());
}

int say_unwritten(int sys)
{
	struct err e = {0};

	errno = sys;
	(void)outfile_failed("standard output", &e);
	space_explain(&e, STDOUT_FILENO);
	return say_failure(&e);
}

int say_status(int status)
{
	return cut_short ? verdict_exit_status(VERDICT_INTERRUPTED, sig_pending()) : status;
}
