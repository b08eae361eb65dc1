/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a run shows: our own lines, one line that is rewritten, and the output of the guest.
 *
 * The guest is hostile, so its output can neither command the terminal nor look like our lines:
 * every line of it is indented, control characters are made visible (text.h), and of escape
 * sequences only colours (SGR) pass, when there are colours at all, until the end of the line. A
 * carriage return rewrites its own line on a terminal; elsewhere what is behind it takes the place
 * of the line (lines.h).
 *
 * On a terminal output shows up as it comes; where the two streams meet in a line, it is broken. In
 * pipes and files, and on terminals that cannot rewrite a line, the streams are kept apart: whole
 * lines, up to SCREEN_LINE_MAX bytes, in the order in which they end.
 *
 * A regular file has no reader that it waits for and no end of its own, so what the guest may put
 * into one has a limit (screen_limit_file); what is more is dropped, and a line says so.
 *
 * Nothing here waits for a reader, but screen_finish. What a slow reader leaves no room for is
 * dropped and counted, and a line says so.
 */
#ifndef CLI_SCREEN_SCREEN_H
#define CLI_SCREEN_SCREEN_H

#include <stdbool.h>
#include <stdint.h>

#include "cli/screen/outlet.h"

enum { SCREEN_LINE_MAX = 16 * 1024, SCREEN_INDENT = 6 };

enum screen_color { SCREEN_COLOR_AUTO, SCREEN_COLOR_ALWAYS, SCREEN_COLOR_NEVER };
extern const char *const screen_colors[]; /* "auto", "always", "never", NULL: for OPTION_ENUM */

enum screen_paint { PAINT_BOLD, PAINT_DIM, PAINT_GOOD, PAINT_BAD, PAINT_WARN, PAINT_END };

struct screen_stream {
	struct buf held; /* bytes that cannot be shown before more of them come */
};

struct screen {
	struct outlet out, err;
	bool same; /* both are one terminal, pipe or file: then only `out` is used */
	bool terminal;
	bool rewrite; /* the current line can be drawn again */
	bool color;
	bool unicode;

	struct screen_stream streams[2]; /* stdout, stderr of the running action */
	int open;                        /* the stream whose line is not ended, or -1 */
	bool dirty;                      /* colours of the guest are on in that line */
	uint64_t dropped;

	uint64_t file_max; /* bytes of output shown when `out` is a regular file; 0: no limit */
	uint64_t shown;    /* of them */
	bool limited;      /* there was more */

	bool status_shown;
};

/* Descriptors are borrowed. NO_COLOR (no-color.org), TERM, LC_ALL, LC_CTYPE and LANG are asked. */
void screen_init(struct screen *s, int out_fd, int err_fd, enum screen_color color);
void screen_release(struct screen *s);

/* The escape sequence, or "" without colours. */
const char *screen_paint(const struct screen *s, enum screen_paint p);

/* A line of ours. What strangers wrote has gone through text_safe. No newline at the end. */
void screen_line(struct screen *s, const char *fmt, ...) PRINTF_LIKE(2, 3);
void screen_warning(struct screen *s, const char *message); /* on standard error; made safe here */

/* Draw the line that is rewritten, cut to the terminal's width; does nothing elsewhere. */
void screen_status(struct screen *s, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* Can screen_status draw without breaking a line of the guest that is not ended? */
bool screen_is_between_lines(const struct screen *s);

/* From now on at most `max` bytes of output go to a regular file; 0: no limit. */
void screen_limit_file(struct screen *s, uint64_t max);

/* Bytes of an action, as they came. */
void screen_output(struct screen *s, bool is_stderr, const char *data, size_t len);
void screen_end_output(struct screen *s); /* the action is over: show what is held, end the line */

int screen_pending_fd(const struct screen *s); /* to be polled for writing, or -1 */
void screen_push(struct screen *s);            /* write what goes without waiting */
void screen_finish(struct screen *s);          /* write all of it */

#endif
