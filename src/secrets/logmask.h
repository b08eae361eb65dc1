/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An event sink that masks secrets in the output of actions (mask.h). Output of the plan's actions
 * is passed unchanged, because their machine has no secrets. All other events are passed unchanged
 * too: untrusted text in them is masked where it is received (said.h).
 */
#ifndef SECRETS_LOGMASK_H
#define SECRETS_LOGMASK_H

#include <stdint.h>

#include "contract/event.h"
#include "secrets/mask.h"

struct logmask {
	const struct mask *mask; /* NULL: no secrets, events are passed unchanged */
	struct event_sink next;
	struct mask_stream *streams[2]; /* stdout, stderr of the running action */
	struct event last[2];           /* last event of each stream, for its held bytes */
	int64_t fed_ms;
};

void logmask_init(struct logmask *l, const struct event_sink *next);
void logmask_release(struct logmask *l);

/*
 * Mask all following events, instead of by an earlier mask. No machine runs. The mask is ready and must
 * outlive l.
 */
void logmask_use(struct logmask *l, const struct mask *mask);

void logmask_event(struct logmask *l, const struct event *ev);

/* Call it periodically: passes on held bytes that no further bytes have followed. */
void logmask_idle(struct logmask *l);

#endif
