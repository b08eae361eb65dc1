/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The scratch disk of a machine booted by the host. It contains all data that a job writes. It is
 * the upper layer of the root. Some directories of the root are directories of the disk itself,
 * without the overlay: files of a build then need no second lookup, and features that overlayfs
 * lacks work (O_TMPFILE, swap files, another overlay on top).
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
 * Mount directories of the disk at GUEST_CI, GUEST_HOME, GUEST_TMP and /var/tmp below `root`, with
 * the contents of the image. On a disk of an earlier run (--persist) they keep their contents,
 * except GUEST_CI, which is empty.
 */
int scratch_bind(const char *root, struct err *e) NODISCARD;

#endif
