/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The environment of the executor. This interface has the differences between a machine that the
 * executor boots itself, a machine booted by the image's own init, and the namespaces of a test on
 * a host. All other code, including main.c, is independent of them.
 */
#ifndef EXECUTOR_MACHINE_MACHINE_H
#define EXECUTOR_MACHINE_MACHINE_H

#include <stdbool.h>

#include "base/err.h"
#include "contract/message.h"

/* A drive of `go` and its location: a device name ("vda"), or a descriptor on a host. */
struct drive {
	struct message_drive want;
	char device[32];
	int fd; /* not owned; -1: none */
};

struct machine {
	/* The work of init before the ports can be opened: file systems, modules, consoles. */
	int (*start)(struct machine *m, struct err *e);
	int (*open_ports)(struct machine *m, int *ret_log, int *ret_ctl, struct err *e);
	/* All work between `go` and the first step: clock, drives, root, directories. */
	int (*prepare)(struct machine *m, const struct message_go *go, struct err *e);
	/* Not called for a drive announced as absent. */
	int (*open_drive)(
		const struct machine *m, const struct drive *d, int *ret_fd, struct err *e);
	/* Shut the machine down. Returns only if the process shall exit. */
	void (*shut_down)(struct machine *m);

	const char *source;  /* where actions run: GUEST_SRC */
	const char *scripts; /* for script.h: GUEST_ACTIONS */
	struct drive drives[DRIVES_MAX];
	uint32_t drive_count;
	int log_fd, ctl_fd; /* on a host: set by the caller, not owned */
	bool forward;       /* programs need a forwarder to the proxy (forward.h) */
	/* Address of the host's proxy and ssh agent; NULL: no network. */
	const char *host_address;
};

extern const struct machine machine_boot;    /* boot.c: init of a machine that the host booted */
extern const struct machine machine_unit;    /* unit.c: started by the init of an image */
extern const struct machine machine_on_host; /* onhost.c: in a test's namespaces */

/* Returns the drive with this serial, or NULL. */
const struct drive *machine_drive(const struct machine *m, const char *serial);

/* ---- shared by boot and unit: guest.c, ports.c, blockdev.c ---- */

/*
 * Has this machine the ports of a host? Without a device that makes ports, they cannot come; with one,
 * they are waited for as ports_open does.
 */
bool ports_are_there(void);
int ports_open(struct machine *m, int *ret_log, int *ret_ctl, struct err *e) NODISCARD;

/* Find every drive of `go` by its serial. ERR_HOST if one is missing or differs from `go`. */
int blockdev_find(struct machine *m, const struct message_go *go, struct err *e) NODISCARD;
int blockdev_open(
	const struct machine *m, const struct drive *d, int *ret_fd, struct err *e) NODISCARD;

/* Set random seed and clock from the host, before any other process runs. */
int guest_seed(const struct message_go *go, struct err *e) NODISCARD;
/* Add the name of this machine to the file, /etc/hosts, if it lacks the name. */
int guest_add_host(const char *path, const char *name, struct err *e) NODISCARD;
/* Give the machine an id, unless the file, /etc/machine-id, has one. */
int guest_identify(const char *path, struct err *e) NODISCARD;
/* Set host name and id, start loopback, and exempt the executor from the out-of-memory killer. */
int guest_name(struct err *e) NODISCARD;
/* Make GUEST_OLD a link to GUEST_CI, unless the image has something there. */
int guest_link_old(struct err *e) NODISCARD;
/*
 * Create the directories of GUEST_CI; GUEST_SECRETS only if there is a drive for it, those of the
 * artifacts only if there is one to write.
 */
int guest_make_dirs(const struct machine *m, struct err *e) NODISCARD;
int guest_mount(const char *what, const char *where, const char *type, unsigned long flags,
	const char *data, struct err *e) NODISCARD;
NORETURN void guest_power_off(void);

/* network.c: configure the network device. ERR_HOST, which names what the image lacks. */
int network_up(struct err *e) NODISCARD;

#endif
