/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Between what a run says and those who hear it: secrets are covered in what actions print
 * (mask.h). What the plan's actions print passes as it is, because their machine has no secrets; so
 * do all other events, in which secrets are covered where strangers' words come in (said.h).
 */
#ifndef SECRETS_LOGMASK_H
#define SECRETS_LOGMASK_H

#include <stdint.h>

#include "contract/event.h"
#include "secrets/mask.h"

struct logmask {
	const struct mask *mask; /* NULL: nothing to cover, events pass as they are */
	struct event_sink next;
	struct mask_stream *streams[2]; /* stdout, stderr of the running action */
	struct event last[2];           /* what came last on each: whose bytes are held back */
	int64_t fed_ms;
};

void logmask_init(struct logmask *l, const struct event_sink *next);
void logmask_release(struct logmask *l);

/* From now on; the mask is ready, and lives longer than l. */
void logmask_use(struct logmask *l, const struct mask *mask);

void logmask_event(struct logmask *l, const struct event *ev);

/* To be called now and then: shows what waited for more that did not come. */
void logmask_idle(struct logmask *l);

#endif
