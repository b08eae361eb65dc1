/* SPDX-License-Identifier: Apache-2.0 */
#include "settings/config.h"

#include <stddef.h>
#include <string.h>

#include "base/limits.h"
#include "contract/ecosystem.h"
#include "egress/egress.h"
#include "os/home.h"
#include "os/path.h"
#include "settings/dputcf.h"
#include "settings/limits.h"

#define EXECUTOR "ambient-execute-plan"
#define OWN_FIRMWARE "machines that need firmware have the one of the package ovmf"

static const char *const state_modes[] = {"0700", "0750", "0755", NULL};

static const char *const accelerators[] = {
	[CONFIG_ACCEL_AUTO] = "auto",
	[CONFIG_ACCEL_KVM] = "kvm",
	[CONFIG_ACCEL_TCG] = "tcg",
	NULL,
};

static const char *const machines[] = {
	[CONFIG_MACHINE_AUTO] = "auto",
	[CONFIG_MACHINE_MICROVM] = "microvm",
	[CONFIG_MACHINE_Q35] = "q35",
	NULL,
};

const struct param config_qemu_params[] = {
	{.name = "cpus",
		.type = PARAM_UINT,
		.offset = offsetof(struct config, cpus),
		.min = 1,
		.max = LIMIT_CPUS,
		.preset = "1",
		.help = "virtual processors of each VM"},
	{.name = "memory",
		.type = PARAM_SIZE,
		.offset = offsetof(struct config, memory),
		.min = LIMIT_MEMORY_LEAST,
		.max = LIMIT_MEMORY_MOST,
		.preset = "1GiB",
		.help = "memory of each VM"},
	{.name = "program",
		.type = PARAM_PATH,
		.offset = offsetof(struct config, qemu_program),
		.file_is = "the program of QEMU",
		.help = "the QEMU program, as a path or as a name that is searched in PATH; "
			"default: the one for the architecture of the image"},
	{.name = "accelerator",
		.type = PARAM_ENUM,
		.offset = offsetof(struct config, accelerator),
		.choices = accelerators,
		.preset = "auto",
		.help = "auto: KVM if it works on this host, otherwise emulation (tcg)"},
	{.name = "require_kvm",
		.type = PARAM_BOOL,
		.offset = offsetof(struct config, require_kvm),
		.preset = "false",
		.help = "reject runs if KVM cannot be used"},
	{.name = "machine",
		.type = PARAM_ENUM,
		.offset = offsetof(struct config, machine),
		.choices = machines,
		.preset = "auto",
		.help = "the machine type of QEMU; auto: depends on image and host"},
	{.name = "kvm_binary",
		.type = PARAM_PATH,
		.no_effect = "the program of QEMU is found by itself, `program` sets another one"},
	{.name = "ovmf_code_file", .type = PARAM_PATH, .no_effect = OWN_FIRMWARE},
	{.name = "ovmf_vars_file", .type = PARAM_PATH, .no_effect = OWN_FIRMWARE},
	{0},
};

const struct param config_egress_params[] = {
	{.name = "allow",
		.type = PARAM_STRINGS,
		.help = "hosts that every VM with a network may reach, in addition to those that "
			"its plan names: HOST for ports 80 and 443, HOST:PORT for one of 80, 443 "
			"and 22"},
	{.name = "allow_private",
		.type = PARAM_STRINGS,
		.help = "hosts that may have addresses outside of the public Internet; this key "
			"does not allow any host by itself"},
	{0},
};

const struct param config_registry_params[] = {
	{.name = REGISTRY_ADDRESS,
		.type = PARAM_STRING,
		.not_empty = true,
		.help = "its address, an http or https URL without credentials"},
	{.name = REGISTRY_ALSO,
		.type = PARAM_STRINGS,
		.help = "other hosts from which its files come, for example by a redirect"},
	{.name = REGISTRY_NAMED,
		.type = PARAM_STRING_MAP,
		.not_empty = true,
		.help = "of cargo: the addresses of other registries, by the names that manifests "
			"give them"},
	{.name = REGISTRY_AUTHORITIES,
		.type = PARAM_PATH,
		.file_is = "the file of ca_certificates of a registry",
		.help = "a PEM file with the authorities of its certificate, in addition to "
			"`ca_certificates`; machines that fetch, and trusted ones, trust them for "
			"all hosts that they may reach"},
	{0},
};

/*
 * Defaults of paths name the variables that they come from; resolve_all replaces them with the
 * actual paths.
 */
