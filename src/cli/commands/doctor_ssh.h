/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What `ambient doctor` finds about the hosts under `ssh`: does each present a key that runs would
 * accept? They are asked (agent/ask.h), but nobody logs in.
 */
#ifndef CLI_COMMANDS_DOCTOR_SSH_H
#define CLI_COMMANDS_DOCTOR_SSH_H

#include <stdbool.h>

#include "base/err.h"
#include "settings/config.h"

struct doctor_ssh {
	const struct config *config;
	const char *program;    /* ambient-hostkey; NULL: the hosts are not asked */
	const char *why_silent; /* without a program: why not */
	bool is_fault;          /* that is something to be repaired */
	/* Gets each finding, which may have a stranger's bytes in it. -1 with *e set ends it all. */
	int (*well)(void *arg, const char *finding, struct err *e);
	int (*warn)(void *arg, const char *finding, struct err *e);
	int (*fault)(void *arg, const struct err *fault, struct err *e);
	void *arg;
};

/* One finding for each host and file of known hosts. -1: interrupted, or told to end. */
int doctor_ssh(const struct doctor_ssh *d, struct err *e) NODISCARD;

#endif
