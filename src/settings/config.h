/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The operator's configuration: ~/.config/ambient/config.yaml, documented in docs/format-config.md.
 * Read once, checked whole, then only looked at.
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
#include "settings/credentials.h"

enum config_accelerator { CONFIG_ACCEL_AUTO, CONFIG_ACCEL_KVM, CONFIG_ACCEL_TCG };
/* The default of trusted_image. */
#define CONFIG_TRUSTED_IMAGE "trusted"

enum config_machine { CONFIG_MACHINE_AUTO, CONFIG_MACHINE_MICROVM, CONFIG_MACHINE_Q35 };

/* What options of the command line say in place of the file. NULL or 0: nothing. */
struct config_options {
	const char *rsync_target; /* for every project, whatever rsync_target_map says */
	const char *dput_target;
	uint64_t cpus;
	uint64_t memory;
};

/* Paths are absolute, sizes in bytes, times in milliseconds. A pointer is NULL where nothing is
 * set. */
struct config {
	char *file;                    /* what was read, NULL when there was no file */
	struct config_options options; /* that stand in place of what it says */
	struct strv warnings;          /* for standard error, one line each */
	struct node *effective; /* every key, defaults filled in: what `ambient config` prints */

	char *tmpdir;
	char *image_store;
	char *projects;
	char *state;
	mode_t state_mode; /* of directories below it; files have the same without the x bits */
	char *executor;    /* a path, or a name without a slash for PATH; NULL: the default one */

	char *trusted_image;   /* of pre- and post-plans: a name in the image store, or a path */
	char *ca_certificates; /* a PEM file, for trusted VMs beside those of the image; NULL: none
				*/

	char *rsync_target;
	char *rsync_target_base;
	/* Project to target, in `effective`; NULL: not set, or an option has the target. */
	const struct node *rsync_target_map;
	char *dput_target;
	char *sftp_target;
	char *sftp_target_base;
	struct credentials credentials; /* `secrets` and `ssh` */

	uint64_t artifacts_max;
	uint64_t cache_max;
	uint64_t deps_max;
	uint64_t log_max;
	uint64_t console_max;
	uint64_t scratch_bytes;
	int64_t timeout_ms;
	int64_t action_timeout_ms;
	int64_t boot_timeout_ms;

	/* What retention.h keeps of a project's runs; 0 days or bytes: any. */
	uint64_t keep_runs;
	uint64_t keep_days;
	uint64_t keep_bytes;
	uint64_t keep_scopes;

	uint64_t cpus;
	uint64_t memory;
	char *qemu_program; /* likewise */
	enum config_accelerator accelerator;
	bool require_kvm;
	enum config_machine machine;

	struct strv egress_allow; /* both as given, and right: egress_add_config takes them */
	struct strv egress_allow_private;

	bool uefi;
	bool lint;
	char *vm_user; /* a user name or a decimal uid; NULL: the default of the jail */
};

/*
 * Load `path`, or the default file when path is NULL, with these options (NULL: none), whose texts
 * outlive the configuration. No default file is fine, no `path` is an error. On failure *ret_config
 * is untouched.
 */
int config_load(const char *path, const struct config_options *options, struct config *ret_config,
	struct err *e) NODISCARD;
void config_release(struct config *c);
#define auto_config __attribute__((cleanup(config_release)))

char *config_default_path(void); /* the caller frees */

/* The rows, for help and documentation. */
extern const struct param config_params[];
extern const struct param config_qemu_params[];
extern const struct param config_egress_params[];

#endif
