/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What strangers said, on its way into events and messages. Secrets are covered where their words
 * come in and nowhere else: a word of ours that is a line of some secret stays what it is, so that
 * programs can read the run log. A mask of NULL covers nothing.
 */
#ifndef RUN_SAID_H
#define RUN_SAID_H

#include <stddef.h>

#include "agent/sshagent.h"
#include "contract/event.h"
#include "egress/egress.h"
#include "secrets/mask.h"

/* Without secrets, and safe to show in one line of at most `max` bytes. The caller frees. */
char *said_safe(const struct mask *m, const char *text, size_t max);

/* A message that has words of strangers in it, in place. */
void said_cover(const struct mask *m, char *message, size_t size);

/* Between proxy and agent of a VM, who report what it asked for, and those who hear it. */
struct said_reports {
	const struct mask *mask;
	const struct egress *egress;
	const struct sshagent_rules *agent;
	struct event_sink next;
};

/* As event_sink: `arg` is a struct said_reports. */
void said_report(void *arg, const struct event *ev);

#endif
