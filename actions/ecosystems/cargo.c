/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rust: crates that cargo fetches, and cargo itself in the plan, offline.
 *
 * cargo fetch runs programs that .cargo/config.toml of the source names. Therefore the machine is
 * given the manifests and lock files alone. cargo looks for the other files of a package, too, to know its
 * targets, and does not open them: they are there, and empty.
 */
#include <string.h>

#include "actions/table.h"
#include "base/mem.h"
#include "contract/ecosystem.h"

#define HOME_OF_CARGO GUEST_DEPS "/cargo"

static const struct param no_params[] = {{0}};

/* ---- the registry ---- */

static const char *const also[] = {"static.crates.io", NULL};

#define SOURCE_IN(path)                                                                            \
	{                                                                                          \
		.file = (path), .section = "source.crates-io", .key = "replace-with",              \
		.then_prefix = "source.", .then_key = "registry", .or_prefix = "registries.",      \
		.or_key = "index"                                                                  \
	}

static const struct client_setting settings_of_cargo[] = {
	SOURCE_IN("~/.cargo/config.toml"),
	SOURCE_IN("~/.cargo/config"),
	{0},
};

static const struct action_variable always[] = {
	{.name = "CARGO_HOME",
		.value = HOME_OF_CARGO,
		.help = "where cargo finds the crates that a pre-plan has fetched"},
	{.name = "CARGO_TARGET_DIR",
		.value = GUEST_CACHE "/cargo-target",
		.help = "build directory of cargo, kept for the next run"},
	{.name = "RUST_BACKTRACE", .value = "1", .help = "a panic prints where it was"},
	{.name = "CARGO_HTTP_CAINFO",
		.value = GUEST_CERTIFICATES,
		.fetch_only = true,
		.authorities = true,
		.help = "with `ca_certificates`: these and those of the image, for cargo"},
	{0},
};

const struct ecosystem ecosystem_cargo = {
	.name = "cargo",
	.client = "cargo",
	.address = "sparse+https://index.crates.io/",
	.probe = "config.json",
	.also = also,
	.named = true,
	.settings = settings_of_cargo,
	.always = always,
};

/* ---- cargo_fetch ---- */

static void reads(const struct entry *entry, struct action_reads *ret)
{
	static const char *const optional[] = {
		"**/Cargo.toml", "Cargo.lock", "deny.toml", ".deny.toml", ".cargo/deny.toml"};

	(void)entry;
	for (size_t i = 0; i < ARRAY_SIZE(optional); i++)
		strv_push(&ret->optional, optional[i]);
	strv_push(&ret->names, "**/*.rs");
	strv_push(&ret->without, "target");
}

/*
 * With another registry, cargo keeps what it has fetched under that one's name, so the plan needs the
 * same configuration. cargo deny fetches advisories alone: it finds the index where cargo keeps it, and
 * no check of the plan needs the rest, which is on another host.
 */
static const char fetch_script[] =
	"mkdir -p \"$CARGO_HOME\"\n"
	"rm -f \"$CARGO_HOME/config.toml\"\n"
	"[ -z \"${AMBIENT_REGISTRY-}\" ] || printf '%s\\n' '[source.crates-io]' "
	"'replace-with = \"ambient\"' "
	"'[source.ambient]' \"registry = \\\"$AMBIENT_REGISTRY\\\"\" >\"$CARGO_HOME/config.toml\"\n"
	"[ -z \"${AMBIENT_NAMED-}\" ] || printf '%s' \"$AMBIENT_NAMED\" "
	">>\"$CARGO_HOME/config.toml\"\n"
	"locked=\n"
	"[ ! -e Cargo.lock ] || locked=--locked\n"
	"cargo fetch $locked\n"
	"[ ! -e deny.toml ] && [ ! -e .deny.toml ] && [ ! -e .cargo/deny.toml ] || "
	"cargo deny --locked fetch db\n";

/* The lines of cargo's configuration for registries that manifests name. */
static void set_named(struct node *step, const struct node *named)
{
	auto_buf struct buf lines = {0};
	const struct node *item;

	buf_init(&lines, LIMIT_ARG_BYTES);
	node_each (named, item)
		buf_addf(&lines, "[registries.%s]\nindex = \"%s\"\n", item->key, item->text);
	if (lines.len)
		actions_set_variable(step, "AMBIENT_NAMED", lines.data);
}

static int expand_fetch(
	const struct entry *entry, const struct node *settings, struct plan *out, struct err *e)
{
	struct node *step;
	const char *address;

	if (actions_registry(entry, settings, &address, e) < 0)
		return -1;
	step = actions_add_script(entry, fetch_script, out);
	if (strcmp(address, entry->action->ecosystem->address) != 0)
		actions_set_variable(step, "AMBIENT_REGISTRY", address);
	set_named(step, actions_named_registries(entry, settings));
	return 0;
}

static const struct action_variable gives[] = {
	{.name = "CARGO_NET_OFFLINE", .value = "true", .help = "cargo reaches no registry"},
	{0},
};

