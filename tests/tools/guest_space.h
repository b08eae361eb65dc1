/* SPDX-License-Identifier: Apache-2.0 */
/* Namespaces in which an executor finds what it would find in a virtual machine, without one. */
#ifndef GUEST_SPACE_H
#define GUEST_SPACE_H

#include <sys/types.h>

#include "base/err.h"
#include "fake_machine.h"
#include "guest_net.h"

struct guest_space {
	int log_fd, ctl_fd, console_fd; /* all owned */
	int executor_fd;                /* what the initramfs holds under the executor's name */
	struct fake_drive drives[DRIVES_MAX];
	size_t drive_count;
	bool valgrind;                    /* run the executor under it */
	bool network;                     /* make a socket for guest_net.h */
	int listeners[GUEST_NET_SOCKETS]; /* filled by guest_space_start; owned, -1: none */
};

#define GUEST_SPACE_NONE                                                                           \
	{                                                                                          \
		.log_fd = -1, .ctl_fd = -1, .console_fd = -1, .executor_fd = -1, .listeners = {    \
			-1,                                                                        \
			-1                                                                         \
		}                                                                                  \
	}

void guest_space_release(struct guest_space *s);

/* Find the executor in an initramfs: cpio archives one behind the other, the last one wins. */
int guest_space_executor(const char *initrd, struct guest_space *s, struct err *e) NODISCARD;

/*
 * Start it as process 1 of new namespaces (user, mount, pid, network, ipc, uts), as user 0 of the
 * new user namespace, in a root in memory that has /usr of the host read-only, /ci, /tmp, /root,
 * /dev and /proc of its own. With `network`, s->listeners listen on GUEST_PROXY_ADDRESS in there.
 * The caller reaps *ret_pid.
 */
int guest_space_start(struct guest_space *s, pid_t *ret_pid, struct err *e) NODISCARD;

#endif
