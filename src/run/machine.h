/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One machine of a run: its plan, its drives, and the messages of its guest, which become events and
 * a verdict. A run has up to three machines, `ambient qemu` has one.
 *
 *	machine_host.c     what all machines of a run share
 *	machine.c          its drives, its starts, and who is at fault when it dies
 *	machine_events.c   messages of the guest, as events
 *	machine_network.c  proxy and ssh agent of a trusted machine
 *	machine_claim.c    the end: verdict, reason, outputs
 */
#ifndef RUN_MACHINE_H
#define RUN_MACHINE_H

#include <stdbool.h>
#include <stdint.h>

#include "agent/sshagent.h"
#include "contract/event.h"
#include "contract/plan.h"
#include "contract/steplog.h"
#include "egress/egress.h"
#include "egress/proxy.h"
#include "machine/console.h"
#include "machine/drives.h"
#include "machine/vm.h"
#include "os/loop.h"
#include "run/machine_host.h"
#include "run/verdict.h"
#include "secrets/mask.h"

struct machine {
	struct machine_host *host; /* machine_run changes `accel` if KVM does not work */
	const struct plan *plan;
	const struct drives *drives; /* all but exec, root and scratch, which machine_run adds */
	const struct egress *egress; /* NULL or empty: no network */
	const struct sshagent_rules *agent_rules; /* NULL or without logins: no ssh agent */
	const struct event_sink *sink;
	struct loop *loop; /* of those beside the machine: the terminal, for one */
	/* The file of the guest's console, at most config->console_max bytes (console.h); -1: none */
	int console_fd;
	const struct mask *mask; /* of secrets that the machine is given; NULL: none */

	/* filled by machine_run */
	enum verdict verdict;
	char reason[ERR_REASON_MAX];
	char message[ERR_MSG_MAX];
	struct vm_result vm_result;
	struct node *actions;      /* of the user's list, for result.json */
	struct node *failed;       /* failed_action of result.json; NULL: none */
	const char *failed_reason; /* reason of the step in `failed`; NULL: none */
	struct node *vm;           /* for vms[] of result.json */
	struct proxy proxy;
	struct sshagent agent;
	struct loop_source proxy_source, agent_source;
	struct console console;
	const struct vm *running; /* while it runs */
	struct err disk_error;    /* a disk of the host that has one of its drives was full */
	struct err console_error; /* why the console file is incomplete */
	struct mask_stream *console_mask;
	unsigned notes; /* of the guest so far */
	struct steplog steps;
};

void machine_init(struct machine *m);
void machine_release(struct machine *m);
#define auto_machine __attribute__((cleanup(machine_release)))

/*
 * Run the machine to its end. 0: the guest kept the contract; verdict, reason and message are set
 * (passed, failed, timeout, ...). -1: the guest broke the contract, or the host failed.
 */
int machine_run(struct machine *m, struct err *e) NODISCARD;

/* True when the guest claims to have packed an output on this drive. */
bool machine_was_packed(const struct machine *m, const char *serial);

/*
 * The output that the guest claims to have packed on this drive, checked against the drive: length
 * a multiple of 512, at least 1024, not longer than the drive. ERR_GUEST, reason guest_output.
 */
int machine_output(const struct machine *m, const char *serial, struct message_output *ret_output,
	struct err *e) NODISCARD;

#endif
