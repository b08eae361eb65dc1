/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/screen/screen.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fit.h"
#include "base/num.h"
#include "base/text.h"
#include "cli/screen/lines.h"
#include "os/fd.h"

enum {
	SLICE = 16 * 1024,
	/* maximum output for one byte of the guest, with indentation and colours */
	EXPANSION = 12,
	SGR_MAX = 32, /* longest colour sequence that is recognised */
	LINE_MAX_BYTES = 8 * 1024,
};

const char *const screen_colors[] = {
	[SCREEN_COLOR_AUTO] = "auto",
	[SCREEN_COLOR_ALWAYS] = "always",
	[SCREEN_COLOR_NEVER] = "never",
	NULL,
};

/* ---- properties of the terminal ---- */

static bool set_and_not_empty(const char *variable)
{
	const char *value = getenv(variable);

	return value && *value;
}

/* By POSIX, the first of these variables that is set counts. */
static bool locale_is_utf8(void)
{
	const char *value = set_and_not_empty("LC_ALL") ? getenv("LC_ALL")
		: set_and_not_empty("LC_CTYPE")         ? getenv("LC_CTYPE")
							: getenv("LANG");

	return value && (strcasestr(value, "utf-8") || strcasestr(value, "utf8"));
}

static bool same_file(int a, int b)
{
	struct stat sa, sb;

	return fstat(a, &sa) == 0 && fstat(b, &sb) == 0 && sa.st_dev == sb.st_dev &&
		sa.st_ino == sb.st_ino;
}

void screen_init(struct screen *s, int out_fd, int err_fd, enum screen_color color)
{
	const char *term = getenv("TERM");
	bool capable = term && *term && strcmp(term, "dumb") != 0;

	*s = (struct screen){.open = -1};
	s->same = same_file(out_fd, err_fd);
	s->terminal = isatty(out_fd) == 1;
	s->rewrite = s->terminal && capable;
	s->color = color == SCREEN_COLOR_ALWAYS ||
		(color == SCREEN_COLOR_AUTO && s->rewrite && !set_and_not_empty("NO_COLOR"));
	s->unicode = locale_is_utf8();
	outlet_open(&s->out, out_fd);
	outlet_open(&s->err, err_fd);
	for (int i = 0; i < 2; i++)
		buf_init(&s->streams[i].held, SCREEN_LINE_MAX + SLICE);
}

void screen_release(struct screen *s)
{
	outlet_release(&s->out);
	outlet_release(&s->err);
	for (int i = 0; i < 2; i++)
		buf_release(&s->streams[i].held);
}

const char *screen_paint(const struct screen *s, enum screen_paint p)
{
	static const char *const sequences[] = {
		[PAINT_BOLD] = "\033[1m",
		[PAINT_DIM] = "\033[2m",
		[PAINT_GOOD] = "\033[32m",
		[PAINT_BAD] = "\033[1;31m",
		[PAINT_WARN] = "\033[33m",
		[PAINT_END] = "\033[0m",
	};

	return s->color ? sequences[p] : "";
}

/* ---- lines of ambient ---- */

static struct buf *own_room(struct outlet *o, size_t n)
{
	struct buf *b = outlet_room(o, n, true);

	if (b)
		return b;
	outlet_push(o);
	return outlet_room(o, n, true);
}

static void erase_status(struct screen *s)
{
	struct buf *b = s->status_shown ? own_room(&s->out, 8) : NULL;

	if (b)
		buf_adds(b, "\r\033[K");
	s->status_shown = false;
}

/* End the current line, so that the next text begins a new one. */
static void break_line(struct screen *s)
{
	struct buf *b;

	erase_status(s);
	b = s->open >= 0 ? own_room(&s->out, 16) : NULL;
	if (b) {
		buf_adds(b, s->dirty ? "\033[0m" : "");
		buf_addc(b, '\n');
	}
	s->open = -1;
	s->dirty = false;
}

static void own_line(struct screen *s, struct outlet *o, const char *text, size_t len)
{
	struct buf *b;

	if (o == &s->out)
		break_line(s);
	b = own_room(o, len + 1);
	if (b) {
		buf_add(b, text, len);
		buf_addc(b, '\n');
	}
	outlet_push(o);
}

void screen_line(struct screen *s, const char *fmt, ...)
{
	char text[LINE_MAX_BYTES];
	va_list ap;

	va_start(ap, fmt);
	fit_vformat(text, sizeof(text), fmt, ap);
	va_end(ap);
	own_line(s, &s->out, text, strlen(text));
}

void screen_warning(struct screen *s, const char *message)
{
	bool erase = !s->same && s->status_shown;
	auto_free char *fitting = mem_strdup(message);
	auto_buf struct buf line = {0};

	buf_init(&line, LINE_MAX_BYTES);
	buf_adds(&line, s->same ? screen_paint(s, PAINT_WARN) : "");
	buf_adds(&line, "WARNING: ");
	fit_middle(fitting, LINE_MAX_BYTES / 8); /* a byte is shown as at most four */
	text_add_safe(&line, fitting, strlen(fitting), true);
	buf_adds(&line, s->same ? screen_paint(s, PAINT_END) : "");
	if (erase)
		erase_status(s);
	own_line(s, s->same ? &s->out : &s->err, line.data, line.len);
}

