/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One VM of a run: a plan, its drives, and what the guest says about it, turned into events and a
 * verdict. run.c makes up to three of them; `ambient qemu` makes one.
 */
#ifndef RUN_MACHINE_H
#define RUN_MACHINE_H

#include <stdbool.h>
#include <stdint.h>

#include "agent/sshagent.h"
#include "contract/event.h"
#include "contract/plan.h"
#include "egress/egress.h"
#include "egress/proxy.h"
#include "machine/accel.h"
#include "machine/console.h"
#include "machine/drives.h"
#include "machine/vm.h"
#include "os/loop.h"
#include "run/run.h"
#include "run/verdict.h"
#include "secrets/mask.h"
#include "settings/image.h"

/* What all VMs of a run share: found and checked before anything is touched. */
struct machine_host {
	const struct config *config;
	struct image image;
	char *qemu;
	char *executor;
	char *net_tool; /* NULL: the VM is the plan's, which is not trusted */
	struct accel accel;
	unsigned cpus;
	uint64_t memory;
	uid_t uid;
	gid_t gid;
};

/*
 * Has this host, with its swap, the memory that each machine is to be given? ERR_INPUT, naming the
 * key or the option: no machine could start. project may be NULL.
 */
int machine_check_memory(
	const struct config *config, const struct project *project, struct err *e) NODISCARD;

/* project may be NULL. machine_check_memory, and other ERR_INPUT, ERR_HOST. */
int machine_host_prepare(const struct config *config, const struct project *project,
	const char *image, const char *image_path, const char *executor,
	struct machine_host *ret_host, struct err *e) NODISCARD;
/* The same for pre-plan and post-plan: config->trusted_image, and the program for networks. */
int machine_host_prepare_trusted(const struct config *config, const struct project *project,
	const char *executor, struct machine_host *ret_host, struct err *e) NODISCARD;
void machine_host_release(struct machine_host *h);

struct machine {
	struct machine_host
		*host; /* machine_run changes `accel` when it finds that KVM does not work */
	const struct plan *plan;
	const struct drives *drives; /* all but exec, root and scratch, which machine_run adds */
	const struct egress *egress; /* NULL or empty: no network */
	const struct sshagent_rules *agent_rules; /* NULL or without logins: no ssh agent */
	const struct event_sink *sink;
	struct loop *loop; /* of those beside the machine: the terminal, for one */
	/* Where the guest's console goes, within config->console_max (console.h); -1: nowhere. */
	int console_fd;
	const struct mask *mask; /* of secrets that its machine may say; NULL: none */

	/* filled by machine_run */
	enum verdict verdict;
	char reason[ERR_REASON_MAX];
	char message[ERR_MSG_MAX];
	struct vm_result vm_result;
	struct node *actions;      /* of the user's list, for result.json */
	struct node *failed;       /* failed_action of result.json; NULL: none */
	const char *failed_reason; /* of the step that `failed` is about; NULL: none */
	struct node *vm;           /* for vms[] of result.json */
	struct proxy proxy;
	struct sshagent agent;
	struct loop_source proxy_source, agent_source;
	struct console console;
	const struct vm *running; /* while its machine runs */
	struct err disk_error;    /* the disk of the host is full that a drive of it is on */
	struct err console_error; /* out: why the console could not be written to its end */
	struct mask_stream *console_mask;
	unsigned notes; /* of the guest, so far */
	struct {
		size_t step; /* the first step of the running action */
		uint64_t wall_ns, cpu_ns, peak_bytes;
		bool running;
	} action;
};

void machine_init(struct machine *m);
void machine_release(struct machine *m);
#define auto_machine __attribute__((cleanup(machine_release)))

/*
 * Run the VM to its end. 0: the guest kept the contract; verdict, reason and message say what came
 * of it (passed, failed, timeout, ...). -1: it did not, or the host failed.
 */
int machine_run(struct machine *m, struct err *e) NODISCARD;

/* Does the guest say that it packed an output on this drive? */
bool machine_was_packed(const struct machine *m, const char *serial);

/*
 * The output that the guest claims to have packed on this drive, checked against the drive: length
 * a multiple of 512, at least 1024, not longer than the drive. ERR_GUEST, reason guest_output.
 */
int machine_output(const struct machine *m, const char *serial, struct message_output *ret_output,
	struct err *e) NODISCARD;

#endif
