/* SPDX-License-Identifier: Apache-2.0 */
/* One VM with empty inputs, without a project and without state: `ambient qemu`, `ambient doctor`. */
#ifndef RUN_ADHOC_H
#define RUN_ADHOC_H

#include "contract/plan.h"
#include "egress/egress.h"
#include "run/run.h"

struct adhoc {
	const char *image; /* name or path; NULL: a trusted VM, with the image of those */
	const struct plan *plan;
	const struct egress *egress; /* what it reaches, for a trusted VM; NULL: nothing */
	const char *plan_file;       /* the file of the plan; NULL: none */
	const char *artifacts; /* directory to create, else ERR_INPUT before boot; NULL: discard */
	const char *console;   /* file for the console; NULL: none */
	const char
		*persist; /* file of the disk (disk.h); replaced when the plan passed; NULL: none */
	const char *executor;
};

/* As run_project: the result, or the error, is in *ret. Release it by run_outcome_release. */
void adhoc_run(const struct run_context *context, const struct adhoc *adhoc,
	const struct run_view *view, struct run_outcome *ret);

#endif
