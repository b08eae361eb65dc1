/* SPDX-License-Identifier: Apache-2.0 */
/* Between the files of a machine (machine.h). */
#ifndef RUN_MACHINE_INTERNAL_H
#define RUN_MACHINE_INTERNAL_H

#include "run/machine.h"

/* ---- machine.c ---- */

/* The guest has been silent for LIMIT_QUIET_MS: ERR_HOST when a disk of its drives is full. */
int machine_check_quiet(void *machine, struct err *e) NODISCARD;

/* ---- machine_events.c ---- */

/* Of a struct machine: messages of the guest become events. */
extern const struct vm_observer machine_observer;

const struct origin *machine_origin(const struct machine *m, size_t step);
const char *machine_action_name(const struct machine *m, size_t step);
/*
 * What the guest says about a failure, safe to show and at most this long, and the key of the configuration that
 * allows more: the guest does not know it. `step` may be MESSAGE_NO_STEP. The caller frees it.
 */
char *machine_failure(const struct machine *m, enum step_outcome outcome, uint32_t step,
	const char *text, size_t max);

void machine_report_start(struct machine *m, const struct vm *vm);
void machine_report_egress(struct machine *m); /* before the machine can ask for anything */
void machine_report_end(struct machine *m);
void machine_report_death(struct machine *m, const struct err *e);
void machine_describe_vm(struct machine *m); /* for vms[] of result.json */
void machine_check_clock(struct machine *m); /* an event when guest and host measured differently */

/* The guest is gone: show the rest of the console that the mask held back. */
void machine_end_console(struct machine *m);
void machine_note_console_error(struct machine *m);

/* ---- machine_network.c ---- */

bool machine_has_network(const struct machine *m);
bool machine_has_agent(const struct machine *m);

/* Start proxy and agent; see `listening` of struct vm_observer. */
int machine_listen(void *machine, int listen_fd, int agent_listen_fd, struct err *e) NODISCARD;

/* Stop them. Returns `result`, or -1 with *e when the machine succeeded and one of them died. */
int machine_end_network(struct machine *m, int result, struct err *e) NODISCARD;

/* ---- machine_claim.c ---- */

/* Set verdict, reason and message from the end message. */
void machine_take_claim(struct machine *m);

#endif
