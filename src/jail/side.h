/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A process in a jail that works beside a virtual machine and reports what it does: one datagram of
 * a fixed size for each report. It is asked to finish by the end of the socket, and then sends what
 * it still has, closes the socket and exits with 0.
 */
#ifndef JAIL_SIDE_H
#define JAIL_SIDE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"
#include "data/node.h"
#include "jail/jail.h"

struct side {
	pid_t pid;
	int pidfd;
	int reports;
};

#define SIDE_NONE ((struct side){.pid = -1, .pidfd = -1, .reports = -1})

/* Start what the jail describes; its end of the socket for reports is descriptor `reports_fd`. */
int side_start(struct jail *j, int reports_fd, struct side *ret, struct err *e) NODISCARD;

/* Gets one whole report, whose content is the process's claim. */
typedef void (*side_take)(void *arg, const void *report);

/* All that has been reported, without blocking. -1: the process has gone. */
int side_read(const struct side *s, size_t report_bytes, side_take take, void *arg);

/*
 * Let it finish, take its last reports, reap it; it is killed after limit_ms. True: it lasted until
 * now and ended as it should.
 */
bool side_stop(struct side *s, int64_t limit_ms, size_t report_bytes, side_take take, void *arg);

void side_kill(struct side *s); /* kill and reap; SIDE_NONE is fine */
#define auto_side __attribute__((cleanup(side_kill)))

/* A text field of a report, of `size` bytes, made safe to show; "" is left out. */
void side_set_text(struct node *fields, const char *key, const char *text, size_t size);

#endif
