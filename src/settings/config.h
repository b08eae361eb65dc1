/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The operator's configuration: ~/.config/ambient/config.yaml and the files of --config, documented
 * in docs/format-config.md. It is read once, checked completely, and not changed afterwards.
 */
#ifndef SETTINGS_CONFIG_H
#define SETTINGS_CONFIG_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"
#include "base/strv.h"
#include "data/node.h"
#include "data/schema.h"
#include "settings/configfiles.h"
#include "settings/credentials.h"

enum config_accelerator { CONFIG_ACCEL_AUTO, CONFIG_ACCEL_KVM, CONFIG_ACCEL_TCG };
/* The default of trusted_image. */
#define CONFIG_TRUSTED_IMAGE "trusted"

enum config_machine { CONFIG_MACHINE_AUTO, CONFIG_MACHINE_MICROVM, CONFIG_MACHINE_Q35 };

/* Values of command line options, which override the file. NULL, 0 or false: not given. */
struct config_options {
	const char *rsync_target; /* for every project, even if it is in rsync_target_map */
	const char *dput_target;
	uint64_t cpus;
	uint64_t memory;
	bool uefi;
};

/*
 * Paths are absolute, sizes in bytes, times in milliseconds. A pointer is NULL if no value is set.
 */
struct config {
	struct strv files;             /* the files that were read, in order; nodes refer to them */
	struct config_options options; /* the options that override it */
	struct strv warnings;          /* for standard error, one line each */
	/* every key, with defaults filled in: the output of `ambient config` */
	struct node *effective;

	char *tmpdir;
	char *image_store;
	char *projects;
	char *state;
	/* of directories below `state`; files have the same without the x bits */
	mode_t state_mode;
	/* a path, or a name without a slash for PATH; NULL: the default executor */
	char *executor;

	char *trusted_image; /* for pre- and post-plans: a name in the image store, or a path */
	/* A PEM file, added to the certificates of the image in trusted VMs; NULL: none. */
	char *ca_certificates;
	/* files: ca_certificates, and those of registries */
	struct strv authorities;

	char *rsync_target;
	char *rsync_target_base;
	/* Project to target, in `effective`; NULL: not set, or an option gives the target. */
	const struct node *rsync_target_map;
	char *dput_target;
	char *sftp_target;
	char *sftp_target_base;
	struct credentials credentials; /* `secrets` and `ssh` */
	/* Filled by registries_resolve; NULL: not yet. */
	struct node *registries;

	uint64_t artifacts_max;
	uint64_t cache_max;
	uint64_t deps_max;
	uint64_t mirror_max;
	uint64_t fetch_max_sent;
	uint64_t log_max;
	uint64_t console_max;
	uint64_t scratch_bytes;
	int64_t timeout_ms;
	int64_t action_timeout_ms;
	int64_t boot_timeout_ms;

	/* How many runs of a project retention.h keeps; 0 days or bytes: no limit. */
	uint64_t keep_runs;
	uint64_t keep_days;
	uint64_t keep_bytes;
	uint64_t keep_scopes;
	uint64_t disk_budget; /* upkeep/budget.h; 0: none */

	uint64_t cpus;
	uint64_t memory;
	char *qemu_program; /* as `executor` */
	enum config_accelerator accelerator;
	bool require_kvm;
	enum config_machine machine;

	struct strv egress_allow; /* both as written, checked: arguments for egress_add_config */
	struct strv egress_allow_private;

	bool uefi;
	bool lint;
	char *vm_user; /* a user name or a decimal uid; NULL: the default of jail_vm_user */
};

/*
 * Load the files (configfiles.h; NULL: the default one alone). options (NULL: none) is copied, but its
 * strings must outlive the configuration. On failure *ret_config is not changed. Nodes of the
 * configuration know their files, so that functions which report one are given none.
 */
int config_load(const struct configfiles *files, const struct config_options *options,
	struct config *ret_config, struct err *e) NODISCARD;
void config_release(struct config *c);
#define auto_config __attribute__((cleanup(config_release)))

/* The tables of keys, for help and documentation. */
extern const struct param config_params[];
extern const struct param config_qemu_params[];
extern const struct param config_egress_params[];
extern const struct param config_registry_params[];

#endif
