/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The check of `ambient doctor` for registries (settings/registries.h): those of the configuration and
 * of the host's own clients are asked for one small thing each, as a run would ask them: by a trusted
 * VM, through its proxy.
 */
#ifndef CLI_COMMANDS_DOCTOR_REGISTRIES_H
#define CLI_COMMANDS_DOCTOR_REGISTRIES_H

#include <stdbool.h>

#include "base/err.h"
#include "run/run.h"

struct doctor_registries {
	const struct run_context *context;
	bool offline; /* ask none */
	/* Called for each finding, which may have untrusted bytes. -1 with *e ends the check. */
	int (*well)(void *arg, const char *finding, struct err *e);
	int (*warn)(void *arg, const char *finding, struct err *e);
	int (*fault)(void *arg, const struct err *fault, struct err *e);
	void *arg;
};

/* Reports one finding for each registry. -1: interrupted, or ended by a callback. */
int doctor_registries(const struct doctor_registries *d, struct err *e) NODISCARD;

#endif
