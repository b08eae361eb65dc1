/* SPDX-License-Identifier: Apache-2.0 */
/* A Rust toolchain, which rustup of the image fetches. */
#include <string.h>

#include "actions/table.h"
#include "base/mem.h"
#include "contract/ecosystem.h"

#define PLACE GUEST_DEPS "/rustup"

const struct ecosystem ecosystem_rustup = {
	.name = "rustup",
	.client = "rustup",
	.address = "https://static.rust-lang.org",
	.probe = "dist/channel-rust-stable.toml.sha256",
};

static const char *const profiles[] = {"minimal", "default", "complete", NULL};

static const struct param params[] = {
	{.name = "channel",
		.type = PARAM_STRING,
		.not_empty = true,
		.help = "the toolchain: stable, 1.95, 1.95.0, nightly-2026-01-31; default: what "
			"rust-toolchain.toml of the source says, else stable"},
	{.name = "target",
		.type = PARAM_STRING,
		.not_empty = true,
		.help = "a target platform to add, for example x86_64-unknown-linux-musl"},
	{.name = "components",
		.type = PARAM_STRINGS,
		.help = "components to add, for example clippy"},
	{.name = "profile",
		.type = PARAM_ENUM,
		.choices = profiles,
		.help = "the set of components to install"},
	{0},
};

static void reads(const struct entry *entry, struct action_reads *ret)
{
	(void)entry;
	strv_push(&ret->optional, "rust-toolchain.toml");
	strv_push(&ret->optional, "rust-toolchain");
}

/*
 * The arguments are those of `rustup toolchain install`. The first toolchain becomes the default of the
 * plan. rustup installs what rust-toolchain.toml says by one command or the other, as its version is.
 * `rustup show` succeeds also if it could install nothing.
 */
static const char script[] =
	"if [ -z \"${AMBIENT_CHANNEL-}\" ] && { [ -e rust-toolchain.toml ] || [ -e rust-toolchain "
	"]; }; then\n"
	"	if rustup toolchain install --help | grep -q '\\[TOOLCHAIN\\]'; then\n"
	"		rustup toolchain install --no-self-update\n"
	"	else\n"
	"		rustup show\n"
	"		rustup which rustc\n"
	"	fi\n"
	"	exit\n"
	"fi\n"
	"channel=${AMBIENT_CHANNEL:-stable}\n"
	"set -- ${AMBIENT_PROFILE:+--profile \"$AMBIENT_PROFILE\"} ${AMBIENT_TARGET:+--target "
	"\"$AMBIENT_TARGET\"} "
	"${AMBIENT_COMPONENTS:+--component \"$AMBIENT_COMPONENTS\"}\n"
	"rustup toolchain install --no-self-update \"$channel\" \"$@\"\n"
	"rustup default >/dev/null 2>&1 || rustup default \"$channel\"\n";

static char *joined(const struct node *list)
{
	auto_buf struct buf b = {0};
	const struct node *item;

	if (!node_count(list))
		return NULL;
	buf_init(&b, LIMIT_PLAN_BYTES);
	node_each (list, item)
		buf_addf(&b, "%s%s", b.len ? "," : "", item->text);
	return mem_strdup(b.data);
}

static int expand(
	const struct entry *entry, const struct node *settings, struct plan *out, struct err *e)
{
	auto_free char *components = joined(node_get(entry->args, "components"));
	struct node *step;
	const char *address;

	if (actions_registry(entry, settings, &address, e) < 0)
		return -1;
	step = actions_add_script(entry, script, out);
	actions_set_variable(step, "RUSTUP_HOME", PLACE);
	actions_set_variable(step, "RUSTUP_DIST_SERVER", address);
	actions_set_variable(step, "AMBIENT_CHANNEL", schema_text(params, entry->args, "channel"));
	actions_set_variable(step, "AMBIENT_PROFILE", schema_text(params, entry->args, "profile"));
	actions_set_variable(step, "AMBIENT_TARGET", schema_text(params, entry->args, "target"));
	actions_set_variable(step, "AMBIENT_COMPONENTS", components);
	return 0;
}

static const struct action_variable gives[] = {
	{.name = "RUSTUP_HOME",
		.value = PLACE,
		.help = "where rustup finds the toolchain, also in the rest of the pre_plan",
		.fetch_too = true},
	{0},
};

const struct action action_rustup = {
	.name = "rustup",
	.summary = "Download a Rust toolchain for the plan, by rustup of the image.",
	.where = IN_PRE,
	.fetches = true,
	.determined = true,
	.ecosystem = &ecosystem_rustup,
	.gives = gives,
	.params = params,
	.expand = expand,
	.reach = actions_reach_registry,
	.reads = reads,
};
