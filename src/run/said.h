/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Masks secrets in untrusted text for events and messages. Only untrusted text is masked, where it
 * is received. Ambient's own words are never masked, even if a secret has such a line, so that
 * programs can read the run log. A mask of NULL masks nothing.
 */
#ifndef RUN_SAID_H
#define RUN_SAID_H

#include <stddef.h>

#include "agent/sshagent.h"
#include "contract/event.h"
#include "egress/egress.h"
#include "secrets/mask.h"

/*
 * Returns the text without secrets and control characters, at most `max` bytes. The caller frees.
 */
char *said_safe(const struct mask *m, const char *text, size_t max);

/* Mask a message that contains untrusted text, in place. */
void said_cover(const struct mask *m, char *message, size_t size);

/* Filters the events from proxy and agent of a VM, which report the VM's requests. */
struct said_reports {
	const struct mask *mask;
	const struct egress *egress;
	const struct sshagent_rules *agent;
	struct event_sink next;
};

/* As event_sink: `arg` is a struct said_reports. */
void said_report(void *arg, const struct event *ev);

#endif
