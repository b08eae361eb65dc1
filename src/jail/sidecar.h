/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A jailed process that runs beside a virtual machine and reports its activity: one datagram of a
 * fixed size for each report. The parent closes the socket to ask the process to finish. The
 * process then sends its remaining reports, closes the socket and exits with 0.
 */
#ifndef JAIL_SIDECAR_H
#define JAIL_SIDECAR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"
#include "data/node.h"
#include "jail/jail.h"

struct sidecar {
	pid_t pid;
	int pidfd;
	int reports;
};

#define SIDECAR_NONE ((struct sidecar){.pid = -1, .pidfd = -1, .reports = -1})

/*
 * Start the process described by the jail. Its end of the socket for reports is descriptor
 * `reports_fd`.
 */
int sidecar_start(struct jail *j, int reports_fd, struct sidecar *ret, struct err *e) NODISCARD;

/* Receives one complete report. Its contents are a claim of the process, not verified. */
typedef void (*sidecar_take)(void *arg, const void *report);

/* Receive all pending reports, without blocking. -1: the process has ended. */
int sidecar_read(const struct sidecar *s, size_t report_bytes, sidecar_take take, void *arg);

/*
 * Ask the process to finish, receive its last reports, and reap it. It is killed after limit_ms.
 * True: it ran until this call and ended as it should.
 */
bool sidecar_stop(
	struct sidecar *s, int64_t limit_ms, size_t report_bytes, sidecar_take take, void *arg);

void sidecar_kill(struct sidecar *s); /* kill and reap; SIDECAR_NONE is ignored */
#define auto_sidecar __attribute__((cleanup(sidecar_kill)))

/* Add a text field of a report, of `size` bytes, made safe to show. "" is not added. */
void sidecar_set_text(struct node *fields, const char *key, const char *text, size_t size);

#endif