const struct action action_cargo_fetch = {
	.name = "cargo_fetch",
	.summary =
		"Download the crates that the workspace needs, and the advisories for cargo deny "
		"if there is a deny.toml.",
	.where = IN_PRE,
	.fetches = true,
	.determined = true,
	.ecosystem = &ecosystem_cargo,
	.gives = gives,
	.params = no_params,
	.expand = expand_fetch,
	.reach = actions_reach_registry,
	.reads = reads,
};

/* ---- cargo in the plan ---- */

/* The differences between the actions below. */
struct command {
	const char *argv[10]; /* ends with NULL */
	const char *variable, *value;
};

/* A source need not have a lock file; if it has one, nothing else is used. */
static const char if_locked[] =
	"if [ -e Cargo.lock ]; then command=$1; shift; set -- \"$command\" --locked \"$@\"; fi; "
	"exec cargo \"$@\"";
#define CARGO "sh", "-c", if_locked, "cargo"
#define OFFLINE "--offline"

static int expand_command(
	const struct entry *entry, const struct node *settings, struct plan *out, struct err *e)
{
	const struct command *command = entry->action->kind;
	struct node *step = actions_add_program(entry, command->argv, out);

	(void)settings;
	(void)e;
	if (command->variable)
		actions_set_variable(step, command->variable, command->value);
	return 0;
}

static const struct command fmt = {.argv = {"cargo", "fmt", "--check"}};
static const struct command deny = {.argv = {CARGO, "deny", OFFLINE, "--workspace", "check"}};
static const struct command doc = {.argv = {CARGO, "doc", OFFLINE, "--workspace"},
	.variable = "RUSTDOCFLAGS",
	.value = "-D warnings"};
static const struct command build = {
	.argv = {CARGO, "build", OFFLINE, "--workspace", "--all-targets"}};
static const struct command test = {.argv = {CARGO, "test", OFFLINE, "--workspace"}};
static const struct command install = {
	.argv = {CARGO, "install", OFFLINE, "--bins", "--path=.", "--root"}};

const struct action action_cargo_fmt = {
	.name = "cargo_fmt",
	.summary = "Check the formatting of the whole workspace.",
	.where = IN_PLAN,
	.kind = &fmt,
	.params = no_params,
	.expand = expand_command,
};

const struct action action_cargo_deny = {
	.name = "cargo_deny",
	.summary = "Check the dependencies against deny.toml, offline.",
	.where = IN_PLAN,
	.kind = &deny,
	.params = no_params,
	.expand = expand_command,
};

const struct action action_cargo_doc = {
	.name = "cargo_doc",
	.summary = "Build the documentation of the whole workspace, offline, and locked if there "
		   "is a Cargo.lock.",
	.where = IN_PLAN,
	.kind = &doc,
	.params = no_params,
	.expand = expand_command,
};

const struct action action_cargo_build = {
	.name = "cargo_build",
	.summary = "Build the whole workspace, offline, and locked if there is a Cargo.lock.",
	.where = IN_PLAN,
	.kind = &build,
	.params = no_params,
	.expand = expand_command,
};

const struct action action_cargo_test = {
	.name = "cargo_test",
	.summary = "Test the whole workspace, offline, and locked if there is a Cargo.lock.",
	.where = IN_PLAN,
	.kind = &test,
	.params = no_params,
	.expand = expand_command,
};

static int expand_install(
	const struct entry *entry, const struct node *settings, struct plan *out, struct err *e)
{
	if (expand_command(entry, settings, out, e) < 0)
		return -1;
	node_add_string(
		node_get(out->steps[out->count - 1].args, "argv"), actions_artifacts(settings));
	return 0;
}

const struct action action_cargo_install = {
	.name = "cargo_install",
	.summary = "Install the programs of the project into the artifacts, offline, and locked if "
		   "there is a Cargo.lock.",
	.where = IN_PLAN,
	.kind = &install,
	.params = no_params,
	.expand = expand_install,
};

/* ---- cargo_clippy ---- */

static const struct param clippy_params[] = {
	{.name = "deps",
		.type = PARAM_BOOL,
		.preset = "true",
		.help = "check members of the workspace, too, that others only depend on"},
	{0},
};

static const struct command clippy = {
	.argv = {CARGO, "clippy", OFFLINE, "--workspace", "--all-targets", "--verbose"}};

static int expand_clippy(
	const struct entry *entry, const struct node *settings, struct plan *out, struct err *e)
{
	struct node *argv;

	if (expand_command(entry, settings, out, e) < 0)
		return -1;
	argv = node_get(out->steps[out->count - 1].args, "argv");
	if (!schema_bool(clippy_params, entry->args, "deps"))
		node_add_string(argv, "--no-deps");
	node_add_string(argv, "--");
	node_add_string(argv, "--deny=warnings");
	return 0;
}

const struct action action_cargo_clippy = {
	.name = "cargo_clippy",
	.summary = "Run clippy on the whole workspace, offline, and locked if there is a "
		   "Cargo.lock, with warnings as errors.",
	.where = IN_PLAN,
	.kind = &clippy,
	.params = clippy_params,
	.expand = expand_clippy,
};