static size_t screen_width(const struct screen *s)
{
	struct winsize size;

	/* 0: the terminal does not know its width. */
	if (ioctl(s->out.to.fd, TIOCGWINSZ, &size) < 0 || size.ws_col == 0)
		return 80;
	return size.ws_col;
}

/* Counts characters as columns: only narrow ones are drawn here. */
static size_t cut_to_width(const char *text, size_t columns)
{
	size_t i = 0;

	for (; text[i]; i++)
		if (((unsigned char)text[i] & 0xc0) != 0x80 && columns-- == 0)
			break;
	return i;
}

void screen_status(struct screen *s, const char *fmt, ...)
{
	char text[1024];
	size_t len;
	struct buf *b;
	va_list ap;

	if (!s->rewrite)
		return;
	va_start(ap, fmt);
	fit_vformat(text, sizeof(text), fmt, ap);
	va_end(ap);
	len = cut_to_width(text, screen_width(s) - 1);
	break_line(s);
	b = outlet_room(&s->out, len + 32, false);
	if (!b)
		return;
	buf_adds(b, screen_paint(s, PAINT_DIM));
	buf_add(b, text, len);
	buf_adds(b, screen_paint(s, PAINT_END));
	s->status_shown = true;
	outlet_push(&s->out);
}

bool screen_is_between_lines(const struct screen *s)
{
	return s->open < 0;
}

/* ---- output of the guest ---- */

/*
 * The length of a sequence that sets colours: ESC [ digits ; : m. 0: another sequence, -1:
 * incomplete.
 */
static int sgr_length(const char *p, size_t len)
{
	size_t i = 2;

	if (len < 2)
		return -1;
	if (p[1] != '[')
		return 0;
	while (i < len && i < SGR_MAX &&
		((p[i] >= '0' && p[i] <= '9') || p[i] == ';' || p[i] == ':'))
		i++;
	if (i == SGR_MAX)
		return 0;
	if (i == len)
		return -1;
	return p[i] == 'm' ? (int)i + 1 : 0;
}

/* The length of an incomplete end: of a character or sequence, or a carriage return. */
static size_t unfinished(const char *data, size_t len)
{
	for (size_t back = 1; back <= 3 && back <= len; back++)
		if (text_utf8_sequence(data + len - back, back) < 0)
			return back;
	if (len > 0 && data[len - 1] == '\r')
		return 1;
	for (size_t back = 1; back < SGR_MAX && back <= len; back++)
		if (data[len - back] == '\033')
			return sgr_length(data + len - back, back) < 0 ? back : 0;
	return 0;
}

static size_t plain_span(const char *p, size_t len)
{
	size_t i = 0;

	while (i < len && p[i] != '\n' && p[i] != '\r' && p[i] != '\033')
		i++;
	return i;
}

/* A terminal that is not set to UTF-8 could interpret part of a character as a control code. */
static void add_ascii(struct buf *b, const char *p, size_t len)
{
	for (size_t i = 0; i < len;) {
		size_t start = i;

		while (i < len && (unsigned char)p[i] < 0x80)
			i++;
		text_add_safe(b, p + start, i - start, false);
		for (; i < len && (unsigned char)p[i] >= 0x80; i++)
			buf_addf(b, "\\x%02x", (unsigned)(unsigned char)p[i]);
	}
}

/* Lines that bash prints before each command of `set -x` are dimmed. */
static bool is_trace(const char *p, size_t len)
{
	return len >= 2 && p[0] == '+' && (p[1] == ' ' || p[1] == '+');
}

static void begin_line(struct screen *s, struct buf *b, int stream, const char *p, size_t len)
{
	if (s->open >= 0)
		return;
	buf_addf(b, "%*s", SCREEN_INDENT, "");
	s->open = stream;
	if (s->color && stream == 1 && is_trace(p, len)) {
		buf_adds(b, screen_paint(s, PAINT_DIM));
		s->dirty = true;
	}
}

static void end_line(struct screen *s, struct buf *b)
{
	buf_adds(b, s->dirty ? "\033[0m\n" : "\n");
	s->dirty = false;
	s->open = -1;
}

/* Carriage returns before a newline are ignored; all others start the line again. */
static size_t add_returns(struct screen *s, struct buf *b, const char *p, size_t len)
{
	size_t n = 1;

	while (n < len && p[n] == '\r')
		n++;
	if (n == len || p[n] == '\n' || s->open < 0)
		return n;
	if (!s->rewrite) {
		end_line(s, b);
		return n;
	}
	buf_adds(b, s->dirty ? "\033[0m\r\033[K" : "\r\033[K");
	s->dirty = false;
	s->open = -1;
	return n;
}

