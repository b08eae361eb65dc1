/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where the executor runs: the few things that differ between a machine that it boots itself, one
 * that was booted by the image's own init, and a test's namespace on a host. Everything else is the
 * same, and the story in main.c does not know which it is.
 */
#ifndef EXECUTOR_MACHINE_MACHINE_H
#define EXECUTOR_MACHINE_MACHINE_H

#include <stdbool.h>

#include "base/err.h"
#include "contract/message.h"

/* A drive of `go` and where it was found: a device name ("vda"), or on a host a descriptor. */
struct drive {
	struct message_drive want;
	char device[32];
	int fd; /* -1, or not owned */
};

struct machine {
	/* As init: file systems, modules, consoles; until the ports can be looked for. */
	int (*start)(struct machine *m, struct err *e);
	int (*open_ports)(struct machine *m, int *ret_log, int *ret_ctl, struct err *e);
	/* Everything between `go` and the first step: clock, drives, root, directories. */
	int (*prepare)(struct machine *m, const struct message_go *go, struct err *e);
	/* Never of one that is announced as absent. */
	int (*open_drive)(
		const struct machine *m, const struct drive *d, int *ret_fd, struct err *e);
	/* The end. Returns only where the process is just to exit. */
	void (*shut_down)(struct machine *m);

	struct drive drives[DRIVES_MAX];
	uint32_t drive_count;
	int log_fd, ctl_fd; /* on a host: given, not owned */
	bool forward;       /* programs need a forwarder to the proxy (forward.h) */
	/* Where the host's proxy is, and its ssh agent would be; NULL: there is no network. */
	const char *host_address;
};

extern const struct machine machine_boot;    /* boot.c: init of a machine that the host booted */
extern const struct machine machine_unit;    /* unit.c: started by the init of an image */
extern const struct machine machine_on_host; /* onhost.c: in a test's namespaces */

/* The drive with this serial, or NULL. */
const struct drive *machine_drive(const struct machine *m, const char *serial);

/* ---- what boot and unit share: guest.c, ports.c, blockdev.c ---- */

int ports_open(struct machine *m, int *ret_log, int *ret_ctl, struct err *e) NODISCARD;

/* Find every drive of `go` by its serial; ERR_HOST when one is missing, or not as announced. */
int blockdev_find(struct machine *m, const struct message_go *go, struct err *e) NODISCARD;
int blockdev_open(
	const struct machine *m, const struct drive *d, int *ret_fd, struct err *e) NODISCARD;

/* Random bytes and the time from the host, before any other process runs. */
int guest_seed(const struct message_go *go, struct err *e) NODISCARD;
/* Add the name of this machine to the file, /etc/hosts, unless it is there. */
int guest_add_host(const char *path, const char *name, struct err *e) NODISCARD;
/* Give the machine an id, unless the file, /etc/machine-id, has one. */
int guest_identify(const char *path, struct err *e) NODISCARD;
/* Host name and id, loopback, the executor out of the way of the out-of-memory killer. */
int guest_name(struct err *e) NODISCARD;
/* The directories of GUEST_CI; GUEST_SECRETS only if there is such a drive. */
int guest_make_dirs(const struct machine *m, struct err *e) NODISCARD;
int guest_mount(const char *what, const char *where, const char *type, unsigned long flags,
	const char *data, struct err *e) NODISCARD;
NORETURN void guest_power_off(void);

/* network.c: give the network device its address. ERR_HOST, with what the image lacks. */
int network_up(struct err *e) NODISCARD;

#endif
