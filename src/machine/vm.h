/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The life of one virtual machine, from nothing to a reaped QEMU.
 *
 * vm_run starts QEMU in its jail, waits for `hello`, answers `go`, passes what the guest reports to
 * an observer, and returns when QEMU is gone: drives may be read only then, because the guest can
 * write until its last moment. The guest's `end` is taken as what it is, a claim.
 *
 *     starting --hello--> running --end--> ended --> reaped
 *        |                   |
 *        +--- limit, signal, broken contract, death of QEMU: killed --> reaped, error
 *
 * When the guest said `end` it is acknowledged. A machine whose disk is thrown away is then killed
 * at once, which leaves the guest no time to write more (docs/decisions/0004-end-of-a-machine.md);
 * one whose disk is kept (`orderly`) gets LIMIT_ACK_MS to power off by itself.
 */
#ifndef MACHINE_VM_H
#define MACHINE_VM_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"
#include "base/strv.h"
#include "contract/message.h"
#include "machine/qemu.h"
#include "os/loop.h"
#include "settings/image.h"

/* One of DRIVE_ABSENT_BYTES has no descriptor: QEMU gets no such drive, and the guest is told so.
 */
struct vm_drive {
	const char *serial;
	int fd; /* borrowed; opened for writing exactly when writable */
	uint64_t bytes;
	bool writable;
};

/* All may be NULL. Data is valid during the call only. */
struct vm_observer {
	void (*hello)(void *arg, const struct message_hello *m, int64_t boot_ms);
	void (*step_start)(void *arg, uint32_t step);
	void (*output)(void *arg, uint32_t step, bool is_stderr, const char *data, size_t len);
	void (*step_end)(void *arg, const struct message_step_end *m);
	void (*note)(void *arg, const struct message_note *m);
	void (*console)(void *arg, const char *data, size_t len);
	/*
	 * Of a machine with a network: the descriptors, borrowed, of the sockets to which QEMU
	 * connects what the guest sends to NET_PROXY_ADDRESS, PROXY_PORT and AGENT_PORT (-1: no
	 * agent). -1 ends the machine with that error.
	 */
	int (*listening)(void *arg, int listen_fd, int agent_listen_fd, struct err *e);
	/* The guest has said nothing for LIMIT_QUIET_MS. -1 ends the machine with that error. */
	int (*quiet)(void *arg, struct err *e);
};

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
	struct vm_drive drives[DRIVES_MAX]; /* the image's root drive included: see vm_argv */
	size_t drive_count;
	uint32_t step_count;     /* steps of the plan: what the guest may speak of */
	int64_t boot_timeout_ms; /* until hello */
	/*
	 * From go until the outputs are packed, which begins with step `first_output`: a guest that
	 * is not that far LIMIT_STOP_MS after the limit is killed. Packing has LIMIT_EPILOG_MS.
	 */
	int64_t run_limit_ms;
	uint32_t first_output; /* step_count when there is none */
	bool orderly;
	bool network;      /* see struct qemu */
	bool agent;        /* with a network: there is something at AGENT_PORT, too */
	struct loop *loop; /* of those beside it: it takes turns while the machine lives */
	const struct vm_observer *observer;
	void *arg;
};

struct vm_result {
	bool said_hello;
	bool ended; /* `end` came, once, and is well-formed */
	struct message_end end;
	int64_t boot_ms;
	int64_t duration_ms; /* from start to reaped */
	int64_t run_ms;      /* from go to end, by the host's clock */
	bool stopped;        /* the guest was told to stop because of a signal */
};

/* QEMU's argument list for this machine, as vm_run will use it. */
void vm_argv(const struct vm *vm, struct strv *ret_argv);

/*
 * Reasons when the machine hung, or reset or switched itself off, before its hello: nothing has run in it, and it may be
 * started again.
 */
#define ERR_REASON_STANDSTILL "guest_standstill"
#define ERR_REASON_RESET "guest_reset"

/*
 * Run it. 0: the guest ended by the contract, *ret says with what claim. -1: it did not, with a
 * reason of docs/errors.md (guest_*, host_*, interrupted); *ret is filled as far as it came.
 */
int vm_run(const struct vm *vm, struct vm_result *ret, struct err *e) NODISCARD;

#endif