static size_t add_escape(struct screen *s, struct buf *b, int stream, const char *p, size_t len)
{
	int n = sgr_length(p, len);

	if (n <= 0) {
		begin_line(s, b, stream, p, len);
		buf_adds(b, "\\x1b");
		return 1;
	}
	if (s->color) {
		begin_line(s, b, stream, p, len);
		buf_add(b, p, (size_t)n);
		s->dirty = true;
	}
	return (size_t)n;
}

static void render(struct screen *s, struct buf *b, int stream, const char *p, size_t len)
{
	while (len) {
		size_t n = s->rewrite || s->open >= 0 ? 0 : lines_overwritten(p, len);

		p += n;
		len -= n;
		n = plain_span(p, len);
		if (n > 0) {
			begin_line(s, b, stream, p, n);
			if (s->terminal && !s->unicode)
				add_ascii(b, p, n);
			else
				text_add_safe(b, p, n, false);
		} else if (*p == '\n') {
			end_line(s, b);
			n = 1;
		} else if (*p == '\r') {
			n = add_returns(s, b, p, len);
		} else {
			n = add_escape(s, b, stream, p, len);
		}
		p += n;
		len -= n;
	}
}

static void tell_dropped(struct screen *s)
{
	uint64_t dropped = s->dropped;

	if (dropped == 0 || s->out.error)
		return;
	s->dropped = 0;
	screen_line(s, "%*s... %s not shown: the reader was too slow; all of it is in the log",
		SCREEN_INDENT, "", num_show_size(dropped).s);
}

void screen_limit_file(struct screen *s, uint64_t max)
{
	s->file_max = s->out.to.way == NOWAIT_PLAIN ? max : 0;
	s->shown = 0;
	s->limited = false;
}

/* Is output dropped because its file has reached its limit? The first time, a line reports it. */
static bool is_beyond_limit(struct screen *s)
{
	if (!s->file_max || s->shown < s->file_max)
		return false;
	if (!s->limited) {
		s->limited = true;
		screen_line(s,
			"%*s... output beyond %s is not shown in a file (log_max_size); the run "
			"log has its own limit",
			SCREEN_INDENT, "", num_show_size(s->file_max).s);
	}
	return true;
}

static void show(struct screen *s, int stream, const char *data, size_t len)
{
	size_t room = len * EXPANSION + 64, before;
	struct buf *b;

	if (len == 0 || is_beyond_limit(s))
		return;
	if (s->status_shown || (s->open >= 0 && s->open != stream))
		break_line(s);
	/* After output was dropped, continue only when the queue is half empty. */
	if (s->dropped && outlet_is_low(&s->out))
		tell_dropped(s);
	b = s->dropped ? NULL : outlet_room(&s->out, room, false);
	if (!b && !s->dropped) {
		outlet_push(&s->out);
		b = outlet_room(&s->out, room, false);
	}
	if (!b) {
		s->dropped += len;
		return;
	}
	before = b->len;
	render(s, b, stream, data, len);
	s->shown += b->len - before;
}

/* How many bytes can be shown at this point. */
static size_t ready(const struct screen *s, const char *data, size_t len)
{
	const char *newline;

	if (s->rewrite)
		return len - unfinished(data, len);
	newline = memrchr(data, '\n', len);
	if (newline)
		return (size_t)(newline - data) + 1;
	return len >= SCREEN_LINE_MAX ? len - unfinished(data, len) : 0;
}

static void feed(struct screen *s, int stream, const char *data, size_t len)
{
	struct buf *held = &s->streams[stream].held;
	size_t n;

	if (held->len == 0) {
		n = ready(s, data, len);
		show(s, stream, data, n);
		data += n;
		len -= n;
	}
	buf_add(held, data, len);
	if (!s->rewrite && s->open != stream)
		buf_drop_front(held, lines_overwritten(held->data, held->len));
	n = ready(s, held->data, held->len);
	show(s, stream, held->data, n);
	buf_drop_front(held, n);
}

void screen_output(struct screen *s, bool is_stderr, const char *data, size_t len)
{
	while (len) {
		size_t n = len < SLICE ? len : SLICE;

		feed(s, is_stderr, data, n);
		data += n;
		len -= n;
	}
	outlet_push(&s->out);
}

void screen_end_output(struct screen *s)
{
	for (int i = 0; i < 2; i++) {
		struct buf *held = &s->streams[i].held;

		show(s, i, held->data, held->len);
		buf_clear(held);
		if (s->open == i)
			break_line(s);
	}
	if (s->dropped)
		tell_dropped(s);
	outlet_push(&s->out);
}

/* ---- writing ---- */

int screen_pending_fd(const struct screen *s)
{
	if (outlet_waits(&s->out))
		return s->out.to.fd;
	return outlet_waits(&s->err) ? s->err.to.fd : -1;
}

void screen_push(struct screen *s)
{
	outlet_push(&s->out);
	outlet_push(&s->err);
}

void screen_finish(struct screen *s)
{
	erase_status(s);
	outlet_finish(&s->out);
	outlet_finish(&s->err);
}