const struct param config_params[] = {
	{.name = "projects",
		.type = PARAM_PATH,
		.offset = offsetof(struct config, projects),
		.file_is = "the projects file",
		.preset = "$XDG_CONFIG_HOME/ambient/projects.yaml",
		.help = "the projects file"},
	{.name = "image_store",
		.type = PARAM_PATH,
		.offset = offsetof(struct config, image_store),
		.preset = "$XDG_DATA_HOME/ambient/images",
		.help = "directory of the images, the image store"},
	{.name = "state",
		.type = PARAM_PATH,
		.offset = offsetof(struct config, state),
		.preset = "$XDG_STATE_HOME/ambient",
		.help = "directory for caches, dependencies, runs and their artifacts"},
	{.name = "state_mode",
		.type = PARAM_ENUM,
		.choices = state_modes,
		.preset = "0700",
		.help = "read access to the state directory: 0700 for its owner, 0750 also for "
			"its group, 0755 for everyone"},
	{.name = "tmpdir",
		.type = PARAM_PATH,
		.offset = offsetof(struct config, tmpdir),
		.preset = "$TMPDIR, else /tmp",
		.help = "directory for temporary files of runs"},
	{.name = "executor",
		.type = PARAM_PATH,
		.offset = offsetof(struct config, executor),
		.file_is = "the executor",
		.preset = EXECUTOR,
		.help = "the executor, which runs inside a VM, as a path or as a name that is "
			"searched in PATH; the default name is first searched next to ambient"},
	{.name = "trusted_image",
		.type = PARAM_PATH,
		.offset = offsetof(struct config, trusted_image),
		.preset = CONFIG_TRUSTED_IMAGE,
		.help = "the image for the VMs of pre-plans and post-plans: a name in the image "
			"store, or the path of an image directory"},
	{.name = "ca_certificates",
		.type = PARAM_PATH,
		.offset = offsetof(struct config, ca_certificates),
		.file_is = "the file of ca_certificates",
		.help = "a PEM file with certificate authorities that pre-plans and post-plans "
			"trust, in addition to those of their image; of clients in a `fetch`, "
			"those "
			"that follow its variables"},
	{.name = "rsync_target",
		.type = PARAM_STRING,
		.offset = offsetof(struct config, rsync_target),
		.not_empty = true,
		.help = "the target to which the rsync actions copy artifacts"},
	{.name = "target", .type = PARAM_STRING, .not_empty = true, .same_as = "rsync_target"},
	{.name = "rsync_target_base",
		.type = PARAM_STRING,
		.offset = offsetof(struct config, rsync_target_base),
		.not_empty = true,
		.help = "like rsync_target, with the name of the project appended"},
	{.name = "rsync_target_map",
		.type = PARAM_STRING_MAP,
		.offset = offsetof(struct config, rsync_target_map),
		.help = "for projects by name: with rsync_target_base, what is appended to it "
			"in place of the project's name; else the rsync_target"},
	{.name = "dput_target",
		.type = PARAM_STRING,
		.offset = offsetof(struct config, dput_target),
		.not_empty = true,
		.help = "the target of the dput actions: a name from `dput_targets`, "
			"[USER@]HOST:PATH, sftp://[USER@]HOST/PATH, or http[s]://HOST/PATH for "
			"HTTP PUT"},
	{.name = "dput_targets",
		.type = PARAM_STRING_MAP,
		.help = "named targets for dput_target, by name; they replace the sections of a "
			"dput.cf"},
	{.name = "sftp_target",
		.type = PARAM_STRING,
		.offset = offsetof(struct config, sftp_target),
		.not_empty = true,
		.help = "the target to which sftp_put uploads artifacts"},
	{.name = "sftp_target_base",
		.type = PARAM_STRING,
		.offset = offsetof(struct config, sftp_target_base),
		.not_empty = true,
		.help = "like sftp_target, with the name of the project appended"},
	{.name = "secrets",
		.type = PARAM_NAMED_MAPS,
		.sub = credentials_secret_params,
		.listed = credentials_listed_params,
		.help = "secrets, each for certain actions of certain projects"},
	{.name = "ssh",
		.type = PARAM_MAPS,
		.sub = credentials_ssh_params,
		.help = "hosts that actions log in to by ssh"},
	{.name = "artifacts_max_size",
		.type = PARAM_SIZE,
		.offset = offsetof(struct config, artifacts_max),
		.min = LIMIT_DRIVE_LEAST,
		.max = LIMIT_DRIVE_MOST,
		.preset = "1GiB",
		.help = "maximum size of the artifacts of a run"},
	{.name = "cache_max_size",
		.type = PARAM_SIZE,
		.offset = offsetof(struct config, cache_max),
		.min = LIMIT_DRIVE_LEAST,
		.max = LIMIT_DRIVE_MOST,
		.preset = "10GiB",
		.help = "maximum size of the cache of a project"},
	{.name = "deps_max_size",
		.type = PARAM_SIZE,
		.offset = offsetof(struct config, deps_max),
		.min = LIMIT_DRIVE_LEAST,
		.max = LIMIT_DRIVE_MOST,
		.preset = "10GiB",
		.help = "maximum size of the dependencies of a project"},
	{.name = "dependencies_max_size",
		.type = PARAM_SIZE,
		.min = LIMIT_DRIVE_LEAST,
		.max = LIMIT_DRIVE_MOST,
		.same_as = "deps_max_size"},
	{.name = "mirror_max_size",
		.type = PARAM_SIZE,
		.offset = offsetof(struct config, mirror_max),
		.min = LIMIT_DRIVE_LEAST,
		.max = LIMIT_DRIVE_MOST,
		.preset = "4GiB",
		.help = "maximum size of the mirror of a repository that is the source of a "
			"project"},
	{.name = "fetch_max_sent",
		.type = PARAM_SIZE,
		.offset = offsetof(struct config, fetch_max_sent),
		.min = LIMIT_SENT_LEAST,
		.preset = "1MiB",
		.help = "the bytes that actions of a pre_plan that run programs of others, like "
			"`fetch`, may send to all hosts together"},
	{.name = "log_max_size",
		.type = PARAM_SIZE,
		.offset = offsetof(struct config, log_max),
		.min = LIMIT_DRIVE_LEAST,
		.preset = "256MiB",
		.help = "maximum size of the run log; output of actions beyond it is dropped, "
			"except its end"},
	{.name = "console_max_size",
		.type = PARAM_SIZE,
		.offset = offsetof(struct config, console_max),
		.min = LIMIT_DRIVE_LEAST,
		.preset = "16MiB",
		.help = "maximum size of the console output of a VM; output beyond it is "
			"dropped, except its end"},
	{.name = "scratch_size",
		.type = PARAM_SIZE,
		.offset = offsetof(struct config, scratch_bytes),
		.min = LIMIT_SCRATCH_LEAST,
		.max = LIMIT_DRIVE_MOST,
		.preset = "20GiB",
		.help = "size of the scratch disk of a VM; it takes space on the host only for "
			"data that is written"},
	{.name = "timeout",
		.type = PARAM_DURATION,
		.offset = offsetof(struct config, timeout_ms),
		.preset = "2h",
		.help = "time limit for all actions of a run together, in all of its machines"},
	{.name = "action_timeout",
		.type = PARAM_DURATION,
		.offset = offsetof(struct config, action_timeout_ms),
		.preset = "1h",
		.help = "time limit for one action"},
	{.name = "boot_timeout",
		.type = PARAM_DURATION,
		.offset = offsetof(struct config, boot_timeout_ms),
		.preset = "120s",
		.help = "time limit for a VM from its start to the first message of its executor; "
			"a disk with "
			"a boot loader has five times as long"},
	{.name = "qemu",
		.type = PARAM_MAP,
		.sub = config_qemu_params,
		.help = "settings of QEMU and its VMs"},
	{.name = "egress",
		.type = PARAM_MAP,
		.sub = config_egress_params,
		.help = "hosts that VMs with a network may reach"},
	{.name = REGISTRIES_KEY,
		.type = PARAM_NAMED_MAPS,
		.sub = config_registry_params,
		.help = "the servers from which actions download dependencies, by ecosystem; "
			"default: those that the host's own clients have, else those that are "
			"built into the clients"},
	{.name = "uefi",
		.type = PARAM_BOOL,
		.offset = offsetof(struct config, uefi),
		.preset = "false",
		.help = "boot images that are disks by UEFI, even those that were imported for "
			"BIOS"},
	{.name = "lint",
		.type = PARAM_BOOL,
		.offset = offsetof(struct config, lint),
		.preset = "true",
		.help = "warn about probable mistakes in plans before they run"},
	{.name = "vm_user",
		.type = PARAM_STRING,
		.offset = offsetof(struct config, vm_user),
		.not_empty = true,
		.help = "the user, by name or number, that QEMU runs as when ambient is started by "
			"root; a number without an entry in the password database has the group of "
			"the same number; 0 is refused; default: one that nothing else on the host "
			"uses"},
	{.name = "keep_runs",
		.type = PARAM_UINT,
		.offset = offsetof(struct config, keep_runs),
		.min = 1,
		.max = LIMIT_KEEP_RUNS,
		.preset = "10",
		.help = "number of runs of a project to keep, with their logs and artifacts"},
	{.name = "keep_days",
		.type = PARAM_UINT,
		.offset = offsetof(struct config, keep_days),
		.min = 1,
		.max = LIMIT_KEEP_DAYS,
		.help = "remove runs older than this many days"},
	{.name = "keep_bytes",
		.type = PARAM_SIZE,
		.offset = offsetof(struct config, keep_bytes),
		.min = LIMIT_DRIVE_LEAST,
		.help = "remove the oldest runs of a project until its runs take at most this "
			"much space"},
	{.name = "keep_scopes",
		.type = PARAM_UINT,
		.offset = offsetof(struct config, keep_scopes),
		.min = 1,
		.max = LIMIT_KEEP_RUNS,
		.preset = "10",
		.help = "number of cache scopes of a project (--cache-scope) whose caches are "
			"kept, the newest ones"},
	{.name = "disk_budget",
		.type = PARAM_SIZE,
		.offset = offsetof(struct config, disk_budget),
		.min = LIMIT_DRIVE_LEAST,
		.help = "the disk space that all images, dependencies, caches and runs together "
			"may use: `ambient gc` removes what can be made again until they use no "
			"more, and `ambient run` warns of more"},
	{.name = "cpus",
		.type = PARAM_UINT,
		.min = 1,
		.max = LIMIT_CPUS,
		.deprecated = "cpus under qemu",
		.help = "the old spelling of qemu.cpus"},
	{.name = "memory",
		.type = PARAM_SIZE,
		.min = LIMIT_MEMORY_LEAST,
		.max = LIMIT_MEMORY_MOST,
		.deprecated = "memory under qemu",
		.help = "the old spelling of qemu.memory"},
	{0},
};

