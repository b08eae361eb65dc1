/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The output of a run: our own lines, a status line that is rewritten, and the output of the guest.
 *
 * The guest is untrusted, so its output must neither control the terminal nor look like our lines.
 * Every line of it is indented, and control characters are escaped (text.h). Of escape sequences
 * only colors (SGR) are passed, if colors are on, until the end of the line. On a terminal, a
 * carriage return rewrites its own line; elsewhere the text after it replaces the line (lines.h).
 *
 * On a terminal, output is shown as it arrives; the line is broken when the other stream writes. In
 * pipes and files, and on terminals that cannot rewrite a line, the streams are separate: complete
 * lines, up to SCREEN_LINE_MAX bytes, in the order in which they end.
 *
 * Output of the guest in a regular file has a limit (screen_limit_file). Output beyond it is
 * dropped, and a line reports this.
 *
 * Only screen_finish blocks. Output for which a slow reader leaves no space is dropped and counted,
 * and a line reports this.
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
	struct buf held; /* incomplete bytes, held until more bytes arrive */
};

struct screen {
	struct outlet out, err;
	bool same; /* both are one terminal, pipe or file: then only `out` is used */
	bool terminal;
	bool rewrite; /* the current line can be rewritten */
	bool color;
	bool unicode;

	struct screen_stream streams[2]; /* stdout, stderr of the running action */
	int open;                        /* the stream with an incomplete line shown, or -1 */
	bool dirty;                      /* colors of the guest are on in that line */
	uint64_t dropped;

	uint64_t file_max; /* bytes of output shown when `out` is a regular file; 0: no limit */
	uint64_t shown;    /* bytes shown so far */
	bool limited;      /* the limit was exceeded */

	bool status_shown;
};

/* Descriptors are borrowed. Reads NO_COLOR (no-color.org), TERM, LC_ALL, LC_CTYPE and LANG. */
void screen_init(struct screen *s, int out_fd, int err_fd, enum screen_color color);
void screen_release(struct screen *s);

/* Returns the escape sequence, or "" without colors. */
const char *screen_paint(const struct screen *s, enum screen_paint p);

/* Print one of our lines. Untrusted text in it must be escaped by text_safe. No final newline. */
void screen_line(struct screen *s, const char *fmt, ...) PRINTF_LIKE(2, 3);
void screen_warning(struct screen *s, const char *message); /* to standard error; escapes it */

/* Draw the status line, truncated to the terminal's width. Does nothing without a terminal. */
void screen_status(struct screen *s, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* True if screen_status would not break an incomplete line of the guest. */
bool screen_is_between_lines(const struct screen *s);

/* Limit further output to a regular file to `max` bytes; 0: no limit. */
void screen_limit_file(struct screen *s, uint64_t max);

/* Print output of an action. */
void screen_output(struct screen *s, bool is_stderr, const char *data, size_t len);
void screen_end_output(struct screen *s); /* the action ended: show held bytes, end the line */

int screen_pending_fd(const struct screen *s); /* poll it for writing; -1: none */
void screen_push(struct screen *s);            /* write as much as possible without blocking */
void screen_finish(struct screen *s);          /* write everything; blocks */

#endif
