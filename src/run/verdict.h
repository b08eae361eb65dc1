/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The result of a run in its three forms: `result` and `reason` in result.json (docs/errors.md
 * lists all reasons), and the exit status.
 */
#ifndef RUN_VERDICT_H
#define RUN_VERDICT_H

#include <stdbool.h>

#include "base/err.h"
#include "contract/message.h"
#include "contract/plan.h"

enum verdict {
	VERDICT_PASSED,
	VERDICT_UNCHANGED, /* nothing changed, so nothing ran */
	VERDICT_FAILED,    /* the code under test is at fault */
	VERDICT_TIMEOUT,
	VERDICT_BROKEN, /* the infrastructure is at fault: host or guest */
	VERDICT_INPUT_ERROR,
	VERDICT_INTERRUPTED,
	VERDICT_BUSY,
	VERDICTS,
};

const char *verdict_name(enum verdict v);            /* "passed", "input_error", ... */
int verdict_exit_status(enum verdict v, int signal); /* signal: for VERDICT_INTERRUPTED */

/*
 * True if the user need not react: the run passed or is unchanged, or another run of the project is
 * in progress, which will report its own result. --quiet prints nothing for these; the exit status
 * differs.
 */
bool verdict_is_uneventful(enum verdict v);

/* Returns the worse of two statuses, in the order 130/143, 3, 2, 4, 5, 1, 0. */
int verdict_worst_status(int a, int b);

enum verdict verdict_of_error(const struct err *e);
const char *verdict_reason_of_error(const struct err *e); /* e->reason, else a word for its kind */

/* The verdict for the outcome of a step as reported by the guest. */
enum verdict verdict_of_outcome(enum step_outcome o);

/*
 * As message_reason, for a step of a given plan. A trusted VM may send a more exact
 * reason than that an action failed: `said`, which may have any content. It is accepted only if it
 * is in the table and begins with "fetch_" or "upload_". NULL for STEP_PASSED.
 */
const char *verdict_reason_of_step(enum plan_source source, enum step_outcome o, const char *said);
enum verdict verdict_of_reason(const char *reason); /* the reason must be in the table */

/* The table of all reasons, for docs/errors.md; ends with a NULL reason. */
struct verdict_reason {
	const char *reason;
	enum verdict verdict;
	const char *fault; /* "project", "operator", "host", "guest", "user" */
	bool retry;        /* a retry without a change may succeed */
	const char *help;  /* what it means and what to do */
};
extern const struct verdict_reason verdict_reasons[];

#endif