void config_release(struct config *c)
{
	strv_release(&c->files);
	strv_release(&c->warnings);
	strv_release(&c->authorities);
	node_free(c->effective);
	node_free(c->registries);
	schema_release(config_params, c);
	schema_release(config_qemu_params, c);
	credentials_release(&c->credentials);
	strv_release(&c->egress_allow);
	strv_release(&c->egress_allow_private);
	*c = (struct config){0};
}

/* ---- options ---- */

static void set_number(struct node *map, const char *key, uint64_t value)
{
	if (value)
		node_set_uint(map, key, value);
}

static void set_text(struct node *map, const char *key, const char *value)
{
	if (value)
		node_set_string(map, key, value);
}

static void apply_options(struct config *c)
{
	struct node *qemu = node_get(c->effective, "qemu");

	set_text(c->effective, "rsync_target", c->options.rsync_target);
	set_text(c->effective, "dput_target", c->options.dput_target);
	set_number(qemu, "cpus", c->options.cpus);
	set_number(qemu, "memory", c->options.memory);
	if (c->options.uefi)
		node_set_bool(c->effective, "uefi", true);
}

/* ---- values ---- */

/*
 * Resolve a path of a file: `~` is the home directory, relative paths are relative to the file.
 */
static char *resolve(const struct node *given)
{
	auto_free char *expanded = home_expand(given->text);
	auto_free char *file = path_absolute(given->file);
	auto_free char *dir = path_parent(file);
	auto_free char *joined = path_join(dir, expanded);

	return path_absolute(joined);
}

