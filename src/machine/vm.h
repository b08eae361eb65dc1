/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The life of one virtual machine, from the start of QEMU until it is reaped.
 *
 * vm_run starts QEMU in its jail, waits for `hello`, answers `go`, passes the guest's reports to an
 * observer, and returns after QEMU has ended. The drives may be read only then, because the guest
 * can write until QEMU ends. The guest's `end` is a claim and is returned as such.
 *
 *     starting --hello--> running --end--> ended --> reaped
 *        |                   |
 *        +--- limit, signal, broken contract, death of QEMU: killed --> reaped, error
 *
 * The host acknowledges `end`. A machine whose disk is discarded is then killed at once, so that
 * the guest has no time to write more (docs/decisions/0004-end-of-a-machine.md). A machine whose
 * disk is kept (`orderly`) gets LIMIT_ACK_MS to power off.
 */
#ifndef MACHINE_VM_H
#define MACHINE_VM_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"
#include "base/strv.h"
#include "contract/message.h"
#include "machine/limits.h"
#include "machine/qemu.h"
#include "os/loop.h"
#include "settings/image.h"

/*
 * A drive of DRIVE_ABSENT_BYTES has no descriptor: QEMU gets no such drive, and the guest is told
 * that it is absent.
 */
struct vm_drive {
	const char *serial;
	int fd; /* borrowed; opened for writing if and only if writable */
	uint64_t bytes;
	bool writable;
};

/* All members may be NULL. Data is valid during the call only. */
struct vm_observer {
	void (*hello)(void *arg, const struct message_hello *m, int64_t boot_ms);
	void (*step_start)(void *arg, uint32_t step);
	void (*output)(void *arg, uint32_t step, bool is_stderr, const char *data, size_t len);
	void (*step_end)(void *arg, const struct message_step_end *m);
	void (*note)(void *arg, const struct message_note *m);
	void (*console)(void *arg, const char *data, size_t len);
	/*
	 * For a machine with a network: the descriptors, borrowed, of the sockets to which QEMU
	 * connects what the guest sends to NET_PROXY_ADDRESS, PROXY_PORT and AGENT_PORT (-1: no
	 * agent). -1 ends the machine with that error.
	 */
	int (*listening)(void *arg, int listen_fd, int agent_listen_fd, struct err *e);
	/* The guest has sent nothing for LIMIT_QUIET_MS. -1 ends the machine with that error. */
	int (*quiet)(void *arg, struct err *e);
};

struct bootdisk; /* machine/bootdisk.h */

struct vm {
	const struct image *image;
	const char *qemu_program; /* absolute path */
	const char *executor;     /* path of ambient-execute-plan */
	enum qemu_machine machine;
	enum qemu_accelerator accelerator;
	unsigned cpus;
	uint64_t memory;  /* bytes */
	uint64_t tsc_khz; /* the rate of the host's counter; 0: not known */
	uid_t uid;        /* identity of QEMU when the caller is root */
	gid_t gid;
	/* the disk that the image boots from; NULL: it does not boot from a disk */
	const struct bootdisk *disk;
	bool uefi; /* with a disk: boot it by UEFI */
	/* including the image's root drive: see vm_argv */
	struct vm_drive drives[DRIVES_MAX];
	size_t drive_count;
	/* number of steps in the plan; the guest may report only about these */
	uint32_t step_count;
	int64_t boot_timeout_ms; /* until hello */
	/*
	 * The time limit from `go` until the guest packs its outputs, which begins with step
	 * `first_output`. A guest that has not reached this step LIMIT_STOP_MS after the limit is
	 * killed. Packing has LIMIT_EPILOG_MS.
	 */
	int64_t run_limit_ms;
	uint32_t first_output; /* step_count if there is no output */
	bool orderly;
	bool network; /* see struct qemu */
	bool agent;   /* with a network: AGENT_PORT is served, too */
	/* the loop of the processes beside the machine; it runs while the machine lives */
	struct loop *loop;
	const struct vm_observer *observer;
	void *arg;
};

struct vm_result {
	bool said_hello;
	bool ended; /* a well-formed `end` was received, once */
	struct message_end end;
	int64_t boot_ms;
	int64_t duration_ms; /* from the start until QEMU is reaped */
	int64_t run_ms;      /* from go to end, by the host's clock */
	bool stopped;        /* the guest was told to stop, because of a signal */
};

/* QEMU's argument list for this machine, as used by vm_run. */
void vm_argv(const struct vm *vm, struct strv *ret_argv);

/*
 * The system of a disk switched the machine off, or reset it, before the executor said hello.
 */
#define ERR_REASON_NO_EXECUTOR "guest_no_executor"

/*
 * Reasons for a machine that hung, or reset or switched itself off, before its hello. No code of
 * the plan has run in it, so it may be started again.
 */
#define ERR_REASON_STANDSTILL "guest_standstill"
#define ERR_REASON_RESET "guest_reset"

/*
 * Run the machine. 0: the guest ended by the contract, and *ret contains its claim. -1: it did not;
 * the reason is one from docs/errors.md (guest_*, host_*, interrupted), and *ret is filled as far
 * as the machine came.
 */
int vm_run(const struct vm *vm, struct vm_result *ret, struct err *e) NODISCARD;

#endif
