/* SPDX-License-Identifier: Apache-2.0 */
/* What all machines of a run share. It is found and checked before anything is changed. */
#ifndef RUN_MACHINE_HOST_H
#define RUN_MACHINE_HOST_H

#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"
#include "machine/accel.h"
#include "settings/config.h"
#include "settings/image.h"
#include "settings/project.h"

struct machine_host {
	const struct config *config;
	struct image image;
	char *qemu;
	char *executor;
	char *net_tool; /* NULL: the machine is not trusted */
	/* of config: a file with authorities for a machine with a network; NULL: none */
	const struct strv *certificates;
	struct accel accel;
	unsigned cpus;
	uint64_t memory; /* bytes */
	uid_t uid;       /* of QEMU */
	gid_t gid;
};

/*
 * Check that this host, with its swap, has the memory of a machine. project may be NULL. ERR_INPUT
 * with the position of the key, or the option: no machine could start.
 */
int machine_check_memory(
	const struct config *config, const struct project *project, struct err *e) NODISCARD;

/*
 * Find and check image, executor, QEMU, its user and the accelerator. The image is in use (image_use)
 * until machine_host_release. project may be NULL. ERR_INPUT
 * or ERR_HOST; errors of machine_check_memory.
 */
int machine_host_prepare(const struct config *config, const struct project *project,
	const char *image, const char *image_path, const char *executor,
	struct machine_host *ret_host, struct err *e) NODISCARD;

/* The same for pre-plan and post-plan: config->trusted_image, and the program for networks. */
int machine_host_prepare_trusted(const struct config *config, const struct project *project,
	const char *executor, struct machine_host *ret_host, struct err *e) NODISCARD;

/*
 * The same for the machine that fetches: the project's image, or its `fetch_image`. It has a network,
 * and none of our programs for it.
 */
int machine_host_prepare_fetch(const struct config *config, const struct project *project,
	const char *executor, struct machine_host *ret_host, struct err *e) NODISCARD;

/* Does its image boot by UEFI: a disk for UEFI, or any disk with `uefi` of the configuration? */
bool machine_host_uefi(const struct machine_host *h);

void machine_host_release(struct machine_host *h);

#endif
