/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shows a run on the terminal: receives events and prints lines.
 *
 *     hello  commit 1a2b3c4 (clean), 42 files, 1.2 MiB, packed in 0.0 s
 *     hello  plan VM: tiny, tcg, 1 CPU, 1.0 GiB, up in 2.4 s
 *       1/2 shell
 *           ... its output ...
 *     ✓ 1/2 shell  1.2 s
 *     ✗ 2/2 shell  exit code 2, 0.3 s
 *     hello  FAILED in 5.2 s
 *            artifacts  /home/me/.local/state/ambient/hello/latest/artifacts (3 files, 1.2 MiB)
 *            log        ambient log hello
 *
 * On a terminal, the first line of an action is shown while it runs; the last line replaces it if
 * the action wrote nothing. After a second without output, a status line counts the seconds. In
 * quiet mode only a run that does not pass prints lines: the action, the last lines of its output,
 * and the path of the log.
 */
#ifndef CLI_SCREEN_TERM_H
#define CLI_SCREEN_TERM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "cli/screen/lines.h"
#include "cli/screen/screen.h"
#include "run/run.h"

enum { TERM_QUIET_LINES = 50, TERM_BLOCKED = 5 };

struct term {
	struct run_view view;      /* to be passed to run_project */
	struct loop_source source; /* of the view */
	int pending_fd;            /* poll it for writing; -1: none */
	struct screen screen;
	bool quiet;
	uint64_t file_max; /* limit of output in a regular file; 0: none */
	char *project;     /* name before our lines; NULL: none */
	int64_t start_ms;

	/* The list of the VM, and the running action. */
	size_t total;
	bool running;
	bool announced; /* its first line is printed permanently */
	bool in_list;   /* in the user's list, not in prelude or epilog */
	size_t index;
	char *action;
	char *ending; /* "exit code 2", from action_finished */
	int64_t duration_ms;
	char *last;             /* quiet: the last line of the first action that did not pass */
	struct lines_tail tail; /* quiet: the end of its output, or of the running action's */

	char *machine; /* "tiny, tcg, 1 CPU, 1.0 GiB" */
	uint64_t artifact_entries;
	struct strv blocked; /* messages of the proxy, different ones, at most TERM_BLOCKED */
	char *withheld;      /* "1 device, 2 fifos": artifacts only in the archive; or NULL */

	char *waiting;       /* the step in progress, for the status line; NULL: none */
	int64_t waiting_ms;  /* its start */
	int64_t progress_ms; /* start of a long step; 0: none */
	int64_t drawn_ms;    /* time of the last visible change */
};

void term_init(struct term *t, int out_fd, int err_fd, enum screen_color color, bool quiet);
void term_release(struct term *t);
#define auto_term __attribute__((cleanup(term_release)))

/* Start a project: its name is printed before all lines. */
void term_begin(struct term *t, const char *project);

/*
 * If standard output is a regular file, limit the output of each run's actions in it to `max` bytes
 * (screen.h). The last TERM_QUIET_LINES of a run that does not pass are shown nevertheless.
 */
void term_limit_file(struct term *t, uint64_t max);

/* Print the result, but not the error. Writes all pending output; may block. */
void term_end(struct term *t, const struct run_outcome *outcome);

/* Print one of our lines, without a project; prints nothing if quiet. `text` is escaped. */
void term_note(struct term *t, const char *text);

/*
 * Returns errno of the first failed write to standard output, or 0. EINTR: a signal arrived while
 * a write to standard output or standard error was blocked. Other errors of standard error are
 * ignored.
 */
int term_write_error(const struct term *t);

#endif
