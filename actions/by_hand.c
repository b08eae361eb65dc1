/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The actions of a plan that is carried out without a machine. Those that unpack and pack are not our
 * steps of the same names, which read and write drives in one strict form: they run the system's tar,
 * on devices or files that the plan names, relative to where the executor was started.
 */
#include "actions/table.h"
#include "os/path.h"

static const struct param tar_params[] = {
	{.name = "archive",
		.type = PARAM_STRING,
		.required = true,
		.not_empty = true,
		.help = "the archive, a file or a device"},
	{.name = "directory",
		.type = PARAM_STRING,
		.required = true,
		.not_empty = true,
		.help = "the directory"},
	{0},
};

/* An absolute path is no option for tar, and no name of a host. */
static void add_tar(
	const struct entry *entry, const char *what, const char *member, struct plan *out)
{
	auto_free char *archive = path_absolute(schema_text(tar_params, entry->args, "archive"));
	auto_free char *directory =
		path_absolute(schema_text(tar_params, entry->args, "directory"));
	const char *const make[] = {"mkdir", "-p", "--", directory, NULL};
	const char *const argv[] = {
		"tar", "--no-same-owner", "-C", directory, what, archive, member, NULL};

	if (!member)
		node_set_string(actions_add_program(entry, make, out), "directory", "/");

	/* The source directory may be what is unpacked. */
	node_set_string(actions_add_program(entry, argv, out), "directory", "/");
}

static int expand_extract(
	const struct entry *entry, const struct node *settings, struct plan *out, struct err *e)
{
	(void)settings;
	(void)e;
	add_tar(entry, "-xf", NULL, out);
	return 0;
}

static int expand_create(
	const struct entry *entry, const struct node *settings, struct plan *out, struct err *e)
{
	(void)settings;
	(void)e;
	add_tar(entry, "-cf", ".", out);
	return 0;
}

static const struct action extract = {
	.name = STEP_UNPACK,
	.summary = "Unpack an archive by the system's tar.",
	.where = IN_PLAN,
	.params = tar_params,
	.expand = expand_extract,
};

static const struct action create = {
	.name = STEP_PACK,
	.summary = "Pack a directory by the system's tar.",
	.where = IN_PLAN,
	.params = tar_params,
	.expand = expand_create,
};

const struct action *const actions_by_hand[] = {
	&action_shell,
	&action_custom,
	&action_mkdir,
	&action_symlink,
	&action_create_file,
	&action_setenv,
	&action_pwd,
	&action_dummy,
	&action_git_config,
	&action_cargo_fmt,
	&action_cargo_clippy,
	&action_cargo_deny,
	&action_cargo_doc,
	&action_cargo_build,
	&action_cargo_test,
	&action_cargo_install,
	&action_deb_install,
	&action_deb,
	&action_deb2,
	&extract,
	&create,
	NULL,
};

const struct ecosystem *const actions_by_hand_ecosystems[] = {
	&ecosystem_cargo,
	NULL,
};
