/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Node: packages that npm fetches into its cache, from which `npm ci` installs in the plan. Scripts
 * of packages run in the plan alone.
 */
#include <string.h>

#include "actions/ecosystems/npmlock.h"
#include "actions/table.h"
#include "base/mem.h"
#include "contract/ecosystem.h"

#define PLACE GUEST_DEPS "/npm-cache"

static const struct param no_params[] = {{0}};

static const struct client_setting settings_of_npm[] = {
	{.file = "~/.npmrc", .key = "registry"},
	{.file = "/etc/npmrc", .key = "registry"},
	{0},
};

/* The lock files of Yarn 1 name it. */
static const char *const also[] = {"registry.yarnpkg.com", NULL};

const struct ecosystem ecosystem_npm = {
	.name = "npm",
	.client = "npm",
	.address = NPM_ADDRESS,
	.probe = "-/ping",
	.also = also,
	.settings = settings_of_npm,
};

/* ---- npm_get ---- */

static const char *const locks[] = {NPM_LOCKS};

static void reads_lock(const struct entry *entry, struct action_reads *ret)
{
	(void)entry;
	for (size_t i = 0; i < ARRAY_SIZE(locks); i++)
		strv_push(&ret->optional, locks[i]);
}

/* The lock file is read in the machine (npmlock.h). */
static int expand_get(
	const struct entry *entry, const struct node *settings, struct plan *out, struct err *e)
{
	auto_node struct node *work = node_map();
	const char *address;

	if (actions_registry(entry, settings, &address, e) < 0)
		return -1;
	node_set_string(work, "registry", address);
	action_net_add_work(entry, work, false, out);
	return 0;
}

/* Without them, npm asks for more than packages, and prints it. */
#define QUIET                                                                                      \
	{.name = "npm_config_audit", .value = "false", .help = "npm asks for no advisories"},      \
		{.name = "npm_config_fund",                                                        \
			.value = "false",                                                          \
			.help = "npm prints no requests for money"},                               \
	{                                                                                          \
		.name = "npm_config_update_notifier", .value = "false",                            \
		.help = "npm does not look for a newer npm"                                        \
	}

static const struct action_variable quiet[] = {QUIET, {0}};

const struct action action_npm_get = {
	.name = "npm_get",
	.summary =
		"Download the archives of all packages that package-lock.json names, to " GUEST_DEPS
		"/" NPM_DEPS ", and verify their integrity.",
	.where = IN_PRE,
	.determined = true,
	.ecosystem = &ecosystem_npm,
	.gives = quiet,
	.params = no_params,
	.expand = expand_get,
	.reach = actions_reach_registry,
	.reads = reads_lock,
};

/* ---- npm_fetch ---- */

static void reads(const struct entry *entry, struct action_reads *ret)
{
	reads_lock(entry, ret);
	strv_push(&ret->optional, "**/package.json");
	strv_push(&ret->without, "node_modules");
}

/* "resolved": "file:NAME.tgz": an archive that is in the source. */
static void follow(const char *path, const char *text, struct strv *ret_paths)
{
	static const char key[] = "\"file:";
	const char *at = text;

	if (strcmp(path, "package-lock.json") != 0 && strcmp(path, "npm-shrinkwrap.json") != 0)
		return;
	while ((at = strstr(at, key))) {
		size_t len = strcspn(at += strlen(key), "\"\n");

		if (len > 4 && strncmp(at + len - 4, ".tgz", 4) == 0)
			strv_pushf(ret_paths, "%.*s", (int)len, at);
	}
}

/* npm installs what it fetches; only its cache is kept. */
static const char script[] = "if [ ! -e package-lock.json ] && [ ! -e npm-shrinkwrap.json ]; then\n"
			     "	echo 'npm_fetch: there is no package-lock.json in the source: "
			     "\"npm install\" makes one' >&2\n"
			     "	exit 1\n"
			     "fi\n"
			     "npm ci --ignore-scripts\n";

static int expand(
	const struct entry *entry, const struct node *settings, struct plan *out, struct err *e)
{
	struct node *step;
	const char *address;

	if (actions_registry(entry, settings, &address, e) < 0)
		return -1;
	step = actions_add_script(entry, script, out);
	actions_set_variable(step, "npm_config_cache", PLACE);
	actions_set_variable(step, "npm_config_registry", address);
	for (const struct action_variable *v = quiet; v->name; v++)
		actions_set_variable(step, v->name, v->value);
	return 0;
}

static const struct action_variable gives[] = {
	{.name = "npm_config_cache", .value = PLACE, .help = "where npm finds the packages"},
	{.name = "npm_config_offline", .value = "true", .help = "npm reaches no registry"},
	{.name = "npm_config_registry",
		.of_registry = true,
		.help = "npm finds packages in its cache by the address from which they came"},
	QUIET,
	{0},
};

const struct action action_npm_fetch = {
	.name = "npm_fetch",
	.summary = "Download the packages that package-lock.json names, for `npm ci` in the plan.",
	.where = IN_PRE,
	.fetches = true,
	.determined = true,
	.ecosystem = &ecosystem_npm,
	.gives = gives,
	.params = no_params,
	.expand = expand,
	.reach = actions_reach_registry,
	.reads = reads,
	.follow = follow,
};
