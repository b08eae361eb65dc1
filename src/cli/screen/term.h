/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A run, told to people: events in, lines on the screen out.
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
 * On a terminal an action's first line is there while it runs and is replaced by its last one when
 * it said nothing. Whatever is silent for a second has a line that counts its seconds. Quiet:
 * nothing but, when the run did not pass, the action, the last lines of its output, and the path of
 * the log.
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

enum { TERM_QUIET_LINES = 50 };

struct term {
	struct run_view view;      /* to be passed to run_project */
	struct loop_source source; /* of the view */
	int pending_fd; /* to be waited for until it can be written to; -1: nothing waits */
	struct screen screen;
	bool quiet;
	uint64_t file_max; /* of output in a regular file; 0: no limit */
	char *project;     /* name in front of our lines; NULL: none */
	int64_t start_ms;

	/* The list that a VM carries out, and the action that runs. */
	size_t total;
	bool running;
	bool announced; /* its first line is there for good */
	bool in_list;   /* one of the user's, not of prelude or epilog */
	size_t index;
	char *action;
	char *ending; /* "exit code 2", from action_finished */
	int64_t duration_ms;
	char *last;             /* quiet: the line of the first action that did not pass */
	struct lines_tail tail; /* quiet: the end of what it, or the running action, said */

	char *machine; /* "tiny, tcg, 1 CPU, 1.0 GiB" */
	uint64_t artifact_entries;
	char *withheld; /* "1 device, 2 fifos": artifacts that are only in the archive; or NULL */

	char *waiting; /* what goes on, for the line that is rewritten; NULL: nothing of length */
	int64_t waiting_ms;  /* since when */
	int64_t progress_ms; /* since when a long step goes on; 0: none */
	int64_t drawn_ms;    /* when something was shown that tells that time goes on */
};

void term_init(struct term *t, int out_fd, int err_fd, enum screen_color color, bool quiet);
void term_release(struct term *t);
#define auto_term __attribute__((cleanup(term_release)))

/* A project's turn: its name goes in front of the lines. */
void term_begin(struct term *t, const char *project);

/*
 * When standard output is a regular file, the output of each run's actions in it is limited to
 * `max` bytes (screen.h). Of a run that does not pass the last TERM_QUIET_LINES are shown all the
 * same.
 */
void term_limit_file(struct term *t, uint64_t max);

/* How it ended, but for the error. Writes all that waits, however long that takes. */
void term_end(struct term *t, const struct run_outcome *outcome);

/* A line of ours that belongs to no project; nothing when quiet. `text` is safe. */
void term_note(struct term *t, const char *text);

/*
 * errno of the first write to standard output that failed, or 0. EINTR: a signal came while nobody
 * read it, or standard error, which nobody has to read otherwise.
 */
int term_write_error(const struct term *t);

#endif
