/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The virtual drives of one VM: raw files whose lengths are multiples of 512 bytes.
 *
 * Inputs that only this run needs are created in `tmpdir` without a name, so nothing is left
 * however the run ends. Outputs have a name in the state directory, because they are kept by a
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

/* Sizes in bytes of the drives that a machine writes. */
struct drive_sizes {
	uint64_t scratch, artifacts, cache, deps, mirror;
};

/* The sizes from the project, else from the configuration. project may be NULL. */
struct drive_sizes drives_sizes(const struct config *config, const struct project *project);

/*
 * Check that this process can create the drives of a machine. ERR_HOST, reason ERR_REASON_LIMIT: a
 * resource limit of the process is too low. ERR_INPUT: no file can be created in config->tmpdir.
 */
int drives_check_host(
	const struct config *config, const struct project *project, struct err *e) NODISCARD;

/* Add an input. Takes ownership of fd, which may be open for writing; the drive is read-only. */
int drives_add_fd(struct drives *d, const char *serial, int fd, struct err *e) NODISCARD;

/*
 * Add an input from a file of an earlier run; announced as absent when path is NULL. ERR_HOST, with
 * the remedy, if it is not a regular file or its length is not valid for an archive.
 */
int drives_add_stored(
	struct drives *d, const char *serial, const char *path, struct err *e) NODISCARD;

/* Add a file system of an image: DRIVE_ROOT or DRIVE_MODULES. Errors as of drives_add_stored. */
int drives_add_image(
	struct drives *d, const char *serial, const char *path, struct err *e) NODISCARD;

/* DRIVE_EXEC: an archive with the executor, the plan as JSON, and the tools, if any. */
struct drives_exec {
	const char *executor; /* a path */
	const char *name;     /* of the executor in the archive */
	const char *plan;
	size_t plan_len;
	const char *net_tool;            /* a path, or NULL */
	const struct strv *certificates; /* paths of files that become one; NULL: none */
};
int drives_add_exec(struct drives *d, const struct drives_exec *x, struct err *e) NODISCARD;

/* Make an empty file `bytes` bytes long, sparse, with an empty ext4 file system. */
int drives_format_scratch(int fd, uint64_t bytes, struct err *e) NODISCARD;

/*
 * Copy the first `bytes` bytes of a file to an empty one of at least that length. Holes stay holes:
 * a disk of 20 GiB is mostly a hole.
 */
int drives_copy(int from, int to, uint64_t bytes, struct err *e) NODISCARD;

/* Add DRIVE_SCRATCH of a machine whose disk is discarded. */
int drives_add_scratch(
	struct drives *d, const char *tmpdir, uint64_t bytes, struct err *e) NODISCARD;

/* Add an output of `bytes` bytes, all zeros and sparse. Takes ownership of fd, an empty file. */
int drives_add_output(
	struct drives *d, const char *serial, int fd, uint64_t bytes, struct err *e) NODISCARD;

/* Add DRIVE_SCRATCH of a machine whose disk is kept: the file as it is. Takes ownership of fd. */
int drives_add_disk(struct drives *d, int fd, struct err *e) NODISCARD;

/* Find a drive by serial. NULL: none. */
const struct vm_drive *drives_find(const struct drives *d, const char *serial);

#endif
