/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Known actions that this version does not implement. Their tables are complete, so that files with
 * these actions can be parsed and checked, `ambient plan` and `ambient actions` show them, and
 * `ambient run` reports that they are not implemented. An action gets its own file when it is
 * implemented.
 */
#include <string.h>

#include "actions/table.h"
#include "base/limits.h"
#include "base/text.h"

static const struct param no_params[] = {{0}};

/* ---- cargo ---- */

const struct action action_cargo_fetch = {
	.name = "cargo_fetch",
	.summary = "Download the crates that Cargo.lock names. No code of the project runs.",
	.where = IN_PRE,
	.params = no_params,
};

const struct action action_cargo_fmt = {
	.name = "cargo_fmt",
	.summary = "Check the formatting of the whole workspace.",
	.where = IN_PLAN,
	.params = no_params,
};

const struct action action_cargo_clippy = {
	.name = "cargo_clippy",
	.summary =
		"Run clippy on the whole workspace, offline and locked, with warnings as errors.",
	.where = IN_PLAN,
	.params = no_params,
};

const struct action action_cargo_deny = {
	.name = "cargo_deny",
	.summary = "Check the dependencies against deny.toml, offline.",
	.where = IN_PLAN,
	.params = no_params,
};

const struct action action_cargo_doc = {
	.name = "cargo_doc",
	.summary = "Build the documentation of the whole workspace, offline and locked.",
	.where = IN_PLAN,
	.params = no_params,
};

const struct action action_cargo_build = {
	.name = "cargo_build",
	.summary = "Build the whole workspace, offline and locked.",
	.where = IN_PLAN,
	.params = no_params,
};

const struct action action_cargo_test = {
	.name = "cargo_test",
	.summary = "Test the whole workspace, offline and locked.",
	.where = IN_PLAN,
	.params = no_params,
};

const struct action action_cargo_install = {
	.name = "cargo_install",
	.summary = "Install the programs of the project into the artifacts, offline and locked.",
	.where = IN_PLAN,
	.params = no_params,
};

static const char *const rustup_profiles[] = {"minimal", "default", "complete", NULL};

static const struct param rustup_params[] = {
	{.name = "channel",
		.type = PARAM_STRING,
		.not_empty = true,
		.preset = "stable",
		.help = "the toolchain: stable, 1.95, 1.95.0, nightly-2026-01-31"},
	{.name = "target",
		.type = PARAM_STRING,
		.not_empty = true,
		.help = "a target platform to add, for example x86_64-unknown-linux-musl"},
	{.name = "components",
		.type = PARAM_STRINGS,
		.help = "components to add, for example clippy"},
	{.name = "profile",
		.type = PARAM_ENUM,
		.choices = rustup_profiles,
		.help = "the set of components to install"},
	{0},
};

const struct action action_rustup = {
	.name = "rustup",
	.summary = "Download a Rust toolchain for the plan.",
	.where = IN_PRE,
	.params = rustup_params,
};

/* ---- downloads ---- */

static int refuse(const struct node *n, const char *what, const char *file, struct err *e)
{
	auto_free char *shown = text_safe(n->text, LIMIT_NAME_BYTES);

	return node_err(n, file, e, "'%s' %s", shown, what);
}

const struct action action_npm_get = {
	.name = "npm_get",
	.summary = "Download every package that package-lock.json names.",
	.where = IN_PRE,
	.params = no_params,
};

static const struct param deb_get_params[] = {
	{.name = "packages",
		.type = PARAM_STRINGS,
		.required = true,
		.not_empty = true,
		.help = "Debian packages; their dependencies are included"},
	{.name = "suite",
		.type = PARAM_STRING,
		.not_empty = true,
		.preset = "stable",
		.help = "the Debian release"},
	{.name = "cert",
		.type = PARAM_STRING,
		.help = "the key that signs the release file, if it is not one of Debian's"},
	{0},
};

const struct action action_deb_get = {
	.name = "deb_get",
	.summary = "Download Debian packages of a release whose signature is verified.",
	.where = IN_PRE,
	.params = deb_get_params,
};

/* ---- Debian packages ---- */

static const struct param sub_directory_params[] = {
	{.name = "artifacts",
		.type = PARAM_PATH,
		.preset = ".",
		.help = "a sub-directory of the artifacts"},
	{0},
};

static int check_sub_directory(const struct node *args, const char *file, struct err *e)
{
	const struct node *n = node_get(args, "artifacts");
	auto_free char *slashed = n ? mem_printf("/%s/", n->text) : NULL;

	if (n && (n->text[0] == '/' || strstr(slashed, "/../")))
		return refuse(n, "is not a sub-directory of the artifacts", file, e);
	return 0;
}

const struct action action_deb = {
	.name = "deb",
	.summary = "Build a Debian package of the source tree into the artifacts.",
	.where = IN_PLAN,
	.params = no_params,
	.lint = {.family = "packages", .generation = 1},
};

const struct action action_deb2 = {
	.name = "deb2",
	.summary = "Build a Debian package of the source tree into a directory of the artifacts.",
	.where = IN_PLAN,
	.params = sub_directory_params,
	.check = check_sub_directory,
	.lint = {.family = "packages", .generation = 2},
};
