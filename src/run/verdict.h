/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How a run ended, in the three forms in which the world sees it: the word in result.json, the
 * reason (docs/errors.md lists them all), and the exit status.
 */
#ifndef RUN_VERDICT_H
#define RUN_VERDICT_H

#include <stdbool.h>

#include "base/err.h"
#include "contract/message.h"
#include "contract/plan.h"

enum verdict {
	VERDICT_PASSED,
	VERDICT_UNCHANGED, /* nothing had to be done */
	VERDICT_FAILED,    /* the code under test is at fault */
	VERDICT_TIMEOUT,
	VERDICT_BROKEN, /* the machinery is at fault: host or guest */
	VERDICT_INPUT_ERROR,
	VERDICT_INTERRUPTED,
	VERDICT_BUSY,
	VERDICTS,
};

const char *verdict_name(enum verdict v);            /* "passed", "input_error", ... */
int verdict_exit_status(enum verdict v, int signal); /* signal: of VERDICT_INTERRUPTED */

/*
 * Nothing for anybody to do: it passed, is unchanged, or another run of the project is in progress,
 * which will say how it ends. --quiet says nothing of it; the exit status does.
 */
bool verdict_is_uneventful(enum verdict v);

/* Of several projects the worst wins: 130/143, 3, 2, 4, 5, 1, 0. */
int verdict_worst_status(int a, int b);

enum verdict verdict_of_error(const struct err *e);
const char *verdict_reason_of_error(const struct err *e); /* e->reason, else a word for its kind */

/* What the guest's claim about a step means. */
enum verdict verdict_of_outcome(enum step_outcome o);
const char *verdict_reason_of_outcome(enum step_outcome o); /* NULL for STEP_PASSED */

/*
 * The same where it matters which plan the step belongs to. A trusted VM may say more than that an
 * action failed: `said` is its word, "" or anything at all, and is taken when it is one of the
 * table that begins with "fetch_" or "upload_". NULL for STEP_PASSED.
 */
const char *verdict_reason_of_step(enum plan_source source, enum step_outcome o, const char *said);
enum verdict verdict_of_reason(const char *reason); /* a word of the table, else a BUG */

/* The table behind docs/errors.md: every reason, ended by a NULL reason. */
struct verdict_reason {
	const char *reason;
	enum verdict verdict;
	const char *fault; /* "project", "operator", "host", "guest", "user" */
	bool retry;        /* a retry without a change makes sense */
	const char *help;  /* what it means and what to do */
};
extern const struct verdict_reason verdict_reasons[];

#endif
