/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ruby: gems that bundler fetches and installs. Gemfile and gemspecs are programs, and so are
 * the extensions of gems, which are built where they are fetched.
 */
#include <string.h>

#include "actions/table.h"
#include "base/mem.h"
#include "contract/ecosystem.h"

#define PLACE GUEST_DEPS "/bundle"

static const struct param no_params[] = {{0}};

static const char *const also[] = {"index.rubygems.org", NULL};

/* A line of bundler's file of settings: "BUNDLE_MIRROR__HTTPS://RUBYGEMS__ORG/: \"ADDRESS\"". */
static char *find_mirror(const char *text)
{
	static const char key[] = "BUNDLE_MIRROR__HTTPS://RUBYGEMS__ORG";

	for (const char *line = text; line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (strncmp(line, key, strlen(key)) != 0)
			continue;
		line += strlen(key);
		line += *line == '/';
		if (*line != ':')
			continue;
		line += 1 + strspn(line + 1, " \"'");
		return mem_strndup(line, strcspn(line, " \"'\r\n"));
	}
	return NULL;
}

static const struct client_setting settings_of_bundler[] = {
	{.file = "~/.bundle/config", .find = find_mirror},
	{0},
};

const struct ecosystem ecosystem_rubygems = {
	.name = "rubygems",
	.client = "bundler",
	.address = "https://rubygems.org/",
	.probe = "specs.4.8.gz",
	.also = also,
	.settings = settings_of_bundler,
};

/* A gemspec reads the version from a file of the gem, as a rule. */
static void reads(const struct entry *entry, struct action_reads *ret)
{
	static const char *const optional[] = {
		"Gemfile.lock", ".ruby-version", "**/*.gemspec", "**/version.rb"};

	(void)entry;
	strv_push(&ret->files, "Gemfile");
	for (size_t i = 0; i < ARRAY_SIZE(optional); i++)
		strv_push(&ret->optional, optional[i]);
}

static int expand(
	const struct entry *entry, const struct node *settings, struct plan *out, struct err *e)
{
	static const char *const argv[] = {"bundle", "install", NULL};
	struct node *step;
	const char *address;

	if (actions_registry(entry, settings, &address, e) < 0)
		return -1;
	step = actions_add_program(entry, argv, out);
	actions_set_variable(step, "BUNDLE_PATH", PLACE);
	actions_set_variable(step, "BUNDLE_IGNORE_CONFIG", "true");
	if (strcmp(address, entry->action->ecosystem->address) != 0)
		actions_set_variable(step, "BUNDLE_MIRROR__HTTPS://RUBYGEMS__ORG/", address);
	return 0;
}

static const struct action_variable gives[] = {
	{.name = "BUNDLE_PATH", .value = PLACE, .help = "where bundler finds the gems"},
	{.name = "BUNDLE_LOCAL", .value = "true", .help = "bundler reaches no registry"},
	{0},
};

const struct action action_bundle_fetch = {
	.name = "bundle_fetch",
	.summary = "Download and install the Ruby gems that the Gemfile names.",
	.where = IN_PRE,
	.fetches = true,
	.determined = true,
	.ecosystem = &ecosystem_rubygems,
	.gives = gives,
	.params = no_params,
	.expand = expand,
	.reach = actions_reach_registry,
	.reads = reads,
};