/* The position is kept, for messages about the file. */
static void resolve_at(struct node *map, const char *key)
{
	struct node *item = node_get(map, key);
	char *path = item && item->text ? resolve(item) : NULL;

	if (!path)
		return;
	free(item->text);
	item->text = path;
}

static char *default_tmpdir(void)
{
	const char *dir = getenv("TMPDIR");

	return mem_strdup(dir && dir[0] == '/' ? dir : "/tmp");
}

/* Takes ownership of `fallback`. The effective configuration shows the resulting path. */
static void resolve_or(struct config *c, const struct node *map, const char *key, char *fallback)
{
	if (node_get_text(map, key, NULL))
		resolve_at(c->effective, key);
	else
		node_set_string(c->effective, key, fallback);
	free(fallback);
}

static char *xdg_path(const char *variable, const char *fallback, const char *name)
{
	auto_free char *dir = home_xdg(variable, fallback);

	return path_join(dir, name);
}

/* A name without a slash is kept: it is looked up in PATH or in the image store. */
static void resolve_unless_name(struct node *map, const char *key)
{
	const char *given = node_get_text(map, key, NULL);

	if (given && (strchr(given, '/') || given[0] == '~'))
		resolve_at(map, key);
}

static void resolve_all(struct config *c, const struct node *map)
{
	struct node *effective = c->effective, *item;

	resolve_or(c, map, "projects",
		xdg_path("XDG_CONFIG_HOME", ".config", "ambient/projects.yaml"));
	resolve_or(
		c, map, "image_store", xdg_path("XDG_DATA_HOME", ".local/share", "ambient/images"));
	resolve_or(c, map, "state", xdg_path("XDG_STATE_HOME", ".local/state", "ambient"));
	resolve_or(c, map, "tmpdir", default_tmpdir());
	resolve_unless_name(effective, "trusted_image");
	resolve_unless_name(effective, "executor");
	resolve_unless_name(node_get(effective, "qemu"), "program");
	resolve_at(effective, "ca_certificates");
	node_each (node_get(effective, REGISTRIES_KEY), item)
		resolve_at(item, REGISTRY_AUTHORITIES);
	node_each (node_get(effective, "secrets"), item)
		resolve_at(item, "file");
	node_each (node_get(effective, "ssh"), item) {
		resolve_at(item, "known_hosts");
		resolve_at(item, "certificate");
	}
}

