/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The virtual drives of one VM: raw files, each with a length that is a multiple of 512 bytes.
 *
 * Inputs that only this run needs are made in `tmpdir` without a name, so nothing is left behind,
 * however the run ends. Outputs have a name in the state directory, because they are kept by
 * rename.
 */
#ifndef MACHINE_DRIVES_H
#define MACHINE_DRIVES_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "machine/vm.h"

struct drives {
	struct vm_drive items[DRIVES_MAX]; /* the descriptors are owned */
	size_t count;
};

void drives_release(struct drives *d);
#define auto_drives __attribute__((cleanup(drives_release)))

struct config;
struct project;

/* How many bytes the drives have that a machine writes. */
struct drive_sizes {
	uint64_t scratch, artifacts, cache, deps;
};

/* What the project says, and where it says nothing the configuration. project may be NULL. */
struct drive_sizes drives_sizes(const struct config *config, const struct project *project);

/*
 * Can this process make the drives of a machine? ERR_HOST, reason ERR_REASON_LIMIT: a limit of the
 * process forbids it. ERR_INPUT: no file can be made in config->tmpdir.
 */
int drives_check_host(
	const struct config *config, const struct project *project, struct err *e) NODISCARD;

/* An input; takes the descriptor, which may be open for writing: the drive is not. */
int drives_add_fd(struct drives *d, const char *serial, int fd, struct err *e) NODISCARD;

/*
 * An input from a file that an earlier run left; announced as absent when path is NULL. ERR_HOST,
 * with the remedy, when it is no file or has a length that no archive has.
 */
int drives_add_stored(
	struct drives *d, const char *serial, const char *path, struct err *e) NODISCARD;

/* DRIVE_ROOT, the root file system of an image. Errors likewise. */
int drives_add_root(struct drives *d, const char *path, struct err *e) NODISCARD;

/* DRIVE_EXEC: an archive with the executor, the plan as JSON, and in trusted VMs tools. */
struct drives_exec {
	const char *executor; /* a path */
	const char *plan;
	size_t plan_len;
	/* Paths, or NULL; both only where there is a net_tool. */
	const char *net_tool, *certificates;
};
int drives_add_exec(struct drives *d, const struct drives_exec *x, struct err *e) NODISCARD;

/* Make an empty file `bytes` long, sparse, with an empty ext4 in it. */
int drives_format_scratch(int fd, uint64_t bytes, struct err *e) NODISCARD;

/*
 * Copy the first `bytes` of a file to an empty one of at least that length. Holes stay holes: a
 * disk of 20 GiB is mostly one.
 */
int drives_copy(int from, int to, uint64_t bytes, struct err *e) NODISCARD;

/* DRIVE_SCRATCH of a machine that keeps nothing of it. */
int drives_add_scratch(
	struct drives *d, const char *tmpdir, uint64_t bytes, struct err *e) NODISCARD;

/* An output of `bytes` bytes, all zeros and sparse; takes the descriptor of an empty file. */
int drives_add_output(
	struct drives *d, const char *serial, int fd, uint64_t bytes, struct err *e) NODISCARD;

/* DRIVE_SCRATCH that is kept: the file as it is; takes the descriptor. */
int drives_add_disk(struct drives *d, int fd, struct err *e) NODISCARD;

/* By serial, or NULL. */
const struct vm_drive *drives_find(const struct drives *d, const char *serial);

#endif
