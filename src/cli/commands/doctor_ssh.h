/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The check of `ambient doctor` for the hosts under `ssh`: does each host present a host key that
 * runs would accept? It gets their host keys (agent/ask.h) without logging in.
 */
#ifndef CLI_COMMANDS_DOCTOR_SSH_H
#define CLI_COMMANDS_DOCTOR_SSH_H

#include <stdbool.h>

#include "base/err.h"
#include "settings/config.h"

struct doctor_ssh {
	const struct config *config;
	const char *program;    /* path of ambient-hostkey; NULL: do not connect to hosts */
	const char *why_silent; /* why `program` is NULL */
	bool is_fault;          /* a NULL `program` is a fault */
	/* Called for each finding, which may have untrusted bytes. -1 with *e ends the check. */
	int (*well)(void *arg, const char *finding, struct err *e);
	int (*warn)(void *arg, const char *finding, struct err *e);
	int (*fault)(void *arg, const struct err *fault, struct err *e);
	void *arg;
};

/*
 * Reports one finding for each host and known_hosts file. -1: interrupted, or ended by a callback.
 */
int doctor_ssh(const struct doctor_ssh *d, struct err *e) NODISCARD;

#endif