static void load_authorities(struct config *c)
{
	const struct node *item;

	if (c->ca_certificates)
		strv_push(&c->authorities, c->ca_certificates);
	node_each (node_get(c->effective, REGISTRIES_KEY), item) {
		const char *file = node_get_text(item, REGISTRY_AUTHORITIES, NULL);

		if (file && !strv_has(&c->authorities, file))
			strv_push(&c->authorities, file);
	}
}

static void load_values(struct config *c)
{
	schema_load(config_params, c->effective, c);
	schema_load(config_qemu_params, node_get(c->effective, "qemu"), c);
	load_authorities(c);
	c->state_mode =
		(mode_t)strtoul(schema_text(config_params, c->effective, "state_mode"), NULL, 8);
	if (c->options.rsync_target)
		c->rsync_target_map = NULL;
	/*
	 * The default name is treated like no name: the executor is then found where it was
	 * installed, in PATH or not.
	 */
	if (strcmp(c->executor, EXECUTOR) == 0)
		free(steal_ptr(&c->executor));
}

/* Each item is tried on its own first, so that the error has its position. */
static int load_hosts(
	const struct config *c, const char *key, struct strv *ret_hosts, struct err *e)
{
	const struct node *list = node_get(node_get(c->effective, "egress"), key), *item;

	node_each (list, item) {
		auto_egress struct egress alone = {0};
		const char *text = node_text(item);
		struct err why = {0};

		if ((strcmp(key, "allow") == 0 ? egress_add_configured(&alone, text, "", &why)
					       : egress_add_private(&alone, text, &why)) < 0)
			return node_err(item, NULL, e, "%s", why.msg);
		strv_push(ret_hosts, text);
	}
	return 0;
}

static int load_egress(struct config *c, struct err *e)
{
	auto_egress struct egress all = {0};

	if (load_hosts(c, "allow", &c->egress_allow, e) < 0 ||
		load_hosts(c, "allow_private", &c->egress_allow_private, e) < 0)
		return -1;
	return egress_add_config(&all, &c->egress_allow, &c->egress_allow_private, e);
}

/* A dput_target that is the name of a section of a dput.cf in the list of secrets. */
static int add_dput_target(struct config *c, struct err *e)
{
	const struct credential *file = credentials_find(&c->credentials, "dput.cf");
	struct node *targets = node_get(c->effective, "dput_targets");
	auto_free char *target = NULL;

	if (!c->dput_target || !file || !file->listed || node_get(targets, c->dput_target))
		return 0;
	if (dputcf_target(file->file, c->dput_target, &target, e) < 0)
		return -1;
	if (!target)
		return 0;
	if (!targets)
		targets = node_set_map(c->effective, "dput_targets");
	node_set_string(targets, c->dput_target, target);
	return 0;
}

int config_load(const struct configfiles *files, const struct config_options *options,
	struct config *ret_config, struct err *e)
{
	auto_config struct config c = {.options = options ? *options : (struct config_options){0}};
	auto_node struct node *map = NULL;

	if (configfiles_read(files, config_params, &c.files, &c.warnings, &map, e) < 0)
		return -1;
	if (credentials_name_listed(map, e) < 0)
		return -1;
	c.effective = schema_fill(config_params, map);
	apply_options(&c);
	resolve_all(&c, map);
	load_values(&c);
	if (load_egress(&c, e) < 0 || credentials_load(c.effective, NULL, &c.credentials, e) < 0 ||
		add_dput_target(&c, e) < 0)
		return -1;
	*ret_config = c;
	c = (struct config){0};
	return 0;
}
