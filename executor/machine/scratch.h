/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The scratch disk of a machine that the host booted: all that a job writes is on it. It is the
 * upper layer of the root, and some directories of the root are directories of the disk itself,
 * without the overlay: a build's files need no second look-up there, and what overlayfs cannot do
 * works (O_TMPFILE, swap files, another overlay on top).
 */
#ifndef EXECUTOR_MACHINE_SCRATCH_H
#define EXECUTOR_MACHINE_SCRATCH_H

#include "base/err.h"
#include "executor/machine/machine.h"

/* Mount the disk at SCRATCH, with the directories SCRATCH_UPPER and SCRATCH_WORK for overlayfs. */
#define SCRATCH "/scratch"
#define SCRATCH_UPPER SCRATCH "/upper"
#define SCRATCH_WORK SCRATCH "/work"
int scratch_mount(const struct machine *m, struct err *e) NODISCARD;

/*
 * Put directories of the disk in the place of GUEST_CI, GUEST_HOME, GUEST_TMP and /var/tmp below
 * `root`, with what the image has there. Of a disk that was kept they are as they were left, save
 * GUEST_CI, which is empty.
 */
int scratch_bind(const char *root, struct err *e) NODISCARD;

#endif
