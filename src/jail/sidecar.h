/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A process in a jail that works beside a virtual machine and reports what it does: one datagram of
 * a fixed size for each report. It is asked to finish by the end of the socket, and then sends what
 * it still has, closes the socket and exits with 0.
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

/* Start what the jail describes; its end of the socket for reports is descriptor `reports_fd`. */
int sidecar_start(struct jail *j, int reports_fd, struct sidecar *ret, struct err *e) NODISCARD;

/* Gets one whole report, whose content is the process's claim. */
typedef void (*sidecar_take)(void *arg, const void *report);

/* All that has been reported, without blocking. -1: the process has gone. */
int sidecar_read(const struct sidecar *s, size_t report_bytes, sidecar_take take, void *arg);

/*
 * Let it finish, take its last reports, reap it; it is killed after limit_ms. True: it lasted until
 * now and ended as it should.
 */
bool sidecar_stop(
	struct sidecar *s, int64_t limit_ms, size_t report_bytes, sidecar_take take, void *arg);

void sidecar_kill(struct sidecar *s); /* kill and reap; SIDECAR_NONE is fine */
#define auto_sidecar __attribute__((cleanup(sidecar_kill)))

/* A text field of a report, of `size` bytes, made safe to show; "" is left out. */
void sidecar_set_text(struct node *fields, const char *key, const char *text, size_t size);

#endif
